"""A gRPC server on Debian's python3-grpcio, with bytes for messages. Usage: grpc_server.py PORT"""
import sys
import time
from concurrent import futures

import grpc


def get(request, context):
    if request == b"missing":
        context.abort(grpc.StatusCode.NOT_FOUND, "no such item: 100% müssing\n")
    if request == b"slow":
        time.sleep(2)
    context.set_trailing_metadata((("x-cost", "3"),))
    return b"item " + request


def watch(request, context):
    for number in range(int(request)):
        yield b"event %d" % number
        time.sleep(0.01)


def upload(requests, context):
    return b"%d parts" % sum(1 for _ in requests)


def talk(requests, context):
    for request in requests:
        yield b"echo " + request


METHODS = {
    "Get": grpc.unary_unary_rpc_method_handler(get),
    "Watch": grpc.unary_stream_rpc_method_handler(watch),
    "Upload": grpc.stream_unary_rpc_method_handler(upload),
    "Talk": grpc.stream_stream_rpc_method_handler(talk),
}

server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("shop.v1.Items", METHODS),))
server.add_insecure_port("0.0.0.0:" + sys.argv[1])
server.start()
server.wait_for_termination()
