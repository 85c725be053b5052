# A capture that begins in a long-lived connection of AMQP 1.0: its login and its links were before it.
# servers: rabbitmq-server with rabbitmq_amqp1_0
# clients: python-qpid-proton (PyPI)
# lose: frame.number <= 25
"${PYTHON:-python3}" - <<'CLIENT'
from proton import Message
from proton.utils import BlockingConnection

connection = BlockingConnection("amqp://guest:guest@127.0.0.1:5672", timeout=10, allowed_mechs="PLAIN")
receiver = connection.create_receiver("/queue/jobs", credit=1)
sender = connection.create_sender("/queue/jobs")
for number in range(4):
    sender.send(Message(body="job %d" % number, id="j-%d" % number))
    receiver.receive(timeout=5)
    receiver.accept()
late = connection.create_sender("/queue/late")
late.send(Message(body="a link that was seen", id="j-late"))
connection.close()
CLIENT
