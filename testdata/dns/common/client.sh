# Queries over UDP: A with two addresses, AAAA, CNAME, MX, SRV, SOA and a name that does not exist.
# servers: named
# clients: bind9-dnsutils
for query in "www.df.test A" "www.df.test AAAA" "alias.df.test A" "df.test MX" "_http._tcp.df.test SRV" "df.test SOA" "nobody.df.test A"; do
  dig +noedns +tries=1 "@$SERVER" $query > /dev/null
done
