#!/usr/bin/env python3
"""What observing processes costs: requests per second of nginx under wrk without df-agent, with its probes attached but nginx left
out, with processes, with packets, and with both; and what each program in the kernel takes per call, by the kernel's own account.

    benches/processes.py [--memory] [--seconds N] [--rounds N] [--ways EXPRESSION]      (as root; some eight minutes)
    benches/processes.py --rate 30000 --rounds 1         # what the agent takes while requests per second are held

Needs nginx, wrk, h2load, bpftool and target/release/df-agent (or $CARGO_TARGET_DIR/release/df-agent). The ways are taken in turn, medians
are printed. Spans go by OTLP to another nginx, which takes and forgets them.
"""
import argparse, json, os, re, signal, statistics, subprocess, tempfile, time

WEB, SINK = 18080, 18081
URL = f'http://127.0.0.1:{WEB}/page'
# Seconds in which the agent takes what it may take at once.
WARM_UP = 20
STATS = '/proc/sys/kernel/bpf_stats_enabled'


def agent_path():
    here = os.path.dirname(os.path.abspath(__file__))
    target = os.environ.get('CARGO_TARGET_DIR', os.path.join(here, '..', 'target'))
    return os.path.join(target, 'release', 'df-agent')


def start_nginx(folder, name, server):
    paths = ''.join(f'{kind}_temp_path {folder}/{name}-{kind};' for kind in ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'))
    with open(f'{folder}/{name}.conf', 'w') as file:
        file.write(f'daemon off; master_process off; pid {folder}/{name}.pid; error_log {folder}/{name}.log;'
                   f'events {{ worker_connections 1024; }}'
                   f'http {{ access_log off; keepalive_requests 1000000; client_max_body_size 100m; {paths} server {{ {server} }} }}')
    return subprocess.Popen(['nginx', '-e', f'{folder}/{name}.log', '-c', f'{folder}/{name}.conf'])


def configuration(folder, name, kprobe, more=''):
    path = f'{folder}/{name}.yaml'
    with open(path, 'w') as file:
        file.write(more + 'inputs: {ebpf: {socket: {kprobe: {%s}}}}\n' % kprobe)
    return path


def ways(folder):
    run = [agent_path(), 'run', '--otlp', f'http://127.0.0.1:{SINK}']
    without = configuration(folder, 'without', f'blacklist: {{ports: [{WEB}, {SINK}]}}')
    only = configuration(folder, 'only', f'whitelist: {{ports: [{WEB}]}}')
    unbounded = configuration(folder, 'unbounded', f'whitelist: {{ports: [{WEB}]}}', 'global: {limits: {max_millicpus: 100000}}\n')
    packets = ['--interface', 'lo', '--filter', f'port {WEB}']
    return [
        ('without df-agent', None),
        ('probes attached, nginx left out', run + ['--no-packets', '--config', without]),
        ('processes', run + ['--no-packets', '--config', only]),
        ('processes, whatever it takes', run + ['--no-packets', '--config', unbounded]),
        ('packets', run + ['--no-ebpf'] + packets),
        ('processes and packets', run + ['--config', only] + packets),
    ]


def wrk(seconds):
    made = subprocess.run(['wrk', '-t1', '-c32', f'-d{seconds}s', URL], capture_output=True, text=True, check=True)
    return float(re.search(r'Requests/sec:\s+([\d.]+)', made.stdout).group(1))


def steadily(rate):
    """A load of so many requests per second."""
    def load(seconds):
        made = subprocess.run(['h2load', '--h1', '-c60', f'--rps={rate // 60}', f'-D{seconds}', URL], capture_output=True, text=True, check=True)
        return float(re.search(r'([\d.]+) req/s', made.stdout).group(1))
    return load


def measure(command, load, seconds):
    """Requests per second; processor seconds per second, peak memory and log of the agent; what its programs took. What the agent may take
    at once it has taken before."""
    agent, programs, used, peak, told = None, {}, 0.0, 0, ''
    others = set(programs_beside(()))
    if command:
        log = tempfile.TemporaryFile('w+')
        agent = subprocess.Popen(command, stdout=log, stderr=log)
        time.sleep(2)
    load(WARM_UP if command else 1)
    if agent:
        before, programs_before = processor_seconds(agent.pid), programs_beside(others)
    rate = load(seconds)
    if agent:
        used = (processor_seconds(agent.pid) - before) / seconds
        programs = difference(programs_beside(others), programs_before)
        peak = int(re.search(r'VmHWM:\s+(\d+)', open(f'/proc/{agent.pid}/status').read()).group(1)) // 1024
        agent.send_signal(signal.SIGINT)
        agent.wait()
        log.seek(0)
        told = log.read()
    return rate, used, peak, programs, drops(told)


def drops(log):
    """What the agent says at its end that it dropped, in its words."""
    return [line.strip() for line in log.splitlines() if re.match(r' *\d+  [a-z]+: ', line)]


def processor_seconds(pid):
    fields = open(f'/proc/{pid}/stat').read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def programs_beside(others):
    """Number of a program -> its name, nanoseconds and calls, without those that were there before."""
    listed = json.loads(subprocess.run(['bpftool', '-j', 'prog', 'show'], capture_output=True, check=True).stdout)
    return {program['id']: (program.get('name', '?'), program.get('run_time_ns', 0), program.get('run_cnt', 0))
            for program in listed if program['id'] not in others}


def difference(after, before):
    """What was added, by the program's name."""
    added = {}
    for number, (name, nanoseconds, calls) in after.items():
        _, old_nanoseconds, old_calls = before.get(number, (name, 0, 0))
        total = added.get(name, (0, 0))
        added[name] = (total[0] + nanoseconds - old_nanoseconds, total[1] + calls - old_calls)
    return added


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--seconds', type=int, default=4)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--rate', type=int, help='hold so many requests per second, instead of as many as can be')
    parser.add_argument('--memory', action='store_true', help='nginx answers out of its configuration, not with a file')
    parser.add_argument('--ways', help='a regular expression: only these, and without df-agent')
    arguments = parser.parse_args()
    with open(STATS) as file:
        stats_before = file.read()
    # Whoever was interrupted may have left it on.
    write(STATS, '0')
    load = steadily(arguments.rate) if arguments.rate else wrk
    results, programs = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        chosen = [way for way in ways(folder) if not way[1] or re.search(arguments.ways or '', way[0])]
        with open(f'{folder}/page', 'w') as file:
            file.write('x' * 1024)
        page = f'return 200 "{"x" * 1024}";' if arguments.memory else f'root {folder};'
        servers = [start_nginx(folder, 'web', f'listen {WEB}; location / {{ {page} }}'),
                   start_nginx(folder, 'sink', f'listen {SINK}; location / {{ return 200; }}')]
        try:
            time.sleep(1)
            for _ in range(arguments.rounds):
                for name, command in chosen:
                    results.setdefault(name, []).append(measure(command, load, arguments.seconds))
            # The kernel's account costs something itself, so it has a turn of its own.
            write(STATS, '1')
            for name, command in chosen:
                if 'whatever' in name:
                    programs[name] = measure(command, load, arguments.seconds)[3]
        finally:
            write(STATS, stats_before)
            for server in servers:
                server.terminate()
                server.wait()
    report(results, programs)


def write(path, text):
    with open(path, 'w') as file:
        file.write(text)


def report(results, programs):
    base = statistics.median(result[0] for result in results['without df-agent'])
    print('\n| way | requests/s | lost | agent, cores | agent, peak MiB |\n| --- | ---: | ---: | ---: | ---: |')
    for name, measured in results.items():
        rate, used, peak, _, _ = zip(*measured)
        rate = statistics.median(rate)
        print(f'| {name} | {rate:,.0f} | {1 - rate / base:.1%} | {statistics.median(used):.2f} | {max(peak)} |')
    for name, measured in results.items():
        for line in measured[-1][4]:
            print(f'{name}: {line}')
    if any(programs.values()):
        print('\n| program | calls | ns per call |\n| --- | ---: | ---: |')
    for counted in programs.values():
        for program, (nanoseconds, calls) in sorted(counted.items(), key=lambda entry: -entry[1][0]):
            if calls >= 1000:
                print(f'| `{program}` | {calls:,} | {nanoseconds / calls:.0f} |')


main()
