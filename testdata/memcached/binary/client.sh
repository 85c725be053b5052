# The binary protocol as libmemcached speaks it: single commands, several keys by quiet retrievals that a no-op ends,
# numbers, statistics, and a wrong type.
# servers: memcached
# clients: python3-pylibmc
/usr/bin/python3 - <<'PYTHON'
import os, pylibmc
client = pylibmc.Client([os.environ["SERVER"]], binary=True, behaviors={"tcp_nodelay": True})
client.set("user:1", "Ada", time=300)
client.get("user:1")
client.get("user:none")
client.add("user:1", "Eve")
client.add("user:2", "Grace")
client.set_multi({"a": "1", "b": "2", "c": "3"})
client.get_multi(["a", "none:1", "b", "none:2", "user:2"])
client.set("visits", 7)
client.incr("visits", 3)
client.decr("visits", 1)
client.append("user:2", " Hopper")
client.touch("user:2", 60)
for command in [lambda: client.incr("user:2"), lambda: client.incr("none"), lambda: client.replace("user:none", "x")]:
    try:
        command()
    except pylibmc.Error:
        pass
client.delete("user:1")
client.delete("none")
client.get_stats()
client.flush_all()
client.disconnect_all()
PYTHON
