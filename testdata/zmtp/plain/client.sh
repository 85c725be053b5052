# Logins with the PLAIN mechanism of libzmq 4.3: one that is let in, one that is not; and a CURVE connection, of which
# nothing but its commands can be seen.
# servers: the script's own
# clients: pyzmq (PyPI)
"${PYTHON:-python3}" - <<'CLIENT'
import time
import zmq
from zmq.auth.thread import ThreadAuthenticator

context = zmq.Context()
keeper = ThreadAuthenticator(context)
keeper.start()
keeper.configure_plain(domain="*", passwords={"ada": "lovelace"})
keeper.configure_curve(domain="*", location=zmq.auth.CURVE_ALLOW_ANY)


def connection(port, server_options, client_options):
    pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    for socket, options in [(pull, server_options), (push, client_options)]:
        socket.linger = 0
        for name, value in options.items():
            setattr(socket, name, value)
    pull.bind("tcp://127.0.0.1:%d" % port)
    push.connect("tcp://127.0.0.1:%d" % port)
    return pull, push


pull, push = connection(5560, {"plain_server": True}, {"plain_username": b"ada", "plain_password": b"lovelace"})
push.send(b"work")
pull.recv()
pull.close(), push.close()
pull, push = connection(5561, {"plain_server": True}, {"plain_username": b"eve", "plain_password": b"guess"})
time.sleep(0.3)
pull.close(), push.close()
public, secret = zmq.curve_keypair()
mine, own = zmq.curve_keypair()
pull, push = connection(5562, {"curve_server": True, "curve_secretkey": secret, "curve_publickey": public},
                        {"curve_serverkey": public, "curve_secretkey": own, "curve_publickey": mine})
push.send(b"secret work")
pull.recv()
pull.close(), push.close()
keeper.stop()
context.term()
CLIENT
