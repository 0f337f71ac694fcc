# SPDX-License-Identifier: Apache-2.0
"""otlp.py PORT FILE: an OTLP/HTTP receiver that takes nothing on trust.

What is posted is held against the traps of OTLP's JSON (ids in hexadecimal, 64-bit integers as strings,
enums as integers, lowerCamelCase) and then parsed by OpenTelemetry's own schema, which knows every field.
Each request becomes a line of FILE: {"path", "names", "keys", "exemplars", "errors"}.
"""
import base64
import bisect
import gzip
import http.server
import json
import math
import re
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace

MESSAGES = {
    "/v1/traces": trace.ExportTraceServiceRequest,
    "/v1/logs": logs.ExportLogsServiceRequest,
    "/v1/metrics": metrics.ExportMetricsServiceRequest,
}
LONG = {
    "timeUnixNano", "startTimeUnixNano", "endTimeUnixNano", "observedTimeUnixNano", "asInt", "intValue",
    "count", "zeroCount",
}
ENUMS = {"kind", "code", "severityNumber", "aggregationTemporality"}
IDS = {"traceId": 32, "spanId": 16, "parentSpanId": 16}


def broken(value, errors, path=""):
    """The rules that the schema's JSON parser would not notice; ids become what it expects."""
    if isinstance(value, list):
        for position, element in enumerate(value):
            broken(element, errors, f"{path}[{position}]")
    if not isinstance(value, dict):
        return
    for key, member in value.items():
        where = f"{path}.{key}"
        if "_" in key:
            errors.append(f"{where}: not lowerCamelCase")
        if key in IDS:
            if re.fullmatch("[0-9a-f]{%d}" % IDS[key], str(member)) and set(member) != {"0"}:
                value[key] = base64.b64encode(bytes.fromhex(member)).decode()
            else:
                errors.append(f"{where}: no id in hexadecimal: {member!r}")
        if key in LONG and not (isinstance(member, str) and re.fullmatch(r"-?\d+", member)):
            errors.append(f"{where}: a 64-bit integer is a string: {member!r}")
        if key in ENUMS and not isinstance(member, int):
            errors.append(f"{where}: an enum is an integer: {member!r}")
        broken(member, errors, where)


def groups(message):
    for resource in getattr(message, "resource_spans", []):
        yield resource, [span for scope in resource.scope_spans for span in scope.spans]
    for resource in getattr(message, "resource_logs", []):
        yield resource, [record for scope in resource.scope_logs for record in scope.log_records]
    for resource in getattr(message, "resource_metrics", []):
        yield resource, [metric for scope in resource.scope_metrics for metric in scope.metrics]


def uneven(metric):
    """Histograms whose buckets do not add up to their count."""
    for point in metric.histogram.data_points:
        if sum(point.bucket_counts) != point.count or len(point.bucket_counts) != len(point.explicit_bounds) + 1:
            yield f"{metric.name}: buckets and count disagree"
    for point in metric.exponential_histogram.data_points:
        if sum(point.positive.bucket_counts) + point.zero_count != point.count:
            yield f"{metric.name}: buckets and count disagree"


def exemplars(metric):
    """Trace ids by which a histogram's values are exemplified, each in a bucket that holds something."""
    for point in [*metric.histogram.data_points, *metric.exponential_histogram.data_points]:
        for exemplar in point.exemplars:
            if hasattr(point, "explicit_bounds"):
                bucket = bisect.bisect_left(point.explicit_bounds, exemplar.as_double)
                held = point.bucket_counts[bucket]
            else:
                index = math.ceil(math.log2(exemplar.as_double) * 2 ** point.scale) - 1 - point.positive.offset
                counts = point.positive.bucket_counts
                # An exponential bucket's bound is not exact in floating point: the next one will do.
                held = sum(counts[max(0, index - 1):index + 2])
            yield exemplar.trace_id.hex(), held > 0 and exemplar.time_unix_nano > 0


def check(path, body):
    errors = []
    document = json.loads(body)
    broken(document, errors)
    if errors:
        return errors, [], set(), set()
    message = json_format.ParseDict(document, MESSAGES[path](), ignore_unknown_fields=False)
    names, keys, traces = [], set(), set()
    for resource, items in groups(message):
        if "service.name" not in {attribute.key for attribute in resource.resource.attributes}:
            errors.append("the resource has no service.name")
        for item in items:
            names.append(item.name if hasattr(item, "name") else item.body.string_value)
            if path == "/v1/metrics":
                errors += uneven(item)
                for trace_id, is_held in exemplars(item):
                    traces.add(trace_id)
                    errors += [] if is_held else [f"{item.name}: an exemplar of no bucket"]
            else:
                keys |= {attribute.key for attribute in item.attributes}
    return errors + ([] if names else ["an empty envelope"]), names, keys, traces


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(200, b"{}")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        try:
            errors, names, keys, traces = check(self.path, body)
        except Exception as error:
            errors, names, keys, traces = [f"{type(error).__name__}: {error}"], [], set(), set()
        if self.headers.get("Content-Type") != "application/json":
            errors.append("Content-Type")
        line = {
            "path": self.path, "names": sorted(set(names)), "keys": sorted(keys),
            "exemplars": sorted(traces), "errors": errors[:20],
        }
        with open(sys.argv[2], "a") as file:
            file.write(json.dumps(line) + "\n")
        self.answer(400 if errors else 200, b"{}")


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
