"""A server of threads that answers a little late, and many clients at once of another server in front of it. Stands before the
scripts that use it.

The number of the request is in every request, so that a wrong link shows.
"""
import http.server, os, socket, subprocess, sys, tempfile, threading, time

CLIENTS, REQUESTS = 16, 20


class Back(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        time.sleep(0.002)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


def start_back():
    """Gives the port."""
    back = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Back)
    threading.Thread(target=back.serve_forever, daemon=True).start()
    return back.server_address[1]


def ask(front_port, number, failures):
    with socket.create_connection(("127.0.0.1", front_port)) as sock:
        for request in range(REQUESTS):
            sock.sendall(b"GET / HTTP/1.1\r\nHost: front\r\nX-Number: request %d.%d\r\n\r\n" % (number, request))
            answer = b""
            while not answer.endswith(b"\r\n\r\nok"):
                part = sock.recv(1000)
                if not part:
                    failures.append(answer)
                    return
                answer += part


def ask_all(front_port):
    """Whether all clients got all their answers."""
    failures = []
    clients = [threading.Thread(target=ask, args=(front_port, number, failures)) for number in range(CLIENTS)]
    [thread.start() for thread in clients]
    [thread.join() for thread in clients]
    return not failures


