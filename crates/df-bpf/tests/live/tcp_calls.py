"""Every call that moves bytes over TCP, once. Takes an address and prints the port of the server."""
import os, socket, sys, tempfile

family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
# "mapped": a server of IPv6 that is called by IPv4.
listener = socket.socket(socket.AF_INET6 if sys.argv[1] == "mapped" else family)
if sys.argv[1] == "mapped":
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.bind(("::", 0))
    target = "127.0.0.1"
else:
    target = sys.argv[1]
    listener.bind((target, 0))
listener.listen(5)
print(listener.getsockname()[1], flush=True)
client = socket.socket(family)
client.connect((target, listener.getsockname()[1]))
server, _ = listener.accept()


def exactly(sock, length, receive):
    while length > 0:
        length -= receive(length)


client.send(b"by send")
assert server.recv(100) == b"by send"
os.write(client.fileno(), b"by write")
assert os.read(server.fileno(), 100) == b"by write"
os.writev(client.fileno(), [b"by ", b"", b"write", b"v"])
assert os.readv(server.fileno(), [bytearray(4), bytearray(100)]) == 9
client.sendmsg([b"by ", b"sendmsg"])
assert server.recvmsg(100)[0] == b"by sendmsg"
# What is only looked at comes again; what is cut is asked for in two parts.
client.send(b"looked at")
assert server.recv(100, socket.MSG_PEEK) == b"looked at"
assert server.recv(6) == b"looked"
assert server.recv(100) == b" at"
# Longer than what is copied of a call.
server.sendall(b"L" * 5000)
exactly(client, 5000, lambda length: len(client.recv(length)))
# Two buffers of which the second goes beyond it.
server.sendmsg([b"a" * 1000, b"b" * 1000])
exactly(client, 2000, lambda length: client.recvmsg_into([bytearray(1500), bytearray(1500)])[0])
with tempfile.TemporaryFile() as file:
    file.write(b"F" * 700)
    file.flush()
    assert os.sendfile(server.fileno(), file.fileno(), 0, 700) == 700
exactly(client, 700, lambda length: len(client.recv(length)))
into, out = os.pipe()
os.write(out, b"S" * 300)
assert os.splice(into, server.fileno(), 300) == 300
exactly(client, 300, lambda length: os.splice(client.fileno(), out, length))
assert len(os.read(into, 1000)) == 300
# The kernel throws it away instead of copying it; what comes after it stands where it should.
client.send(b"thrown away")
server.recv(11, socket.MSG_TRUNC)
client.send(b"after all")
assert server.recv(100) == b"after all"
# A call that moves nothing is not told.
client.settimeout(0.01)
try:
    client.recv(10)
except OSError:
    pass
client.close()
assert server.recv(10) == b""
server.shutdown(socket.SHUT_RDWR)
server.close()
