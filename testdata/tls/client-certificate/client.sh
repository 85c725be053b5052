# Both sides show a certificate, under TLS 1.2 and so in clear; then a client that has none.
# servers: nginx-tls
# clients: curl
curl -sSk -o /dev/null --cert client.pem --key client-key.pem --resolve "df.test:444:$SERVER" https://df.test:444/
curl -sSk -o /dev/null --resolve "df.test:444:$SERVER" https://df.test:444/
