"""Connections that end without a call of close, or whose call of close changes nothing. Prints the port of the server."""
import os, socket, struct

listener = socket.create_server(("127.0.0.1", 0))
port = listener.getsockname()[1]
print(port, flush=True)


def connected():
    connection = socket.create_connection(("127.0.0.1", port))
    server, _ = listener.accept()
    connection.send(b"here")
    assert server.recv(100) == b"here"
    return connection.detach(), server


# Another file in its place.
client, server = connected()
os.dup2(os.open("/dev/null", os.O_RDONLY), client)
assert server.recv(100) == b""
server.close()
# Together with its neighbours.
client, server = connected()
os.closerange(client, client + 1)
assert server.recv(100) == b""
server.close()
# Shut down in one direction: it has not ended by that.
client, server = connected()
half = socket.socket(fileno=client)
half.shutdown(socket.SHUT_WR)
assert server.recv(100) == b""
server.send(b"after the end")
assert half.recv(100) == b"after the end"
half.close()
server.close()
# Reset by the other end.
client, server = connected()
server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
server.close()
dead = socket.socket(fileno=client)
try:
    dead.recv(100)
    raise SystemExit("it was reset")
except ConnectionResetError:
    dead.close()
# Without a byte.
silent = socket.create_connection(("127.0.0.1", port))
server, _ = listener.accept()
silent.close()
assert server.recv(100) == b""
server.close()
# With the program that opened it.
client, server = connected()
child = os.fork()
if child == 0:
    server.close()
    os.execvp("true", ["true"])
os.waitpid(child, 0)
os.execvp("true", ["true"])
