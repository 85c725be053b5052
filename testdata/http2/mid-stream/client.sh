# A capture that begins when a connection is in use: the handshake, the preface and the first two requests are missing, and
# with them what the fields of later requests refer to.
# servers: nginx-http2
# clients: python3-httpx python3-h2
# lose: frame.number <= 18
/usr/bin/python3 - <<'PYTHON'
import os
import httpx

with httpx.Client(http1=False, http2=True) as client:
    for path in ["/item/1", "/item/1", "/item/2", "/item/2", "/missing", "/item/1"]:
        client.get("http://%s:8443%s" % (os.environ["SERVER"], path))
PYTHON
