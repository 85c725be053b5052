# A client that stops reading in the middle of a body, and resets the stream.
# servers: nginx-http2
# clients: curl nghttp2-client
/usr/bin/python3 - <<'PYTHON'
import os, socket, struct

def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload

def request(path):
    return b"\x82\x86\x41\x04host\x44" + bytes([len(path)]) + path

with socket.create_connection((os.environ["SERVER"], 8443)) as connection:
    connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0))
    connection.sendall(frame(1, 5, 1, request(b"/large.bin")))
    connection.recv(20000)
    connection.sendall(frame(3, 0, 1, struct.pack(">I", 8)))
    connection.sendall(frame(1, 5, 3, request(b"/item/1")))
    connection.settimeout(1)
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        pass
    connection.sendall(frame(7, 0, 0, struct.pack(">II", 0, 0)))
PYTHON
