"""Datagrams between two sockets whose ports were both chosen, as of time servers. Prints the port of the one that answers."""
import socket

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 0))
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.bind(("127.0.0.1", 0))
client.connect(server.getsockname())
print(server.getsockname()[1], flush=True)
client.send(b"question")
server.sendto(b"answer", server.recvfrom(100)[1])
client.recv(100)
