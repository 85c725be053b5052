# The text protocol: every command of a common client, hits and misses, conditions not met, commands without reply,
# several keys at once, statistics, and what goes wrong.
# servers: memcached
# clients: python3-pymemcache
/usr/bin/python3 - <<'PYTHON'
import os
from pymemcache.client.base import Client
client = Client((os.environ["SERVER"], 11211), default_noreply=False)
client.set("user:1", "Ada", expire=300)
client.get("user:1")
client.get("user:none")
client.add("user:1", "Eve")
client.add("user:2", "Grace")
client.replace("user:none", "x")
client.append("user:2", " Hopper")
client.prepend("user:2", "Rear Admiral ")
value, unique = client.gets("user:2")
client.cas("user:2", "new", unique)
client.cas("user:2", "newer", unique)
client.cas("user:none", "newer", unique)
client.get_many(["user:1", "user:2", "user:none"])
client.set("visits", "7")
client.incr("visits", 3)
client.decr("visits", 1)
client.incr("none", 1)
client.touch("user:1", 60)
client.touch("user:none", 60)
client.set("quiet", "x", noreply=True)
client.delete("quiet", noreply=True)
client.delete("user:1")
client.delete("user:1")
client.set_many({"a": "1", "b": "2"})
client.version()
client.stats()
client.stats("items")
client.cache_memlimit(16)
client.sock.sendall(b"gat 60 user:2 a\r\n")
client.sock.recv(4096)
client.sock.sendall(b"verbosity 0\r\n")
client.sock.recv(4096)
for line in [b"incr user:2 1\r\n", b"get\r\n", b"set user:3 0 0 none\r\n"]:
    client.sock.sendall(line)
    client.sock.recv(4096)
client.sock.sendall(b"get a\r\n")
client.sock.recv(4096)
client.flush_all()
client.quit()
PYTHON
