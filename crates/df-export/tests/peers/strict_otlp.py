#!/usr/bin/env python3
"""A strict OTLP receiver for tests: gRPC and HTTP, plain or TLS, built on the official protobuf definitions.

It refuses whatever the protocol or the data model forbids and lenient receivers let pass, and writes one JSON line per
request that it took (or refused) to a file. Needs the packages opentelemetry-proto and grpcio.

    strict_otlp.py serve --out FILE [--grpc PORT] [--http PORT] [--brief]
                         [--certificate PEM --key PEM [--client-authority PEM]]
    strict_otlp.py check FILE       reads an OTLP JSON file, prints the number of items of each signal, exits 1 on a violation

A request can ask for trouble with the header (metadata) x-trouble:
    busy:N     the first N such requests get 503 / UNAVAILABLE, and the wish to be asked again after a second
    partial:N  the request is taken, but N items are said to be rejected
    refuse     400 / INVALID_ARGUMENT
    exhausted  429 without Retry-After / RESOURCE_EXHAUSTED without RetryInfo
    slow:MS    the answer comes after so many milliseconds
"""
import argparse
import base64
import collections
import concurrent.futures
import gzip
import http.server
import json
import re
import ssl
import sys
import threading
import time

import grpc
from google.protobuf import json_format, unknown_fields
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

EARLIEST = 946_684_800 * 10**9  # the year 2000
LATEST = 4_102_444_800 * 10**9  # the year 2100

Signal = collections.namedtuple("Signal", "request response resources scopes items rejected")
SIGNALS = {
    "traces": Signal(
        trace_service_pb2.ExportTraceServiceRequest, trace_service_pb2.ExportTraceServiceResponse,
        "resource_spans", "scope_spans", "spans", "rejected_spans"),
    "metrics": Signal(
        metrics_service_pb2.ExportMetricsServiceRequest, metrics_service_pb2.ExportMetricsServiceResponse,
        "resource_metrics", "scope_metrics", "metrics", "rejected_data_points"),
    "logs": Signal(
        logs_service_pb2.ExportLogsServiceRequest, logs_service_pb2.ExportLogsServiceResponse,
        "resource_logs", "scope_logs", "log_records", "rejected_log_records"),
}


# --- what is a violation ------------------------------------------------------------------------------------------

def violations(name, request):
    """Every way in which a request breaks the rules."""
    signal = SIGNALS[name]
    yield from foreign_fields(request, name)
    resources = getattr(request, signal.resources)
    if not resources:
        yield "a request without content"
    identities = [entry.resource.SerializeToString(deterministic=True) for entry in resources]
    if len(set(identities)) != len(identities):
        yield "the same resource twice in a request"
    for entry in resources:
        yield from attribute_violations(entry.resource.attributes, "resource")
        services = [a.value.string_value for a in entry.resource.attributes if a.key == "service.name"]
        if not any(services):
            yield "a resource without service.name"
        for scope in getattr(entry, signal.scopes):
            if not scope.scope.name:
                yield "a scope without name"
            if not getattr(scope, signal.items):
                yield "a scope without content"
            for item in getattr(scope, signal.items):
                yield from {"traces": span_violations, "metrics": metric_violations, "logs": log_violations}[name](item)
    if name == "traces":
        ids = span_ids(request)
        if len(set(ids)) != len(ids):
            yield "the same span twice in a request"


def foreign_fields(message, path):
    """Fields that the published definition does not know, at any depth."""
    for field in unknown_fields.UnknownFieldSet(message):
        yield f"unknown field {field.field_number} in {path}"
    for descriptor, value in message.ListFields():
        if descriptor.message_type is None:
            continue
        for child in value if isinstance(value, collections.abc.Sequence) else [value]:
            yield from foreign_fields(child, f"{path}.{descriptor.name}")


def attribute_violations(attributes, where):
    keys = [attribute.key for attribute in attributes]
    if "" in keys:
        yield f"{where}: an attribute without key"
    for key, count in collections.Counter(keys).items():
        if count > 1:
            yield f"{where}: attribute {key!r} {count} times"
    for attribute in attributes:
        if attribute.value.WhichOneof("value") is None:
            yield f"{where}: attribute {attribute.key!r} without value"
        if attribute.key_strindex:
            yield f"{where}: an attribute by index outside of profiles"


