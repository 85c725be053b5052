# Connections that the broker refuses: a wrong password in each version, an empty identifier that wants to be remembered, a way
# to authenticate that the broker does not know.
# servers: mosquitto
# clients: python3-paho-mqtt mosquitto-clients
for version in mqttv31 mqttv311 mqttv5; do
    mosquitto_pub -V "$version" -h "$SERVER" -i intruder -u ada -P wrong -t orders -m no || true
done
/usr/bin/python3 - <<'PYTHON'
import os, socket

def ask(packet):
    with socket.create_connection((os.environ["SERVER"], 1883)) as connection:
        connection.sendall(packet)
        connection.recv(100)

# Version 3.1.1 without an identifier and with state to keep.
ask(bytes.fromhex("100c00044d5154540400003c0000"))
# Version 5 with the authentication method "none".
ask(bytes.fromhex("101600044d5154540502003c071500046e6f6e65000278 31".replace(" ", "")))
PYTHON
