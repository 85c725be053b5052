"""HTTPS-like conversations by Python's ssl module, for the tests of the hooks of OpenSSL.

    https.py threads|asyncio|handover CERTIFICATE KEY CONNECTIONS REQUESTS

Each request names its connection's client port and a number; each answer repeats them.
"""
import asyncio
import concurrent.futures
import socket
import ssl
import sys
import threading

style, certificate, key, connections, requests = sys.argv[1:4] + [int(word) for word in sys.argv[4:]]
server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
server_context.load_cert_chain(certificate, key)
client_context = ssl.create_default_context()
client_context.check_hostname = False
client_context.verify_mode = ssl.CERT_NONE


def request(port, number):
    return b"ask port=%d number=%d %s\n" % (port, number, b"x" * (number * 37 % 900))


def answer(line):
    return b"answer " + line


def serve_thread(connection):
    with server_context.wrap_socket(connection, server_side=True) as stream:
        for line in stream.makefile("rb"):
            stream.sendall(answer(line))


def client_thread(address):
    with client_context.wrap_socket(socket.create_connection(address)) as stream:
        answers = stream.makefile("rb")
        port = stream.getsockname()[1]
        for number in range(requests):
            stream.sendall(request(port, number))
            assert answers.readline() == answer(request(port, number))


def with_threads():
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)

    def accept():
        while True:
            threading.Thread(target=serve_thread, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.readline()
    clients = [threading.Thread(target=client_thread, args=(listener.getsockname(),)) for _ in range(connections)]
    [client.start() for client in clients]
    [client.join() for client in clients]


async def serve_task(reader, writer):
    try:
        while line := await reader.readline():
            writer.write(answer(line))
            await writer.drain()
    finally:
        writer.close()


async def client_task(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client_context)
    own = writer.get_extra_info("sockname")[1]
    for number in range(requests):
        writer.write(request(own, number))
        assert await reader.readline() == answer(request(own, number))
    writer.close()
    await writer.wait_closed()


async def with_asyncio():
    server = await asyncio.start_server(serve_task, "127.0.0.1", 0, ssl=server_context)
    port = server.sockets[0].getsockname()[1]
    print(port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    await asyncio.gather(*(client_task(port) for _ in range(connections)))
    server.close()


worker = concurrent.futures.ThreadPoolExecutor(1)


class HandedOver:
    """A connection whose socket is served by its own thread, and whose TLS by another one for all."""

    def __init__(self, connection, context, **options):
        self.connection = connection
        self.received, self.to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.received, self.to_send, **options)
        self.call(self.tls.do_handshake)

    def call(self, function, *arguments):
        while True:
            try:
                return worker.submit(function, *arguments).result()
            except ssl.SSLWantReadError:
                self.flush()
                self.received.write(self.connection.recv(65536))
            finally:
                self.flush()

    def flush(self):
        if self.to_send.pending:
            self.connection.sendall(self.to_send.read())


def serve_handed_over(connection):
    stream = HandedOver(connection, server_context, server_side=True)
    for _ in range(requests):
        stream.call(stream.tls.write, answer(stream.call(stream.tls.read, 65536)))


def with_handover():
    global serve_thread, client_thread
    serve_thread = serve_handed_over

    def client_thread(address):
        connection = socket.create_connection(address)
        stream = HandedOver(connection, client_context)
        port = connection.getsockname()[1]
        for number in range(requests):
            stream.call(stream.tls.write, request(port, number))
            assert stream.call(stream.tls.read, 65536) == answer(request(port, number))

    with_threads()


if style == "threads":
    with_threads()
elif style == "handover":
    with_handover()
else:
    asyncio.run(with_asyncio())
print("done", flush=True)
