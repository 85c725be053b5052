# An answer too large for a datagram: truncated over UDP, then asked again over TCP, where it needs several segments.
# Then two queries, one after the other, on one TCP connection.
# servers: named
# clients: bind9-dnsutils
dig +noedns +tries=1 "@$SERVER" big.df.test TXT > /dev/null
dig +tcp +keepopen +tries=1 "@$SERVER" www.df.test A alias.df.test A > /dev/null
