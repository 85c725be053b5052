# aiokafka 0.14 against the broker that is built into librdkafka: a consumer group and a transaction.
# servers: librdkafka's mock cluster
# clients: aiokafka (PyPI)
"${PYTHON:-python3}" - <<'CLIENT'
import asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from confluent_kafka import Producer

broker = Producer({"test.mock.num.brokers": 1, "client.id": "broker"})
metadata = broker.list_topics(timeout=10)
address = ["%s:%d" % (node.host, node.port) for node in metadata.brokers.values()]


async def main():
    producer = AIOKafkaProducer(bootstrap_servers=address, client_id="stock", transactional_id="stock-1")
    await producer.start()
    async with producer.transaction():
        await producer.send_and_wait("moves", b"one in", partition=0)
        await producer.send_and_wait("moves", b"one out", partition=1)
    await producer.stop()
    consumer = AIOKafkaConsumer("moves", bootstrap_servers=address, client_id="audit-1", group_id="audit",
                                auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    for _ in range(2):
        await asyncio.wait_for(consumer.getone(), 20)
    await consumer.commit()
    await consumer.stop()


asyncio.run(main())
CLIENT
