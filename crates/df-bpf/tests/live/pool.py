"""Requests that change threads, and calls that belong to none. Prints the ports of the back server and of the front one.

    pool.py threads    one thread receives all requests, others of a pool ask the back server and answer
    pool.py timer      an event loop answers requests and asks the back server, also by itself now and then

The number of the request is in every message that belongs to one.
"""
import asyncio, concurrent.futures, selectors, socket, sys, threading, time

CLIENTS, REQUESTS = 8, 10


def serve_back(connection):
    while question := connection.recv(100):
        time.sleep(0.003)
        connection.sendall(b"back " + question)


def accept_back():
    while True:
        threading.Thread(target=serve_back, args=(back.accept()[0],), daemon=True).start()


own = threading.local()


def work(connection, question):
    if not hasattr(own, "upstream"):
        own.upstream = socket.create_connection(back.getsockname())
    for part in (b"one ", b"two "):
        own.upstream.sendall(part + question)
        own.upstream.recv(100)
    connection.sendall(b"head " + question)


def serve_front():
    pool = concurrent.futures.ThreadPoolExecutor(4)
    selector = selectors.DefaultSelector()
    selector.register(front, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is front:
                selector.register(front.accept()[0], selectors.EVENT_READ)
            elif question := key.fileobj.recv(100):
                pool.submit(work, key.fileobj, question)
            else:
                selector.unregister(key.fileobj)


async def answer(reader, writer):
    upstream_reader, upstream = await asyncio.open_connection(*back.getsockname())
    while question := await reader.read(100):
        upstream.write(b"one " + question)
        await upstream_reader.read(100)
        await asyncio.sleep(0.01)
        writer.write(b"head " + question)
    writer.close()


async def tick():
    reader, writer = await asyncio.open_connection(*back.getsockname())
    while True:
        writer.write(b"tick")
        await reader.read(100)
        await asyncio.sleep(0.002)


async def loop():
    ticking = asyncio.create_task(tick())
    async with await asyncio.start_server(answer, sock=front):
        await ticking


def client(number):
    with socket.create_connection(front.getsockname()) as connection:
        for request in range(REQUESTS):
            connection.sendall(b"request %d.%d" % (number, request))
            connection.recv(100)


back, front = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
print(back.getsockname()[1], front.getsockname()[1], flush=True)
threading.Thread(target=accept_back, daemon=True).start()
is_pool = sys.argv[1] == "threads"
serving = serve_front if is_pool else lambda: asyncio.run(loop())
threading.Thread(target=serving, daemon=True).start()
# One at a time, so that the loop never has more than one request open.
clients = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
for thread in clients:
    thread.start()
    if not is_pool:
        thread.join()
for thread in clients:
    thread.join()
