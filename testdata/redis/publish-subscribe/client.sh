# One connection subscribes to a channel and to a pattern; another publishes three messages; the first unsubscribes and
# goes on with a command. Messages that nobody asked for one by one are not replies.
# servers: redis
# clients: python3-redis
/usr/bin/python3 - <<'PYTHON'
import os, redis
client = redis.Redis(host=os.environ["SERVER"], single_connection_client=True)
subscriber = client.pubsub()
subscriber.subscribe("news")
subscriber.psubscribe("weather.*")
publisher = redis.Redis(host=os.environ["SERVER"], single_connection_client=True)
publisher.publish("news", "one")
publisher.publish("weather.sun", "two")
publisher.publish("nobody", "three")
seen = 0
while seen < 4:
    seen += subscriber.get_message(timeout=1) is not None
subscriber.unsubscribe()
subscriber.punsubscribe()
while subscriber.subscribed:
    subscriber.get_message(timeout=1)
subscriber.execute_command("PING")
publisher.get("after")
PYTHON
