#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
"""stub.py - a compile server that behaves as it is told, for the tests of the client.

    stub.py DIR STEP ...

Listens on a free port of 127.0.0.1, which goes into DIR/port once it is listening. Each POST takes the next step, the last
one stays; what came goes into DIR/log, a line each, and the last request into DIR/request.json. An answer holds DIR/object
and is signed with DIR/key when that is there, by OpenSSL's command. The digest of a request is computed here from what
src/service/api.h says of it, by nobody else's code.
"""
import base64
import hashlib
import http.server
import json
import os
import subprocess
import sys
import time

directory, steps = sys.argv[1], sys.argv[2:]
uploaded = set()


def path(name):
    return os.path.join(directory, name)


def read(name):
    with open(path(name), "rb") as f:
        return f.read()


def request_digest(r):
    out = [b"coolbpf request 1\n"]

    def field(text):
        data = text if isinstance(text, bytes) else text.encode()
        out.append(str(len(data)).encode() + b":" + data + b",")

    field(r["source"])
    for name, default in (("name", ""), ("arch", ""), ("kernel", ""), ("format", "o")):
        field(r.get(name, default))
    field(str(len(r.get("flags", []))))
    for flag in r.get("flags", []):
        field(flag)
    files = r.get("files", {})
    field(str(len(files)))
    for name in sorted(files, key=lambda n: n.encode()):
        field(name)
        field(files[name])
    return hashlib.sha256(b"".join(out)).hexdigest()


def sign(request, digest):
    with open(path("text"), "w") as f:
        f.write("coolbpf object 1\n%s\n%s\n" % (request, digest))
    subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", path("key"), "-in", path("text"), "-out",
                    path("sig")], check=True)
    der = subprocess.run(["openssl", "pkey", "-in", path("key"), "-pubout", "-outform", "DER"], check=True,
                         capture_output=True).stdout
    return base64.b64encode(read("sig")).decode(), der[-32:].hex()


def answer(r):
    obj = read("object")
    a = {"object": base64.b64encode(obj).decode(), "digest": hashlib.sha256(obj).hexdigest(),
         "request": request_digest(r), "format": r.get("format", "o"), "cached": False, "description": {}}
    if os.path.exists(path("diagnostics")):
        a["diagnostics"] = json.loads(read("diagnostics"))
    if os.path.exists(path("key")):
        a["signature"], a["key"] = sign(a["request"], a["digest"])
    return a


def error(code, message):
    return {"error": {"code": code, "message": message}}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def note(self, what):
        with open(path("log"), "a") as f:
            f.write("%s %s %s %s\n" % (self.command, self.path, what, self.headers.get("Authorization", "-")))

    def reply(self, status, body, headers=(), claimed=0, kind="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(claimed or len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_PUT(self):
        data = self.rfile.read(int(self.headers["Content-Length"]))
        raw = subprocess.run(["zstd", "-d", "-c"], input=data, check=True, stdout=subprocess.PIPE).stdout
        digest = self.path.rsplit("/", 1)[1]
        good = hashlib.sha256(raw).hexdigest() == digest and self.path == "/v1/btf/" + digest
        self.note("good" if good else "wrong")
        if good and steps[0] != "forgetful":
            uploaded.add(digest)
        self.reply(201 if good else 400, {} if good else error("bad_digest", "that is another file"))

    def do_POST(self):
        data = self.rfile.read(int(self.headers["Content-Length"]))
        with open(path("request.json"), "wb") as f:
            f.write(data)
        r = json.loads(data)
        step = steps.pop(0) if len(steps) > 1 else steps[0]
        self.note(step)
        a = answer(r) if self.path == "/v1/compile" else None
        if step == "ok":
            self.reply(200, a)
        elif step in ("kernel", "forgetful"):
            if r["kernel"] in uploaded:
                self.reply(200, a)
            else:
                self.reply(404, error("unknown_kernel", "this kernel is not known here"))
        elif step.startswith("busy"):
            self.reply(429, error("too_many_requests", "too many requests"), [("Retry-After", step[4:])])
        elif step == "503":
            self.reply(503, b"<html>", kind="text/html")
        elif step == "500":
            self.reply(500, error("internal", "the worker has crashed"))
        elif step == "401":
            self.reply(401, error("unauthorized", "a token is needed"))
        elif step == "400":
            self.reply(400, error("bad_flag", "the flag is not allowed"))
        elif step == "422":
            e = error("does_not_compile", "it does not compile")
            e["diagnostics"] = json.loads(read("diagnostics"))
            self.reply(422, e)
        elif step == "html":
            self.reply(404, b"<html>not here</html>", kind="text/html")
        elif step == "garbage":
            self.reply(200, b"\0\1\2 garbage")
        elif step == "redirect":
            self.reply(302, b"", [("Location", "http://127.0.0.1:1/v1/compile")])
        elif step == "truncated":
            self.reply(200, json.dumps(a).encode()[:200], claimed=len(json.dumps(a)))
            self.close_connection = True
        elif step == "hang":
            time.sleep(60)
        elif step == "drop":
            self.close_connection = True
        else:
            self.reply(200, damaged(a, step))


def damaged(a, step):
    """A success that a client must not take."""
    other = b"another object"
    if step == "digest":
        a["digest"] = hashlib.sha256(other).hexdigest()
    elif step == "object":
        a["object"] = base64.b64encode(other).decode()
    elif step == "swapped":  # whole in itself, and signed, but the answer to another request
        a["request"] = hashlib.sha256(other).hexdigest()
        if "key" in a:
            a["signature"], a["key"] = sign(a["request"], a["digest"])
    elif step == "signature":
        raw = bytearray(base64.b64decode(a["signature"]))
        raw[0] ^= 1
        a["signature"] = base64.b64encode(raw).decode()
    elif step == "unsigned":
        a.pop("signature", None)
        a.pop("key", None)
    elif step == "format":
        a["format"] = "h"
    else:
        sys.exit("stub.py: there is no step " + step)
    return a


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True


server = Server(("127.0.0.1", 0), Handler)
with open(path("port.new"), "w") as f:
    f.write(str(server.server_address[1]))
os.rename(path("port.new"), path("port"))
server.serve_forever()
