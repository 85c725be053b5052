# What RabbitMQ refuses over AMQP 1.0: a password, an address that makes no sense, an exchange that is not there, a version.
# servers: rabbitmq-server with rabbitmq_amqp1_0
# clients: python-qpid-proton (PyPI)
"${PYTHON:-python3}" - <<'CLIENT'
import socket
from proton import Message, ProtonException
from proton.utils import BlockingConnection


def attempt(action):
    try:
        return action()
    except ProtonException as error:
        print(error)


def connect(password="guest"):
    return BlockingConnection(f"amqp://guest:{password}@127.0.0.1:5672", timeout=10, allowed_mechs="PLAIN")


attempt(lambda: connect("wrong"))
connection = connect()
attempt(lambda: connection.create_sender("/nothing/of/the/kind"))
connection = connect()
attempt(lambda: connection.create_sender("/exchange/none"))
connection = connect()
attempt(lambda: connection.create_receiver("/amq/queue/none"))
other = socket.create_connection(("127.0.0.1", 5672))
other.sendall(b"AMQP\3\2\0\0")
other.recv(100)
other.close()
CLIENT
