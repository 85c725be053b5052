# A WebSocket opened through nginx: 101, then frames of another protocol that are no HTTP messages.
# servers: nginx websocket
# clients: python3-websockets
/usr/bin/python3 - <<'PYTHON'
import asyncio, os
import websockets

async def main():
    async with websockets.connect("ws://%s/socket" % os.environ["SERVER"], compression=None) as connection:
        for text in ["hello", "GET / HTTP/1.1\r\n\r\n", "bye"]:
            await connection.send(text)
            assert await connection.recv() == text

asyncio.run(main())
PYTHON
