"""nginx, one thread, in front of a server of threads, with many clients at once. Prints the ports of both, the back one first.

The argument says how many connections to the server nginx keeps open; 0 is none. The number of the request is in every
request, so that a wrong link shows.
"""
import http.server, os, socket, subprocess, sys, tempfile, threading, time

CLIENTS, REQUESTS = 16, 20
KEPT = int(sys.argv[1])


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
with socket.create_server(("127.0.0.1", 0)) as unused:
    front_port = unused.getsockname()[1]

folder = tempfile.TemporaryDirectory()
kept = f"keepalive {KEPT};" if KEPT else ""
paths = "".join(f"{name}_temp_path {folder.name}/{name};" for name in
                ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
with open(f"{folder.name}/nginx.conf", "w") as configuration:
    configuration.write(f"""
daemon off; master_process off; pid {folder.name}/pid; error_log {folder.name}/error.log;
events {{ worker_connections 512; }}
http {{ access_log off; {paths}
  upstream back {{ server 127.0.0.1:{back_port}; {kept} }}
  server {{ listen 127.0.0.1:{front_port};
    location / {{ proxy_pass http://back; proxy_http_version 1.1; proxy_set_header Connection ""; }} }} }}
""")
nginx = subprocess.Popen(["nginx", "-p", folder.name, "-e", f"{folder.name}/error.log", "-c", f"{folder.name}/nginx.conf"])
for attempt in range(500):
    try:
        # Listens, and is asked nothing.
        socket.create_connection(("127.0.0.1", front_port)).close()
        break
    except ConnectionRefusedError:
        time.sleep(0.02)
print(back_port, front_port, flush=True)
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
nginx.terminate()
nginx.wait()
sys.exit(1 if failures else 0)