def id_violation(value, length, where, required=True):
    if (value or required) and (len(value) != length or not any(value)):
        yield f"{where}: {value.hex()!r} is no id of {length} bytes"


def time_violation(value, where):
    if not EARLIEST <= value <= LATEST:
        yield f"{where}: {value} is no plausible time"


def span_violations(span):
    where = f"span {span.name!r}"
    yield from id_violation(span.trace_id, 16, where)
    yield from id_violation(span.span_id, 8, where)
    yield from id_violation(span.parent_span_id, 8, where, required=False)
    yield from time_violation(span.start_time_unix_nano, where)
    yield from attribute_violations(span.attributes, where)
    if not span.name:
        yield "a span without name"
    if span.parent_span_id == span.span_id:
        yield f"{where}: its own parent"
    if not 1 <= span.kind <= 5:
        yield f"{where}: kind {span.kind}"
    if span.end_time_unix_nano < span.start_time_unix_nano:
        yield f"{where}: ends before it starts"
    if not 0 <= span.status.code <= 2 or (span.status.message and span.status.code != 2):
        yield f"{where}: status {span.status.code} with message {span.status.message!r}"
    for link in span.links:
        yield from id_violation(link.trace_id, 16, f"link of {where}")
        yield from id_violation(link.span_id, 8, f"link of {where}")


def log_violations(record):
    where = f"log record {record.event_name!r}"
    yield from attribute_violations(record.attributes, where)
    yield from id_violation(record.trace_id, 16, where, required=False)
    yield from id_violation(record.span_id, 8, where, required=False)
    yield from time_violation(record.observed_time_unix_nano, where)
    if record.time_unix_nano:
        yield from time_violation(record.time_unix_nano, where)
    if record.span_id and not record.trace_id:
        yield f"{where}: a span without trace"
    if not 0 <= record.severity_number <= 24:
        yield f"{where}: severity {record.severity_number}"


def metric_violations(metric):
    where = f"metric {metric.name!r}"
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_./-]{0,254}", metric.name):
        yield f"{where}: the name is not allowed"
    kind = metric.WhichOneof("data")
    if kind is None:
        yield f"{where}: no data"
        return
    data = getattr(metric, kind)
    if kind in ("sum", "histogram", "exponential_histogram") and data.aggregation_temporality not in (1, 2):
        yield f"{where}: temporality {data.aggregation_temporality}"
    if not data.data_points:
        yield f"{where}: no points"
    seen = set()
    for point in data.data_points:
        key = tuple(sorted((a.key, a.value.SerializeToString()) for a in point.attributes))
        if key in seen:
            yield f"{where}: two points with the same attributes"
        seen.add(key)
        yield from point_violations(point, kind, data, where)


def point_violations(point, kind, data, where):
    yield from attribute_violations(point.attributes, where)
    yield from time_violation(point.time_unix_nano, where)
    if kind != "gauge":
        yield from time_violation(point.start_time_unix_nano, where)
    if point.start_time_unix_nano > point.time_unix_nano:
        yield f"{where}: a point that ends before it starts"
    if kind in ("sum", "gauge"):
        value = point.WhichOneof("value")
        if value is None:
            yield f"{where}: a point without value"
        elif kind == "sum" and data.is_monotonic and getattr(point, value) < 0:
            yield f"{where}: a monotonic sum below zero"
    if kind == "histogram":
        yield from histogram_violations(point, where)


def histogram_violations(point, where):
    bounds = list(point.explicit_bounds)
    if bounds != sorted(set(bounds)):
        yield f"{where}: bounds do not grow"
    if len(point.bucket_counts) != len(bounds) + 1:
        yield f"{where}: {len(point.bucket_counts)} buckets for {len(bounds)} bounds"
        return
    if sum(point.bucket_counts) != point.count:
        yield f"{where}: buckets hold {sum(point.bucket_counts)} of {point.count}"
    if not point.count:
        return
    if point.min > point.max or not point.min * point.count <= point.sum * (1 + 1e-9) <= point.max * point.count * (1 + 2e-9):
        yield f"{where}: count {point.count}, sum {point.sum}, min {point.min}, max {point.max} cannot be"
    edges = [float("-inf"), *bounds, float("inf")]
    filled = [i for i, count in enumerate(point.bucket_counts) if count]
    if not (edges[filled[0]] < point.min <= edges[filled[0] + 1] and edges[filled[-1]] < point.max <= edges[filled[-1] + 1]):
        yield f"{where}: min {point.min} and max {point.max} are not in the outermost filled buckets"


