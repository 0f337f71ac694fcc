# SPDX-License-Identifier: Apache-2.0
"""Inserts rows from eight connections for some seconds: load.py URL TOKEN SECONDS.

Prints each id that was acknowledged. Fails when a request hangs for more than 15 seconds.
"""
import http.client, itertools, sys, threading, time
from urllib.parse import urlsplit

url, token, seconds = urlsplit(sys.argv[1]), sys.argv[2], float(sys.argv[3])
numbers, end = itertools.count(1), time.monotonic() + seconds
acknowledged, failures, lock = [], [], threading.Lock()
headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


def write():
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=15)
    while time.monotonic() < end:
        number = next(numbers)
        try:
            connection.request("POST", url.path, f'{{"id": {number}}}', headers)
            reply = connection.getresponse()
            body = reply.read()
            if reply.status == 201:
                with lock:
                    acknowledged.append(number)
            elif reply.status not in (500, 503, 504):
                with lock:
                    failures.append(f"{reply.status} {body!r}")
            else:
                time.sleep(0.02)
        except TimeoutError:
            with lock:
                failures.append(f"no answer to {number}")
            connection.close()
        except (OSError, http.client.HTTPException) as error:
            with lock:
                failures.append(f"{error!r} for {number}")
            connection.close()


threads = [threading.Thread(target=write) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("\n".join(map(str, acknowledged)))
if failures:
    sys.exit("\n".join(failures[:20]))
