# SPDX-License-Identifier: Apache-2.0
"""noise.py PORT COUNT: so many requests with random methods, paths, hosts and headers."""
import random
import socket
import string
import sys

port, count = int(sys.argv[1]), int(sys.argv[2])
methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "BREW", "PROPFIND", "OPTIONS"]


def word():
    return "".join(random.choices(string.ascii_lowercase + string.digits, k=random.randint(1, 20)))


def request():
    path = random.choice(["/", "/rest/v1/", "/rest/v1/rpc/", "/graphql/", "/v1/"]) + word()
    query = "?%s=eq.%s" % (word(), word()) if random.random() < 0.5 else ""
    return (
        "%s %s%s HTTP/1.1\r\nHost: %s.example\r\nX-%s: %s\r\nUser-Agent: %s\r\nContent-Length: 0\r\n\r\n"
        % (random.choice(methods), path, query, word(), word(), word(), word())
    ).encode()


def answer(stream):
    while True:
        status = stream.readline()
        if not status:
            raise SystemExit("the server left")
        length = 0
        chunked = False
        while (line := stream.readline()) not in (b"\r\n", b""):
            name, _, value = line.lower().partition(b":")
            if name == b"content-length":
                length = int(value)
            chunked = chunked or (name == b"transfer-encoding" and b"chunked" in value)
        while chunked and (size := int(stream.readline(), 16)) >= 0:
            stream.read(size + 2)
            if size == 0:
                break
        stream.read(0 if chunked else length)
        if not status.startswith(b"HTTP/1.1 1"):
            return


connection = socket.create_connection(("127.0.0.1", port))
stream = connection.makefile("rb")
sent = 0
while sent < count:
    batch = min(50, count - sent)
    connection.sendall(b"".join(request() for _ in range(batch)))
    for _ in range(batch):
        answer(stream)
    sent += batch
