# Messages sent and pulled, as RocketMQ's definitions of headers and stored messages have them: with properties and trace
# context, in JSON and in binary form, refused, acknowledged one-way, and what a broker tells its clients.
# servers: the script's own
# clients: the script's own
"${PYTHON:-python3}" - <<'CLIENT'
import json
import socket
import struct

listener = socket.create_server(("127.0.0.1", 10911))
client = socket.create_connection(("127.0.0.1", 10911))
broker, _ = listener.accept()
parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333%d-01"


def in_json(code, flag, opaque, fields, body=b"", remark=None):
    header = {"code": code, "extFields": fields, "flag": flag, "language": "JAVA", "opaque": opaque}
    if remark:
        header["remark"] = remark
    header.update(serializeTypeCurrentRPC="JSON", version=401)
    header = json.dumps(header, separators=(",", ":")).encode()
    return struct.pack(">II", 4 + len(header) + len(body), len(header)) + header + body


def in_binary(code, flag, opaque, fields, body=b"", remark=b""):
    pairs = b"".join(struct.pack(">H", len(name)) + name + struct.pack(">I", len(value)) + value
                     for name, value in fields.items())
    header = struct.pack(">HBHIII", code, 0, 401, opaque, flag, len(remark)) + remark
    header += struct.pack(">I", len(pairs)) + pairs
    return struct.pack(">II", 4 + len(header) + len(body), 1 << 24 | len(header)) + header + body


def properties(**pairs):
    return "".join("%s\x01%s\x02" % pair for pair in pairs.items())


def stored(topic, body, text):
    topic, text = topic.encode(), text.encode()
    rest = struct.pack(">IIIIQQIQ", 0xDAA320A7, 0, 2, 0, 7, 900, 0, 1_700_000_000_000) + bytes([127, 0, 0, 1, 0, 0, 1, 0])
    rest += struct.pack(">Q", 1_700_000_000_001) + bytes([127, 0, 0, 1, 0, 0, 42, 159]) + struct.pack(">IQ", 0, 0)
    rest += struct.pack(">I", len(body)) + body + bytes([len(topic)]) + topic + struct.pack(">H", len(text)) + text
    return struct.pack(">I", 4 + len(rest)) + rest


def say(sender, frame):
    receiver = broker if sender is client else client
    sender.sendall(frame)
    receiver.recv(len(frame), socket.MSG_WAITALL)


text = properties(UNIQ_KEY="7F000001", TAGS="paid", KEYS="order-1 order-2", traceparent=parent % 1)
say(client, in_json(310, 0, 1, {"a": "shop", "b": "orders", "c": "TBW102", "d": "4", "e": "2", "i": text}, b"first"))
say(broker, in_json(0, 1, 1, {"msgId": "7F00000100002A9F0000000000000000", "queueId": "2", "queueOffset": "7"}))
say(client, in_binary(310, 0, 2, {b"a": b"shop", b"b": b"orders", b"e": b"3", b"i": (properties(traceparent=parent % 2)).encode()}, b"second"))
say(broker, in_binary(2, 1, 2, {}, remark=b"[TIMEOUT_CLEAN_QUEUE]broker busy"))
say(client, in_json(10, 0, 3, {"producerGroup": "shop", "topic": "missing", "queueId": "0", "properties": ""}, b"third"))
say(broker, in_json(17, 1, 3, {}, remark="topic[missing] not exist"))
say(client, in_json(34, 0, 4, {}, b'{"clientID":"billing@1"}'))
say(broker, in_json(0, 1, 4, {}))
say(broker, in_json(40, 2, 90, {"consumerGroup": "billing"}))
pull = {"consumerGroup": "billing", "topic": "orders", "queueId": "2", "queueOffset": "7", "maxMsgNums": "32"}
say(client, in_json(11, 0, 5, pull))
found = stored("orders", b"first", text) + stored("orders", b"fourth", properties(traceparent=parent % 4))
say(broker, in_json(0, 1, 5, {"nextBeginOffset": "9", "minOffset": "0", "maxOffset": "9"}, found, remark="FOUND"))
say(client, in_json(11, 0, 6, pull))
say(broker, in_json(19, 1, 6, {"nextBeginOffset": "9", "minOffset": "0", "maxOffset": "9"}, remark="OFFSET_OVERFLOW_ONE"))
say(client, in_json(15, 2, 7, {"consumerGroup": "billing", "topic": "orders", "queueId": "2", "commitOffset": "9"}))
say(client, in_json(35, 0, 8, {"clientID": "billing@1", "consumerGroup": "billing"}))
say(broker, in_json(0, 1, 8, {}))
client.close()
broker.close()
CLIENT
