# The server wants another curve than the client guesses: a HelloRetryRequest and a second hello, one handshake.
# servers: nginx-tls
# clients: curl
curl -sSk -o /dev/null --curves X25519:secp384r1 --resolve "df.test:445:$SERVER" https://df.test:445/
