# What the server refuses: a password, a virtual host, a queue that is not there (the channel is closed), an exchange that is
# declared as another kind, a message to an exchange that is not there, a version.
# servers: rabbitmq-server
# clients: pika (PyPI)
"${PYTHON:-python3}" - <<'CLIENT'
import socket
import pika


def connect(password="guest", vhost="/"):
    credentials = pika.PlainCredentials("guest", password)
    return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", 5672, vhost, credentials, heartbeat=0))


def attempt(action):
    try:
        action()
    except pika.exceptions.AMQPError:
        pass


attempt(lambda: connect(password="wrong"))
attempt(lambda: connect(vhost="/none"))
connection = connect()
attempt(lambda: connection.channel().queue_declare("none", passive=True))
attempt(lambda: connection.channel().exchange_declare("amq.direct", "topic"))
channel = connection.channel()
channel.basic_publish("none", "key", b"to an exchange that is not there")
attempt(lambda: channel.queue_declare("after", exclusive=True))
attempt(lambda: connection.channel().basic_get("none"))
channel = connection.channel()
channel.confirm_delivery()
attempt(lambda: channel.basic_publish("none", "key", b"to an exchange that is not there"))
connection.close()
other = socket.create_connection(("127.0.0.1", 5672))
other.sendall(b"AMQP\1\1\0\12")
other.recv(100)
other.close()
CLIENT
