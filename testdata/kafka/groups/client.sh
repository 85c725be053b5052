# librdkafka 2.16 against the broker that is built into it: four records with headers, one of them with a trace context;
# a consumer group that reads them, commits and leaves; a producer that wants no acknowledgment.
# servers: librdkafka's mock cluster
# clients: confluent-kafka (PyPI)
"${PYTHON:-python3}" - <<'CLIENT'
from confluent_kafka import Consumer, Producer

broker = Producer({"test.mock.num.brokers": 1, "client.id": "broker"})
metadata = broker.list_topics(timeout=10)
address = ",".join("%s:%d" % (node.host, node.port) for node in metadata.brokers.values())
common = {"bootstrap.servers": address, "statistics.interval.ms": 0}

producer = Producer(dict(common, **{"client.id": "shop", "linger.ms": 50, "partitioner": "consistent"}))
context = ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
for number in range(4):
    headers = [("kind", b"order")] + ([context] if number == 1 else [])
    producer.produce("orders", key=b"customer-7", value=b"order %d" % number, headers=headers)
producer.flush(10)

silent = Producer(dict(common, **{"client.id": "meter", "acks": 0}))
silent.produce("readings", value=b"21.5", partition=0)
silent.flush(10)

consumer = Consumer(dict(common, **{"client.id": "billing-1", "group.id": "billing", "auto.offset.reset": "earliest",
                                    "enable.auto.commit": False, "session.timeout.ms": 6000}))
consumer.subscribe(["orders"])
seen = 0
while seen < 4:
    message = consumer.poll(10)
    seen += 1 if message is not None and message.error() is None else 0
consumer.commit(asynchronous=False)
consumer.close()
CLIENT
