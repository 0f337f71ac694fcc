#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Puts hostile text in every place of a request that has to do with SQL: hostile.py BASE SECRET.

Prints the number of requests by status class, and each that was answered by 5xx or not at all."""
import base64
import hashlib
import hmac
import http.client
import json
import sys
from urllib.parse import quote, urlsplit

base, secret = urlsplit(sys.argv[1]), sys.argv[2].encode()

PAYLOADS = [
    "'", '"', "\\", "\\'", "''", '""', "`", "$1", "$$", "%", ";", "--", "/*", "\n", "\t", ")", "(", "{", "}",
    "';select public.canary_touch();--",
    '";select public.canary_touch();--',
    ");select public.canary_touch();--",
    '");select public.canary_touch();--',
    "1;drop table public.canary;--",
    "1 or public.canary_touch() is null",
    "'||public.canary_touch()||'",
    '"||public.canary_touch()||"',
    "$$||public.canary_touch()||$$",
    "$x$||public.canary_touch()||$x$",
    "(select public.canary_touch())",
    "public.canary_touch()",
    "canary_touch",
    'id" from public.things,public.canary_touch() --',
    "id from public.things,public.canary_touch() --",
    "int) from (select public.canary_touch()) x --",
    "int from canary",
    "/**/public.canary_touch()/**/",
    'U&"\\0022;select public.canary_touch();--"',
    "E'\\';select public.canary_touch();--'",
    "\\x27;select public.canary_touch();--",
    "\\u0027;select public.canary_touch();--",
    "\uff07;select public.canary_touch();--",
    "\uff02;select public.canary_touch();--",
    "{a,b};select public.canary_touch();--",
    "0;set role postgres;select public.canary_touch();--",
    "postgres",
    "pg_catalog",
    "x" * 70 + "';select public.canary_touch();--",
    "\u0000';select public.canary_touch();--",
    "\u0000",
]

# In the path and query; `§` is the payload, percent-encoded.
TARGETS = [
    "/§", "/things/§", "/rpc/§", "/rpc/echo?text=§", "/rpc/echo?§=1", "/rpc/rows?id=eq.§",
    "/rpc/heavy?text=§", "/rpc/heavy?text=a&name=neq.§&order=§", '/rpc/heavy?text=a&select="§":id',
    "/rpc/many?v=§&v=§", "/rpc/echo?text=a&select=§", "/rpc/rows?order=§",
    "/things?select=§", '/things?select="§"', "/things?select=a:§", "/things?select=§:id",
    '/things?select="§":id', "/things?select=id::§", "/things?select=data->§",
    '/things?select=data->"§"', "/things?select=data->>§::int", "/things?select=id.sum()::§",
    "/things?select=§.max()", "/things?select=id,parts(§)", "/things?select=id,parts!§(id)",
    "/things?select=id,§(id)", '/things?select=id,"§":parts(id)', "/things?select=...parts(§)",
    "/parts?select=id,...things(§:name)", "/things?order=§", '/things?order="§".desc',
    "/things?order=data->§.asc", "/parts?select=id,things(id)&order=things(§)",
    '/parts?select=id,"§":things(id)&order="§"(name)', "/things?§=eq.1", '/things?"§"=eq.1',
    "/things?data->§=eq.1", "/things?data->>§=eq.1", "/things?id=eq.§", "/things?id=gt.§",
    "/things?id=in.(§)", '/things?id=in.("§")', "/things?name=eq.§", "/things?name=not.eq.§",
    "/things?name=like.§", "/things?name=ilike.*§*", "/things?name=match.§", "/things?id=is.§",
    "/things?name=in.(§,§)", "/things?tags=cs.§", "/things?tags=cs.{§}",
    "/things?name=like(any).{§}", '/things?name=eq(any).{"§"}', "/things?name=isdistinct.§",
    "/things?name=fts(§).x", "/things?name=fts.§", "/things?name=wfts(english).§",
    "/things?during=ov.§", "/things?data=cs.§", "/things?§", "/things?name=§",
    "/things?and=(name.eq.§,id.gt.0)", '/things?or=(name.eq."§",id.gt.0)', "/things?or=(§.eq.1)",
    "/things?and=§", "/things?not.or=(name.in.(§))", "/things?select=id,parts(id)&parts.name=eq.§",
    "/things?select=id,parts(id)&parts.§=eq.1", "/things?select=id,parts(id)&§.id=eq.1",
    "/things?select=id,parts(id)&parts.order=§", "/things?select=id,parts(id)&parts.or=(name.eq.§)",
    "/things?select=id,parts(id)&parts.limit=§", "/things?limit=§", "/things?offset=§",
    "/things?apikey=§", "/things?columns=§", "/things?on_conflict=§",
]

HEADERS = [
    ("Accept-Profile", "{}"), ("Prefer", "timezone={}"), ("Prefer", "{}"), ("Prefer", "count={}"),
    ("Prefer", "handling=strict, {}"), ("Prefer", "max-affected={}"), ("Range", "{}"),
    ("Range-Unit", "{}"), ("Range", "0-{}"), ("Accept", "{}"), ("Accept", "application/{}"),
    ("Accept", 'application/vnd.pgrst.plan+json; for="{}"'),
    ("Accept", "application/vnd.pgrst.plan; options={}"), ("Cookie", "a={}"), ("Cookie", "{}=a"),
    ("X-Anything", "{}"), ("Authorization", "{}"), ("Authorization", "Bearer {}"), ("apikey", "{}"),
    ("User-Agent", "{}"), ("traceparent", "{}"), ("tracestate", "a={}"), ("baggage", "a={}"),
    ("X-Request-Id", "{}"), ("If-None-Match", "{}"), ("Origin", "{}"),
]

WRITES = ["/things", "/things?columns={}", "/things?on_conflict={}", "/things?select={}"]


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def token(claims):
    text = encoded(b'{"alg":"HS256"}') + b"." + encoded(json.dumps(claims).encode())
    return (text + b"." + encoded(hmac.digest(secret, text, hashlib.sha256))).decode()


def requests():
    for payload in PAYLOADS:
        text = quote(payload, safe="")
        for target in TARGETS:
            pieces = [quote(piece, safe="/?=&,().:*!->") for piece in target.split("§")]
            yield "GET", text.join(pieces), [], None
        line = "".join(c for c in payload if c >= " ").encode()
        for name, value in HEADERS:
            yield "GET", "/things?limit=1", [(name, value.encode().replace(b"{}", line))], None
        for claims in [
            {"role": payload}, {"role": "anon", "sub": payload}, {"role": "anon", payload: payload},
            {"role": {"a": payload}}, {"role": [payload]}, {"role": "anon", "aud": payload},
        ]:
            yield "GET", "/things?limit=1", [("Authorization", "Bearer " + token(claims))], None
        merge = ("Prefer", "resolution=merge-duplicates, return=representation, missing=default")
        for path in WRITES:
            path = path.format(text)
            for body in [{payload: 1}, {"name": payload}, [{"name": payload, "data": {payload: payload}}]]:
                yield "POST", path, [merge], json.dumps(body)
        cells = [f"name\n{payload}", f'name\n"{payload}"', f"{payload}\n1", f'"{payload}",name\n1,2']
        for rows in cells:
            yield "POST", "/things", [("Content-Type", "text/csv"), merge], rows
        for form in [f"name={text}", f"{text}=1"]:
            kind = ("Content-Type", "application/x-www-form-urlencoded")
            yield "POST", "/things", [kind, merge], form
            yield "POST", "/rpc/echo", [kind], form
        yield "POST", "/things", [("Content-Profile", line), merge], '{"name":"a"}'
        yield "PATCH", f"/things?id=eq.{text}", [merge], json.dumps({"name": payload})
        yield "PATCH", "/things?id=eq.1", [merge], json.dumps({payload: payload})
        yield "PUT", f"/things?id=eq.{text}", [merge], json.dumps({"id": payload, "name": payload})
        yield "DELETE", f"/things?name=eq.{text}", [("Prefer", "return=representation")], None
        yield "DELETE", f"/things?{text}=eq.1", [], None
        for body in [{"text": payload}, {payload: "a"}]:
            yield "POST", "/rpc/echo", [], json.dumps(body)
        yield "POST", "/rpc/heavy", [], json.dumps({"text": payload})
        yield "POST", "/rpc/many", [], json.dumps({"v": [payload, payload]})
        yield "POST", "/rpc/unnamed", [("Content-Type", "text/plain")], payload
        yield "OPTIONS", f"/{text}", [], None
        yield "HEAD", f"/things?name=eq.{text}", [], None


counts = {}
connection = None
for method, path, headers, body in requests():
    if isinstance(body, str):
        body = body.encode()
        headers = [("Content-Type", "application/json")] * (
            not any(name == "Content-Type" for name, _ in headers)) + headers
    try:
        if connection is None:
            connection = http.client.HTTPConnection(base.hostname, base.port, timeout=20)
        connection.putrequest(method, base.path + path, skip_accept_encoding=True)
        for name, value in headers:
            value = value if isinstance(value, bytes) else value.encode()
            # What is no field value at all never leaves a client.
            connection._buffer.append(name.encode() + b": " + value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
        status = answer.status
        if answer.will_close:
            connection = None
    except OSError as error:
        content, status, connection = str(error).encode(), 0, None
    counts[status // 100] = counts.get(status // 100, 0) + 1
    if status >= 500 or status == 0:
        print("failed:", status, method, path, headers, body, content[:200])
print("answers by class:", dict(sorted(counts.items())))
