#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
"""compile.py BUILD [--runs N] [--json] [--check]: what compiling costs.

Every tool and example is compiled cold, in turns, by

  (a) clang -O2 -g with the whole vmlinux.h         (c) coolbpf build: in its own process
  (b) the same with vmlinux.h precompiled           (d) coolbpf serve, over loopback

and what comes out is compared: instructions, relocations and CO-RE relocations must be the same. Then what the slices cost
(slice.c), and the server: cache hits a second (wrk), memory at rest, a thousand clients at once, and one client's flood
beside others. CPU is what the kernel accounts: of the process and its children (a, b, c), of all processes of the server
(d).
"""
import argparse
import asyncio
import base64
import glob
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from same_object import Object, same

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCES = sorted(glob.glob(f"{ROOT}/tools/*.bpf.c") + glob.glob(f"{ROOT}/examples/*.bpf.c"))
CLIENTS = 1000
FLOOD = 200


def run(argv, **more):
    """CPU and wall time, seconds, of a command with its children."""
    start = time.monotonic()
    pid = os.posix_spawnp(argv[0], argv, os.environ | more.get("env", {}),
                          file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
    _, status, usage = os.wait4(pid, 0)
    if status:
        sys.exit(f"bench: {' '.join(argv)}: status {status}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - start


def read(path):
    with open(path, "rb") as f:
        return f.read()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Clang:
    """(a) and (b): as one does it by hand."""

    def __init__(self, directory, precompiled):
        self.directory = directory
        self.flags = ["clang", "-O2", "-g", "-target", "bpf", "-mcpu=v2", "-D__TARGET_ARCH_x86", f"-I{directory}",
                      f"-I{ROOT}/include/coolbpf", f"-I{ROOT}/include", "-idirafter", "/usr/include/x86_64-linux-gnu"]
        self.more = []
        if precompiled:
            pch = f"{directory}/vmlinux.pch"
            run(self.flags + ["-x", "c-header", f"{directory}/vmlinux.h", "-o", pch])
            self.more = ["-include-pch", pch]

    def compile(self, source):
        out = f"{self.directory}/out.o"
        cost = run(self.flags + self.more + ["-c", source, "-o", out])
        return cost, read(out)


class Local:
    """(c)"""

    def __init__(self, coolbpf, directory):
        self.coolbpf, self.directory = coolbpf, directory
        self.env = {"COOLBPF_CACHE": f"{directory}/cache"}
        self.compile(SOURCES[0])  # the index of the kernel's BTF, and lbc.h

    def compile(self, source):
        shutil.rmtree(f"{self.directory}/cache/objects", ignore_errors=True)
        out = f"{self.directory}/local.o"
        cost = run([self.coolbpf, "build", source, "-o", out], env=self.env)
        return cost, read(out)


class Server:
    """(d)"""

    def __init__(self, coolbpf, directory, *more):
        self.port = free_port()
        self.directory = directory
        os.makedirs(f"{directory}/btf", exist_ok=True)
        self.log = open(f"{directory}/serve.log", "w")
        self.process = subprocess.Popen(
            [coolbpf, "serve", "--listen", f"127.0.0.1:{self.port}", "--cache", f"{directory}/server-cache",
             "--btf", f"{directory}/btf", "--access-log", "/dev/null", *more],
            stdout=self.log, stderr=self.log, env=os.environ | {"COOLBPF_CACHE": f"{directory}/server"})
        for _ in range(200):
            try:
                self.connection = socket.create_connection(("127.0.0.1", self.port))
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.count = 0

    def pids(self):
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            try:
                with open(f"/proc/{pid}/task/{pid}/children") as f:
                    todo += [int(p) for p in f.read().split()]
            except OSError:
                pass
        return found

    def cpu(self):
        """Of all its processes, with those that have ended and were waited for."""
        ticks = 0
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/stat") as f:
                    ticks += sum(int(n) for n in f.read().rsplit(")", 1)[1].split()[11:15])
            except OSError:
                pass
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory(self):
        """MB resident: (without the zygotes, all)"""
        own = total = 0
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/smaps_rollup") as f:
                    pss = int(re.search(r"^Pss:\s+(\d+)", f.read(), re.M)[1]) / 1024
                with open(f"/proc/{pid}/comm") as f:
                    zygote = "clang" in f.read()
            except OSError:
                continue
            total += pss
            own += 0 if zygote else pss
        return own, total

    def request(self, source, mark=""):
        with open(source) as f:
            body = json.dumps({"source": f.read() + mark, "name": os.path.basename(source)}).encode()
        return (f"POST /v1/compile HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n").encode() + body

    def answer(self):
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.connection.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(re.search(rb"content-length: *(\d+)", head, re.I)[1])
        while len(body) < length:
            body += self.connection.recv(1 << 20)
        answer = json.loads(body)
        if "object" not in answer:
            sys.exit(f"bench: the server says {answer}")
        return base64.b64decode(answer["object"])

    def compile(self, source):
        self.count += 1
        request = self.request(source, f"\n/* {self.count} */\n")
        start = time.monotonic()
        self.connection.sendall(request)
        made = self.answer()
        return (0, time.monotonic() - start), made

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


# ---- cold compiles ------------------------------------------------------------------------------------------------


def cold(coolbpf, directory, runs):
    with open(f"{directory}/vmlinux.h", "w") as f:
        subprocess.run(["bpftool", "btf", "dump", "file", "/sys/kernel/btf/vmlinux", "format", "c"], stdout=f, check=True)
    server = Server(coolbpf, directory)
    ways = {"a": Clang(directory, False), "b": Clang(directory, True), "c": Local(coolbpf, directory), "d": server}
    cpu, wall = {w: [] for w in ways}, {w: [] for w in ways}
    sizes, different = {w: 0 for w in ways}, []
    for source in SOURCES:
        server.compile(source)  # warm
    for n in range(runs):
        made = {}
        for way, compiler in ways.items():
            cpu_round, wall_round, before = 0, 0, server.cpu()
            for source in SOURCES:
                cost, made[way, source] = compiler.compile(source)
                cpu_round += cost[0]
                wall_round += cost[1]
            if way == "d":
                cpu_round = server.cpu() - before
            cpu[way].append(cpu_round / len(SOURCES) * 1e3)
            wall[way].append(wall_round / len(SOURCES) * 1e3)
        if n:
            continue
        for (way, source), data in made.items():
            sizes[way] += len(data) / len(SOURCES)
            difference = same(made["a", source], data)
            if difference:
                different.append(f"{os.path.basename(source)} ({way}): {difference}")
    metrics = subprocess.run(["curl", "-s", f"http://127.0.0.1:{server.port}/metrics"], capture_output=True, text=True).stdout
    fell_back = sum(float(v) for v in re.findall(r"^coolbpf_slice_fallbacks_total(?:{.*})? ([0-9.]+)$", metrics, re.M))
    programs = sum(len(Object(made["a", s]).programs()) for s in SOURCES)
    server.stop()
    median = statistics.median
    return {"cpu_ms": {w: median(v) for w, v in cpu.items()}, "wall_ms": {w: median(v) for w, v in wall.items()},
            "bytes": sizes, "different": different, "fell_back": fell_back, "sections": programs}


# ---- the server ---------------------------------------------------------------------------------------------------


def hits(server, directory):
    request = server.request(f"{ROOT}/tools/execsnoop.bpf.c")
    server.connection.sendall(request)
    server.answer()
    with open(f"{directory}/body", "wb") as f:
        f.write(request.partition(b"\r\n\r\n")[2])
    with open(f"{directory}/post.lua", "w") as f:
        f.write(f'local f = io.open("{directory}/body")\nwrk.method = "POST"\nwrk.body = f:read("*a")\n'
                'wrk.headers["Content-Type"] = "application/json"\n')
    rates, tails = [], []
    for _ in range(3):
        out = subprocess.run(["wrk", "-t1", "-c32", "-d3", "--latency", "-s", f"{directory}/post.lua",
                              f"http://127.0.0.1:{server.port}/v1/compile"], capture_output=True, text=True, check=True).stdout
        if "Non-2xx" in out or "Socket errors" in out:
            sys.exit(f"bench: {out}")
        rates.append(float(re.search(r"Requests/sec: *([0-9.]+)", out)[1]))
        number, unit = re.search(r"99% *([0-9.]+)(us|ms|s)", out).groups()
        tails.append(float(number) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit])
    return statistics.median(rates), statistics.median(tails)


def slices(build):
    """ms of CPU to find what each source includes and to write its slice: (median, largest)"""
    out = subprocess.run([f"{build}/bench/slice", "-n", "5", *SOURCES], capture_output=True, text=True, check=True).stdout
    costs = [float(m[1]) + float(m[2]) for m in re.finditer(r"^\S+\.bpf\.c +\d+ +([0-9.]+) +([0-9.]+) ", out, re.M)]
    return statistics.median(costs), max(costs)


async def ask(server, address, number, ends):
    """One request of a client with an address and a source of its own; when it was answered goes to ends."""
    for attempt in range(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, local_addr=(address, 0))
        writer.write(server.request(f"{ROOT}/examples/hello.bpf.c", f"\nint client_{number};\n"))
        status = int((await reader.readline()).split()[1])
        headers = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(int(re.search(rb"content-length: *(\d+)", headers, re.I)[1]))
        writer.close()
        if status == 200:
            ends.append(time.monotonic())
            return f"client_{number}".encode() in base64.b64decode(json.loads(body)["object"])
        if status not in (429, 503):
            return False
        await asyncio.sleep(float(re.search(rb"retry-after: *(\d+)", headers, re.I)[1]))
    return False


def address(i):
    return f"127.1.{i // 250}.{i % 250 + 1}"


async def thousand(server):
    peak, done = 0, False

    async def watch():
        nonlocal peak
        while not done:
            peak = max(peak, server.memory()[0])
            await asyncio.sleep(1)

    ends, start = [], time.monotonic()
    watcher = asyncio.create_task(watch())
    results = await asyncio.gather(*(ask(server, address(n), n, ends) for n in range(CLIENTS)))
    done = True
    await watcher
    return {"failed": CLIENTS - sum(results), "seconds": max(ends, default=start) - start, "peak_mb": peak}


async def flood(server):
    """One client asks FLOOD times at once, then FLOOD clients once each: how many of the first's were answered from then on to
    the last of the others."""
    first, others = [], []
    asked = [asyncio.create_task(ask(server, "127.2.0.1", CLIENTS + n, first)) for n in range(FLOOD)]
    await asyncio.sleep(0.5)
    start = time.monotonic()
    results = await asyncio.gather(*(ask(server, address(n), CLIENTS + FLOOD + n, others) for n in range(FLOOD)))
    before = sum(start < t < max(others) for t in first)
    results += await asyncio.gather(*asked)
    return {"failed": 2 * FLOOD - sum(results), "before": before}


def serving(coolbpf, directory):
    server = Server(coolbpf, directory, "--jobs", "2", "--client-queue", str(CLIENTS), "--queue", str(CLIENTS))
    time.sleep(1)
    idle, with_zygotes = server.memory()
    rate, tail = hits(server, directory)
    clients, flooded = asyncio.run(thousand(server)), asyncio.run(flood(server))
    server.stop()
    return {"idle_mb": idle, "idle_all_mb": with_zygotes, "hits": rate, "p99_ms": tail, "clients": clients,
            "flood": flooded}


# ---- the table ----------------------------------------------------------------------------------------------------


class Table:
    def __init__(self):
        self.missed = 0

    def target(self, value, most, least=None, unit=""):
        ok = value <= most if least is None else value >= least
        self.missed += not ok
        limit = f"<= {most:g}" if least is None else f">= {least:g}"
        return f"{value:.6g}{unit} ({limit}){'' if ok else '  MISSED'}" if abs(value) >= 100 else \
            f"{value:.2f}{unit} ({limit}){'' if ok else '  MISSED'}"


def print_all(c, s, runs):
    t = Table()
    names = {"a": "clang, whole vmlinux.h", "b": "clang, precompiled vmlinux.h", "c": "coolbpf build", "d": "coolbpf serve"}
    limits = {"c": 0.3, "d": 0.2}
    print(f"Linux {os.uname().release} {os.uname().machine}, {os.cpu_count()} CPUs; {len(SOURCES)} sources, "
          f"medians of {runs} rounds\n")
    print(f"{'cold compile, a source':30}{'CPU, ms':>10}{'wall, ms':>10}{'object, KB':>12}   CPU / (a)")
    for w, name in names.items():
        ratio = c["cpu_ms"][w] / c["cpu_ms"]["a"]
        text = t.target(ratio, limits[w]) if w in limits else f"{ratio:.2f}"
        print(f"({w}) {name:26}{c['cpu_ms'][w]:10.1f}{c['wall_ms'][w]:10.1f}{c['bytes'][w] / 1024:12.1f}   {text}")
    print(f"size of an object, (c) / (a)    {t.target(c['bytes']['c'] / c['bytes']['a'], 0.2)}")
    print(f"instructions and relocations    {c['sections']} sections of programs: "
          f"{t.target(len(c['different']), 0)} differ{''.join(chr(10) + '    ' + d for d in c['different'])}")
    print(f"a slice, CPU                    median {c['slice_ms'][0]:.2f} ms, largest {t.target(c['slice_ms'][1], 2, unit=' ms')}")
    print(f"slices that did not do          {t.target(c['fell_back'], 0)}\n")
    print(f"cache hits a second, 32 clients {t.target(s['hits'], None, 10000)}")
    print(f"99th percentile                 {t.target(s['p99_ms'], 10, unit=' ms')}")
    print(f"memory of the idle server       {t.target(s['idle_mb'], 30, unit=' MB')}, with its zygotes {s['idle_all_mb']:.1f} MB")
    k = s["clients"]
    print(f"{CLIENTS} clients at once            {t.target(k['failed'], 0)} failed, {k['seconds']:.1f} s, "
          f"{CLIENTS / k['seconds']:.1f} compiles/s, memory {t.target(k['peak_mb'], 200, unit=' MB')}")
    f = s["flood"]
    print(f"{FLOOD} of one client, {FLOOD} others    {t.target(f['failed'], 0)} failed; of the one's were answered while "
          f"the others waited: {t.target(f['before'], FLOOD / 10)}")
    return t.missed


def main():
    options = argparse.ArgumentParser()
    options.add_argument("build")
    options.add_argument("--runs", type=int, default=9)
    options.add_argument("--json", action="store_true")
    options.add_argument("--check", action="store_true")
    o = options.parse_args()
    coolbpf = os.path.abspath(f"{o.build}/src/cli/coolbpf")
    with tempfile.TemporaryDirectory() as directory:
        c = cold(coolbpf, directory, o.runs)
        c["slice_ms"] = slices(o.build)
        s = serving(coolbpf, directory)
    if o.json:
        print(json.dumps({"cold": c, "server": s}))
        return 0
    missed = print_all(c, s, o.runs)
    return 1 if o.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
