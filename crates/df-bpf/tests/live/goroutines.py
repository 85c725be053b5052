"""Many clients at once of a Go program, which asks a second server twice for every request. Prints the ports of both, the
back one first, once the Go program runs; begins to ask when its input says so.

    goroutines.py PROGRAM http1|http2

Over HTTP/1 the second server has threads; over HTTP/2 it is the Go program again, and all calls share one connection. The number of the request is in every request, so that a wrong link shows.
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




def run(argument):
    program = subprocess.Popen([sys.argv[1], argument], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    return program, int(program.stdout.readline())


programs = []
if sys.argv[2] == "http2":
    program, back_port = run("back")
    programs.append(program)
else:
    back = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Back)
    threading.Thread(target=back.serve_forever, daemon=True).start()
    back_port = back.server_address[1]
scheme = "https" if programs else "http"
program, front_port = run(f"{scheme}://127.0.0.1:{back_port}")
programs.append(program)
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
for program in programs:
    program.stdin.close()
    program.wait()
sys.exit(1 if failures else 0)
