"""Many clients at once of a Go program, which asks a server of threads twice for every request. Prints the ports of both, the
back one first, once the Go program runs; begins to ask when its input says so.

The argument is the Go program. The number of the request is in every request, so that a wrong link shows.
"""
import http.server, socket, subprocess, sys, threading, time

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


back = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Back)
threading.Thread(target=back.serve_forever, daemon=True).start()
back_port = back.server_address[1]
program = subprocess.Popen([sys.argv[1], f"http://127.0.0.1:{back_port}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
front_port = int(program.stdout.readline())
print(back_port, front_port, flush=True)
sys.stdin.readline()
failures = []


def client(number):
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


clients = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
[thread.start() for thread in clients]
[thread.join() for thread in clients]
program.stdin.close()
program.wait()
sys.exit(1 if failures else 0)
