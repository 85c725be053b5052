"""An echo server on Debian's python3-websockets. Usage: websocket_server.py PORT"""
import asyncio
import sys

import websockets


async def echo(connection):
    async for message in connection:
        await connection.send(message)


async def main():
    async with websockets.serve(echo, "0.0.0.0", int(sys.argv[1]), compression=None):
        await asyncio.Future()


asyncio.run(main())
