# A call that its client gives up at its deadline, and a stream that its client cancels after the second message.
# servers: grpc
# clients: python3-grpcio
/usr/bin/python3 - <<'PYTHON'
import os
import grpc

with grpc.insecure_channel(os.environ["SERVER"] + ":50051") as channel:
    try:
        channel.unary_unary("/shop.v1.Items/Get")(b"slow", timeout=0.2)
    except grpc.RpcError as error:
        print(error.code())
    events = channel.unary_stream("/shop.v1.Items/Watch")(b"100")
    next(events), next(events)
    events.cancel()
    assert channel.unary_unary("/shop.v1.Items/Get")(b"1") == b"item 1"
PYTHON
