# SPDX-License-Identifier: Apache-2.0
"""openmetrics.py FILE: reads an exposition as strictly as OpenMetrics 1.0 does, by Prometheus' own parser.

Prints the families that have exemplars, one a line with the trace ids; what is wrong ends it.
"""
import math
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

UNITS = {"seconds", "bytes", "ratio", ""}

with open(sys.argv[1], encoding="utf-8") as file:
    families = list(text_string_to_metric_families(file.read()))

for family in families:
    assert family.type != "unknown" and family.documentation, family.name
    assert family.unit in UNITS, f"{family.name}: unit {family.unit}"
    lower, series, traces = -math.inf, None, set()
    for sample in family.samples:
        if not sample.name.endswith("_bucket"):
            continue
        # Buckets of a series follow each other; an exemplar lies in its bucket, not in one below.
        bound = float(sample.labels["le"])
        others = {name: value for name, value in sample.labels.items() if name != "le"}
        lower, series = (lower if others == series else -math.inf), others
        if sample.exemplar:
            value = sample.exemplar.value
            assert lower < value <= bound, f"{family.name}: {value} is not in ({lower}, {bound}]"
            assert sample.exemplar.timestamp, f"{family.name}: an exemplar without its time"
            traces.add(sample.exemplar.labels["trace_id"])
        lower = bound
    if traces:
        print(family.name, *sorted(traces))
