# The binary protocol as it was before it had versions.
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

transport = TTransport.TBufferedTransport(TSocket.TSocket(os.environ["SERVER"], 9091))
calls(TBinaryProtocol.TBinaryProtocol(transport, strictRead=False, strictWrite=False), transport)
PYTHON
