"""Makes each trouble that a TCP connection can have between two real kernels.

Usage: tcp_troubles.py serve HOST                       waits at the ports below; prints `ready`
       tcp_troubles.py suffer HOST NOWHERE SPARE DEVICE  meets every trouble; prints the client's port of each as JSON

NOWHERE is an address where nobody answers. SPARE is an address of the client's side that its kernel does not have: what the
server sends there is answered by this program alone, packet by packet. Both wait for the end of standard input before they
end, so that nothing is closed before it has been seen.
"""
import json
import socket
import struct
import sys
import threading
import time

STALLED, CLOSES_HALF, LISTENS, ABORTS, FULL, ECHO, REFUSED, LOST = range(7101, 7109)
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def abort(connection):
    """Closes with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def serve(host):
    kept = []

    def accept(port, behave):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if port == STALLED:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind((host, port))
        listener.listen(2)
        kept.append(listener)

        def run():
            while True:
                connection, _ = listener.accept()
                kept.append(connection)
                threading.Thread(target=behave, args=(connection,), daemon=True).start()

        if behave:
            threading.Thread(target=run, daemon=True).start()

    def closes_half(connection):
        connection.recv(100)
        connection.sendall(b"that is all")
        connection.shutdown(socket.SHUT_WR)

    def aborts(connection):
        connection.recv(100)
        abort(connection)

    def echo(connection):
        try:
            while data := connection.recv(1000):
                connection.sendall(data)
        except ConnectionError:
            pass

    accept(STALLED, lambda connection: None)
    accept(CLOSES_HALF, closes_half)
    accept(LISTENS, lambda connection: connection.recv(100))
    accept(ABORTS, aborts)
    accept(FULL, None)
    accept(ECHO, echo)
    print("ready", flush=True)


class Spare:
    """A TCP end at an address that no kernel has, packet by packet."""

    def __init__(self, host, spare, device):
        self.host, self.spare, self.device = host, spare, device
        self.raw = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.ntohs(0x0800))
        self.raw.bind((device, 0x0800))
        self.raw.settimeout(0.5)
        with open("/proc/net/arp") as table:
            rows = [line.split() for line in table]
        self.neighbour = bytes.fromhex(next(row[3] for row in rows if row[0] == host).replace(":", ""))

    def send(self, ports, flags, sequence_number, acknowledgment_number=0, data=b""):
        ends = socket.inet_aton(self.spare) + socket.inet_aton(self.host)
        numbers = (sequence_number & 0xFFFFFFFF, acknowledgment_number & 0xFFFFFFFF)
        header = struct.pack("!HHIIBBHHH", *ports, *numbers, 5 << 4, flags, 8000, 0, 0)
        pseudo = ends + struct.pack("!BBH", 0, 6, len(header) + len(data))
        header = header[:16] + struct.pack("!H", checksum(pseudo + header + data)) + header[18:]
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(header) + len(data), 0, 0, 64, 6, 0)
        ip = ip[:10] + struct.pack("!H", checksum(ip + ends)) + ends
        address = (self.device, 0x0800, 0, 0, self.neighbour)
        self.raw.sendto(ip + header + data, address)

    def open(self, ports):
        """Sends a SYN and gives the sequence number of the answer."""
        self.send(ports, SYN, 1000)
        until = time.monotonic() + 2
        while time.monotonic() < until:
            packet = self.raw.recv(2000)
            tcp = packet[(packet[0] & 15) * 4:]
            source, destination, sequence_number = struct.unpack("!HHI", tcp[:8])
            if (destination, source) == ports and tcp[13] & (SYN | ACK) == SYN | ACK:
                return sequence_number
        raise TimeoutError(f"no answer to the SYN of {ports}")


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def suffer(host, nowhere, spare, device):
    kept, ports = [], {}

    def connect(name, port):
        connection = socket.create_connection((host, port), timeout=5)
        kept.append(connection)
        ports[name] = connection.getsockname()[1]
        return connection

    lost = socket.socket()
    lost.setblocking(False)
    lost.connect_ex((nowhere, LOST))
    ports["lost_syn"] = lost.getsockname()[1]
    kept.append(lost)

    refused = socket.socket()
    refused.bind(("", 0))
    ports["refused"] = refused.getsockname()[1]
    refused.connect_ex((host, REFUSED))

    stalled = connect("stalled", STALLED)
    stalled.setblocking(False)
    until = time.monotonic() + 1
    while time.monotonic() < until:
        try:
            stalled.send(b"x" * 1000)
        except BlockingIOError:
            time.sleep(0.05)

    client_half = connect("client_closes", LISTENS)
    client_half.sendall(b"question")
    client_half.shutdown(socket.SHUT_WR)

    server_half = connect("server_closes", CLOSES_HALF)
    server_half.sendall(b"question")
    while server_half.recv(100):
        pass

    aborted = connect("server_aborts", ABORTS)
    aborted.sendall(b"question")
    try:
        aborted.recv(100)
    except ConnectionResetError:
        pass

    aborts = connect("client_aborts", ECHO)
    aborts.sendall(b"question")
    aborts.recv(100)
    abort(aborts)

    abort(connect("health_check", ECHO))

    quiet = connect("keep_alive", ECHO)
    quiet.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    quiet.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
    quiet.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
    quiet.sendall(b"question")
    quiet.recv(100)

    other = Spare(host, spare, device)
    # The queue takes three connections: two that are there, and the first of two that come at once.
    for port in (41, 42):
        other.send((port, FULL), ACK, 1001, other.open((port, FULL)) + 1)
    answers = [(port, other.open((port, FULL))) for port in (43, 44)]
    for port, answer in answers:
        other.send((port, FULL), ACK, 1001, answer + 1)
    ports["queue_full"] = 44

    # The server keeps the connection; its client has forgotten it and opens another on the same port.
    other.send((45, ECHO), ACK, 1001, other.open((45, ECHO)) + 1)
    other.send((45, ECHO), SYN, 9_000_000)
    ports["port_reused"] = 45

    # A scan.
    other.open((46, ECHO))
    other.send((46, ECHO), RST, 1001)
    ports["scan"] = 46

    # A SYN-ACK that nobody acknowledges.
    other.open((47, ECHO))
    ports["half_open"] = 47

    # The same bytes twice, then one segment that comes late.
    answer = other.open((48, ECHO)) + 1
    other.send((48, ECHO), ACK, 1001, answer)
    other.send((48, ECHO), ACK | PSH, 1001, answer, b"one")
    other.send((48, ECHO), ACK | PSH, 1001, answer, b"one")
    other.send((48, ECHO), ACK | PSH, 1007, answer, b"three")
    other.send((48, ECHO), ACK | PSH, 1004, answer, b"two")
    ports["disorder"] = 48

    time.sleep(2.5)
    print(json.dumps(ports), flush=True)
    return kept


if __name__ == "__main__":
    KEPT = serve(*sys.argv[2:]) if sys.argv[1] == "serve" else suffer(*sys.argv[2:])
    sys.stdin.read()
