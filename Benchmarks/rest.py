# SPDX-License-Identifier: Apache-2.0
"""What REST is asked for beside a row by its key, each next to the same statements in pgbench."""
import json, os
from dataclasses import dataclass
from machine import ROOT

BAR = 0.65
KEY = 4242


@dataclass
class Scenario:
    name: str
    method: str
    path: str
    body: str | None = None

    def asked(self):
        return self.path.replace("%d", str(KEY))


def readings(count):
    """As a client would send them: compact, each row with all of its columns."""
    return json.dumps([
        {"sensor": f"sensor-{row % 40}", "value": row / 8, "taken_at": f"2025-06-01T12:{row % 60:02}:00Z",
         "labels": {"site": f"s{row % 7}"}}
        for row in range(count)
    ], separators=(",", ":"))


SCENARIOS = [
    Scenario("list of 100 rows", "GET",
             "/rest/v1/items?select=id,name,price,tags,created_at&id=gte.%d&order=id&limit=100"),
    Scenario("20 rows, each with 5 embedded", "GET",
             "/rest/v1/orders?select=id,customer,placed_at,order_lines(product,quantity)&id=gte.%d&order=id&limit=20"),
    Scenario("bulk insert of 1,000 rows", "POST", "/rest/v1/readings", readings(1000)),
    Scenario("function call", "POST", "/rest/v1/rpc/item_price", json.dumps({"item_id": KEY})),
]


def prepare(postgres):
    postgres.psql("-f", os.path.join(ROOT, "Benchmarks/rest.sql"))


def requests(postgres, bearer, directory, measure, seconds=1):
    """How to ask a server for each scenario, by name."""
    found = {}
    for number, scenario in enumerate(SCENARIOS):
        environment = {"REQUEST_METHOD": scenario.method}
        if scenario.body:
            environment["REQUEST_BODY"] = os.path.join(directory, f"rest{number}.json")
            with open(environment["REQUEST_BODY"], "w") as file:
                file.write(scenario.body)

        def ask(server, environment=environment, scenario=scenario):
            postgres.psql("-c", "truncate readings")
            return measure.wrk(server, scenario.path, seconds, bearer, **environment)

        found[scenario.name] = ask
    return found


def contenders(postgres, server, bearer, directory, seconds, measure):
    """How to measure each scenario, and what PostgreSQL alone makes of it, by name."""
    found = {}
    asked = requests(postgres, bearer, directory, measure, seconds)
    for number, scenario in enumerate(SCENARIOS):
        sent = measure.statements(postgres, server, bearer, scenario)
        made = measure.script(sent, directory, f"rest{number}.sql", ("\\startpipeline", "\\endpipeline"))

        def pgbench(made=made):
            postgres.psql("-c", "truncate readings")
            return measure.pgbench(postgres, made, seconds)

        found[f"pgbench: {scenario.name}"] = pgbench
        found[scenario.name] = lambda ask=asked[scenario.name]: ask(server)
    return found


def ratios():
    return [(f"{scenario.name} ÷ pgbench, same statements", scenario.name, f"pgbench: {scenario.name}", BAR)
            for scenario in SCENARIOS]
