# HTTP/1 upgraded to HTTP/2 without TLS: the request is answered on stream 1; another follows on the same connection.
# servers: nginx nghttpx
# clients: nghttp2-client curl
nghttp -n --upgrade --no-push "http://$SERVER:8080/item/1" "http://$SERVER:8080/missing"
curl -sS --http2 -o /dev/null "http://$SERVER:8080/item/2"
