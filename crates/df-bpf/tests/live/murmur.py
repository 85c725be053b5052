"""When told, a message every millisecond for half a second."""
import socket
import sys
import time

listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
server, _ = listener.accept()
sys.stdin.readline()
for _ in range(500):
    client.send(b"message.")
    server.recv(8)
    time.sleep(0.001)
