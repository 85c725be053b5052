# librdkafka 2.16 against the broker that is built into it: records compressed with gzip, snappy, lz4 and zstd, each with a
# trace context among its headers, and read again.
# servers: librdkafka's mock cluster
# clients: confluent-kafka (PyPI)
"${PYTHON:-python3}" - <<'CLIENT'
from confluent_kafka import Consumer, Producer, TopicPartition

broker = Producer({"test.mock.num.brokers": 1, "client.id": "broker"})
metadata = broker.list_topics(timeout=10)
address = ",".join("%s:%d" % (node.host, node.port) for node in metadata.brokers.values())

for number, codec in enumerate(["gzip", "snappy", "lz4", "zstd"], 1):
    producer = Producer({"bootstrap.servers": address, "client.id": codec, "compression.codec": codec, "linger.ms": 50})
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333%d-01" % number
    for _ in range(5):
        producer.produce("logs", value=b"a line that is much like the line before it " * 4, partition=0,
                         headers=[("traceparent", parent.encode())])
    producer.flush(10)

consumer = Consumer({"bootstrap.servers": address, "client.id": "reader", "group.id": "readers",
                     "enable.auto.commit": False})
consumer.assign([TopicPartition("logs", 0, 0)])
seen = 0
while seen < 20:
    message = consumer.poll(10)
    seen += 1 if message is not None and message.error() is None else 0
consumer.close()
CLIENT
