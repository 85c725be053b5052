# nats-py 2.16 and bare lines with nats-server 2.9: a wrong password; a client that wants confirmations; subjects that it may
# not publish or subscribe to, with confirmations and without; a message too large; a word that is no operation.
# servers: the script's own
# clients: nats-py (PyPI)
folder=$(mktemp -d)
cat > "$folder/server.conf" <<'CONFIGURATION'
listen: 127.0.0.1:4222
server_name: df-test
max_payload: 1000
authorization { users: [
  { user: ada, password: "lovelace-1815", permissions: { publish: ["orders.>"], subscribe: ["orders.>", "_INBOX.>"] } }
] }
CONFIGURATION
nats-server -c "$folder/server.conf" > /dev/null 2>&1 &
server=$!
sleep 1
"${PYTHON:-python3}" - <<'CLIENT'
import asyncio
import socket
import nats


async def ignore(anything):
    pass


async def connect(**options):
    return await nats.connect("nats://127.0.0.1:4222", user="ada", allow_reconnect=False, error_cb=ignore, **options)


async def main():
    try:
        await connect(password="wrong-secret", max_reconnect_attempts=0)
    except Exception:
        pass
    for verbose in (True, False):
        client = await connect(password="lovelace-1815", name="shop", verbose=verbose)
        await client.subscribe("orders.eu", cb=ignore)
        await client.publish("orders.eu", b"order 1")
        await client.flush()
        await client.publish("salaries", b"more")
        await client.subscribe("salaries", cb=ignore)
        await asyncio.sleep(0.1)
        try:
            await client.request("salaries", b"?", timeout=0.2)
        except Exception:
            pass
        await client.flush()
        await client.close()


def say(*lines):
    with socket.create_connection(("127.0.0.1", 4222)) as connection:
        connection.recv(4096)
        connection.sendall(b'CONNECT {"user":"ada","pass":"lovelace-1815","verbose":true,"protocol":1}\r\n')
        connection.recv(4096)
        for line in lines:
            connection.sendall(line)
            connection.recv(4096)
asyncio.run(main())
say(b"sub orders.eu alice\r\n", b"pub orders.eu 5\r\nhello\r\n", b"PUB orders.eu 2000\r\n" + 2000 * b"x" + b"\r\n")
say(b"PING\r\n", b"DEADBEEF\r\n")
CLIENT
kill $server
wait $server
rm -r "$folder"
