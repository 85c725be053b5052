# Values larger than a segment, one of 40 KB stored and fetched, and commands after them.
# servers: redis
# clients: python3-redis
/usr/bin/python3 - <<'PYTHON'
import os, redis
client = redis.Redis(host=os.environ["SERVER"], single_connection_client=True)
client.set("large", "v" * 40000)
client.strlen("large")
client.get("large")
client.ping()
PYTHON
