"""A thousand messages at once, and one more when told, all on one processor: what found no room in its buffer is told with the
next record there. Prints the port of the server."""
import os
import socket
import sys

os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
client = socket.create_connection(listener.getsockname())
server, _ = listener.accept()
for _ in range(1000):
    client.send(b"message.")
    server.recv(8)
sys.stdin.readline()
client.send(b"last")
server.recv(4)
