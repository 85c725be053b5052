# Four requests written in one go before any response has come, and the connection closed after the last. Sent by a
# plain socket: no browser or curl pipelines any more.
# servers: nginx
# clients: python3
/usr/bin/python3 - <<'PYTHON'
import os, socket
connection = socket.create_connection((os.environ["SERVER"], 80))
request = "GET %s HTTP/1.1\r\nHost: df.test\r\n%s\r\n"
connection.sendall("".join([
    request % ("/item/1", ""), request % ("/missing", ""), request % ("/page.txt", ""),
    request % ("/item/4", "Connection: close\r\n"),
]).encode())
while connection.recv(65536):
    pass
PYTHON
