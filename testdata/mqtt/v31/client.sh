# MQTT 3.1 as Mosquitto's own clients speak it: a subscription to two filters, of which it is taken back one, messages with each
# quality of service, the last of them retained.
# servers: mosquitto
# clients: mosquitto-clients
mosquitto_sub -V mqttv31 -h "$SERVER" -i reader -q 2 -t "orders/+" -t "stock/#" -U "stock/#" -C 3 &
subscriber=$!
sleep 0.5
for quality in 0 1 2; do
    mosquitto_pub -V mqttv31 -h "$SERVER" -i "writer-$quality" -q "$quality" -t orders/new -m "order $quality"
done
mosquitto_pub -V mqttv31 -h "$SERVER" -i writer-3 -q 1 -r -t orders/last -m "the last one"
wait "$subscriber"
