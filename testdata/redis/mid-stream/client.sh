# A capture that begins in a long-lived connection: the handshake and the first command are missing, but not its reply.
# servers: redis
# clients: python3-redis
# lose: frame.number <= 5
/usr/bin/python3 - <<'PYTHON'
import os, redis
client = redis.Redis(host=os.environ["SERVER"], single_connection_client=True)
client.set("first", 1)
client.get("first")
client.incr("first")
client.ping()
PYTHON
