# Three queries written in one go on one TCP connection.
# servers: named
# clients: python3
/usr/bin/python3 - <<'PYTHON'
import os, socket, struct

def query(identifier, name):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    message = struct.pack(">6H", identifier, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", 1, 1)
    return struct.pack(">H", len(message)) + message

connection = socket.create_connection((os.environ["SERVER"], 53))
connection.sendall(query(11, "www.df.test") + query(12, "nobody.df.test") + query(13, "one.item.df.test"))
left, received = 3, b""
while left:
    received += connection.recv(65536)
    while len(received) >= 2 and len(received) >= 2 + struct.unpack(">H", received[:2])[0]:
        received = received[2 + struct.unpack(">H", received[:2])[0]:]
        left -= 1
PYTHON
