# A capture that begins when a connection is in use: of methods that were called before only their second half is known; a
# method that is called for the first time is known in full.
# servers: grpc
# clients: python3-grpcio
# lose: frame.number <= 18
/usr/bin/python3 - <<'PYTHON'
import os
import grpc

with grpc.insecure_channel(os.environ["SERVER"] + ":50051") as channel:
    get = channel.unary_unary("/shop.v1.Items/Get")
    for item in [b"1", b"2", b"3", b"4"]:
        get(item)
    channel.stream_unary("/shop.v1.Items/Upload")(iter([b"a"]))
    channel.stream_unary("/shop.v1.Items/Upload")(iter([b"a"]))
    get(b"5")
PYTHON
