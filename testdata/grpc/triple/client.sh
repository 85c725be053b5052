# Dubbo's Triple protocol, spoken by the Dubbo project's own Python implementation at both ends: a call, and one of a method
# that the service does not have.
# clients: python3
python - <<'PYTHON' &
import time
import dubbo
from dubbo.configs import ServiceConfig
from dubbo.proxy.handlers import RpcMethodHandler, RpcServiceHandler

say = RpcMethodHandler.unary(
    method=lambda name: b"hello " + name, method_name="sayHello",
    request_deserializer=bytes, response_serializer=bytes)
service = RpcServiceHandler(service_name="org.shop.Greeter", method_handlers=[say])
dubbo.Server(ServiceConfig(service_handler=service, host="127.0.0.1", port=50052)).start()
time.sleep(10)
PYTHON
sleep 3
python - <<'PYTHON'
import os
import dubbo
from dubbo.configs import ReferenceConfig

client = dubbo.Client(ReferenceConfig.from_url("tri://127.0.0.1:50052/org.shop.Greeter"))
for method in ["sayHello", "missing"]:
    call = client.unary(method_name=method, request_serializer=bytes, response_deserializer=bytes)
    try:
        print(call(b"world"))
    except Exception as error:
        print(error)
os._exit(0)
PYTHON
