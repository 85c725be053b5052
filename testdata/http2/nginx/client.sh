# Requests over one connection to nginx, one after the other: bodies of every kind, errors, an upload, trace context; then
# several at once over another.
# servers: nginx-http2
# clients: python3-httpx python3-h2 nghttp2-client
/usr/bin/python3 - <<'PYTHON'
import os
import httpx

base = "http://%s:8443" % os.environ["SERVER"]
trace = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "x-request-id": "r-17"}
with httpx.Client(http1=False, http2=True) as client:
    for path in ["/item/1?token=secret", "/empty", "/moved", "/fail", "/missing", "/page.txt", "/chunked.html", "/item/1"]:
        client.get(base + path)
    client.head(base + "/page.txt")
    client.post(base + "/orders", data={"item": 7}, headers=trace)
    client.post(base + "/orders", content=(part for part in [b"a" * 10, b"b" * 10]))
PYTHON
base="http://$SERVER:8443"
nghttp -n "$base/item/a" "$base/page.txt" "$base/item/b" "$base/missing" "$base/item/c"
