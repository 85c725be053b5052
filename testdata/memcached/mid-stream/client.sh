# A capture that begins in a long-lived connection: the handshake and the first command are missing, but not its answer.
# servers: memcached
# clients: python3-pymemcache
# lose: frame.number <= 4
/usr/bin/python3 - <<'PYTHON'
import os
from pymemcache.client.base import Client
client = Client((os.environ["SERVER"], 11211), default_noreply=False)
client.set("user:1", "Ada")
client.get("user:1")
client.get("user:none")
client.delete("user:1")
PYTHON
