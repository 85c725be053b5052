# A mail that is taken, one to somebody who is not there, and one for which the client asks for TLS first. The server is made
# of Python's aiosmtpd 1.4.6.
# servers: mail
# clients: swaks
send() { swaks --server "$SERVER" --ehlo client.df.test --from ada@df.test --suppress-data "$@" > /dev/null; }
send --to grace@df.test --body 'Two lines
.hidden'
send --to nobody@df.test || true
send --to grace@df.test --tls
