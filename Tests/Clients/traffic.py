# SPDX-License-Identifier: Apache-2.0
"""Asks for all kinds of things for some seconds: traffic.py URL TOKEN SECONDS.

Answers with 2xx, 4xx and 5xx, writes, statements that fail, a slow one, preflights, traces from
elsewhere, credentials that are wrong, requests that are no HTTP and clients that leave early.
"""
import http.client, itertools, json, socket, sys, threading, time
from urllib.parse import urlsplit

url, token, seconds = urlsplit(sys.argv[1]), sys.argv[2], float(sys.argv[3])
end = time.monotonic() + seconds
trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
bearer = {"Authorization": f"Bearer {token}"}
numbers = itertools.count(int(time.time()))
asks = [
    ("GET", "/rest/v1/planets?select=name,moons(name)", None, {}),
    ("GET", "/rest/v1/missions?limit=3", None, bearer),
    ("GET", "/rest/v1/planets?order=name&limit=2", None, {"Accept-Encoding": "gzip", "traceparent": trace}),
    ("GET", "/rest/v1/nothing", None, {}),
    ("GET", "/rest/v1/planets?id=eq.word", None, {}),
    ("GET", "/rest/v1/planets", None, {"Authorization": "Bearer not.a.token"}),
    ("GET", "/rest/v1/rpc/broken", None, {}),
    ("GET", "/no/such/path?token=secret", None, {"traceparent": "00-nonsense"}),
    ("POST", "/rest/v1/facts", lambda: {"id": next(numbers)}, bearer),
    ("POST", "/rest/v1/facts", lambda: {"id": 1}, bearer),
    ("PATCH", "/rest/v1/facts?id=eq.1", lambda: {"id": "x"}, bearer),
    ("OPTIONS", "/rest/v1/planets", None, {"Origin": "http://a.example", "Access-Control-Request-Method": "GET"}),
]
statuses = {}


def ask():
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=15)
    while time.monotonic() < end:
        for method, path, body, headers in asks:
            content = json.dumps(body()) if body else None
            kind = {"Content-Type": "application/json"} if body else {}
            connection.request(method, path, content, headers | kind)
            reply = connection.getresponse()
            reply.read()
            statuses[reply.status] = statuses.get(reply.status, 0) + 1
        time.sleep(0.02)


def disturb():
    while time.monotonic() < end:
        for words in (b"NONSENSE\r\n\r\n", b"GET /rest/v1/rpc/slow HTTP/1.1\r\nHost: a\r\n\r\n"):
            with socket.create_connection((url.hostname, url.port)) as peer:
                peer.sendall(words)
                time.sleep(0.1)
        slow = http.client.HTTPConnection(url.hostname, url.port, timeout=15)
        slow.request("GET", "/rest/v1/rpc/slow")
        slow.getresponse().read()
        # Sessions that end make the pool open others.
        slow.request("GET", "/rest/v1/rpc/sever")
        slow.getresponse().read()


threads = [threading.Thread(target=work) for work in (ask, ask, disturb)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(statuses)
if not any(status >= 500 for status in statuses) or 200 not in statuses:
    sys.exit("the traffic was not mixed")
