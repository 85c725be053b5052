# A capture that begins in a long-lived connection: the login, the consumer and the confirming of messages were before it.
# servers: rabbitmq-server
# clients: pika (PyPI)
# lose: frame.number <= 25
"${PYTHON:-python3}" - <<'CLIENT'
import pika

connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", heartbeat=0))
channel = connection.channel()
channel.queue_declare("jobs", exclusive=True)
channel.confirm_delivery()
for number in range(4):
    channel.basic_publish("", "jobs", b"job %d" % number, pika.BasicProperties(message_id="j-%d" % number))
seen = 0
for method, properties, body in channel.consume("jobs", inactivity_timeout=2):
    channel.basic_ack(method.delivery_tag)
    seen += 1
    channel.basic_publish("", "amq.direct", b"another", mandatory=False)
    if seen == 4:
        break
channel.cancel()
channel.close()
connection.close()
CLIENT
