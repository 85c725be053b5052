# The Pulsar client library 3.13 against a broker of sixty lines that answers by the protocol's definition: messages alone
# and in batches, compressed and not, with a trace context among their properties; a subscription that reads and
# acknowledges them; a topic that is not there.
# servers: the script's own
# clients: pulsar-client (PyPI)
"${PYTHON:-python3}" - <<'CLIENT'
import socketserver
import struct
import threading
import pulsar


def varint(number):
    number &= 2**64 - 1
    digits = b""
    while number > 127:
        digits, number = digits + bytes([number & 127 | 128]), number >> 7
    return digits + bytes([number])


def message(*fields):
    encoded = b""
    for number, value in fields:
        if isinstance(value, int):
            encoded += varint(number << 3) + varint(value)
        else:
            encoded += varint(number << 3 | 2) + varint(len(value)) + value
    return encoded


def command(kind, *fields, behind=b""):
    encoded = message((1, kind), (kind, message(*fields)))
    return struct.pack(">II", 4 + len(encoded) + len(behind), len(encoded)) + encoded + behind


def fields(data):
    def number(at):
        value = shift = 0
        while True:
            value, shift, at = value | (data[at] & 127) << shift, shift + 7, at + 1
            if data[at - 1] < 128:
                return value, at
    at, told = 0, {}
    while at < len(data):
        key, at = number(at)
        value, at = number(at)
        if key & 7 == 2:
            value, at = data[at:at + value], at + value
        told[key >> 3] = value
    return told


stored, lock = [], threading.Lock()


class Broker(socketserver.StreamRequestHandler):
    def handle(self):
        while True:
            prefix = self.rfile.read(8)
            if len(prefix) < 8:
                return
            total, size = struct.unpack(">II", prefix)
            told = fields(self.rfile.read(size))
            behind = self.rfile.read(total - 4 - size)
            self.wfile.write(self.answer(told[1], fields(told[told[1]]), behind))

    def answer(self, kind, told, behind):
        if kind == 2:
            return command(3, (1, b"scripted"), (2, 21))
        if kind == 21 and b"missing" in told[1]:
            return command(22, (2, told[2]), (3, 1), (4, 11), (5, b"Topic not found"))
        if kind == 21:
            return command(22, (1, 0), (2, told[2]), (3, 0))
        if kind == 23:
            return command(24, (1, b"pulsar://127.0.0.1:6650"), (3, 1), (4, told[2]), (5, 1))
        if kind == 5:
            return command(17, (1, told[3]), (2, b"producer-1"), (3, -1), (4, b""))
        if kind == 6:
            stored.append(behind)
            return command(7, (1, told[1]), (2, told[2]), (3, message((1, 1), (2, len(stored)))))
        if kind == 4:
            return command(13, (1, told[5]))
        if kind == 11:
            messages, stored[:] = list(stored), []
            return b"".join(command(9, (1, told[1]), (2, message((1, 1), (2, entry))), behind=data)
                            for entry, data in enumerate(messages))
        if kind == 10:
            return command(38, (1, told[1]), (6, told[8])) if 8 in told else b""
        if kind in (12, 15, 16):
            return command(13, (1, told[2]))
        return command(19) if kind == 18 else b""


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads = True, True


server = Server(("127.0.0.1", 6650), Broker)
threading.Thread(target=server.serve_forever, daemon=True).start()

client = pulsar.Client("pulsar://127.0.0.1:6650", logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Error))
parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333%d-01"
count = 0
for codec in [pulsar.CompressionType.NONE, pulsar.CompressionType.LZ4, pulsar.CompressionType.ZLib,
              pulsar.CompressionType.ZSTD, pulsar.CompressionType.SNAPPY]:
    producer = client.create_producer("orders", compression_type=codec, batching_enabled=True,
                                      batching_max_publish_delay_ms=50)
    for number in range(3):
        producer.send_async(b"order %d " % number * 8, lambda result, identifier: None,
                            properties={"traceparent": parent % (count + 1)})
    producer.flush()
    producer.close()
    count += 1
producer = client.create_producer("orders", batching_enabled=False)
producer.send(b"alone", properties={"traceparent": parent % 9})
producer.close()
consumer = client.subscribe("orders", "billing")
for _ in range(16):
    consumer.acknowledge(consumer.receive(timeout_millis=5000))
consumer.close()
try:
    client.create_producer("missing")
except pulsar.PulsarException:
    pass
client.close()
CLIENT
