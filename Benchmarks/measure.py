# SPDX-License-Identifier: Apache-2.0
"""Measures Lucarne beside pgbench and nginx on this machine, in turns, and prints the ratios.

The load generator, the servers and PostgreSQL share this machine's cores, so only ratios of one run
mean anything. Each round measures every contender once; a ratio is the median of the rounds' ratios. What telemetry takes
is less than rounds differ: it is the mean of many pairs of processes, with its standard error.
"""
import argparse, os, re, shutil, statistics, subprocess, sys, tempfile, time, urllib.request
import rest
from machine import LUCARNE, ROOT, Postgres, cpu_seconds, lucarne, nginx, resident_megabytes, settings, token

ITEM = "/rest/v1/items?id=eq.%d&select=id,name,price,tags,created_at"
STATIC = "/livez"
CONNECTIONS, CLIENTS = 16, 64
ROW, DIFFERENT = "row by key", "row by key, all clients different"


def wrk(server, path, seconds, bearer=None, **request):
    command = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{seconds}s", "--latency"]
    environment = dict(os.environ)
    if bearer:
        command += ["-s", os.path.join(ROOT, "Benchmarks/request.lua")]
        environment |= {"REQUEST_PATH": path, "TOKEN": bearer, **request}
    before = cpu_seconds(server.process.pid)
    text = subprocess.run(
        command + [server.base + path.replace("%d", "1")],
        capture_output=True, text=True, env=environment, check=True,
    ).stdout
    used = cpu_seconds(server.process.pid) - before
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    if bad or "Socket errors" in text:
        print(f"  {server.name} {path}: not every request was answered well\n{text}", file=sys.stderr)
    count = int(re.search(r"(\d+) requests in", text).group(1))
    return {
        "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1)),
        "p99": re.search(r"^\s+99%\s+(\S+)", text, re.M).group(1),
        "cpu": used / max(count, 1) * 1e6,
    }


def statements(postgres, server, bearer, scenario=None):
    """What Lucarne sends for one request, as PostgreSQL's own log tells it: [(sql, [parameter])]."""
    scenario = scenario or rest.Scenario("", "GET", ITEM)
    request = urllib.request.Request(server.base + scenario.asked(), method=scenario.method)
    request.add_header("Authorization", f"Bearer {bearer}")
    if scenario.body:
        request.add_header("Content-Type", "application/json")
        request.data = scenario.body.encode()
    # What nobody has asked yet is asked with care: how much it weighs, how long it takes.
    for _ in range(20):
        body = urllib.request.urlopen(request).read().decode()
    assert scenario.path != ITEM or '"item number 4242"' in body, body
    for setting in ("log_min_duration_statement = 0", "log_line_prefix = '%p '"):
        postgres.psql("-c", f"alter system set {setting}")
    postgres.psql("-c", "select pg_reload_conf()")
    time.sleep(0.5)
    mark = os.path.getsize(postgres.log)
    urllib.request.urlopen(request).read()
    time.sleep(0.5)
    for setting in ("log_min_duration_statement", "log_line_prefix"):
        postgres.psql("-c", f"alter system reset {setting}")
    postgres.psql("-c", "select pg_reload_conf()")
    with open(postgres.log) as file:
        file.seek(mark)
        log = file.read()
    found = re.findall(
        r"^(\d+) LOG:  duration: [\d.]+ ms  execute [^:]*: (.*?)\n(?:\d+ DETAIL:  parameters: (.*?)\n(?=\d+ |\Z))?",
        log, re.S | re.M,
    )
    # Others speak to PostgreSQL as well: of one session, what it was told of the path, and what came next.
    path = scenario.asked().split("?")[0].removeprefix("/rest/v1")
    told = next(index for index, entry in enumerate(found) if f"'{path}'" in entry[2])
    result = [
        (sql.replace("\n\t", "\n"), [value.replace("''", "'") for value in re.findall(r"\$\d+ = '((?:[^']|'')*)'", parameters)])
        for session, sql, parameters in found[told:] if session == found[told][0]
    ][:2]
    assert len(result) == 2, f"expected two statements in the log, found {len(result)}:\n{log}"
    return result


