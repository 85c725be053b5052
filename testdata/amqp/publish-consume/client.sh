# Messages through an exchange to a queue and from there to a consumer that acknowledges, several at once too, rejects, and to
# one that does not; the trace context is among the headers; a body larger than a frame.
# servers: rabbitmq-server
# clients: pika (PyPI)
"${PYTHON:-python3}" - <<'CLIENT'
import pika

credentials = pika.PlainCredentials("guest", "guest")
connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", credentials=credentials, heartbeat=0))
channel = connection.channel()
channel.exchange_declare("orders", "topic")
channel.queue_declare("bills", exclusive=True)
channel.queue_bind("bills", "orders", "order.*")
channel.basic_qos(prefetch_count=10)
parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333%d-01"
for number in range(5):
    properties = pika.BasicProperties(content_type="text/plain", delivery_mode=1, message_id="m-%d" % number,
                                      correlation_id="c-1", app_id="shop", timestamp=1700000000,
                                      headers={"retries": 1, "deep": {"list": [1, "two", None]},
                                               "traceparent": parent % number})
    channel.basic_publish("orders", "order.new", b"an order " * 3, properties)
channel.basic_publish("orders", "order.large", b"x" * 14000, pika.BasicProperties(delivery_mode=1))
got = []
for method, properties, body in channel.consume("bills", inactivity_timeout=2):
    if method is None:
        break
    got.append(method.delivery_tag)
    if len(got) == 3:
        channel.basic_ack(got[-1], multiple=True)
    if len(got) == 4:
        channel.basic_reject(got[-1], requeue=False)
    if len(got) == 5:
        channel.basic_nack(got[-1], requeue=False)
    if len(got) == 6:
        channel.basic_ack(got[-1])
        break
channel.cancel()
queue = channel.queue_declare("", exclusive=True).method.queue
channel.basic_publish("", queue, b"to a queue without a name of its own")
for method, properties, body in channel.consume(queue, auto_ack=True, inactivity_timeout=2):
    break
channel.cancel()
channel.queue_purge("bills")
channel.queue_delete("bills")
channel.tx_select()
channel.basic_publish("orders", "order.none", b"rolled back")
channel.tx_rollback()
channel.exchange_delete("orders")
channel.close()
connection.close()
CLIENT
