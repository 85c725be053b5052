# The framed transport in both encodings, and a multiplexed service.
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

for make in [TBinaryProtocol.TBinaryProtocol, TCompactProtocol.TCompactProtocol]:
    transport = TTransport.TFramedTransport(TSocket.TSocket(os.environ["SERVER"], 9090))
    calls(make(transport), transport)
transport = TTransport.TFramedTransport(TSocket.TSocket(os.environ["SERVER"], 9090))
calls(TMultiplexedProtocol.TMultiplexedProtocol(TBinaryProtocol.TBinaryProtocol(transport), "Shop"), transport)
PYTHON
