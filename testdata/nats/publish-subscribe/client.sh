# nats-py 2.16 with nats-server 2.9: plain subscriptions, wildcards and a queue group; publications with and without headers,
# one with a trace context, one empty, one larger than a segment; an end after one delivery.
# servers: the script's own
# clients: nats-py (PyPI)
nats-server --addr 127.0.0.1 --port 4222 --name df-test > /dev/null 2>&1 &
server=$!
sleep 1
"${PYTHON:-python3}" - <<'CLIENT'
import asyncio
import nats


async def main():
    publisher = await nats.connect("nats://127.0.0.1:4222", name="shop")
    subscriber = await nats.connect("nats://127.0.0.1:4222", name="billing")

    async def ignore(message):
        pass
    await subscriber.subscribe("orders.eu", cb=ignore)
    await subscriber.subscribe("orders.>", queue="workers", cb=ignore)
    once = await subscriber.subscribe("news", cb=ignore)
    await once.unsubscribe(limit=1)
    await subscriber.flush()
    await publisher.publish("orders.eu", b"order 1")
    await publisher.publish("orders.us", b"")
    await publisher.publish("orders.eu", b"MSG orders.eu 1 3\r\n" * 500)
    await publisher.publish("orders.eu", b"order 2", headers={
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "Nats-Msg-Id": "order-2"})
    await publisher.publish("news", b"first")
    await publisher.publish("news", b"second")
    await publisher.publish("nobody.listens", b"lost")
    await publisher.flush()
    await asyncio.sleep(0.2)
    await subscriber.drain()
    await publisher.close()
asyncio.run(main())
CLIENT
kill $server
