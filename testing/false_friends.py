#!/usr/bin/env python3
"""Counts the streams of a corpus on which `df-agent replay` reports a protocol that is another's.

    false_friends.py CORPUS [--agent PATH] [--disputed FILE] [--jobs N] [--one-in 2000]

Who knows what a stream speaks, in this order: the truth's transactions on this stream; Wireshark's dissection of its
packets, if tshark is installed; what the list of captures says of the whole capture, of streams for which Wireshark has no
name, and of protocols that it does not know. A claim that nobody confirms is false if somebody names another protocol; if
nobody names any, it is not judged, and told. Captures of --disputed (capture, protocol, reason) are left out for that
protocol. Exit 1 when as many as one in 2,000 of the judged claims is false, or fewer are judged than not. A claim is a
protocol on a stream.
"""
import argparse, collections, concurrent.futures, json, os, shutil, subprocess, sys

# What may be reported on a stream of which the truth has transactions of this protocol: itself, what it turns to, what it
# began as.
MAY_BE = {'http': {'http1', 'http2', 'tls'}, 'http2': {'http1', 'http2', 'grpc'}, 'grpc': {'http1', 'http2', 'grpc'},
          'mdns': {'dns'}, 'llmnr': {'dns'}, 'mysql': {'mysql', 'tls'}, 'pgsql': {'postgresql', 'tls'},
          'mongo': {'mongodb'}, 'tls': {'tls', 'http1', 'smtp', 'ldap', 'postgresql', 'mysql'}}
# Wireshark's names where they differ from ours.
WIRESHARK = {'http1': {'http'}, 'dns': {'dns', 'mdns', 'llmnr'}, 'postgresql': {'pgsql'}, 'mongodb': {'mongo'},
             'redis': {'redis', 'resp'}, 'memcached': {'memcache'}, 'ldap': {'ldap', 'cldap'}, 'quic': {'quic', 'gquic'},
             'grpc': {'grpc', 'http2'}, 'http2': {'http2', 'http'}}
UNKNOWN_TO_WIRESHARK = {'brpc', 'nats', 'pulsar', 'rocketmq', 'sofarpc', 'tars', 'zmtp'}
# What Wireshark calls bytes that it has no name for, and what turns to TLS on the way.
NAMELESS = {'data', 'tcp', 'udp', 'icmp', 'icmpv6', 'ip', 'ipv6'}
TURNS_TO_TLS = {'rdp', 'tpkt', 'cotp', 'ftp', 'pop', 'imap', 'xmpp', 'smtp', 'ldap', 'http', 'dtls'}


def claims(agent, path):
    """Stream, as transport and its two ends -> the protocols reported on it."""
    done = subprocess.run([agent, 'replay', '--json', '--records', 'exchange', path], capture_output=True, timeout=600)
    found = collections.defaultdict(set)
    for line in done.stdout.splitlines():
        record = json.loads(line)
        if record['transport'] in ('tcp', 'udp'):
            ends = frozenset(f"{record[side + '_ip']}:{record[side + '_port']}" for side in ('client', 'server'))
            found[record['transport'], ends].add(record['protocol'])
    return found


def rows(path):
    return [json.loads(line) for line in open(path)] if os.path.exists(path) else []


def told_by_truth(truth):
    """Stream -> what may be reported on it."""
    ends = {(row['kind'], row.get('stream')): frozenset((row['client'], row['server']))
            for row in rows(truth + '.l4.jsonl') if row.get('client')}
    found = collections.defaultdict(set)
    for row in rows(truth + '.l7.jsonl'):
        transport = row.get('l4', 'tcp')
        if row.get('kind') == 'txn' and (transport, row.get('stream')) in ends:
            found[transport, ends[transport, row['stream']]] |= MAY_BE.get(row['proto'], {row['proto']})
    return found


def told_by_wireshark(path):
    """Stream -> the application protocols that its packets are dissected as."""
    fields = ['ip.src', 'ipv6.src', 'ip.dst', 'ipv6.dst', 'tcp.srcport', 'udp.srcport', 'tcp.dstport', 'udp.dstport']
    command = ['tshark', '-r', path, '-T', 'fields', '-E', 'occurrence=a', '-e', 'frame.protocols']
    done = subprocess.run(command + [part for field in fields for part in ('-e', field)], capture_output=True, text=True)
    found = collections.defaultdict(set)
    for line in done.stdout.splitlines():
        layers, *values = line.split('\t')
        layers, values = layers.split(':'), [[v for v in value.split(',') if v] for value in values + [''] * 8]
        last = max((at for at, layer in enumerate(layers) if layer in ('tcp', 'udp')), default=len(layers))
        # A packet in a tunnel has several addresses and ports: those that are no stream's are asked for by nobody.
        for source in values[0] + values[1]:
            for target in values[2] + values[3]:
                for source_port in values[4] + values[5]:
                    for target_port in values[6] + values[7]:
                        ends = frozenset((f'{source}:{source_port}', f'{target}:{target_port}'))
                        found[ends] |= set(layers[last + 1:]) - NAMELESS
    return found


def judge(protocol, truth, wireshark, listed):
    if truth:
        return 'right' if protocol in truth else 'false'
    if wireshark & WIRESHARK.get(protocol, {protocol}) or protocol == 'tls' and wireshark & TURNS_TO_TLS:
        return 'right'
    if protocol in listed and (not wireshark or protocol in UNKNOWN_TO_WIRESHARK):
        return 'right'
    return 'false' if wireshark else 'not judged'


def one(args, capture, listed):
    path = os.path.join(args.corpus, 'pcaps', capture)
    told = told_by_truth(os.path.join(args.corpus, 'truth', capture))
    claimed = claims(args.agent, path)
    open_questions = any(not told.get(stream) for stream in claimed)
    dissected = told_by_wireshark(path) if open_questions and args.has_tshark else {}
    verdicts = []
    for (transport, ends), protocols in claimed.items():
        for protocol in protocols:
            if (capture, protocol) not in args.disputed:
                names = dissected.get(ends, set())
                verdict = judge(protocol, told.get((transport, ends)), names, listed)
                verdicts.append((verdict, protocol, capture, sorted(ends), sorted(names)))
    return verdicts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('corpus')
    parser.add_argument('--agent', default='target/release/df-agent')
    parser.add_argument('--disputed', default='testdata/disputed.tsv')
    parser.add_argument('--jobs', type=int, default=2)
    parser.add_argument('--one-in', type=int, default=2000)
    args = parser.parse_args()
    args.has_tshark = shutil.which('tshark') is not None
    args.disputed = {tuple(line.split('\t')[:2]) for line in open(args.disputed) if not line.startswith('#')}
    with open(os.path.join(args.corpus, 'captures.tsv')) as listing:
        captures = [line.split('\t') for line in listing if not line.startswith('#')]
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        results = pool.map(lambda row: one(args, row[0], set(row[1].split(','))), captures)
        verdicts = [verdict for result in results for verdict in result]
    count = collections.Counter(verdict[0] for verdict in verdicts)
    for verdict, protocol, capture, ends, names in verdicts:
        if verdict != 'right':
            print(f"{verdict}: {protocol} on {' '.join(ends)} in {capture}, which is {' '.join(names) or 'nameless'}")
    judged = count['right'] + count['false']
    print(f"{judged} claims judged, {count['false']} false; {count['not judged']} not judged")
    if not args.has_tshark:
        print('skipped: what only Wireshark knows (tshark is not installed)')
    sys.exit(1 if count['false'] * args.one_in >= judged or judged < count['not judged'] else 0)


if __name__ == '__main__':
    main()
