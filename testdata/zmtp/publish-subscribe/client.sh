# A publisher and a subscriber of libzmq 4.3: two subscriptions, one of them cancelled, messages of several parts and a
# large one.
# servers: the script's own
# clients: pyzmq (PyPI)
"${PYTHON:-python3}" - <<'CLIENT'
import time
import zmq

context = zmq.Context()
publisher = context.socket(zmq.XPUB)
publisher.bind("tcp://127.0.0.1:5556")
subscriber = context.socket(zmq.SUB)
subscriber.connect("tcp://127.0.0.1:5556")
for topic in [b"sports", b"weather"]:
    subscriber.setsockopt(zmq.SUBSCRIBE, topic)
    publisher.recv()
for topic, value in [(b"sports.football", b"2:1"), (b"weather", b"rain"), (b"stocks", b"nobody asked")]:
    publisher.send_multipart([topic, value])
publisher.send_multipart([b"sports.large", b"x" * 20000])
publisher.send(b"weather alone")
for _ in range(4):
    subscriber.recv_multipart()
subscriber.setsockopt(zmq.UNSUBSCRIBE, b"weather")
time.sleep(0.2)
publisher.send_multipart([b"sports.tennis", b"6:4"])
subscriber.recv_multipart()
subscriber.close()
publisher.close()
context.term()
CLIENT
