# Common commands one after the other on one connection, and what goes wrong: a wrong type and an unknown command.
# servers: redis
# clients: python3-redis
/usr/bin/python3 - <<'PYTHON'
import os, redis
client = redis.Redis(host=os.environ["SERVER"], single_connection_client=True)
for line in ["SET user:1 Ada", "GET user:1", "GET user:none", "INCR visits", "LPUSH queue a b c", "LRANGE queue 0 -1",
             "HSET basket:7 lamp 1 chair 2", "HGETALL basket:7", "INCR user:1", "NOSUCH command", "CONFIG GET maxmemory",
             "DEL user:1"]:
    try:
        client.execute_command(*line.split())
    except redis.RedisError:
        pass
PYTHON
