# nats-py 2.16 with nats-server 2.9 that wants TLS: the greeting is in clear, then the connection turns to TLS.
# servers: the script's own
# clients: nats-py (PyPI)
folder=$(mktemp -d)
openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=df.test -keyout "$folder/key.pem" -out "$folder/cert.pem" 2> /dev/null
nats-server --addr 127.0.0.1 --port 4222 --name df-test --tls --tlscert "$folder/cert.pem" --tlskey "$folder/key.pem" > /dev/null 2>&1 &
server=$!
sleep 1
"${PYTHON:-python3}" - <<'CLIENT'
import asyncio
import ssl
import nats


async def main():
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    client = await nats.connect("tls://127.0.0.1:4222", tls=trusting, tls_hostname="df.test")
    await client.publish("orders.eu", b"order 1")
    await client.flush()
    await client.close()
asyncio.run(main())
CLIENT
kill $server
wait $server
rm -r "$folder"
