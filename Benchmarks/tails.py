# SPDX-License-Identifier: Apache-2.0
"""Requests a second and their 99th percentile, alone and with three clients that follow the log, in turns."""
import os, re, shutil, statistics, subprocess, sys, tempfile
from urllib.parse import quote
from machine import Postgres, lucarne

# Everything; every request by two fields; one in nine or so by a part of a third.
FILTERS = ["", "status=404 and route=/rest/v1/{relation}", "path~nowhere and trace~00"]
ROUNDS, SECONDS = 5, 5


def load(server):
    text = subprocess.run(
        ["wrk", "-t1", "-c32", f"-d{SECONDS}s", "--latency", server.base + "/rest/v1/nowhere"],
        capture_output=True, text=True, check=True,
    ).stdout
    value, unit = re.search(r"^\s+99%\s+([\d.]+)(us|ms|s)", text, re.M).groups()
    scale = {"us": 1e-3, "ms": 1, "s": 1e3}[unit]
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)), float(value) * scale


def told(path):
    """The records that a follower got, and how many it was told that it had lost."""
    text = open(path).read()
    lost = re.findall(r'^event: dropped\ndata: {"records":(\d+)}', text, re.M)
    return len(re.findall(r"^data: {\"time", text, re.M)), sum(map(int, lost))


def followed(server, directory):
    tails = []
    for number, query in enumerate(FILTERS):
        file = open(os.path.join(directory, f"tail-{number}"), "wb")
        command = ["curl", "-sN", server.base + "/debug/logs/tail?q=" + quote(query)]
        tails.append((subprocess.Popen(command, stdout=file), file))
    try:
        return load(server)
    finally:
        for process, file in tails:
            process.terminate()
            process.wait()
            file.close()


def main():
    directory = tempfile.mkdtemp(prefix="lucarne-tails-")
    os.chmod(directory, 0o755)
    postgres = Postgres(directory)
    try:
        server = lucarne("lucarne", 7361, postgres.url, directory)
        try:
            load(server)
            alone, tailed = [], []
            for _ in range(ROUNDS):
                alone.append(load(server))
                tailed.append(followed(server, directory))
        finally:
            server.stop()
    finally:
        postgres.stop()
        read = [told(os.path.join(directory, f"tail-{number}")) for number in range(len(FILTERS))]
        shutil.rmtree(directory, ignore_errors=True)
    for name, measured in (("alone", alone), ("three followers", tailed)):
        rate, tail = (statistics.median(values) for values in zip(*measured))
        print(f"{name}: {rate:,.0f} a second, 99 % within {tail:.2f} ms")
    for query, (records, lost) in zip(FILTERS, read):
        print(f"in the last round, {query or 'everything'}: {records:,} records, told of {lost:,} lost")


if __name__ == "__main__":
    sys.exit(main())
