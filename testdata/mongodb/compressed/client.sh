# OP_COMPRESSED with snappy, zlib and zstd: PyMongo through a relay that offers the server's replies compressed, with
# PyMongo's own compressors, since SecantusDB has none.
# Needs a Python environment with SecantusDB 0.7.0b3, pymongo 4.20.0, python-snappy and backports.zstd (PyPI), of which PYTHON is
# the interpreter.
"$PYTHON" -m secantus --port 27117 --storage-path :memory: --log-level ERROR & server=$!
trap 'kill $server' EXIT
cat > relay.py <<'PYTHON'
import asyncio, struct, bson
from pymongo.compression_support import decompress, SnappyContext, ZlibContext, ZstdContext
CONTEXTS = {1: SnappyContext, 2: lambda: ZlibContext(6), 3: ZstdContext}
async def message(reader):
    head = await reader.readexactly(16)
    return head, await reader.readexactly(struct.unpack_from("<i", head)[0] - 16)
async def serve(reader, writer):
    server_reader, server_writer = await asyncio.open_connection("127.0.0.1", 27117)
    state = {"compressor": None}
    async def up():
        while True:
            head, body = await message(reader)
            _, request, response, opcode = struct.unpack("<iiii", head)
            if opcode == 2012:
                opcode, _, state["compressor"] = struct.unpack_from("<iib", body)
                body = decompress(body[9:], state["compressor"], 1 << 26)
            server_writer.write(struct.pack("<iiii", 16 + len(body), request, response, opcode) + body)
    async def down():
        while True:
            head, body = await message(server_reader)
            _, request, response, opcode = struct.unpack("<iiii", head)
            start = 5 if opcode == 2013 else 20
            document = bson.decode(body[start:])
            if "maxWireVersion" in document:
                document["compression"] = ["snappy", "zlib", "zstd"]
                body = body[:start] + bson.encode(document)
            elif state["compressor"]:
                packed = CONTEXTS[state["compressor"]]().compress(body)
                body = struct.pack("<iib", opcode, len(body), state["compressor"]) + packed
                opcode = 2012
            writer.write(struct.pack("<iiii", 16 + len(body), request, response, opcode) + body)
    await asyncio.wait([asyncio.create_task(up()), asyncio.create_task(down())], return_when=asyncio.FIRST_COMPLETED)
    writer.close()
    server_writer.close()
async def main():
    async with await asyncio.start_server(serve, "127.0.0.1", 27017) as server:
        await server.serve_forever()
asyncio.run(main())
PYTHON
"$PYTHON" relay.py & relay=$!
trap 'kill $server $relay' EXIT
"$PYTHON" - <<'PYTHON'
import os, time
from pymongo import MongoClient
from pymongo.errors import PyMongoError
for _ in range(100):
    try:
        MongoClient("127.0.0.1", 27017, serverSelectionTimeoutMS=200).admin.command("ping")
        break
    except PyMongoError:
        time.sleep(0.1)
open("ready", "w").close()
while not os.path.exists("go"):
    time.sleep(0.05)
for compressor in ["snappy", "zlib", "zstd"]:
    client = MongoClient("127.0.0.1", 27017, compressors=compressor, serverMonitoringMode="poll", directConnection=True)
    users = client.shop[compressor]
    for action in [
        lambda: users.insert_many([{"_id": n, "name": "user", "text": "lorem ipsum " * 20} for n in range(40)]),
        lambda: list(users.find({"name": "user"})),
        lambda: users.insert_one({"_id": 1}),
        lambda: client.shop.command("noSuchCommand"),
        lambda: users.count_documents({}),
    ]:
        try:
            action()
        except PyMongoError:
            pass
    client.close()
PYTHON
