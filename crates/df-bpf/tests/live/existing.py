"""Opens a connection, and uses it once it is told to. Prints the port of the server."""
import socket, sys

listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(5)
client = socket.create_connection(listener.getsockname())
server, _ = listener.accept()
client.send(b"before")
server.recv(100)
print(listener.getsockname()[1], flush=True)
sys.stdin.readline()
client.send(b"question")
server.recv(100)
server.send(b"answer")
client.recv(100)
