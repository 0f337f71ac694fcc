# SPDX-License-Identifier: Apache-2.0
"""Scrapers that ask and never read: port, process id, how many. While they hold their connections,
one more scrapes as it should; says the bytes that this one got, that the process holds, and that
the kernel holds for it in its sockets."""

import socket
import sys
import urllib.request

port, process, count = (int(word) for word in sys.argv[1:4])
accepted = ["*/*", "application/openmetrics-text;version=1.0.0"]
codings = ["identity", "gzip"]

stalled = []
for number in range(count):
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    client.connect(("127.0.0.1", port))
    head = f"GET /metrics HTTP/1.1\r\nHost: a\r\nAccept: {accepted[number % 2]}\r\nAccept-Encoding: {codings[number // 2 % 2]}\r\n\r\n"
    client.sendall(head.encode())
    # The answer has begun.
    client.recv(1)
    stalled.append(client)

whole = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20).read()
with open(f"/proc/{process}/status") as status:
    resident = next(line for line in status if line.startswith("VmRSS:")).split()[1]
with open("/proc/net/tcp") as sockets:
    fields = [line.split() for line in list(sockets)[1:]]
queued = sum(int(field[4].split(":")[0], 16) for field in fields if field[1].endswith(f":{port:04X}"))
print(len(whole), int(resident) * 1024, queued)
