"""A Thrift server on Debian's python3-thrift. Usage: thrift_server.py PORT DIRECTORY-OF-GENERATED-CODE

PORT takes every transport and encoding that Python has; PORT + 1 the binary protocol without versions."""
import sys
import threading

sys.path.insert(0, sys.argv[2])

from shop import Shop, ttypes
from thrift.TMultiplexedProcessor import TMultiplexedProcessor
from thrift.protocol import TBinaryProtocol, THeaderProtocol
from thrift.server import TServer
from thrift.transport import TSocket, TTransport


class Handler:
    def ping(self):
        pass

    def order(self, id):
        return ttypes.Order(id, "lamp", [1, 2, 300000], {"net": 9.5, "gross": 11.3}, True)

    def buy(self, item, count):
        if item == "chair":
            raise ttypes.OutOfStock(item)
        if item == "table":
            raise ValueError("no tables at all")
        return count

    def list_all(self, count):
        return ["item number %d" % number for number in range(count)]

    def log(self, line):
        pass


shop = Shop.Processor(Handler())
processor = TMultiplexedProcessor()
processor.registerDefault(shop)
processor.registerProcessor("Shop", shop)


def serve(port, transports, protocols):
    socket = TSocket.TServerSocket("0.0.0.0", port)
    server = TServer.TThreadedServer(processor, socket, transports, transports, protocols, protocols)
    server.serve()


class OldProtocol(TBinaryProtocol.TBinaryProtocol):
    """The library forgets to decode the name of a message without version."""

    def readMessageBegin(self):
        name, kind, sequence_id = super().readMessageBegin()
        return (name if isinstance(name, str) else name.decode()), kind, sequence_id


class OldProtocolFactory:
    def getProtocol(self, transport):
        return OldProtocol(transport, strictRead=False, strictWrite=False)


everything = THeaderProtocol.THeaderProtocolFactory(allowed_client_types=range(5))
buffered = TTransport.TBufferedTransportFactory()
port = int(sys.argv[1])
threading.Thread(target=serve, args=(port + 1, buffered, OldProtocolFactory()), daemon=True).start()
serve(port, TTransport.TTransportFactoryBase(), everything)