# --- requests -----------------------------------------------------------------------------------------------------

def span_ids(request):
    return [s.span_id.hex() for r in request.resource_spans for scope in r.scope_spans for s in scope.spans]


def from_json(name, text):
    """A request in OTLP's JSON, whose ids are hexadecimal unlike all other bytes in protobuf's JSON."""
    def convert(value):
        if isinstance(value, list):
            return [convert(entry) for entry in value]
        if not isinstance(value, dict):
            return value
        return {key: base64.b64encode(bytes.fromhex(entry)).decode()
                if key in ("traceId", "spanId", "parentSpanId") else convert(entry) for key, entry in value.items()}

    def refuse_numbers(value, path=""):
        # JSON numbers lose digits beyond 53 bits; names are not allowed for enumerations.
        if isinstance(value, list):
            for entry in value:
                refuse_numbers(entry, path)
        elif isinstance(value, dict):
            for key, entry in value.items():
                if (key.endswith("UnixNano") or key in ("intValue", "asInt", "count")) and not isinstance(entry, str):
                    raise ValueError(f"{path}.{key} is no text")
                if key in ("kind", "severityNumber", "aggregationTemporality") and not isinstance(entry, int):
                    raise ValueError(f"{path}.{key} is no number")
                refuse_numbers(entry, f"{path}.{key}")

    parsed = json.loads(text)
    refuse_numbers(parsed)
    return json_format.ParseDict(convert(parsed), SIGNALS[name].request())


class Referee:
    """Judges requests and writes them down."""

    def __init__(self, out, brief):
        self.out, self.brief = open(out, "a", buffering=1), brief
        self.lock, self.troubles = threading.Lock(), collections.Counter()

    def trouble(self, wish):
        """What goes wrong with this request: None, or the kind and its number."""
        if not wish:
            return None
        kind, _, number = wish.partition(":")
        if kind == "slow":
            time.sleep(int(number) / 1000)
            return None
        with self.lock:
            self.troubles[wish] += 1
            if kind == "busy" and self.troubles[wish] > int(number):
                return None
        return kind, int(number or 0)

    def judge(self, name, request, about):
        found = sorted(set(violations(name, request)))[:20]
        line = {"signal": name, "violations": found, **about}
        if name == "traces":
            line["span_ids"] = span_ids(request)
        if not self.brief:
            line["request"] = json_format.MessageToDict(request)
        with self.lock:
            self.out.write(json.dumps(line) + "\n")
        return found

    def answer(self, name, trouble):
        response = SIGNALS[name].response()
        if trouble and trouble[0] == "partial":
            setattr(response.partial_success, SIGNALS[name].rejected, trouble[1])
            response.partial_success.error_message = "as asked for"
        return response


# --- gRPC ---------------------------------------------------------------------------------------------------------

# google.rpc.Status{code: 14, details: [google.rpc.RetryInfo{retry_delay: 1 s}]}, written by hand.
RETRY_INFO = b"type.googleapis.com/google.rpc.RetryInfo"
RETRY_AFTER_A_SECOND = (
    b"\x08\x0e\x1a" + bytes([len(RETRY_INFO) + 8]) + b"\x0a" + bytes([len(RETRY_INFO)]) + RETRY_INFO
    + b"\x12\x04\x0a\x02\x08\x01")


def grpc_servicer(referee, name, base):
    class Servicer(base):
        def Export(self, request, context):
            metadata = dict(context.invocation_metadata())
            trouble = referee.trouble(metadata.get("x-trouble"))
            if trouble and trouble[0] == "busy":
                context.set_trailing_metadata((("grpc-status-details-bin", RETRY_AFTER_A_SECOND),))
                context.abort(grpc.StatusCode.UNAVAILABLE, "busy as asked for")
            if trouble and trouble[0] == "refuse":
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, "refused as asked for")
            if trouble and trouble[0] == "exhausted":
                context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "exhausted as asked for")
            found = referee.judge(name, request, {"via": "grpc", "headers": metadata_texts(metadata)})
            if found:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, "; ".join(found)[:2000])
            return referee.answer(name, trouble)
    return Servicer()


def metadata_texts(metadata):
    return {key: value for key, value in metadata.items() if isinstance(value, str)}


