# Queries with EDNS: buffer size, cookie, the DO bit; and a refused one for a zone the server does not have.
# servers: named
# clients: bind9-dnsutils
dig +tries=1 +bufsize=1232 "@$SERVER" www.df.test A > /dev/null
dig +tries=1 +dnssec +nsid "@$SERVER" www.df.test AAAA > /dev/null
dig +tries=1 "@$SERVER" www.elsewhere.example A > /dev/null
