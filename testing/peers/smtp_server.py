"""A mail server that keeps nothing, made of aiosmtpd: smtp_server.py PORT FOLDER. The folder holds its certificate."""

import asyncio
import ssl
import sys

from aiosmtpd.smtp import SMTP


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        return "250 2.0.0 kept for a while"


async def main(port, folder):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(f"{folder}/cert.pem", f"{folder}/key.pem")
    make = lambda: SMTP(Handler(), hostname="mail.df.test", tls_context=context)
    server = await asyncio.get_running_loop().create_server(make, "0.0.0.0", port)
    await server.serve_forever()


asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
