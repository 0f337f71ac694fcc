# SPDX-License-Identifier: Apache-2.0
"""Asks different things, some of them wrong, over one connection: mixed.py HOST:PORT COUNT.

Prints a JSON object for each answer: status, trace id, Server-Timing.
"""
import http.client
import json
import sys

REQUESTS = [
    ("GET", "/rest/v1/planets?select=name&limit=3", None),
    ("GET", "/rest/v1/planets?select=name,moons(name)&id=eq.4", None),
    ("GET", "/rest/v1/planets?id=eq.none", None),
    ("GET", "/rest/v1/nothing", None),
    ("GET", "/rest/v1/planets?select=nothing", None),
    ("HEAD", "/rest/v1/moons", None),
    ("POST", "/rest/v1/planets", "{}"),
    ("POST", "/rest/v1/planets", "{"),
    ("GET", "/rest/v1/moons?order=name&limit=1000", None),
    ("OPTIONS", "/rest/v1/planets", None),
]

host, count = sys.argv[1], int(sys.argv[2])
connection = http.client.HTTPConnection(host, timeout=20)
for number in range(count):
    method, path, body = REQUESTS[number % len(REQUESTS)]
    headers = {"Content-Type": "application/json"} if body else {}
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    answer.read()
    print(
        json.dumps(
            {
                "status": answer.status,
                "trace": answer.headers["traceparent"].split("-")[1],
                "timing": answer.headers["Server-Timing"],
            }
        )
    )
