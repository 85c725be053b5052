# A pipeline: fifty commands written in one go, and their replies; then a transaction by MULTI and EXEC, and one that
# is aborted by an error in it.
# servers: redis
# clients: python3-redis
/usr/bin/python3 - <<'PYTHON'
import os, redis
client = redis.Redis(host=os.environ["SERVER"], single_connection_client=True)
pipeline = client.pipeline(transaction=False)
for number in range(25):
    pipeline.set("key:%d" % number, number).get("key:%d" % number)
pipeline.execute()
client.pipeline(transaction=True).set("a", 1).incr("a").lpush("a", 2).execute(raise_on_error=False)
try:
    client.pipeline(transaction=True).set("b", 1).execute_command("NOSUCH").execute()
except redis.RedisError:
    pass
PYTHON
