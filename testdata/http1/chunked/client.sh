# A response of unknown length, sent in chunks, and another request after it on the same connection.
# servers: nginx
# clients: curl
curl -sS -o /dev/null "http://$SERVER/chunked.html" -o /dev/null "http://$SERVER/item/after"
