# A capture that begins when the first response of a kept-alive connection is already on its way: the handshake and
# the first request are missing. Two more requests follow.
# servers: nginx
# clients: curl
# lose: frame.number <= 4
curl -sS -o /dev/null "http://$SERVER/item/1" -o /dev/null "http://$SERVER/item/2" -o /dev/null "http://$SERVER/missing"
