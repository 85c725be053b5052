# kafkajs 2.2, which speaks old versions without compact lengths, against the broker that is built into librdkafka: a
# record with a trace context, and a consumer group.
# servers: librdkafka's mock cluster
# clients: kafkajs (npm), confluent-kafka (PyPI) for the broker
"${PYTHON:-python3}" - <<'CLIENT'
import subprocess
from confluent_kafka import Producer

broker = Producer({"test.mock.num.brokers": 1, "client.id": "broker"})
metadata = broker.list_topics(timeout=10)
address = ",".join("%s:%d" % (node.host, node.port) for node in metadata.brokers.values())
subprocess.run(["node", "-e", """
const { Kafka, logLevel } = require('kafkajs')
const kafka = new Kafka({ clientId: 'till', brokers: process.argv[1].split(','), logLevel: logLevel.NOTHING })
async function main() {
  const producer = kafka.producer()
  await producer.connect()
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  await producer.send({ topic: 'sales', messages: [{ key: 'a', value: 'one', headers: { traceparent } }, { value: 'two' }] })
  await producer.disconnect()
  const consumer = kafka.consumer({ groupId: 'report' })
  await consumer.connect()
  await consumer.subscribe({ topics: ['sales'], fromBeginning: true })
  let seen = 0
  await new Promise(resolve => consumer.run({ eachMessage: async () => { if (++seen === 2) resolve() } }))
  await consumer.disconnect()
}
main().then(() => process.exit(0), error => { console.error(error); process.exit(1) })
""", address], check=True, timeout=40)
CLIENT
