# Two ends without a broker, Qpid Proton both: messages accepted, rejected with a condition, released and modified; a link refused,
# a link that the server ends, a connection that it closes with a reason, heartbeats.
# servers: python-qpid-proton (PyPI), within the client
# clients: python-qpid-proton (PyPI)
"${PYTHON:-python3}" - <<'CLIENT'
import threading
from proton import Condition, Delivery, Message, ProtonException, Terminus
from proton.handlers import MessagingHandler
from proton.reactor import Container
from proton.utils import BlockingConnection


class Refusal(MessagingHandler):
    def __init__(self, link):
        super().__init__()
        self.link = link

    def on_timer_task(self, event):
        self.link.condition = Condition("amqp:unauthorized-access", "forbidden is not for you")
        self.link.close()


class Server(MessagingHandler):
    def __init__(self):
        super().__init__(auto_accept=False)
        self.ready = threading.Event()
        self.sent = 0

    def on_start(self, event):
        self.acceptor = event.container.listen("127.0.0.1:5672")
        self.ready.set()

    def on_connection_opening(self, event):
        event.connection.container = "warehouse"

    def on_link_opening(self, event):
        link = event.link
        name = link.remote_target.address if link.is_receiver else link.remote_source.address
        if name == "forbidden":
            link.target.type = Terminus.UNSPECIFIED
            event.container.schedule(0.1, Refusal(link))
            return
        if link.remote_source.dynamic:
            link.source.address = "made-up-1"
        else:
            link.source.address = link.remote_source.address
        link.target.address = link.remote_target.address

    def on_sendable(self, event):
        while event.sender.credit and self.sent < 3:
            self.sent += 1
            event.sender.send(Message(id="s-%d" % self.sent, body={"number": self.sent}, subject="stock"))

    def on_message(self, event):
        delivery, subject = event.delivery, event.message.subject
        if subject == "bad":
            delivery.local.condition = Condition("amqp:decode-error", "cannot be read", {"field": "body"})
            self.settle(delivery, Delivery.REJECTED)
        elif subject == "later":
            self.settle(delivery, Delivery.RELEASED)
        elif subject == "failed":
            delivery.local.failed = True
            delivery.local.undeliverable = True
            self.settle(delivery, Delivery.MODIFIED)
        elif subject == "detach":
            self.settle(delivery, Delivery.ACCEPTED)
            event.link.condition = Condition("amqp:resource-deleted", "the queue is gone")
            event.link.close()
        elif subject == "close":
            event.connection.condition = Condition("amqp:connection:forced", "going down")
            event.connection.close()
        else:
            self.settle(delivery, Delivery.ACCEPTED)

    def settle(self, delivery, state):
        delivery.update(state)
        delivery.settle()


def attempt(action):
    try:
        return action()
    except ProtonException as error:
        print(error)


server = Server()
container = Container(server)
thread = threading.Thread(target=container.run, daemon=True)
thread.start()
server.ready.wait()
connection = BlockingConnection("amqp://127.0.0.1:5672", timeout=5, heartbeat=0.4)
sender = connection.create_sender("stock")
for subject in ("good", "bad", "later", "failed"):
    attempt(lambda: sender.send(Message(subject=subject, body=subject)))
attempt(lambda: connection.create_sender("forbidden"))
receiver = connection.create_receiver("stock", credit=3)
receiver.receive(timeout=5)
receiver.accept()
receiver.receive(timeout=5)
receiver.reject()
receiver.receive(timeout=5)
receiver.release()
private = connection.create_receiver(None, dynamic=True)
anonymous = connection.create_sender(None)
anonymous.send(Message(address="anywhere", body="to an address of its own"))
attempt(lambda: connection.wait(lambda: False, timeout=0.7))
attempt(lambda: sender.send(Message(subject="detach")))
attempt(lambda: connection.create_sender("other").send(Message(subject="good")))
attempt(lambda: connection.create_sender("last").send(Message(subject="close")))
CLIENT
