# A conversation of OpenWire in both encodings, after the specification: a connection in tight encoding with cached values
# that subscribes, is given messages and acknowledges them, one in loose encoding that produces and is refused a
# destination.
# servers: the script's own
# clients: the script's own
"${PYTHON:-python3}" - <<'CLIENT'
import socket
import struct

listener = socket.create_server(("127.0.0.1", 61616))


def text(value):
    return struct.pack(">H", len(value)) + value


def frame(data):
    return struct.pack(">I", len(data)) + data


def wire_format(tight, cache):
    properties = {b"TightEncodingEnabled": tight, b"CacheEnabled": cache, b"SizePrefixDisabled": False}
    pairs = struct.pack(">I", len(properties)) + b"".join(text(k) + bytes([1, v]) for k, v in properties.items())
    return frame(b"\x01ActiveMQ" + struct.pack(">I", 12) + b"\x01" + struct.pack(">I", len(pairs)) + pairs)


class Tight:
    """Booleans go to the bits, the rest to the data."""

    def __init__(self, kind, number, answer):
        self.kind, self.bits, self.data = kind, [answer], struct.pack(">I", number)

    def boolean(self, value):
        self.bits.append(bool(value))
        return self

    def raw(self, data):
        self.data += data
        return self

    def string(self, value):
        return self.boolean(True).boolean(True).raw(text(value))

    def long(self, value):
        return self.boolean(False).boolean(True).raw(struct.pack(">H", value)) if value else self.boolean(False).boolean(False)

    def cached(self, number, is_new):
        return self.boolean(is_new).raw(struct.pack(">H", number))

    def identifier(self, kind, name, *numbers):
        self.boolean(True).raw(bytes([kind])).string(name)
        for number in numbers:
            self.long(number)
        return self

    def destination(self, kind, name):
        return self.boolean(True).raw(bytes([kind])).string(name)

    def frame(self):
        packed = bytearray((len(self.bits) + 7) // 8)
        for place, bit in enumerate(self.bits):
            packed[place // 8] |= bit << place % 8
        return frame(bytes([self.kind, len(packed)]) + bytes(packed) + self.data)


def say(sender, receiver, data):
    sender.sendall(data)
    receiver.recv(len(data), socket.MSG_WAITALL)


def connected():
    client = socket.create_connection(("127.0.0.1", 61616))
    return client, listener.accept()[0]


client, broker = connected()
say(client, broker, wire_format(True, True))
say(broker, client, wire_format(True, True))
say(client, broker, Tight(3, 1, True).cached(1, True).identifier(120, b"ID:ada-1").string(b"ada-1").boolean(False)
    .boolean(False).boolean(False).boolean(False).boolean(False).boolean(False).frame())
say(broker, client, Tight(30, 1, False).raw(struct.pack(">I", 1)).frame())
say(client, broker, Tight(5, 2, True).cached(2, True).identifier(122, b"ID:ada-1", 1, 1).boolean(False)
    .cached(3, True).destination(101, b"PRICES").frame())
say(broker, client, Tight(30, 2, False).raw(struct.pack(">I", 2)).frame())
say(broker, client, Tight(21, 3, False).cached(1, True).identifier(122, b"ID:ada-1", 1, 1)
    .cached(2, True).destination(101, b"PRICES").frame())
say(broker, client, Tight(21, 4, False).cached(1, False).cached(2, False).frame())
say(client, broker, Tight(22, 3, False).cached(3, False).frame())
say(client, broker, Tight(11, 4, False).frame())
client.close(), broker.close()


def loose(kind, number, answer, data=b""):
    return frame(bytes([kind]) + struct.pack(">I", number) + bytes([answer]) + data)


client, broker = connected()
say(client, broker, wire_format(False, False))
say(broker, client, wire_format(False, False))
say(client, broker, loose(3, 1, 1, b"\x01\x78\x01" + text(b"ID:eve-1") + b"\x01" + text(b"eve-1") + bytes(8)))
say(broker, client, loose(30, 1, 0, struct.pack(">I", 1)))
producer = b"\x01\x7b\x01" + text(b"ID:eve-1") + struct.pack(">QQ", 1, 1)
say(client, broker, loose(6, 2, 1, producer + b"\x01\x64\x01" + text(b"SECRETS") + bytes(6)))
say(broker, client, loose(31, 2, 0, struct.pack(">I", 2) + b"\x01\x01" + text(b"java.lang.SecurityException")
    + b"\x01" + text(b"User eve is not authorized to create: queue://SECRETS") + bytes(3)))
say(client, broker, loose(28, 3, 1, producer + b"\x01\x64\x01" + text(b"ORDERS") + bytes(90)))
say(broker, client, loose(30, 3, 0, struct.pack(">I", 3)))
say(client, broker, loose(25, 4, 0, producer + b"\x01\x66\x01" + text(b"ID:eve-1:replies") + bytes(9000)))
say(client, broker, loose(11, 5, 0))
client.close(), broker.close()
CLIENT
