# Values larger than a segment and one larger than the server takes, and commands after them.
# servers: memcached
# clients: python3-pymemcache
/usr/bin/python3 - <<'PYTHON'
import os
from pymemcache.client.base import Client
client = Client((os.environ["SERVER"], 11211), default_noreply=False)
client.set("large:1", "v" * 20000)
client.set("large:2", "w" * 9000)
client.get_many(["large:1", "none", "large:2"])
client.get("large:2")
client.version()
PYTHON
