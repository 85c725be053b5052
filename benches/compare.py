#!/usr/bin/env python3
"""Times df-agent beside its peers over one capture, each pinned to one core, in turn, and prints medians.

    benches/compare.py CAPTURE [RUNS]

Needs target/release/df-agent; of tshark, ndpiReader and argus it takes those that are installed. tshark runs once.
"""
import os, resource, shutil, statistics, struct, subprocess, sys, time


def packets_in(path):
    """Counts the records of a classic pcap file in this machine's byte order."""
    count, offset, data = 0, 24, open(path, 'rb').read()
    while offset + 16 <= len(data):
        offset += 16 + struct.unpack_from('<I', data, offset + 8)[0]
        count += 1
    return count


def timed(command):
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
    subprocess.run(['taskset', '-c', '0'] + command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.time() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    capture, runs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    agent = os.path.join(os.path.dirname(__file__), '..', 'target', 'release', 'df-agent')
    tools = [
        ('df-agent, all parsers, flow records', [agent, 'replay', '--json', '--records', 'flow', capture], runs),
        ('df-agent, table of exchanges', [agent, 'replay', capture], runs),
        ('df-agent, exchanges, flows and spans', [agent, 'replay', '--json', capture], runs),
        ('ndpiReader', ['ndpiReader', '-i', capture, '-q'], runs),
        ('argus', ['argus', '-X', '-r', capture, '-w', '/dev/null'], runs),
        ('tcpdump, copy', ['tcpdump', '-nr', capture, '-w', '/dev/null'], runs),
        ('tshark, conversations', ['tshark', '-n', '-r', capture, '-q', '-z', 'conv,tcp'], 1),
    ]
    packets, megabytes = packets_in(capture), os.path.getsize(capture) / 1e6
    tools = [tool for tool in tools if shutil.which(tool[1][0]) or os.path.exists(tool[1][0])]
    timings = {name: [] for name, _, _ in tools}
    for turn in range(runs):
        for name, command, times in tools:
            if turn < times:
                timings[name].append(timed(command))
    print(f'{packets} packets, {megabytes:.0f} MB')
    print('| tool | wall s | CPU s | Mpps (CPU) | MB/s (CPU) | ns/packet |\n| --- | --- | --- | --- | --- | --- |')
    for name, results in timings.items():
        wall, cpu = (statistics.median(column) for column in zip(*results))
        print(f'| {name} | {wall:.2f} | {cpu:.2f} | {packets / cpu / 1e6:.2f} | {megabytes / cpu:.0f} | {cpu / packets * 1e9:.0f} |')


if __name__ == '__main__':
    main()