def serve_grpc(referee, options):
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
    for name, module, service in (
            ("traces", trace_service_pb2_grpc, "TraceService"), ("metrics", metrics_service_pb2_grpc, "MetricsService"),
            ("logs", logs_service_pb2_grpc, "LogsService")):
        servicer = grpc_servicer(referee, name, getattr(module, f"{service}Servicer"))
        getattr(module, f"add_{service}Servicer_to_server")(servicer, server)
    address = f"127.0.0.1:{options.grpc}"
    if options.certificate:
        read = lambda path: open(path, "rb").read() if path else None
        credentials = grpc.ssl_server_credentials(
            [(read(options.key), read(options.certificate))], read(options.client_authority), bool(options.client_authority))
        port = server.add_secure_port(address, credentials)
    else:
        port = server.add_insecure_port(address)
    server.start()
    return server, port


# --- HTTP ---------------------------------------------------------------------------------------------------------

def http_handler(referee):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body of an answer leave in one segment, or the client's delayed acknowledgment costs 40 ms.
        wbufsize = -1

        def log_message(self, *_):
            pass

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            name = self.path.removeprefix("/v1/")
            content_type = self.headers.get("Content-Type", "")
            if name not in SIGNALS:
                return self.reply(404, b"no such path", "text/plain")
            if content_type not in ("application/x-protobuf", "application/json"):
                return self.reply(415, b"no such content type", "text/plain")
            trouble = referee.trouble(self.headers.get("x-trouble"))
            if trouble and trouble[0] == "busy":
                return self.reply(503, b"busy as asked for", "text/plain", [("Retry-After", "1")])
            if trouble and trouble[0] in ("refuse", "exhausted"):
                return self.reply(400 if trouble[0] == "refuse" else 429, b"as asked for", "text/plain")
            try:
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                if content_type == "application/json":
                    request = from_json(name, body)
                else:
                    request = SIGNALS[name].request.FromString(body)
            except Exception as error:  # whatever a bad body makes the libraries say
                return self.reply(400, str(error).encode(), "text/plain")
            headers = {key.lower(): value for key, value in self.headers.items()}
            found = referee.judge(name, request, {"via": "http", "headers": headers})
            if found:
                return self.reply(400, "; ".join(found).encode(), "text/plain")
            answer = referee.answer(name, trouble)
            if content_type == "application/json":
                return self.reply(200, json_format.MessageToJson(answer).encode(), content_type)
            return self.reply(200, answer.SerializeToString(), content_type)

        def reply(self, status, body, content_type, headers=()):
            self.send_response(status)
            for key, value in (("Content-Type", content_type), ("Content-Length", str(len(body))), *headers):
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

    return Handler


def serve_http(referee, options):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", options.http), http_handler(referee))
    server.daemon_threads = True
    if options.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate, options.key)
        if options.client_authority:
            context.load_verify_locations(options.client_authority)
            context.verify_mode = ssl.CERT_REQUIRED
        server.socket = context.wrap_socket(server.socket, server_side=True)
    return server, server.server_address[1]


# --- commands -----------------------------------------------------------------------------------------------------

def check(path):
    counts, failed = collections.Counter(), False
    for number, line in enumerate(open(path), 1):
        name = {"resourceSpans": "traces", "resourceMetrics": "metrics", "resourceLogs": "logs"}[next(iter(json.loads(line)))]
        request = from_json(name, line)
        for violation in violations(name, request):
            failed = True
            print(f"line {number}: {violation}", file=sys.stderr)
        signal = SIGNALS[name]
        for entry in getattr(request, signal.resources):
            counts[name] += sum(len(getattr(scope, signal.items)) for scope in getattr(entry, signal.scopes))
    print(json.dumps(counts, sort_keys=True))
    return int(failed)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    serving = commands.add_parser("serve")
    serving.add_argument("--out", required=True)
    serving.add_argument("--grpc", type=int, default=0)
    serving.add_argument("--http", type=int, default=0)
    serving.add_argument("--brief", action="store_true")
    serving.add_argument("--certificate")
    serving.add_argument("--key")
    serving.add_argument("--client-authority")
    commands.add_parser("check").add_argument("file")
    options = parser.parse_args()
    if options.command == "check":
        return check(options.file)
    referee = Referee(options.out, options.brief)
    grpc_server, grpc_port = serve_grpc(referee, options)
    http_server, http_port = serve_http(referee, options)
    print(f"up {grpc_port} {http_port}", flush=True)
    http_server.serve_forever()
    grpc_server.stop(0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
