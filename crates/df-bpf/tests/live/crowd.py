"""Many connections that ask and answer at once.

    crowd.py CONNECTIONS EXCHANGES

Prints the port, waits for a line, and ends when every connection had its exchanges.
"""
import os, selectors, socket, sys

connections, exchanges = int(sys.argv[1]), int(sys.argv[2])
listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
print(listener.getsockname()[1], flush=True)


def accept_all(selector):
    for _ in range(connections):
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(connection, selectors.EVENT_READ)


def serve():
    selector = selectors.DefaultSelector()
    accept_all(selector)
    left = connections
    while left:
        for key, _ in selector.select():
            request = key.fileobj.recv(4096)
            if request:
                key.fileobj.send(b"answer " + request)
            else:
                selector.unregister(key.fileobj)
                key.fileobj.close()
                left -= 1


def ask(connection, name, number):
    connection.send(b"ask %05d %05d %s\n" % (name, number, b"x" * ((name * 7 + number * 13) % 200)))


sys.stdin.readline()
child = os.fork()
if child == 0:
    serve()
    os._exit(0)
selector = selectors.DefaultSelector()
for name in range(connections):
    connection = socket.create_connection(listener.getsockname())
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    selector.register(connection, selectors.EVENT_READ, [name, 0])
for key in list(selector.get_map().values()):
    ask(key.fileobj, *key.data)
left = connections
while left:
    for key, _ in selector.select():
        assert key.fileobj.recv(4096).startswith(b"answer ask %05d %05d " % tuple(key.data))
        key.data[1] += 1
        if key.data[1] < exchanges:
            ask(key.fileobj, *key.data)
        else:
            selector.unregister(key.fileobj)
            key.fileobj.close()
            left -= 1
assert os.waitpid(child, 0)[1] == 0