def script(pairs, directory, name, framing):
    """The same statements for pgbench: their parameters stay parameters, the key is random."""
    definitions, lines = [], ["\\set id random(1, 100000)"]
    for number, (sql, parameters) in enumerate(pairs):
        for index in range(len(parameters), 0, -1):
            value = parameters[index - 1]
            if value == "4242":
                sql = re.sub(rf"\${index}(?!\d)", ":id", sql)
            else:
                sql = re.sub(rf"\${index}(?!\d)", f":v{number}_{index}", sql)
                definitions += ["-D", f"v{number}_{index}={value}"]
        lines.append(" ".join(sql.split("\n")) + ";")
    opening, closing = framing
    body = [lines[0], opening, *lines[1:], closing]
    path = os.path.join(directory, name)
    with open(path, "w") as file:
        file.write("\n".join(body) + "\n")
    os.chmod(path, 0o644)
    return definitions, path


def pgbench(postgres, made, seconds):
    definitions, path = made
    text = subprocess.run(
        [os.path.join(postgres.bin, "pgbench"), "-n", "-h", postgres.directory, "-U", "postgres",
         "-c", str(CONNECTIONS), "-j", "1", "-M", "prepared", "-T", str(seconds), "-f", path,
         *definitions, "postgres"],
        capture_output=True, text=True,
    )
    rate = re.search(r"tps = ([\d.]+)", text.stdout)
    if not rate:
        sys.exit(f"pgbench: {text.stderr}")
    return {"rate": float(rate.group(1)), "p99": "", "cpu": 0}


def empty_logs(servers):
    """Or the kernel would write them to the disk, half a minute later, while something else is measured."""
    for server in servers:
        os.truncate(server.log, 0)


def pair(url, work, number, bearer):
    """Two new processes, telemetry on and off, warmed up; which one is started first changes from pair to pair."""
    two = [("on", 7344, {}), ("off", 7345, {"LUCARNE_TELEMETRY": "off"})]
    servers = {}
    for name, port, more in two[::-1] if number % 2 else two:
        servers[name] = lucarne(f"lucarne-{name}-{number}", port, url, work, **more)
    for server in servers.values():
        wrk(server, ITEM, 2, bearer)
    return servers["on"], servers["off"]


def in_turns(on, off, seconds):
    """The two, second by second: what is to be told apart is less than what the machine drifts in half a minute."""
    turns = {"on": [], "off": []}
    for second in range(seconds):
        for name, ask in [("on", on), ("off", off)][::-1 if second % 2 else 1]:
            turns[name].append(ask())
    return [{what: statistics.mean(turn[what] for turn in turns[name]) for what in ("rate", "cpu")} for name in ("on", "off")]


def pairs(url, work, bearer, asked, count, seconds):
    """What pairs of processes, telemetry on and off, made of each kind of request: [{name: [on, off]}]. Two processes of
    the same program can differ by six in a hundred for as long as they live, so that one pair says little."""
    found = []
    for number in range(count):
        two = pair(url, work, number, bearer)
        seen = {}
        try:
            for name, ask in asked.items():
                # The first has a bar that is near.
                seen[name] = in_turns(lambda: ask(two[0]), lambda: ask(two[1]), 2 * seconds if name == ROW else seconds)
                empty_logs(two)
        finally:
            for server in two:
                server.stop()
        found.append(seen)
        print(f"pair {number + 1} of {count}: "
              + ", ".join(f"{name} {on['rate'] / off['rate']:.2f}" for name, (on, off) in seen.items()), file=sys.stderr)
    return found


