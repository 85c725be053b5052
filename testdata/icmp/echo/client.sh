# A host is asked for an echo three times, and then once with more data.
# clients: iputils-ping
ping -c 3 -i 0.2 "$SERVER" > /dev/null
ping -c 1 -W 1 -s 1000 "$SERVER" > /dev/null
