# Inline commands, as typed into telnet, several in one segment too.
# servers: redis
# clients: netcat-openbsd
{ printf 'PING\r\n'; sleep 0.2; printf 'SET greeting hello\r\nGET greeting\r\n'; sleep 0.2; printf 'QUIT\r\n'; sleep 0.2; } | nc -q 1 "$SERVER" 6379 > /dev/null
