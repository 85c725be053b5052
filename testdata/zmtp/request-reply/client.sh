# Sockets of libzmq 4.3: requests and their replies, and two dealers' messages to a router.
# servers: the script's own
# clients: pyzmq (PyPI)
"${PYTHON:-python3}" - <<'CLIENT'
import zmq

context = zmq.Context()
server, client = context.socket(zmq.REP), context.socket(zmq.REQ)
server.bind("tcp://127.0.0.1:5557")
client.connect("tcp://127.0.0.1:5557")
for number in range(3):
    client.send(b"question %d" % number)
    server.recv()
    server.send_multipart([b"answer", b"%d" % number])
    client.recv_multipart()
router, dealer = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
router.bind("tcp://127.0.0.1:5558")
dealer.connect("tcp://127.0.0.1:5558")
for number in range(2):
    dealer.send_multipart([b"", b"job %d" % number])
for _ in range(2):
    router.send_multipart(router.recv_multipart())
for _ in range(2):
    dealer.recv_multipart()
for socket in [client, server, dealer, router]:
    socket.close()
context.term()
CLIENT
