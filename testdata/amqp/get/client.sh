# Messages that are asked for one by one: one there, acknowledged and rejected, and none there; a message that comes back
# on a channel that does not confirm.
# servers: rabbitmq-server
# clients: pika (PyPI)
"${PYTHON:-python3}" - <<'CLIENT'
import pika

connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", heartbeat=0))
channel = connection.channel()
channel.queue_declare("jobs", exclusive=True)
parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
channel.basic_publish("", "jobs", b"first", pika.BasicProperties(headers={"traceparent": parent}, message_id="j-1"))
channel.basic_publish("", "jobs", b"second")
method, _, _ = channel.basic_get("jobs")
channel.basic_nack(method.delivery_tag, requeue=True)
method, _, _ = channel.basic_get("jobs")
channel.basic_ack(method.delivery_tag)
channel.basic_get("jobs", auto_ack=True)
channel.basic_get("jobs")
channel.basic_recover(requeue=True)
channel.basic_publish("", "nowhere", b"comes back", mandatory=True)
connection.process_data_events(time_limit=0.3)
connection.close()
CLIENT
