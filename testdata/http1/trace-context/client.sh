# Requests that carry a context: W3C traceparent, B3 in one header and in several, sw8, uber-trace-id, and
# x-request-id.
# servers: nginx
# clients: curl
curl -sS -o /dev/null -H "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" "http://$SERVER/item/w3c" --next \
  -sS -o /dev/null -H "b3: 80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90" "http://$SERVER/item/b3" --next \
  -sS -o /dev/null -H "X-B3-TraceId: 463ac35c9f6413ad48485a3953bb6124" -H "X-B3-SpanId: a2fb4a1d1a96d312" \
  -H "X-B3-Sampled: 1" "http://$SERVER/item/b3-multi" --next \
  -sS -o /dev/null -H "sw8: 1-MWYxZDRiZjQ3YmY3MTFlYWI3OTRhY2RlNDgwMDExMjI=-MWU3YzIwNGE3YmY3MTFlYWI4NThhY2RlNDgwMDExMjI=-0-c2VydmljZQ==-aW5zdGFuY2U=-cHJvcGFnYXRpb24=-cHJvcGFnYXRpb246NTU2Ng==" "http://$SERVER/item/sw8" --next \
  -sS -o /dev/null -H "uber-trace-id: 5af7651916cd43dd8448eb211c80319c:c7ad6b7169203331:0:1" "http://$SERVER/item/uber" --next \
  -sS -o /dev/null -H "X-Request-ID: 7b0c1d2e-order-42" "http://$SERVER/item/request-id"
