"""A process that is killed while it has connections. Prints the port of the server."""
import os, signal, socket, time

listener = socket.create_server(("127.0.0.1", 0))
port = listener.getsockname()[1]
print(port, flush=True)
child = os.fork()
if child == 0:
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
    # One of them is open in two places, and ends with the last.
    shared = os.dup(connections[0].fileno())
    for connection in connections:
        connection.send(b"here")
    time.sleep(60)
servers = [listener.accept()[0] for _ in range(3)]
for server in servers:
    assert server.recv(100) == b"here"
# What waits to be read when a process ends makes TCP reset the connection.
servers[2].send(b"unread")
time.sleep(0.1)
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
for server in servers[:2]:
    assert server.recv(100) == b""
try:
    servers[2].recv(100)
    raise SystemExit("the connection is not reset")
except ConnectionResetError:
    pass
for server in servers:
    server.close()
