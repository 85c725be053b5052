# An exhaust cursor: one `getMore` of PyMongo, answered by many messages.
# Needs a Python environment with SecantusDB 0.7.0b3 and pymongo 4.20.0 (PyPI), of which PYTHON is the interpreter.
"$PYTHON" -m secantus --port 27017 --storage-path :memory: --log-level ERROR & server=$!
trap 'kill $server' EXIT
"$PYTHON" - <<'PYTHON'
import os, time
from pymongo import CursorType, MongoClient
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
client = MongoClient("127.0.0.1", 27017, serverMonitoringMode="poll")
users = client.shop.users
users.insert_many([{"_id": n, "name": "user"} for n in range(100)])
print(len(list(users.find({}, cursor_type=CursorType.EXHAUST, batch_size=15))))
print(users.count_documents({}))
client.close()
PYTHON
