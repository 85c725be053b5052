# Calls of every kind over one connection: unary, failed with a message, unknown method, streams from the server, from the
# client and both ways; one with trace context.
# servers: grpc
# clients: python3-grpcio
/usr/bin/python3 - <<'PYTHON'
import os
import grpc

with grpc.insecure_channel(os.environ["SERVER"] + ":50051") as channel:
    get = channel.unary_unary("/shop.v1.Items/Get")
    trace = (("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),)
    assert get(b"1") == b"item 1"
    assert get(b"2" * 40000, metadata=trace).startswith(b"item 2")
    for method, request in [("Get", b"missing"), ("Buy", b"1")]:
        try:
            channel.unary_unary("/shop.v1.Items/" + method)(request)
        except grpc.RpcError as error:
            print(error.code(), error.details())
    assert len(list(channel.unary_stream("/shop.v1.Items/Watch")(b"5"))) == 5
    assert channel.stream_unary("/shop.v1.Items/Upload")(iter([b"a", b"b", b"c"])) == b"3 parts"
    assert len(list(channel.stream_stream("/shop.v1.Items/Talk")(iter([b"a", b"b"])))) == 2
PYTHON
