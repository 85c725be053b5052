# nats-py 2.16 with nats-server 2.9: requests to a responder on another connection, several at once and out of order, with
# headers; one that nobody is there for; one that a responder does not answer; a service that fails; somebody who listens
# to everything; a client that answers itself.
# servers: the script's own
# clients: nats-py (PyPI)
nats-server --addr 127.0.0.1 --port 4222 --name df-test > /dev/null 2>&1 &
server=$!
sleep 1
"${PYTHON:-python3}" - <<'CLIENT'
import asyncio
import nats
import nats.errors
import nats.micro


async def main():
    requester = await nats.connect("nats://127.0.0.1:4222", name="requester")
    responder = await nats.connect("nats://127.0.0.1:4222", name="responder")
    listener = await nats.connect("nats://127.0.0.1:4222", name="listener")

    async def ignore(message):
        pass

    async def greet(message):
        await message.respond(b"hello " + message.data)

    async def slow(message):
        async def later():
            await asyncio.sleep(0.05 if message.data == b"first" else 0.02)
            await message.respond(message.data)
        asyncio.ensure_future(later())

    async def fail(request):
        await request.respond_error("500", "out of stock", data=b"", headers={})
    await listener.subscribe(">", cb=ignore)
    await responder.subscribe("greet", cb=greet)
    await responder.subscribe("slow", cb=slow)
    await responder.subscribe("silent", cb=ignore)
    service = await nats.micro.add_service(responder, name="stock", version="1.0.0")
    await service.add_endpoint(name="reserve", subject="stock.reserve", handler=fail)
    await responder.flush()
    await listener.flush()
    await requester.request("greet", b"world")
    await requester.request("greet", b"world", headers={
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
    await asyncio.gather(requester.request("slow", b"first"), requester.request("slow", b"second"))
    await requester.request("stock.reserve", b"7")
    try:
        await requester.request("silent", b"?", timeout=0.2)
    except nats.errors.TimeoutError:
        pass
    await listener.close()
    try:
        await requester.request("nobody", b"?")
    except nats.errors.NoRespondersError:
        pass
    await responder.request("greet", b"myself")
    await requester.close()
    await service.stop()
    await responder.close()
asyncio.run(main())
CLIENT
kill $server
