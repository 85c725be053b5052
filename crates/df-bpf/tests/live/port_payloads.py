"""One message of 3000 bytes to each of four servers, the last of datagrams. Prints their ports and waits for a line."""
import socket, sys

servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.bind(("127.0.0.1", 0))
print(*(server.getsockname()[1] for server in [*servers, datagrams]), flush=True)
sys.stdin.readline()
for server in servers:
    with socket.create_connection(server.getsockname()) as client, server.accept()[0] as connection:
        client.sendall(b"x" * 3000)
        assert len(connection.recv(3000, socket.MSG_WAITALL)) == 3000
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    client.sendto(b"x" * 3000, datagrams.getsockname())
    assert len(datagrams.recvfrom(3000)[0]) == 3000
