"""Traffic whose every byte is fixed beforehand: prints what each end received, as digests.

    digest.py CERTIFICATE KEY ROUNDS

Prints "ready", waits for a line, prints "half" half-way, and one line for each end at the end.
"""
import hashlib, random, socket, ssl, sys, threading

certificate, key, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
server_context.load_cert_chain(certificate, key)
client_context = ssl.create_default_context()
client_context.check_hostname = False
client_context.verify_mode = ssl.CERT_NONE
digests = {}
half = threading.Barrier(7)


def exactly(stream, length, digest):
    while length > 0:
        piece = stream.recv(length)
        assert piece, "the connection ended"
        digest.update(piece)
        length -= len(piece)


def converse(name, stream, is_first, seed):
    """Both ends know what is next: sizes of all kinds, one side after the other."""
    sizes, content, digest = random.Random(seed), random.Random((seed, is_first).__repr__()), hashlib.sha256()
    for number in range(rounds):
        there, back = (sizes.choice([1, 4, 500, 1024, 1025, 5000, 40000]) for _ in range(2))
        if is_first:
            stream.sendall(content.randbytes(there))
            exactly(stream, back, digest)
        else:
            exactly(stream, there, digest)
            stream.sendall(content.randbytes(back))
        if number == rounds // 2:
            half.wait()
    digests[name] = digest.hexdigest()


def tcp_end(name, connection, is_first, seed):
    with connection:
        converse(name, connection, is_first, seed)


def tls_end(name, connection, is_first, seed):
    context = client_context if is_first else server_context
    with context.wrap_socket(connection, server_side=not is_first) as stream:
        converse(name, stream, is_first, seed)


print("ready", flush=True)
sys.stdin.readline()
ends = []
for seed, end in enumerate([tcp_end, tls_end, tcp_end]):
    family = socket.AF_INET6 if seed == 2 else socket.AF_INET
    listener = socket.create_server(("::1" if seed == 2 else "127.0.0.1", 0), family=family)
    client = socket.create_connection(listener.getsockname()[:2])
    server, _ = listener.accept()
    ends.append(threading.Thread(target=end, args=(f"{seed} client", client, True, seed)))
    ends.append(threading.Thread(target=end, args=(f"{seed} server", server, False, seed)))
for end in ends:
    end.start()
half.wait()
print("half", flush=True)
for end in ends:
    end.join()
assert len(digests) == 6
for name in sorted(digests):
    print(name, digests[name], flush=True)
