# A tunnel through a proxy: CONNECT, answered 200, and then the request to nginx that passes through the tunnel on the
# same connection.
# servers: tinyproxy nginx
# clients: curl
curl -sS -o /dev/null --proxytunnel --proxy "http://$SERVER:8888" "http://$SERVER/item/through"
