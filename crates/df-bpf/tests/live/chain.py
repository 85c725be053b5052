"""A chain of calls: clients ask a server of threads, each of which asks a second server twice before it answers.

Prints the port of the first server and, on the same line after a comma, that of the second. The number of the request is in
every message, so that a wrong link shows. The connections of the clients stay open for several requests.
"""
import socket, socketserver, threading

CLIENTS, REQUESTS = 4, 5


class Back(socketserver.BaseRequestHandler):
    def handle(self):
        while (question := self.request.recv(100)):
            self.request.sendall(b"back " + question)


class Front(socketserver.BaseRequestHandler):
    def handle(self):
        with socket.create_connection(back.server_address) as upstream:
            while (question := self.request.recv(100)):
                for part in (b"one ", b"two "):
                    upstream.sendall(part + question)
                    upstream.recv(100)
                self.request.sendall(b"head ")
                self.request.sendall(b"body " + question)


def server(handler):
    made = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
    made.daemon_threads = True
    threading.Thread(target=made.serve_forever, daemon=True).start()
    return made


back, front = server(Back), server(Front)
print(back.server_address[1], front.server_address[1], flush=True)


def client(number):
    with socket.create_connection(front.server_address) as sock:
        for request in range(REQUESTS):
            text = b"request %d.%d" % (number, request)
            sock.sendall(text)
            answer = b""
            while len(answer) < len(b"head body " + text):
                answer += sock.recv(100)


clients = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
[thread.start() for thread in clients]
[thread.join() for thread in clients]