def start_times(url, directory, times):
    seconds = []
    for index in range(times):
        server = lucarne("start", 7350, url, directory)
        seconds.append(server.start_seconds)
        server.stop()
    return statistics.median(seconds) * 1000


def levels(rounds, paired):
    print("\n| contender | per second | p99 | server CPU µs a request |\n|---|---:|---:|---:|")
    for name in rounds[0] if rounds else ():
        rates = [measured[name]["rate"] for measured in rounds]
        cpu = statistics.median(measured[name]["cpu"] for measured in rounds)
        print(f"| {name} | {statistics.median(rates):,.0f} | {rounds[-1][name]['p99']} | {cpu:.1f} |"
              .replace("| 0.0 |", "| |"))
    for name in paired[0] if paired else ():
        for position, which in enumerate(("on", "off")):
            rate, cpu = (statistics.mean(seen[name][position][what] for seen in paired) for what in ("rate", "cpu"))
            print(f"| {name}, telemetry {which} | {rate:,.0f} | | {cpu:.1f} |")


def compared(label, measured, bar):
    """A row of the verdicts: from each round one ratio."""
    ratios = [one["rate"] / other["rate"] for one, other in measured]
    middle = statistics.median(ratios)
    return label, f"{middle:.2f} ({min(ratios):.2f} to {max(ratios):.2f})", bar and f"≥ {bar}" or "", bar and middle >= bar


def telemetry(paired):
    """Rows of the verdicts: whether all that is observed takes no more than three in a hundred of the requests, of each
    kind and of all kinds, each asked for as long."""
    ratios = [{name: on["rate"] / off["rate"] for name, (on, off) in seen.items()} for seen in paired]
    kinds = {name: [pair[name] for pair in ratios] for name in (ratios[0] if ratios else ())}
    if kinds:
        kinds["all of these together"] = [statistics.mean(pair.values()) for pair in ratios]
    for name, values in kinds.items():
        mean, error = statistics.mean(values), statistics.stdev(values) / len(values) ** 0.5
        yield f"{name}, telemetry on ÷ off", f"{mean:.3f} ± {error:.3f}", "≥ 0.97", mean >= 0.97


def verdicts(rounds, paired, memory, ready):
    rows = [
        compared(label, [(measured[one], measured[other]) for measured in rounds], bar)
        for label, one, other, bar in [
            ("row by key ÷ pgbench, same statements", ROW, "pgbench, pipelined", 0.65),
            ("the same, all clients different", DIFFERENT, "pgbench, pipelined", None),
            *rest.ratios(),
            ("static route ÷ nginx, both with a JSON log", "static route", "nginx, JSON log", 0.8),
            ("pgbench: one round trip ÷ four", "pgbench, pipelined", "pgbench, four round trips", None),
        ]
        if rounds and one in rounds[0]
    ]
    rows += telemetry(paired)
    idle, loaded = memory
    rows.append(("resident memory, idle", f"{idle:.1f} MB", "≤ 30 MB", idle <= 30))
    if rounds:
        rows.append(("resident memory, after the load", f"{loaded:.1f} MB", "", None))
    rows.append(("start to ready, external database", f"{ready:.0f} ms", "≤ 300 ms", ready <= 300))
    print("\n| measured | ratio or value | bar | |\n|---|---|---|---|")
    for label, value, bar, met in rows:
        print(f"| {label} | {value} | {bar} | {'' if met is None else 'met' if met else '**missed**'} |")
    return all(met is not False for *_, met in rows)


