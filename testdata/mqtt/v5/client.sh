# MQTT 5: an identifier given by the broker, a shared subscription, topic aliases, a trace context among the user properties, a
# request with its response topic and correlation data, refusals with their reasons, a message without readers, a goodbye
# with a reason, and a second client that takes the place of the first.
# servers: mosquitto
# clients: python3-paho-mqtt mosquitto-clients
/usr/bin/python3 - <<'PYTHON'
import os, threading, time
import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCodes

server = os.environ["SERVER"]

def client(name):
    made = mqtt.Client(name, protocol=mqtt.MQTTv5)
    made.done = threading.Event()
    made.on_connect = made.on_subscribe = made.on_unsubscribe = lambda *_: made.done.set()
    made.connect(server)
    made.loop_start()
    made.done.wait(5)
    return made

def wait(made, call, *arguments, **named):
    made.done.clear()
    call(*arguments, **named)
    made.done.wait(5)

def properties(**values):
    made = Properties(PacketTypes.PUBLISH)
    for name, value in values.items():
        setattr(made, name, value)
    return made

reader = client("")
wait(reader, reader.subscribe, "$share/billing/orders/#", 1)
wait(reader, reader.subscribe, [("answers/+", mqtt.SubscribeOptions(qos=0)), ("secret/plans", mqtt.SubscribeOptions(qos=1))])
writer = client("writer")
parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333%d-01"
writer.publish("orders/new", "first", qos=1, properties=properties(
    TopicAlias=1, UserProperty=[("traceparent", parent % 1), ("colour", "red")])).wait_for_publish()
writer.publish("", "second", qos=0, properties=properties(
    TopicAlias=1, UserProperty=("traceparent", parent % 2))).wait_for_publish()
writer.publish("orders/old", "third", qos=2, properties=properties(TopicAlias=1)).wait_for_publish()
writer.publish("", "fourth", qos=1, properties=properties(TopicAlias=1)).wait_for_publish()
writer.publish("orders/ask", "what?", qos=1, properties=properties(
    ResponseTopic="answers/writer", CorrelationData=b"question-1", ContentType="text/plain",
    MessageExpiryInterval=60)).wait_for_publish()
writer.publish("nobody/reads", "this", qos=1).wait_for_publish()
writer.publish("secret/plans", "hidden", qos=1).wait_for_publish()
time.sleep(0.3)
wait(reader, reader.unsubscribe, ["$share/billing/orders/#", "never/subscribed"])
# Takes the place of the writer.
writer.reconnect_delay_set(30)
other = client("writer")
other.disconnect(reasoncode=ReasonCodes(PacketTypes.DISCONNECT, "Disconnect with will message"))
reader.disconnect()
time.sleep(0.2)
for made in (reader, writer, other):
    made.loop_stop()
PYTHON
