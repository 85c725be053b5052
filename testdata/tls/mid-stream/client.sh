# A connection joined after its handshake, and one joined between the client's hello and the server's answer.
# servers: nginx-tls
# clients: curl
# lose: frame.number <= 9 or (tcp.stream == 1 and tls.handshake.type == 1)
curl -sSk -o /dev/null --tls-max 1.2 --resolve "df.test:443:$SERVER" https://df.test:443/
curl -sSk -o /dev/null --tls-max 1.2 --resolve "df.test:443:$SERVER" https://df.test:443/
