# The capture misses the last two thirds of a body of 96 KiB; the request after it is seen.
# servers: nginx
# clients: curl
# lose: tcp.srcport == 80 and tcp.seq > 30000 and tcp.seq < 80000 and tcp.len > 0
curl -sS -o /dev/null "http://$SERVER/large.bin" -o /dev/null "http://$SERVER/missing"
