# A POST with a body of known length, a POST sent in chunks, and a PUT that is refused with 405.
# servers: nginx
# clients: curl
curl -sS -o /dev/null -d '{"product":1,"count":2}' -H "Content-Type: application/json" "http://$SERVER/orders" --next \
  -sS -o /dev/null -X POST -H "Transfer-Encoding: chunked" -d "several words in a chunk" "http://$SERVER/orders" --next \
  -sS -o /dev/null -X PUT -d "new text" "http://$SERVER/page.txt"
