"""A server of threads that burns processor time for every request, and as much again after the answer.

Prints its port. Three clients at once ask it twice each; the number of the request is in every message.
"""
import socket, socketserver, threading, time

BURN_SECONDS = 0.3


def burn():
    end = time.thread_time() + BURN_SECONDS
    while time.thread_time() < end:
        pass


class Server(socketserver.BaseRequestHandler):
    def handle(self):
        while (question := self.request.recv(100)):
            burn()
            self.request.sendall(b"answer to " + question)
            burn()


server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Server)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
input()


def client(number):
    with socket.create_connection(server.server_address) as sock:
        for request in range(2):
            sock.sendall(b"request %d.%d" % (number, request))
            sock.recv(100)
        # The server ends what it does after the answer before it sees that nobody asks any more.
        sock.shutdown(socket.SHUT_WR)
        sock.recv(1)


clients = [threading.Thread(target=client, args=(number,)) for number in range(3)]
[thread.start() for thread in clients]
[thread.join() for thread in clients]
