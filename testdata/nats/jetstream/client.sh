# nats-py 2.16 with JetStream of nats-server 2.9: a stream, publications that are stored, one that is stored already, one
# to no stream; messages pulled, one and several at a time, acknowledged in three ways; a pull that finds nothing; messages
# pushed.
# servers: the script's own
# clients: nats-py (PyPI)
store=$(mktemp -d)
nats-server --addr 127.0.0.1 --port 4222 --name df-test -js -sd "$store" > /dev/null 2>&1 &
server=$!
sleep 1
"${PYTHON:-python3}" - <<'CLIENT'
import asyncio
import nats
import nats.errors
import nats.js.errors


async def main():
    client = await nats.connect("nats://127.0.0.1:4222", name="shop")
    stream = client.jetstream()
    await stream.add_stream(name="ORDERS", subjects=["orders.>"])
    for number in range(5):
        await stream.publish("orders.eu", b"order %d" % number, headers={"Nats-Msg-Id": "order-%d" % number})
    await stream.publish("orders.eu", b"order 4", headers={"Nats-Msg-Id": "order-4"})
    try:
        await stream.publish("returns.eu", b"return 1")
    except nats.js.errors.NoStreamResponseError:
        pass
    pull = await stream.pull_subscribe("orders.eu", durable="billing")
    [message] = await pull.fetch(1)
    await message.ack()
    messages = await pull.fetch(2)
    await messages[0].ack_sync()
    await messages[1].nak(delay=60)
    for message in await pull.fetch(10, timeout=0.5):
        await message.term()
    try:
        await pull.fetch(1, timeout=0.3)
    except nats.errors.TimeoutError:
        pass
    push = await stream.subscribe("orders.eu", durable="shipping")
    for _ in range(5):
        message = await push.next_msg(timeout=2)
        await message.ack()
    try:
        await stream.stream_info("MISSING")
    except nats.js.errors.NotFoundError:
        pass
    await client.close()
asyncio.run(main())
CLIENT
kill $server
wait $server
rm -r "$store"
