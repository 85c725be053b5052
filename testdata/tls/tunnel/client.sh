# TLS through a proxy: HTTP CONNECT, answered 200, and then the handshake on the same connection.
# servers: tinyproxy nginx-tls
# clients: curl
curl -sSk -o /dev/null --proxytunnel --proxy "http://$SERVER:8888" "https://$SERVER/"
