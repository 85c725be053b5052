# RESP3: HELLO 3, a map and a null as replies, and pushes of invalidated keys between the replies of client-side
# caching. Sent by a plain socket, since redis-cli asks for its 170 KB of documentation first.
# servers: redis
# clients: python3
/usr/bin/python3 - <<'PYTHON'
import os, socket, time
connection = socket.create_connection((os.environ["SERVER"], 6379))
for line in ["HELLO 3", "CLIENT TRACKING ON BCAST", "SET watched 1", "SET watched 2", "GET watched", "HSET basket lamp 1",
             "HGETALL basket", "GET none", "PING"]:
    words = line.split()
    connection.sendall("".join(["*%d\r\n" % len(words)] + ["$%d\r\n%s\r\n" % (len(word), word) for word in words]).encode())
    time.sleep(0.05)
    connection.recv(65536)
PYTHON
