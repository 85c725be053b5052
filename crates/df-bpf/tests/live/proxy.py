# nginx, one thread, in front of a server of threads, with many clients at once. Prints the ports of both, the back one first.
#
# The argument says how many connections to the server nginx keeps open; 0 is none.

KEPT = int(sys.argv[1])
back_port = start_back()
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
is_answered = ask_all(front_port)
nginx.terminate()
nginx.wait()
sys.exit(not is_answered)
