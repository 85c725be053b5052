# The name server of rocketmq-rust 1.0, asked by a client of a few lines, in JSON and in binary form: for the cluster, for
# routes that are not there, for a value; and something that no server knows.
# servers: rocketmq-namesrv (crates.io, `cargo install --locked`), in $BIN
# clients: the script's own
export ROCKETMQ_HOME="$(mktemp -d)" HOME="$(mktemp -d)"
"$BIN/rocketmq-namesrv-rust" --listenPort 9876 --bindAddress 127.0.0.1 > /dev/null 2>&1 & NAMES=$!
sleep 2
"${PYTHON:-python3}" - <<'CLIENT'
import json
import socket
import struct

connection = socket.create_connection(("127.0.0.1", 9876))


def ask(frame):
    connection.sendall(frame)
    length, = struct.unpack(">I", connection.recv(4, socket.MSG_WAITALL))
    return connection.recv(length, socket.MSG_WAITALL)


def in_json(code, opaque, fields):
    header = json.dumps({"code": code, "extFields": fields, "flag": 0, "language": "PYTHON", "opaque": opaque,
                         "serializeTypeCurrentRPC": "JSON", "version": 401}, separators=(",", ":")).encode()
    return struct.pack(">II", 4 + len(header), len(header)) + header


def in_binary(code, opaque, fields):
    pairs = b"".join(struct.pack(">H", len(name)) + name + struct.pack(">I", len(value)) + value
                     for name, value in fields.items())
    header = struct.pack(">HBHIIII", code, 7, 401, opaque, 0, 0, len(pairs)) + pairs
    return struct.pack(">II", 4 + len(header), 1 << 24 | len(header)) + header


ask(in_json(106, 1, {}))
ask(in_json(105, 2, {"topic": "TBW102"}))
ask(in_json(105, 3, {"topic": "nothing"}))
ask(in_binary(105, 4, {b"topic": b"nothing"}))
ask(in_json(100, 5, {"namespace": "shop", "key": "colour", "value": "red"}))
ask(in_json(101, 6, {"namespace": "shop", "key": "colour"}))
ask(in_json(4321, 7, {}))
CLIENT
kill $NAMES
