# Many clients at once of a Go program, which asks a second server twice for every request. Prints the ports of both, the back
# one first, once the Go program runs; begins to ask when its input says so.
#
#     goroutines.py PROGRAM http1|http2
#
# Over HTTP/1 the second server has threads; over HTTP/2 it is the Go program again, and all calls share one connection.


def run(argument):
    program = subprocess.Popen([sys.argv[1], argument], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    return program, int(program.stdout.readline())


programs = []
if sys.argv[2] == "http2":
    program, back_port = run("back")
    programs.append(program)
else:
    back_port = start_back()
scheme = "https" if programs else "http"
program, front_port = run(f"{scheme}://127.0.0.1:{back_port}")
programs.append(program)
print(back_port, front_port, flush=True)
sys.stdin.readline()
is_answered = ask_all(front_port)
for program in programs:
    program.stdin.close()
    program.wait()
sys.exit(not is_answered)
