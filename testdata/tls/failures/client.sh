# Handshakes that fail in clear: the server refuses a version and ciphers, the client an unknown issuer under TLS 1.2; under
# TLS 1.3 the client's alert is encrypted. Last, a client that speaks something else than TLS.
# servers: nginx-tls
# clients: curl openssl
curl -sS -o /dev/null --tls-max 1.2 --resolve "df.test:445:$SERVER" https://df.test:445/ 2> /dev/null || true
curl -sS -o /dev/null --tls-max 1.2 --resolve "df.test:443:$SERVER" https://df.test:443/ 2> /dev/null || true
curl -sS -o /dev/null --tlsv1.3 --resolve "df.test:443:$SERVER" https://df.test:443/ 2> /dev/null || true
openssl s_client -connect "$SERVER:443" -tls1_2 -cipher AES128-SHA < /dev/null > /dev/null 2>&1 || true
curl -sS -o /dev/null "http://$SERVER:443/"
