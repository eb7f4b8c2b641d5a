#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
"""openapi.py URL DOCUMENT RELEASE ARCH: ask every route of the document for every status that can be had, and hold each
answer against the document: its status is there, its type is that one, its body has that shape."""
import hashlib
import http.client
import json
import re
import subprocess
import sys
import urllib.parse

url, path, release, arch = sys.argv[1:]
with open(path) as f:
    document = json.load(f)
host = urllib.parse.urlsplit(url).netloc
seen, failures = set(), []


def resolve(schema):
    while "$ref" in schema:
        node = document
        for part in schema["$ref"].lstrip("#/").split("/"):
            node = node[part]
        schema = node
    return schema


def check(value, schema, where):
    """Yields what is wrong with value. As much of JSON Schema as the document uses."""
    schema = resolve(schema)
    known = {"type", "properties", "required", "items", "enum", "pattern", "additionalProperties", "description", "format",
             "maxLength", "maxItems", "maxProperties"}
    assert set(schema) <= known, set(schema) - known
    types = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool}
    if not isinstance(value, types[schema["type"]]) or (schema["type"] == "integer" and isinstance(value, bool)):
        yield f"{where} is no {schema['type']}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where} is {value}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{where} is {value}"
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from check(item, schema["items"], f"{where}[{i}]")
    if isinstance(value, dict):
        for name in schema.get("required", []):
            if name not in value:
                yield f"{where} has no {name}"
        for name, member in value.items():
            if name in schema.get("properties", {}):
                yield from check(member, schema["properties"][name], f"{where}.{name}")
            elif schema.get("additionalProperties", True) is False:
                yield f"{where} has a {name}"


def ask(method, template, body=None, **parts):
    route = document["paths"][template][method.lower()]
    target = template
    for name, value in parts.items():
        target = target.replace("{%s}" % name, urllib.parse.quote(value, safe=""))
    connection = http.client.HTTPConnection(host, timeout=30)
    connection.request(method, target, body if isinstance(body, bytes) or body is None else json.dumps(body))
    answer = connection.getresponse()
    data, status = answer.read(), str(answer.status)
    where = f"{method} {target}: {status}"
    seen.add((method.lower(), template, status))
    if status not in route["responses"]:
        failures.append(f"{where} is not in the document: {data[:200]}")
        return data
    (kind, content), = route["responses"][status]["content"].items()
    if answer.headers.get_content_type() != kind:
        failures.append(f"{where} has the type {answer.headers['Content-Type']}")
    elif kind == "application/json":
        failures.extend(f"{where}: {problem}" for problem in check(json.loads(data), content["schema"], "body"))
    if int(status) >= 400:
        code = json.loads(data)["error"]["code"]
        if code not in route["responses"][status]["description"]:
            failures.append(f"{where}: the document does not name the code {code}")
    return data


source = '#include "lbc.h"\nSEC("raw_tp/x") int f(void *ctx) { int unused; return 0; }\nchar LICENSE[] SEC("license") = "GPL";\n'
for format in ["o", "so", "h", "skel"]:
    ask("POST", "/v1/compile", {"source": source, "name": "x.bpf.c", "format": format, "flags": ["-Wall"], "files": {"a.h": ""}})
for body in [b"{", {}, {"source": "", "flags": ["-x"]}, {"source": "", "name": "/"}, {"source": "", "format": "x"},
             {"source": "", "kernel": "1.2.3"}, {"source": "int x = ;"}, {"source": '#include "a.h"', "files": {"a.h": "#error a"}},
             {"source": "", "files": {f"{i}.h": "" for i in range(600)}}, b" " * 9000000]:
    ask("POST", "/v1/compile", body)
kernels = json.loads(ask("GET", "/v1/kernels"))["kernels"]
here = {"arch": arch, "release": release}
away = {"arch": arch, "release": "1.2.3"}
if any(k["release"] == release for k in kernels):
    for name in ["task_struct", "struct list_head", "pid_t", "int", "bpf_map_type", "btf_kind", "nothing_is_called_so"]:
        ask("GET", "/v1/kernels/{arch}/{release}/types/{name}", name=name, **here)
    ask("GET", "/v1/kernels/{arch}/{release}/functions/{glob}", glob="vfs_*", **here)
    ask("GET", "/v1/btf/{arch}/{release}", **here)
ask("GET", "/v1/kernels/{arch}/{release}/types/{name}", name="x", **away)
ask("GET", "/v1/kernels/{arch}/{release}/functions/{glob}", glob="x", **away)
ask("GET", "/v1/btf/{arch}/{release}", **away)
zero = "0" * 64
packed = subprocess.run(["zstd", "-q"], input=b"no BTF", stdout=subprocess.PIPE, check=True).stdout
for digest, body in [("x", b""), (zero, b"x"), (zero, packed), (hashlib.sha256(b"no BTF").hexdigest(), packed)]:
    ask("PUT", "/v1/btf/{digest}", body, digest=digest)
if kernels:
    ask("PUT", "/v1/btf/{digest}", b"", digest=kernels[0]["digest"])
for body in [b"{", [{"cmd": "zap"}], [{"cmd": "type", "type": "_", "arch": arch, "ver": release}]]:
    ask("POST", "/lbc", body)
ask("GET", "/metrics")
ask("GET", "/healthz")
ask("GET", "/v1/openapi.json")

for template, methods in document["paths"].items():
    for method, route in methods.items():
        if not any(s[:2] == (method, template) for s in seen):
            failures.append(f"{method} {template} is in the document, but was not asked")
        if not kernels:
            continue
        # what needs a server of another kind, or a misfortune, has tests of its own
        missing = {s for s in route["responses"] if (method, template, s) not in seen} - {"201", "401", "403", "408", "429", "500", "503"}
        missing -= {"413", "422"} if template != "/v1/compile" else set()
        if missing:
            failures.append(f"{method} {template}: no answer {missing} was to be had")
print("\n".join(failures) or f"{len(seen)} kinds of answers are as the document says")
sys.exit(bool(failures))
