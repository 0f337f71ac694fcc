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


def contenders(postgres, server, bearer, directory, seconds, measure):
    """Pairs of (name, how to measure it): each scenario, and what PostgreSQL alone makes of it."""
    found = {}
    for number, scenario in enumerate(SCENARIOS):
        body = None
        if scenario.body:
            body = os.path.join(directory, f"rest{number}.json")
            with open(body, "w") as file:
                file.write(scenario.body)
        sent = measure.statements(postgres, server, bearer, scenario)
        made = measure.script(sent, directory, f"rest{number}.sql", ("\\startpipeline", "\\endpipeline"))
        environment = {"REQUEST_METHOD": scenario.method}
        if body:
            environment["REQUEST_BODY"] = body

        def pgbench(made=made):
            postgres.psql("-c", "truncate readings")
            return measure.pgbench(postgres, made, seconds)

        def rest(environment=environment, scenario=scenario):
            postgres.psql("-c", "truncate readings")
            return measure.wrk(server, scenario.path, seconds, bearer, **environment)

        found[f"pgbench: {scenario.name}"] = pgbench
        found[scenario.name] = rest
    return found


def ratios():
    return [(f"{scenario.name} ÷ pgbench, same statements", scenario.name, f"pgbench: {scenario.name}", BAR)
            for scenario in SCENARIOS]
