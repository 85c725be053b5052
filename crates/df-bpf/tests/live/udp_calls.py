"""Every call that moves datagrams, once. Prints the port of the server."""
import ctypes, socket

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 0))
address = server.getsockname()
print(address[1], flush=True)
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.sendto(b"question 1", address)
question, peer = server.recvfrom(100)
server.sendto(b"answer 1", peer)
client.recvfrom(100)
client.sendmsg([b"ques", b"tion 2"], [], 0, address)
question, _, _, peer = server.recvmsg(100)
server.sendmsg([b"answer 2"], [], 0, peer)
client.recvmsg(100)
client.connect(address)
client.send(b"question 3 is cut")
assert server.recv(10) == b"question 3"


class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_char_p), ("length", ctypes.c_size_t)]


class Header(ctypes.Structure):
    _fields_ = [("name", ctypes.c_void_p), ("name_length", ctypes.c_uint), ("vector", ctypes.POINTER(Vector)),
                ("vectors", ctypes.c_size_t), ("control", ctypes.c_void_p), ("control_length", ctypes.c_size_t),
                ("flags", ctypes.c_int)]


class Message(ctypes.Structure):
    _fields_ = [("header", Header), ("length", ctypes.c_uint)]


def messages(buffers):
    made = (Message * len(buffers))()
    for message, buffer in zip(made, buffers):
        message.header.vector = (Vector * 1)(Vector(ctypes.cast(buffer, ctypes.c_char_p), len(buffer)))
        message.header.vectors = 1
    return made


libc = ctypes.CDLL(None, use_errno=True)
out = [ctypes.create_string_buffer(text, len(text)) for text in (b"first of two", b"second")]
assert libc.sendmmsg(client.fileno(), messages(out), 2, 0) == 2
into = [ctypes.create_string_buffer(50) for _ in range(3)]
assert libc.recvmmsg(server.fileno(), messages(into), 3, socket.MSG_DONTWAIT, None) == 2
