#!/usr/bin/env python3
"""Times df-agent beside its peers over captures, each tool pinned to one core, in turn, and prints medians.

    benches/compare.py [--runs N] CAPTURE...

Needs target/release/df-agent (or $CARGO_TARGET_DIR/release/df-agent); of tshark, ndpiReader, argus, nfpcapd, softflowd and
tcpdump it takes those that are installed (Debian: tshark, libndpi-bin, argus-server, nfdump, softflowd, tcpdump). tshark
runs once. Processor time counts, since it hardly depends on what else the machine does.
"""
import argparse, os, resource, shutil, statistics, struct, subprocess, tempfile, time


def packets_in(path):
    """Counts the records of a classic pcap file in this machine's byte order."""
    count, offset, size = 0, 24, os.path.getsize(path)
    with open(path, 'rb') as capture:
        while offset + 16 <= size:
            capture.seek(offset + 8)
            offset += 16 + struct.unpack('<I', capture.read(4))[0]
            count += 1
    return count


def timed(command):
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
    subprocess.run(['taskset', '-c', '0'] + command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.time() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def tools(capture, runs, scratch):
    target = os.environ.get('CARGO_TARGET_DIR', os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'target'))
    agent = os.path.join(target, 'release', 'df-agent')
    config = os.path.join(scratch, 'config.yaml')
    with open(config, 'w') as file:
        file.write('processors: {flow_log: {limits: {max_flows: 2000000}}}\n')
    replay = [agent, 'replay', '--config', config]
    every = [
        ('df-agent, flows only', replay + ['--no-l7', capture], runs),
        ('df-agent, flows only, every flow as JSON', replay + ['--no-l7', '--records', 'flow', capture], runs),
        ('df-agent, all parsers, table of exchanges', replay + [capture], runs),
        ('df-agent, all parsers, every flow as JSON', replay + ['--records', 'flow', capture], runs),
        ('softflowd', ['softflowd', '-r', capture, '-d', '-m', '2000000', '-c', 'none', '-p', scratch + '/pid'], runs),
        ('nfpcapd', ['nfpcapd', '-r', capture, '-w', scratch], runs),
        ('ndpiReader', ['ndpiReader', '-i', capture, '-q'], runs),
        ('argus', ['argus', '-X', '-r', capture, '-w', '/dev/null'], runs),
        ('tcpdump, copy', ['tcpdump', '-nr', capture, '-w', '/dev/null'], runs),
        ('tshark, conversations', ['tshark', '-n', '-r', capture, '-q', '-z', 'conv,tcp'], min(runs, 1)),
    ]
    return [tool for tool in every if shutil.which(tool[1][0]) or os.path.exists(tool[1][0])]


def compare(capture, runs, scratch):
    packets, megabytes = packets_in(capture), os.path.getsize(capture) / 1e6
    timings = {}
    for turn in range(runs):
        for name, command, times in tools(capture, runs, scratch):
            if turn < times:
                timings.setdefault(name, []).append(timed(command))
    print(f'\n{os.path.basename(capture)}: {packets:,} packets, {megabytes:,.0f} MB, medians of {runs} runs\n')
    print('| tool | wall s | CPU s | Mpps (CPU) | MB/s (CPU) | ns/packet |\n| --- | --- | --- | --- | --- | --- |')
    for name, results in timings.items():
        wall, cpu = (statistics.median(column) for column in zip(*results))
        print(f'| {name} | {wall:.2f} | {cpu:.2f} | {packets / cpu / 1e6:.2f} | {megabytes / cpu:.0f} | {cpu / packets * 1e9:.0f} |')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--runs', type=int, default=5)
    parser.add_argument('captures', nargs='+', metavar='CAPTURE')
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for capture in arguments.captures:
            compare(capture, arguments.runs, scratch)


if __name__ == '__main__':
    main()
