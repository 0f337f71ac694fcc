# SPDX-License-Identifier: Apache-2.0
"""Holds boards against Grafana's own generated types: boards.py FILE... names what they do not know."""
import enum
import inspect
import json
import sys
import typing
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard

plugins.register_default_plugins()

# What the types leave to each data source: how Prometheus' annotations are worded, and the text
# of a variable's query that Grafana lists.
UNDECLARED = ("titleFormat", "textFormat", "definition")


def plain(thing):
    return json.loads(json.dumps(thing, cls=JSONEncoder))


def lost(given, kept, path):
    """What was given and did not come back: the types leave out what they do not know."""
    if isinstance(given, dict) and isinstance(kept, dict):
        for key, value in given.items():
            if key in kept:
                yield from lost(value, kept[key], f"{path}.{key}")
            elif key not in UNDECLARED:
                yield f"{path}.{key} is not known"
    elif isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        for position, value in enumerate(given):
            yield from lost(value, kept[position], f"{path}[{position}]")
    elif given != kept:
        yield f"{path} is {given!r}, and is read as {kept!r}"


def wrong(thing, kind, path):
    """What is not of the type that is declared for it. The types do not look at this themselves."""
    if kind in (object, typing.Any):
        kind = type(thing)
    arguments = typing.get_args(kind)
    origin = typing.get_origin(kind)
    if origin is typing.Union:
        if thing is None and type(None) in arguments:
            return []
        kinds = [kind for kind in arguments if kind is not type(None)]
        kinds = [kind for kind in kinds if inspect.isclass(kind) and type(thing) is kind] or kinds
        return min((list(wrong(thing, kind, path)) for kind in kinds), key=len)
    if origin is typing.Literal:
        return [] if thing in arguments else [f"{path} is {thing!r}, none of {arguments}"]
    if origin is list and isinstance(thing, list):
        return [e for i, v in enumerate(thing) for e in wrong(v, arguments[0], f"{path}[{i}]")]
    if origin is dict and isinstance(thing, dict):
        return [e for k, v in thing.items() for e in wrong(v, arguments[1], f"{path}.{k}")]
    if origin or not inspect.isclass(kind):
        return [f"{path} is {thing!r}, not {kind}"]
    if issubclass(kind, enum.Enum):
        return [] if thing in list(kind) else [f"{path} is {thing!r}, none of {list(kind)}"]
    if isinstance(thing, plugins.cogruntime.UnknownDataquery):
        return [f"{path} is a query that no data source has"]
    if hasattr(thing, "from_json") and isinstance(thing, kind):
        kind = type(thing)
    if hasattr(kind, "from_json"):
        return wrong_object(thing, kind, path)
    if kind is float and type(thing) is int or type(thing) is kind:
        return []
    return [f"{path} is {thing!r}, not {kind.__name__}"]


def wrong_object(thing, kind, path):
    # Some lists are left as they were given.
    if isinstance(thing, dict):
        known = kind.from_json(thing)
        return list(lost(thing, plain(known), path)) + wrong_object(known, kind, path)
    if not isinstance(thing, kind):
        return [f"{path} is {thing!r}, not {kind.__name__}"]
    found = []
    for name, declared in typing.get_type_hints(type(thing)).items():
        found += wrong(getattr(thing, name), declared, f"{path}.{name.removesuffix('_val')}")
    return found


def findings(board):
    for position, panel in enumerate(board["panels"]):
        if panel["type"] != "row" and plugins.cogruntime.panelcfg_config(panel["type"]) is None:
            yield f"panels[{position}].type {panel['type']!r} is no panel"
    yield from wrong(board, dashboard.Dashboard, "board")


count = 0
for file in sys.argv[1:]:
    with open(file) as text:
        for finding in findings(json.load(text)):
            count += 1
            print(f"{file}: {finding}")
sys.exit(count > 0)
