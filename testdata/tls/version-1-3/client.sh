# TLS 1.3: a connection with HTTP/2, and two of which the second takes up where the first ended.
# servers: nginx-tls
# clients: curl openssl
curl -sSk -o /dev/null --http2 --resolve "www.df.test:443:$SERVER" https://www.df.test/
ask() { printf 'GET / HTTP/1.0\r\n\r\n' | openssl s_client -ign_eof -tls1_3 -servername df.test "$@" > /dev/null 2>&1; }
ask -connect "$SERVER:443" -sess_out ticket.pem
ask -connect "$SERVER:443" -sess_in ticket.pem
