# Commands in datagrams: a store, a hit in one datagram, a value that takes several, a miss, a number, and a binary command.
# servers: memcached
# clients: python3-minimal
/usr/bin/python3 - <<'PYTHON'
import os, socket, struct
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.connect((os.environ["SERVER"], 11211))
client.settimeout(2)
commands = [b"set user:1 0 300 3\r\nAda\r\n", b"get user:1\r\n", b"set long 0 300 1200\r\n" + b"v" * 1200 + b"\r\n",
            b"append long 0 0 1200\r\n" + b"w" * 1200 + b"\r\n", b"get long\r\n", b"get none\r\n", b"incr user:1 1\r\n",
            struct.pack("!BBHBBHIIQ", 0x80, 0, 6, 0, 0, 0, 6, 77, 0) + b"user:1"]
for number, command in enumerate(commands):
    client.send(struct.pack("!HHHH", 700 + number, 0, 1, 0) + command)
    while True:
        _, place, total, _ = struct.unpack("!HHHH", client.recv(2000)[:8])
        if place + 1 == total:
            break
PYTHON
