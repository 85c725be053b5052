"""Drives MariaDB or Redis through its own Python driver and prints, for every request, what the driver's socket saw:
one line `RESOURCE<tab>CODE<tab>NANOSECONDS` from just before the request is sent until its first answer has arrived.

Usage: measured_client.py mariadb|redis HOST PORT COUNT [tls]

A HOST that begins with a slash is the path of a Unix socket.

Through TLS the driver's socket is Python's, and the times are those of the whole call.
"""
import socket
import ssl
import sys
import time


class MeasuredSocket(socket.socket):
    """A socket that remembers when it last sent first and when it first received after that."""
    sent = received = None

    def sendall(self, *arguments):
        if self.sent is None or self.received is not None:
            MeasuredSocket.sent, MeasuredSocket.received = time.perf_counter_ns(), None
        return super().sendall(*arguments)

    def _arrived(self):
        if self.received is None:
            MeasuredSocket.received = time.perf_counter_ns()

    def recv(self, *arguments):
        data = super().recv(*arguments)
        self._arrived()
        return data

    def recv_into(self, *arguments):
        count = super().recv_into(*arguments)
        self._arrived()
        return count


def report(resource, code, began):
    duration = time.perf_counter_ns() - began if TLS else MeasuredSocket.received - MeasuredSocket.sent
    print(resource, code, duration, sep="\t")


def mariadb(host, port, count):
    import pymysql
    context = ssl._create_unverified_context() if TLS else None
    at = {"unix_socket": host} if host.startswith("/") else {"host": host, "port": port, "ssl": context}
    cursor = pymysql.connect(user="root", database="shop", **at).cursor()
    for number in range(count):
        slow = ", SLEEP(0.01)" if number % 20 == 7 else ""
        table = "nowhere" if number % 20 == 13 else "product"
        sql = "SELECT 'df-%d', name%s FROM %s WHERE id = 1" % (number, slow, table)
        began = time.perf_counter_ns()
        try:
            cursor.execute(sql)
            code = ""
        except pymysql.MySQLError as error:
            code = error.args[0]
        report(sql, code, began)


def redis(host, port, count):
    import redis
    if host.startswith("/"):
        client = redis.Redis(unix_socket_path=host, single_connection_client=True)
    else:
        client = redis.Redis(host=host, port=port, single_connection_client=True, ssl=TLS, ssl_cert_reqs="none")
    client.ping()
    client.flushall()
    for number in range(count):
        command = ["SET df:%d value" % number, "GET df:%d" % (number - 1), "LPUSH df:%d x" % (number - 2)][number % 3]
        if number % 20 == 7:
            command = "BLPOP df:none:%d 0.01" % number
        began = time.perf_counter_ns()
        try:
            client.execute_command(*command.split())
            code = ""
        except redis.RedisError as error:
            code = "WRONGTYPE" if "wrong kind of value" in str(error) else "ERR"
        report(command, code, began)


if __name__ == "__main__":
    TLS = "tls" in sys.argv[5:]
    if not TLS:
        socket.socket = MeasuredSocket
    {"mariadb": mariadb, "redis": redis}[sys.argv[1]](sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
