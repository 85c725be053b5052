"""A QUIC server that echoes, made of aioquic: quic_server.py PORT FOLDER. A second one, a port higher, asks for proof first."""

import asyncio
import sys

from aioquic.asyncio import serve
from aioquic.quic.configuration import QuicConfiguration


def echo(reader, writer):
    async def copy():
        writer.write(await reader.read(100))
        writer.write_eof()

    asyncio.ensure_future(copy())


async def main(port, folder):
    configuration = QuicConfiguration(is_client=False, alpn_protocols=["echo"])
    configuration.load_cert_chain(f"{folder}/cert.pem", f"{folder}/key.pem")
    await serve("0.0.0.0", port, configuration=configuration, stream_handler=echo)
    await serve("0.0.0.0", port + 1, configuration=configuration, stream_handler=echo, retry=True)
    await asyncio.Future()


asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
