# SPDX-License-Identifier: Apache-2.0
"""Reads a long list slowly: list.py URL PID. Prints its rows, whether it came whole, and the most
memory the process had resident meanwhile, in MB."""
import http.client
import re
import sys
import time
from urllib.parse import urlsplit

url, process = urlsplit(sys.argv[1]), sys.argv[2]


def resident():
    return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{process}/status").read())[1]) // 1024


connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
connection.request("GET", f"{url.path}?{url.query}")
answer = connection.getresponse()
rows, most, whole, last = 0, resident(), True, b""
try:
    while piece := answer.read(32 * 1024):
        rows += (last[-2:] + piece).count(b"\n {") - last[-2:].count(b"\n {")
        last = piece
        most = max(most, resident())
        time.sleep(0.002)
except http.client.IncompleteRead:
    whole = False
print(f"{rows + 1} rows, {'whole' if whole and last.endswith(b']') else 'cut short'}, {most} MB")
