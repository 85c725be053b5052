# Connections over QUIC: version 1, version 2, one whose server wants the address proven first, and one that nobody answers.
# Both peers are made of Python's aioquic 1.7.2.
# servers: quic
# clients: python3
python3 - <<'PYTHON'
import asyncio, os, ssl
from aioquic.asyncio import connect
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.packet import QuicProtocolVersion

async def say(port, version=QuicProtocolVersion.VERSION_1):
    configuration = QuicConfiguration(alpn_protocols=["echo"], verify_mode=ssl.CERT_NONE, server_name="df.test")
    configuration.original_version = version
    configuration.supported_versions = [version]
    async with connect(os.environ["SERVER"], port, configuration=configuration) as client:
        reader, writer = await client.create_stream()
        writer.write(b"hello")
        writer.write_eof()
        assert await reader.read() == b"hello"

async def main():
    await say(4433)
    await say(4433, QuicProtocolVersion.VERSION_2)
    await say(4434)
    try:
        await asyncio.wait_for(say(4499), 0.3)
    except (asyncio.TimeoutError, ConnectionError):
        pass

asyncio.run(main())
PYTHON
