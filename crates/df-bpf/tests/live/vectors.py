"""A message of more pieces than are looked at, over TCP. Prints the port of the server."""
import socket

listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
client = socket.create_connection(listener.getsockname())
server, _ = listener.accept()
client.sendmsg([b"ten bytes."] * 40)
client.sendmsg([b"after it"])
received = b""
while len(received) < 408:
    received += server.recv(1000)
server.send(b"answer")
client.recv(100)
