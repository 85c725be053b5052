"""The same chain in an event loop: one thread, several requests at once. Prints both ports."""
import asyncio, sys

CLIENTS, REQUESTS = 8, 5


async def back(reader, writer):
    while (question := await reader.read(100)):
        await asyncio.sleep(0.003)
        writer.write(b"back " + question)
    writer.close()


async def front(reader, writer):
    upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", back_port)
    while (question := await reader.read(100)):
        for part in (b"one ", b"two "):
            await asyncio.sleep(0.001)
            upstream.write(part + question)
            await upstream_reader.read(100)
        writer.write(b"head " + question)
    upstream.close()
    writer.close()


async def client(number):
    reader, writer = await asyncio.open_connection("127.0.0.1", front_port)
    for request in range(REQUESTS):
        writer.write(b"request %d.%d" % (number, request))
        await reader.read(100)
    writer.close()


async def main():
    global back_port, front_port
    servers = [await asyncio.start_server(handler, "127.0.0.1", 0) for handler in (back, front)]
    back_port, front_port = (server.sockets[0].getsockname()[1] for server in servers)
    print(back_port, front_port, flush=True)
    await asyncio.gather(*(client(number) for number in range(CLIENTS)))

asyncio.run(main())
