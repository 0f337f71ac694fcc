# SPDX-License-Identifier: Apache-2.0
"""Prints YAML files as one JSON object, each with its documents: yaml_as_json.py FILE...

With --change FILE OLD NEW a file is read as if OLD, which must be there, were NEW.
"""
import json, sys
import yaml

arguments, change = sys.argv[1:], None
if arguments[0] == "--change":
    change, arguments = arguments[1:4], arguments[4:]
documents = {}
for path in arguments:
    with open(path) as file:
        text = file.read()
    if change and change[0] == path:
        if change[1] not in text:
            sys.exit(f"{path} has no {change[1]!r}")
        text = text.replace(change[1], change[2])
    documents[path] = list(yaml.load_all(text, yaml.CSafeLoader))
json.dump(documents, sys.stdout, default=str)
