# Five requests of different outcome, one after the other on one kept-alive connection: 200, 404, 500, 301 and 200
# with a query.
# servers: nginx
# clients: curl
curl -sS --no-progress-meter -o /dev/null "http://$SERVER/item/1" -o /dev/null "http://$SERVER/missing" \
  -o /dev/null "http://$SERVER/fail" -o /dev/null "http://$SERVER/moved" -o /dev/null "http://$SERVER/item/2?color=red&token=secret"
