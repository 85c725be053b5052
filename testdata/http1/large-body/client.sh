# A body of 96 KiB over many segments, and a request after it on the same connection.
# servers: nginx
# clients: curl
curl -sS -o /dev/null "http://$SERVER/large.bin" -o /dev/null "http://$SERVER/item/after"
