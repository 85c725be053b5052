# AMQP 1.0 to RabbitMQ: a login, messages sent with and without settlement, some with trace context, one of several frames;
# a receiver that accepts, rejects and releases them.
# servers: rabbitmq-server with rabbitmq_amqp1_0
# clients: python-qpid-proton (PyPI)
"${PYTHON:-python3}" - <<'CLIENT'
from proton import Message
from proton.reactor import AtMostOnce
from proton.utils import BlockingConnection

CONTEXT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333%d-01"
connection = BlockingConnection("amqp://guest:guest@127.0.0.1:5672", timeout=10, allowed_mechs="PLAIN", max_frame_size=4096)
receiver = connection.create_receiver("/queue/orders", credit=10)
sender = connection.create_sender("/queue/orders")
for number in range(3):
    properties = {"traceparent": CONTEXT % number, "secret": "not to be seen"}
    sender.send(Message(body="order %d" % number, id="m-%d" % number, correlation_id="c", properties=properties, durable=True))
sender.send(Message(body=b"x" * 10000, id=7))
fast = connection.create_sender("/topic/prices", name="prices", options=AtMostOnce())
fast.send(Message(body="free"))
for action in (receiver.accept, receiver.reject, lambda: receiver.release(delivered=False), receiver.accept, receiver.accept):
    receiver.receive(timeout=5)
    action()
sender.link.close()
connection.close()
CLIENT
