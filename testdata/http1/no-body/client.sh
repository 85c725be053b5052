# Responses that have no body whatever their headers say: to HEAD (with Content-Length), 204, and 304 to a conditional
# request; each followed by another request on the same connection.
# servers: nginx
# clients: curl
curl -sS --head -o /dev/null "http://$SERVER/page.txt" --next \
  -sS -o /dev/null "http://$SERVER/empty" --next \
  -sS -o /dev/null -H "If-None-Match: *" "http://$SERVER/page.txt" --next \
  -sS -o /dev/null "http://$SERVER/item/last"
