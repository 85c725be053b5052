# nats-py 2.16 with nats-server 2.9, joined when the connections were made and the subscriptions known: publications,
# deliveries, requests with their replies, seen from both connections.
# servers: the script's own
# clients: nats-py (PyPI)
nats-server --addr 127.0.0.1 --port 4222 --name df-test > /dev/null 2>&1 &
server=$!
sleep 1
"${PYTHON:-python3}" - <<'CLIENT'
import asyncio
import os
import signal
import subprocess
import nats


async def main():
    requester = await nats.connect("nats://127.0.0.1:4222", name="requester")
    responder = await nats.connect("nats://127.0.0.1:4222", name="responder")

    async def greet(message):
        await message.respond(b"hello " + message.data)

    async def ignore(message):
        pass
    await responder.subscribe("greet", cb=greet)
    await responder.subscribe("orders.*", cb=ignore)
    await responder.flush()
    await requester.request("greet", b"unseen")
    recorder = subprocess.Popen(["tcpdump", "--immediate-mode", "-i", "lo", "-U", "-w", os.environ["INPUT"], "tcp"], stderr=subprocess.PIPE)
    recorder.stderr.readline()
    await asyncio.sleep(0.5)
    for number in range(3):
        await requester.publish("orders.eu", b"order %d" % number)
        await requester.flush()
        await requester.request("greet", b"world")
    await requester.publish("orders.us", b"with headers", headers={"region": "us"})
    await requester.close()
    await responder.close()
    await asyncio.sleep(0.5)
    recorder.send_signal(signal.SIGINT)
    recorder.wait()
asyncio.run(main())
CLIENT
kill $server
