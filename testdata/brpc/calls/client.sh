# Calls in bRPC's `baidu_std` with an attachment, trace context in the meta data and in the user's fields, errors of either side,
# several calls at once. Client and server are made from the specification: bRPC is in no package registry.
python3 - <<'PYTHON'
import os, socket, struct, threading, time
def varint(n):
    out = b""
    n &= (1 << 64) - 1
    while True:
        byte, n = n & 0x7F, n >> 7
        out += bytes([byte | (0x80 if n else 0)])
        if not n:
            return out
def number(field, n): return varint(field << 3) + varint(n)
def data(field, b): return varint(field << 3 | 2) + varint(len(b)) + b
def frame(meta, payload): return b"PRPC" + struct.pack(">II", len(meta) + len(payload), len(meta)) + meta + payload
def call(method, correlation, extra=b"", service=b"example.EchoService", payload=b"\x0a\x05hello", fields=()):
    meta = data(1, data(1, service) + data(2, method) + extra) + number(4, correlation)
    meta += b"".join(data(9, data(1, k) + data(2, v)) for k, v in fields)
    return frame(meta, payload)
def answer(correlation, code=0, text=b"", payload=b"\x0a\x05hello"):
    return frame(data(2, number(1, code) + (data(2, text) if text else b"")) + number(4, correlation), payload)
def take(sock, count):
    got = b""
    while len(got) < count:
        piece = sock.recv(count - len(got))
        if not piece:
            raise SystemExit
        got += piece
    return got
def read(sock):
    head = take(sock, 12)
    return take(sock, struct.unpack(">I", head[4:8])[0])
listener = socket.create_server(("127.0.0.1", 8002))
def serve():
    sock, _ = listener.accept()
    for reply in [answer(1), answer(2, 2001, b"[E2001] no such user", b""), answer(3, 1002, b"Fail to find method", b"")]:
        read(sock)
        sock.sendall(reply)
    read(sock), read(sock)
    sock.sendall(answer(5) + answer(4, payload=b"\x0a\x88\x27" + b"x" * 5000))
    time.sleep(0.2)
threading.Thread(target=serve, daemon=True).start()
open("ready", "w").close()
while not os.path.exists("go"):
    time.sleep(0.05)
sock = socket.create_connection(("127.0.0.1", 8002))
trace = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
for request in [
    call(b"Echo", 1, number(3, 77) + number(4, 0x1234ABCD) + number(5, 0x99)),
    call(b"Find", 2, data(7, b"req-1"), fields=[(b"traceparent", trace)]),
    call(b"NoSuch", 3),
]:
    sock.sendall(request)
    read(sock)
sock.sendall(call(b"Slow", 4, payload=b"\x0a\x88\x27" + b"y" * 5000) + call(b"Echo", 5))
read(sock), read(sock)
sock.close()
PYTHON
