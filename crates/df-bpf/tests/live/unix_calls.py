"""Talks over Unix sockets, server and client in processes of their own. Prints the numbers of both processes first."""
import os, socket, sys, tempfile, time

path = sys.argv[1]
name = "\0" + os.path.basename(path)
listeners = [socket.socket(socket.AF_UNIX) for _ in range(2)]
for listener, address in zip(listeners, [path, name]):
    listener.bind(address)
    listener.listen(5)
ready_read, ready_write = os.pipe()
child = os.fork()
if child == 0:
    os.read(ready_read, 1)
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)
    client.send(b"before it is accepted")
    client.recv(100)
    os.write(client.fileno(), b"two")
    client.sendmsg([b"thr", b"ee", b""])
    with tempfile.TemporaryFile() as file:
        file.write(b"four")
        file.flush()
        os.sendfile(client.fileno(), file.fileno(), 0, 4)
    client.recv(3, socket.MSG_PEEK)
    client.recv(100)
    client.send(b"x" * 5000)
    client.recv(100)
    client.close()
    client = socket.socket(socket.AF_UNIX)
    client.connect(name)
    client.send(b"abstract")
    client.recv(100)
    client.close()
    os._exit(0)
print(os.getpid(), child, flush=True)
os.write(ready_write, b"x")
time.sleep(0.2)
server, _ = listeners[0].accept()
server.recv(100)
server.send(b"1")
total = 0
while total < len("twothreefour"):
    total += len(server.recv(100))
os.writev(server.fileno(), [b"an", b"swer"])
total = 0
while total < 5000:
    total += len(os.read(server.fileno(), 3000))
server.send(b"!")
assert server.recv(100) == b""
server.close()
server, _ = listeners[1].accept()
server.recv(100)
server.send(b"concrete")
server.close()
one, other = socket.socketpair()
one.send(b"asks")
other.recv(100)
other.send(b"answers")
one.recv(100)
for kind in [socket.SOCK_DGRAM, socket.SOCK_SEQPACKET]:
    left, right = socket.socketpair(socket.AF_UNIX, kind)
    left.send(b"a message")
    right.recv(100)
os.waitpid(child, 0)
