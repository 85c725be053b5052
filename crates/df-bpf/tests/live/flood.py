"""A thousand messages at once, and one more when told. Prints the port of the server."""
import socket
import sys

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
