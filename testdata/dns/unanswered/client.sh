# A query that nobody answers (the server's port 53 is closed to it: the kernel says so with ICMP), tried twice.
# clients: bind9-dnsutils
dig +noedns +tries=2 +timeout=1 "@$SERVER" www.df.test A > /dev/null || true
