"""Opens a connection over a Unix socket, and uses it once it is told to. Prints the number of its process."""
import os, socket, sys

listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(5)
client = socket.socket(socket.AF_UNIX)
client.connect(sys.argv[1])
server, _ = listener.accept()
client.send(b"before")
server.recv(100)
print(os.getpid(), flush=True)
sys.stdin.readline()
client.send(b"question")
server.recv(100)
server.send(b"answer")
client.recv(100)
