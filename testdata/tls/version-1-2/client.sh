# TLS 1.2: one connection whose certificate and protocol (ALPN) are in clear, one that takes up its ticket, and one that
# takes up an identifier.
# servers: nginx-tls
# clients: curl openssl
curl -sSk -o /dev/null --tls-max 1.2 --http2 --resolve "www.df.test:443:$SERVER" https://www.df.test/
ask() { printf 'GET / HTTP/1.0\r\n\r\n' | openssl s_client -ign_eof -tls1_2 -servername df.test "$@" > /dev/null 2>&1; }
ask -connect "$SERVER:443" -sess_out ticket.pem
ask -connect "$SERVER:443" -sess_in ticket.pem
ask -connect "$SERVER:446" -sess_out identifier.pem
ask -connect "$SERVER:446" -sess_in identifier.pem
