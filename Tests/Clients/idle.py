# SPDX-License-Identifier: Apache-2.0
"""Opens many connections, leaves them idle, and asks on each twice: idle.py PORT COUNT."""
import resource, socket, sys, time

port, count = int(sys.argv[1]), int(sys.argv[2])
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 100), hard))
request = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"


def ask(connection):
    try:
        connection.sendall(request)
        return connection.recv(4096).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def asked():
    return sum(ask(connection) for connection in connections)


connections = []
for _ in range(count):
    connections.append(socket.create_connection(("127.0.0.1", port), timeout=10))
first = asked()
time.sleep(1)
second = asked()
print(f"{len(connections)} connected, {first} answered, {second} answered again")
