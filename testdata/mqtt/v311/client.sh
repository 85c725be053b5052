# MQTT 3.1.1: a client with a will that is cut off, a subscriber that gets it, two filters in one subscription, messages of each
# quality of service one after the other and all at once, heartbeats, a payload of several segments.
# servers: mosquitto
# clients: python3-paho-mqtt mosquitto-clients
/usr/bin/python3 - <<'PYTHON'
import os, threading, time
import paho.mqtt.client as mqtt

server = os.environ["SERVER"]

def client(name, will=None, **options):
    made = mqtt.Client(name, protocol=mqtt.MQTTv311, **options)
    made.done = threading.Event()
    made.on_connect = made.on_subscribe = made.on_unsubscribe = lambda *_: made.done.set()
    if will:
        made.will_set(will, "gone", qos=1)
    made.username_pw_set("ada", "lovelace")
    made.connect(server, keepalive=1 if name == "idle" else 60)
    made.loop_start()
    made.done.wait(5)
    return made

def wait(made, call, *arguments):
    made.done.clear()
    call(*arguments)
    made.done.wait(5)

reader = client("reader")
wait(reader, reader.subscribe, "wills/#", 1)
wait(reader, reader.subscribe, [("orders/#", 2), ("secret/plans", 0)])
writer = client("writer", clean_session=False)
for quality in (0, 1, 2):
    writer.publish("orders/new", "order", qos=quality).wait_for_publish()
for message in [writer.publish("orders/bulk", b"x" * 40, qos=1) for _ in range(5)]:
    message.wait_for_publish()
writer.publish("orders/large", b"y" * 6000, qos=1).wait_for_publish()
writer.publish("orders/empty", b"", qos=0, retain=True).wait_for_publish()
idle = client("idle", will="wills/idle")
time.sleep(2.5)
# The connection breaks: the broker publishes the will.
idle._sock.shutdown(2)
idle.loop_stop()
time.sleep(0.3)
wait(reader, reader.unsubscribe, ["orders/#", "wills/#"])
for made in (reader, writer):
    made.disconnect()
    made.loop_stop()
PYTHON
