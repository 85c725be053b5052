# The opcodes before OP_MSG: OP_QUERY of documents and of commands, OP_INSERT, OP_UPDATE and OP_DELETE without
# acknowledgment, OP_GET_MORE, OP_KILL_CURSORS, OP_REPLY with an error. MongoDB's own MockupDB answers as a server of version
# 3.0 would.
# Needs a Python environment with mockupdb 1.8.1 and pymongo 3.12.3 (PyPI), of which PYTHON is the interpreter.
"$PYTHON" - <<'PYTHON'
import os, time, warnings
warnings.simplefilter("ignore")
from bson.objectid import ObjectId
from mockupdb import MockupDB, OpQuery, OpGetMore, OpInsert, OpUpdate, OpDelete, OpKillCursors, Command, REPLY_FLAGS, go
from pymongo import MongoClient, WriteConcern
from pymongo.errors import PyMongoError
server = MockupDB(port=27017, auto_ismaster={"maxWireVersion": 3, "minWireVersion": 0})
server.run()
open("ready", "w").close()
while not os.path.exists("go"):
    time.sleep(0.05)
client = MongoClient("127.0.0.1", 27017, connect=False, heartbeatFrequencyMS=60000)
users = client.shop.users
def expect(action, *steps):
    future = go(action)
    for request, reply in steps:
        received = server.receives(request, timeout=10)
        if reply is not None:
            received.reply(**reply) if isinstance(reply, dict) else received.reply(*reply[0], **reply[1])
    try:
        return future()
    except PyMongoError:
        return None
quiet = client.get_database("shop", write_concern=WriteConcern(w=0)).users
expect(lambda: quiet.insert_one({"_id": 1}), (OpInsert, None))
expect(lambda: quiet.update_one({"_id": 1}, {"$set": {"name": "Ada"}}), (OpUpdate, None))
expect(lambda: quiet.delete_one({"_id": 1}), (OpDelete, None))
expect(lambda: list(users.find({"name": "Ada"}, batch_size=2)),
       (OpQuery, ([{"_id": 1}, {"_id": 2}], {"cursor_id": 123})),
       (OpGetMore, ([{"_id": 3}, {"_id": 4}], {"cursor_id": 0})))
cursor = users.find({}, batch_size=1)
expect(lambda: next(cursor), (OpQuery, ([{"_id": 1}], {"cursor_id": 456})))
expect(lambda: cursor.close(), (OpKillCursors, None))
expect(lambda: list(users.find({"$bad": 1})),
       (OpQuery, ([{"$err": "unknown operator: $bad", "code": 17287}], {"flags": REPLY_FLAGS["QueryFailure"]})))
expect(lambda: client.shop.command("count", "users"), (Command, ({"ok": 1, "n": 2})))
expect(lambda: client.shop.command("noSuchCommand"), (Command, ({"ok": 0, "errmsg": "no such cmd: noSuchCommand", "code": 59})))
time.sleep(0.3)
client.close()
server.stop()
PYTHON
