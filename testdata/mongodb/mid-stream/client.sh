# The recording `commands` from the middle of one connection on, a reply first. Common commands of PyMongo, and what goes wrong: an unknown command, a duplicate key within a bulk write that is `ok: 1`.
# Batches of a cursor, a comment with trace context, a write without acknowledgment, and beside all that the monitoring
# connections with their streaming `hello`.
# Needs a Python environment with SecantusDB 0.7.0b3 and pymongo 4.20.0 (PyPI), of which PYTHON is the interpreter.
"$PYTHON" -m secantus --port 27017 --storage-path :memory: --log-level ERROR & server=$!
trap 'kill $server' EXIT
"$PYTHON" - <<'PYTHON'
import time
from pymongo import MongoClient, InsertOne, UpdateOne
from pymongo.errors import PyMongoError
for _ in range(100):
    try:
        MongoClient("127.0.0.1", 27017, serverSelectionTimeoutMS=200).admin.command("ping")
        break
    except PyMongoError:
        time.sleep(0.1)
open("ready", "w").close()
while not __import__("os").path.exists("go"):
    time.sleep(0.05)
client = MongoClient("127.0.0.1", 27017, heartbeatFrequencyMS=500)
shop = client.shop
def attempt(action):
    try:
        return action()
    except PyMongoError:
        return None
attempt(lambda: client.admin.command("buildInfo"))
attempt(lambda: shop.users.insert_one({"_id": 1, "name": "Ada", "email": "ada@example.com"}))
attempt(lambda: shop.users.insert_many([{"_id": n, "name": "user"} for n in range(2, 60)]))
attempt(lambda: shop.users.insert_one({"_id": 1, "name": "Ada again"}))
attempt(lambda: shop.users.bulk_write([InsertOne({"_id": 1}), UpdateOne({"_id": 2}, {"$set": {"name": "Bob"}})], ordered=False))
attempt(lambda: list(shop.users.find({"name": "user"}, batch_size=20)))
attempt(lambda: shop.users.find_one({"_id": 1}, comment="traceparent='00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'"))
attempt(lambda: shop.users.find_one({"_id": 2}, comment={"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b8-01"}))
attempt(lambda: shop.users.update_many({}, {"$inc": {"visits": 1}}))
attempt(lambda: shop.users.count_documents({}))
attempt(lambda: list(shop.users.aggregate([{"$group": {"_id": "$name", "n": {"$sum": 1}}}])))
attempt(lambda: shop.users.find_one_and_delete({"_id": 3}))
attempt(lambda: shop.command("noSuchCommand"))
attempt(lambda: list(shop.users.find({"$nope": 1})))
attempt(lambda: list(shop.list_collections()))
attempt(lambda: shop.get_collection("log.entries", write_concern=__import__("pymongo").WriteConcern(w=0)).insert_one({"x": "y" * 9000}))
attempt(lambda: shop.get_collection("log.entries").find_one())
attempt(lambda: shop.users.drop())
time.sleep(1.2)
client.close()
PYTHON
