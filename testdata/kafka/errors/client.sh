# librdkafka 2.16 against the broker that is built into it, which refuses what it is told to refuse: a topic without leader,
# a record that is too large, a group that is forbidden.
# servers: librdkafka's mock cluster
# clients: confluent-kafka (PyPI)
"${PYTHON:-python3}" - <<'CLIENT'
import ctypes
import glob
import os
import confluent_kafka
from confluent_kafka import Consumer, KafkaException, Producer

folder = os.path.join(os.path.dirname(os.path.dirname(confluent_kafka.__file__)), "confluent_kafka.libs")
library = ctypes.CDLL(glob.glob(os.path.join(folder, "librdkafka-*.so*"))[0])
library.rd_kafka_conf_new.restype = ctypes.c_void_p
library.rd_kafka_new.restype = ctypes.c_void_p
library.rd_kafka_mock_cluster_new.restype = ctypes.c_void_p
library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
conf = ctypes.c_void_p(library.rd_kafka_conf_new())
handle = ctypes.c_void_p(library.rd_kafka_new(0, conf, None, 0))
cluster = ctypes.c_void_p(library.rd_kafka_mock_cluster_new(handle, 1))
address = library.rd_kafka_mock_cluster_bootstraps(cluster).decode()


def refuse(key, *codes):
    library.rd_kafka_mock_push_request_errors(cluster, ctypes.c_int16(key), ctypes.c_size_t(len(codes)),
                                              *[ctypes.c_int(code) for code in codes])


def produce(topic):
    producer = Producer({"bootstrap.servers": address, "client.id": "shop", "retries": 1, "retry.backoff.ms": 50})
    producer.produce(topic, value=b"x", partition=0)
    producer.flush(10)


refuse(0, 6)
produce("moved")
refuse(0, 10)
produce("large")
refuse(0, 29)
produce("secret")
consumer = Consumer({"bootstrap.servers": address, "client.id": "spy", "group.id": "forbidden"})
refuse(11, 30)
consumer.subscribe(["secret"])
try:
    message = consumer.poll(5)
except KafkaException:
    pass
consumer.close()
CLIENT
