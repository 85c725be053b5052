# A capture that begins in long-lived connections: their CONNECT is missing, and with it the version and the topics behind aliases.
# Aliases set again are known again; payloads are taken for properties in none of them.
# servers: mosquitto
# clients: python3-paho-mqtt
# lose: frame.number <= 20
/usr/bin/python3 - <<'PYTHON'
import os, threading, time
import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

def client(name, protocol):
    made = mqtt.Client(name, protocol=protocol)
    made.done = threading.Event()
    made.on_connect = made.on_subscribe = made.on_unsubscribe = lambda *_: made.done.set()
    made.connect(os.environ["SERVER"])
    made.loop_start()
    made.done.wait(5)
    return made

def alias(number):
    made = Properties(PacketTypes.PUBLISH)
    made.TopicAlias = number
    made.UserProperty = ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    return made

old, new = client("old", mqtt.MQTTv311), client("new", mqtt.MQTTv5)
new.publish("orders/new", "before", qos=1, properties=alias(1)).wait_for_publish()
time.sleep(0.2)
for number in range(3):
    old.publish("stock/iron", bytes([3, 35, 0, 1]) + b"left", qos=1).wait_for_publish()
    time.sleep(0.05)
new.publish("orders/new", "plain", qos=1).wait_for_publish()
time.sleep(0.05)
new.publish("", "unknown", qos=1, properties=alias(1)).wait_for_publish()
time.sleep(0.05)
new.publish("orders/old", "known", qos=1, properties=alias(1)).wait_for_publish()
new.publish("", "again", qos=1, properties=alias(1)).wait_for_publish()
old.done.clear()
old.subscribe("stock/#", 0)
old.done.wait(5)
old.publish("stock/iron", "after", qos=0).wait_for_publish()
time.sleep(0.2)
for made in (old, new):
    made.disconnect()
    made.loop_stop()
PYTHON
