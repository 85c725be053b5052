# A channel that confirms: messages confirmed one by one, several by one confirmation, one that comes back since it leads
# nowhere, and one that a full queue refuses.
# servers: rabbitmq-server
# clients: pika (PyPI)
"${PYTHON:-python3}" - <<'CLIENT'
import pika

connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", heartbeat=0))
channel = connection.channel()
channel.queue_declare("small", exclusive=True, arguments={"x-max-length": 6, "x-overflow": "reject-publish"})
# The blocking channel waits for each confirmation; the one behind it does not.
answers = []
channel._impl.confirm_delivery(answers.append)


def publish(queue, body, count=1, message_id=None):
    due = len(answers) + 1
    for number in range(count):
        channel._impl.basic_publish("", queue, body, pika.BasicProperties(message_id=message_id), mandatory=True)
    while len(answers) < due:
        connection.process_data_events(time_limit=0.2)


publish("small", b"first")
publish("small", b"second")
publish("nowhere", b"comes back", message_id="m-lost")
publish("small", b"one of many", count=4)
connection.process_data_events(time_limit=0.5)
publish("small", b"one too many")
channel.close()
connection.close()
CLIENT
