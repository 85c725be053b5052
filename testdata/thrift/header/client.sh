# The header transport in both encodings, with a trace context among its headers, and compressed.
# servers: thrift
# clients: python3-thrift thrift-compiler
PYTHONPATH=. /usr/bin/python3 - <<'PYTHON'
import os
from shop import Shop, ttypes
from thrift.Thrift import TApplicationException
from thrift.protocol import TBinaryProtocol, TCompactProtocol, THeaderProtocol, TMultiplexedProtocol
from thrift.transport import TSocket, TTransport
from thrift.transport.THeaderTransport import THeaderClientType, THeaderSubprotocolID, THeaderTransformID

def calls(protocol, transport):
    transport.open()
    client = Shop.Client(protocol)
    client.ping()
    client.order(7)
    client.buy("lamp", 2)
    for item in ["chair", "table"]:
        try:
            client.buy(item, 1)
        except (ttypes.OutOfStock, TApplicationException):
            pass
    client.log("a line that nobody answers")
    client.list_all(200)
    client.ping()
    transport.close()

for encoding in [THeaderSubprotocolID.BINARY, THeaderSubprotocolID.COMPACT]:
    transport = TSocket.TSocket(os.environ["SERVER"], 9090)
    protocol = THeaderProtocol.THeaderProtocol(transport, [THeaderClientType.HEADERS], encoding)
    protocol.set_header(b"traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    protocol.set_header(b"x-request-id", b"from-python")
    calls(protocol, transport)
transport = TSocket.TSocket(os.environ["SERVER"], 9090)
protocol = THeaderProtocol.THeaderProtocol(transport, [THeaderClientType.HEADERS], THeaderSubprotocolID.BINARY)
protocol.add_transform(THeaderTransformID.ZLIB)
protocol.set_header(b"traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
calls(protocol, transport)
PYTHON
