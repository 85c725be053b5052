# A POST that waits for "100 Continue" before it sends its body: one exchange, answered by the final 201.
# servers: nginx
# clients: curl
head -c 3000 /dev/zero | tr '\0' 'x' > order.txt
curl -sS -o /dev/null -H "Expect: 100-continue" --data-binary @order.txt "http://$SERVER/orders"
