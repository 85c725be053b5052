# A client asks for the time, a version 4 client several times and an old one once; then a control message that nobody answers.
# servers: chrony
# clients: chrony python3
chronyd -Q -t 5 -u root "server $SERVER iburst maxsamples 2" 2> /dev/null
/usr/bin/python3 - <<'PYTHON'
import os, socket
for message in [b"\x1b" + bytes(39) + b"\xec\x00\x00\x00\x00\x00\x00\x01", b"\x16\x02\x00\x01" + bytes(8)]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.2)
        client.sendto(message, (os.environ["SERVER"], 123))
        try:
            client.recv(100)
        except TimeoutError:
            pass
PYTHON