def measure(options, directory):
    rounds, seconds = (2, 2) if options.quick else (5, 5)
    postgres = Postgres(directory)
    servers = []
    try:
        work = os.path.join(directory, "work")
        os.mkdir(work)
        subprocess.run(
            [LUCARNE, "migrate"], env={**os.environ, **settings(postgres.url)}, check=True, cwd=work, stdout=subprocess.DEVNULL,
        )
        postgres.psql("-f", os.path.join(ROOT, "Benchmarks/items.sql"))
        postgres.psql("-c", "vacuum (analyze, freeze) items")
        rest.prepare(postgres)
        bearer = token()
        ready = start_times(postgres.url, work, 3 if options.quick else 7)

        on = lucarne("lucarne", 7341, postgres.url, work)
        servers.append(on)
        time.sleep(2)
        idle = resident_megabytes(on.process.pid)
        off = lucarne("lucarne-off", 7342, postgres.url, work, LUCARNE_TELEMETRY="off")
        servers.append(off)
        # The route is a probe, which has a record at `debug` only; nginx writes one for each request.
        logged = lucarne("lucarne-logged", 7346, postgres.url, work, LUCARNE_LOG_LEVEL="info,http=debug")
        servers.append(logged)
        body = urllib.request.urlopen(on.base + STATIC).read().decode().strip()
        reference = nginx(7343, work, body)
        servers.append(reference)

        sent = statements(postgres, on, bearer)
        pipelined = script(sent, work, "pipelined.sql", ("\\startpipeline", "\\endpipeline"))
        apart = script(sent, work, "apart.sql", ("begin;", "commit;"))
        contenders = {
            "pgbench, pipelined": lambda: pgbench(postgres, pipelined, seconds),
            ROW: lambda: wrk(on, ITEM, seconds, bearer),
            DIFFERENT: lambda: wrk(on, ITEM, seconds, bearer, REQUEST_CLIENTS="different"),
            "pgbench, four round trips": lambda: pgbench(postgres, apart, seconds),
            "static route": lambda: wrk(logged, STATIC, seconds),
            "nginx, JSON log": lambda: wrk(reference, STATIC, seconds),
            "static route, telemetry off": lambda: wrk(off, STATIC, seconds),
        } if options.only in (None, "row") else {}
        if options.only in (None, "rest"):
            contenders |= rest.contenders(postgres, on, bearer, work, seconds, sys.modules[__name__])
        for server in (on, off):
            wrk(server, ITEM, 1, bearer)
        measured = []
        names = list(contenders)
        for index in range(rounds if names else 0):
            turn = {name: contenders[name]() for name in names[index % len(names):] + names[:index % len(names)]}
            measured.append({name: turn[name] for name in names})
            empty_logs(servers)
            print(f"round {index + 1} of {rounds}: " + ", ".join(f"{name} {turn[name]['rate']:,.0f}" for name in names),
                  file=sys.stderr)
        paired = []
        if options.only in (None, "telemetry"):
            asked = {
                ROW: lambda server: wrk(server, ITEM, 1, bearer),
                DIFFERENT: lambda server: wrk(server, ITEM, 1, bearer, REQUEST_CLIENTS="different"),
            } | rest.requests(postgres, bearer, work, sys.modules[__name__])
            paired = pairs(postgres.url, work, bearer, asked, 2 if options.quick else 12, seconds)
        loaded = resident_megabytes(on.process.pid)
        model = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo").read())
        version = postgres.psql("-c", "show server_version")
        print(f"\n{os.cpu_count()} cores ({model.group(1) if model else 'unknown'}), PostgreSQL {version}, "
              f"{CLIENTS} clients, {CONNECTIONS} database connections, {len(measured)} rounds of {seconds} s, "
              f"{len(paired)} pairs")
        levels(measured, paired)
        return verdicts(measured, paired, (idle, loaded), ready)
    finally:
        for server in servers:
            server.stop()
        postgres.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two short rounds, for a look")
    parser.add_argument("--only", choices=["row", "rest", "telemetry"],
                        help="a row by key and the server, REST's other requests, or what telemetry takes of either")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a bar is missed")
    options = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="lucarne-bench-", dir="/tmp")
    os.chmod(directory, 0o755)
    try:
        met = measure(options, directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    sys.exit(1 if options.strict and not met else 0)


main()
