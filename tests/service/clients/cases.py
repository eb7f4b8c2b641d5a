# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
"""cases.py CASE [ARGUMENT ...]: one case of clients.bats: the published packages pylcc, coolbpf and surftrace with our server, as
their own examples use them. An assertion that fails ends it with status 1; the reason why a case cannot be tried here is the
line "skip: ..." and status 77. LBC_SERVER says where the server is, ACCESS_LOG where it writes what it is asked."""
import contextlib
import http.client
import io
import json
import mmap
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import time

from pylcc.lbcBase import CeventThread, ClbcBase, ClbcLoad
from pylcc.lbcStack import getKStacks
from pylcc.perfEvent import PerfSwIds, PerfType
from surftrace.fxpr import Cfxpr
from surftrace.lbcClient import ClbcClient
from surftrace.surfElf import CelfKsym
from surftrace.surfException import DbException, ExprException

HERE = os.path.dirname(os.path.abspath(__file__))
NAME = "lbcworkload"


def skip(why):
    print(f"skip: {why}")
    sys.exit(77)


def source(name):
    with open(f"{HERE}/{name}.bpf.c") as f:
        return f.read().replace("WORKLOAD", NAME)


def out(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def wait_for(what, condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(0.02)


def asked():
    """The log of what these clients have asked the server."""
    # a line is written behind its answer, and before the server looks at another request
    connection = http.client.HTTPConnection(os.environ["LBC_SERVER"], 7655)
    connection.request("GET", "/healthz")
    connection.getresponse().read()
    connection.close()
    with open(os.environ["ACCESS_LOG"]) as f:
        # the last line may be on its way: the one of this question
        lines = [json.loads(line) for line in f if line.endswith("\n")]
    return [line for line in lines if line["path"] == "/lbc"]


def writes(*sizes):
    """Programs called NAME that write; what they have written by strace's word: (descriptor, bytes) for each write()."""
    if not os.path.exists(NAME):
        shutil.copy("/bin/dd", NAME)
    seen = []
    for size, count in sizes:
        subprocess.run(["strace", "-o", "strace.out", "-e", "trace=write", f"./{NAME}", "if=/dev/zero", "of=/dev/null",
                        f"bs={size}", f"count={count}", "status=none"], check=True)
        with open("strace.out") as f:
            found = re.findall(r"^write\((\d+), .*, (\d+)\) += \d+", f.read(), re.M)
        assert len(found) == count, found
        seen += [(int(fd), int(n)) for fd, n in found]
    return seen


def expect_error(kind, function, *arguments, **named):
    """What the client prints and raises."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            function(*arguments, **named)
    except kind as error:
        return said.getvalue() + str(error)
    raise AssertionError("no error")


# ---- pylcc: maps -----------------------------------------------------------------------------------------------------------

def map_id(name):
    """The kernel's number of a map of this process."""
    ids = set()
    for fd in os.listdir("/proc/self/fdinfo"):
        with contextlib.suppress(FileNotFoundError), open(f"/proc/self/fdinfo/{fd}") as f:
            ids.update(re.findall(r"^map_id:\s+(\d+)", f.read(), re.M))
    return next(i for i in ids if json.loads(out("bpftool", "-j", "map", "show", "id", i))["name"] == name)


def bpftool_dump(name):
    """A map by bpftool's word: {key: value}; of one with a value for each CPU, their sum."""
    entries = {}
    for e in json.loads(out("bpftool", "-j", "map", "dump", "id", map_id(name))):
        e = e["formatted"]
        entries[e["key"]] = sum(v["value"] for v in e["values"]) if "values" in e else e["value"]
    return entries


def maps():
    class Writes(ClbcBase):
        def __init__(self):
            super().__init__("writes", bpf_str=source("writes"))

    lbc = Writes()
    with open("writes.so", "rb") as f:
        assert f.read(4) == b"\x7fELF"
    assert {n: m["type"] for n, m in lbc._loadDesc()["maps"].items()} == {
        "e_out": "event", "by_hash": "hash", "by_array": "array", "hist2": "hist2", "hist10": "hist10", "by_lru": "lruHash",
        "by_per_hash": "perHash", "by_per_array": "perArray", "by_lru_per": "lruPerHash", "call_stack": "stack"}
    events = []
    CeventThread(lbc, "e_out", lambda cpu, e: events.append((cpu, e)))
    seen = writes((1, 5), (1000, 7), (4096, 11), (1 << 20, 3))
    sizes = sorted({n for _, n in seen})
    calls = {size: sum(n == size for _, n in seen) for size in sizes}

    wait_for("all events", lambda: len(events) >= len(seen))
    assert [(e.fd, e.bytes) for _, e in sorted(events, key=lambda e: e[1].bytes)] == sorted(seen, key=lambda w: w[1])
    assert all(e.comm == NAME.encode() and 0 <= cpu < os.cpu_count() and e.pid > 1 for cpu, e in events)

    found = lbc.maps["by_hash"].get()
    assert {k: (v.fd, v.bytes, v.comm) for k, v in found.items()} == {n: (fd, n, NAME.encode()) for fd, n in seen}
    assert {k: (v["fd"], v["bytes"], v["pid"]) for k, v in bpftool_dump("by_hash").items()} == \
        {k: (v.fd, v.bytes, v.pid) for k, v in found.items()}
    assert lbc.maps["by_array"].get(3) == [0, len(seen), sum(n for _, n in seen)]
    assert lbc.maps["by_array"].get(8) == list(bpftool_dump("by_array").values())
    for name in ("by_lru", "by_per_hash", "by_lru_per"):
        assert lbc.maps[name].get() == calls == bpftool_dump(name), name
        assert lbc.maps[name].getKeyValue(1000) == 7 and lbc.maps[name].getKeyValue(17) is None
        assert sorted(lbc.maps[name].getKeys()) == sizes
    assert lbc.maps["by_per_array"].getKeyValue(1) == len(seen) == bpftool_dump("by_per_array")[1]
    slots2, slots10 = [0] * 64, [0] * 20
    for _, n in seen:
        slots2[n.bit_length() - 1] += 1
        slots10[len(str(n)) - 1] += 1
    assert lbc.maps["hist2"].get() == slots2 == list(bpftool_dump("hist2").values())
    assert lbc.maps["hist10"].get() == slots10 == list(bpftool_dump("hist10").values())

    # addresses by bpftool's word, names by /proc/kallsyms
    stack = events[0][1].stack_id
    addresses = [a for a in lbc.maps["call_stack"].getArr(stack) if a]
    dumped = bytes(int(b, 16) for b in json.loads(out("bpftool", "-j", "map", "lookup", "id", map_id("call_stack"), "key",
                                                      *map(str, struct.pack("I", stack))))["value"])
    assert list(struct.unpack(f"{len(dumped) // 8}Q", dumped))[:len(addresses)] == addresses and addresses
    with open("/proc/kallsyms") as f:
        symbols = sorted((int(a, 16), n) for a, _, n, *_ in map(str.split, f))
    for address, name in zip(addresses, getKStacks(lbc.maps["call_stack"], stack, CelfKsym())):
        start = max(a for a, _ in symbols if a <= address)
        assert name in [n for a, n in symbols if a == start], (hex(address), name)

    taken = lbc.maps["by_hash"].getThenClear()
    assert sorted(taken) == sizes and lbc.maps["by_hash"].get() == {}
    assert lbc.maps["by_lru_per"].getThenClear() == calls and bpftool_dump("by_lru_per") == {}
    lbc.maps["by_lru"].clear()
    assert lbc.maps["by_lru"].get() == {} == bpftool_dump("by_lru")


def values():
    """What members of events and values become in Python."""
    lbc = ClbcBase("values", bpf_str=source("values"))
    events = []
    CeventThread(lbc, "e_out", lambda cpu, e: events.append(e))
    writes((1, 1))
    wait_for("the event", lambda: events)
    for e in (events[0], lbc.maps["by_name"].get()[0x1122334455667788]):
        assert (e.small, e.negative, e.letter, e.yes, e.wide) == (200, -3, ord("x"), 1, -(1 << 40)), e
        assert (e.level, e.numbers, e.texts, e.name) == (7, [1, 2, 3], [b"one", b"two"], NAME.encode()), e
        assert (e.high, e.low) == (5, 9), e
        assert e.where == 0xffff888000001234, e
    assert [(k.a, k.b) for k in lbc.maps["by_struct"].getKeys()] == [(3, 4)]


def histograms():
    """showHist() draws as wide as the terminal is."""
    import fcntl
    import termios
    controller, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.dup2(terminal, 0)
    lbc = ClbcBase("writes", bpf_str=source("writes"))
    writes((1000, 6), (4096, 12))
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        lbc.maps["hist2"].showHist("hist2:")
        lbc.maps["hist10"].showHist("hist10:")
    bars = [(int(n), bar.count("@")) for n, bar in re.findall(r"^\[.*\) *(\d+) *\|(.*)\|$", said.getvalue(), re.M)]
    wide = 80 - 18
    assert bars == [(6, wide // 3), (0, 0), (0, 0), (12, wide * 2 // 3), (18, wide)], said.getvalue()


# ---- pylcc: hooks ------------------------------------------------------------------------------------------------------------

def hit(lbc, slot):
    return lbc.maps["hits"].getKeyValue(slot)


def attached_by_section():
    lbc = ClbcBase("hooks", bpf_str=source("hooks"))
    writes((10, 1), (20, 1))
    assert hit(lbc, 0) == 2 and hit(lbc, 1) == 2 * 6  # dd's name and five arguments
    assert [hit(lbc, slot) for slot in range(2, 9)] == [0] * 7  # these have no place yet


def raw_tracepoint():
    lbc = ClbcBase("hooks", bpf_str=source("hooks"), attach=0)
    assert hit(lbc, 0) == 0
    lbc.attachRawTracepoint(b"on_sys_enter", b"sys_enter")
    assert hit(lbc, 2) == 0
    assert len(writes((512, 100))) == 100 == hit(lbc, 2)
    assert "failed" in expect_error(Exception, lbc.attachRawTracepoint, b"on_sys_enter", b"no_such_tracepoint")


def tracepoint():
    lbc = ClbcBase("hooks", bpf_str=source("hooks"), attach=0)
    lbc.attachTracepoint(b"on_sys_exit", b"syscalls", b"sys_exit_write")
    assert len(writes((512, 100), (1, 50))) == 150 == hit(lbc, 3)


def uprobe(program):
    """program: calls.c, compiled"""
    lbc = ClbcBase("hooks", bpf_str=source("hooks"), attach=0)
    address = next(int(line.split()[0], 16) for line in out("nm", program).splitlines() if line.endswith(" work_item"))
    offset = next(address - int(v, 16) + int(o, 16) for o, v, size in
                  re.findall(r"LOAD +(\S+) (\S+) \S+ (\S+) \S+ R E", out("readelf", "-lW", program))
                  if int(v, 16) <= address < int(v, 16) + int(size, 16))
    lbc.attachUprobes(b"on_call", -1, program.encode(), offset)
    lbc.attachUretprobe(b"on_return", -1, program.encode(), offset)
    subprocess.run([program, "37"], check=True)
    assert (hit(lbc, 4), hit(lbc, 5), hit(lbc, 6)) == (37, 37 * 36 // 2, 37 * 36)


def page_faults():
    """Of another process, as many as /proc says."""
    pages = 500
    go, told = os.pipe(), os.pipe()
    child = os.fork()
    if not child:
        try:
            memory = mmap.mmap(-1, pages * mmap.PAGESIZE)
            os.read(go[0], 1)
            for i in range(pages):
                memory[i * mmap.PAGESIZE] = 1
            os.write(told[1], b"x")
            os.read(go[0], 1)
        finally:
            os._exit(0)

    def faults():
        with open(f"/proc/{child}/stat") as f:
            rest = f.read().rsplit(") ", 1)[1].split()
        return int(rest[7]) + int(rest[9])

    def sleeps():
        with open(f"/proc/{child}/stat") as f:
            return f.read().rsplit(") ", 1)[1][0] == "S"

    try:
        lbc = ClbcBase("hooks", bpf_str=source("hooks"), attach=0)
        wait_for("the child to sleep", sleeps)
        before = faults()
        lbc.attachPerfEvent("on_fault", {"type": PerfType.SOFTWARE, "config": PerfSwIds.PAGE_FAULTS, "sample_period": 1},
                            pid=child)
        os.write(go[1], b"x")
        os.read(told[0], 1)
        wait_for("the child to sleep", sleeps)
        # huge pages may spare it some
        assert hit(lbc, 7) == faults() - before > 0, (hit(lbc, 7), faults() - before)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def cpu_clock():
    lbc = ClbcBase("hooks", bpf_str=source("hooks"), attach=0)
    config = {"sample_freq": 200, "freq": 1, "type": PerfType.SOFTWARE, "config": PerfSwIds.CPU_CLOCK}
    # somebody who is in the kernel most of the time
    busy = subprocess.Popen(["dd", "if=/dev/zero", "of=/dev/null", "bs=1", "status=none"])
    try:
        lbc.attachAllCpuPerf("on_clock", config)
        # a hypervisor may keep a CPU for a while: one second of five is held to the rate
        for _ in range(5):
            before, start = hit(lbc, 8), time.monotonic()
            time.sleep(1)
            samples = hit(lbc, 8) - before
            expected = (time.monotonic() - start) * 200 * os.cpu_count()
            if expected / 2 < samples < expected * 1.2:
                break
        stacks = lbc.maps["calls"].get()
    finally:
        busy.kill()
        busy.wait()
    assert expected / 2 < samples < expected * 1.2, (samples, expected)
    with_stack = sum(stacks.values())
    assert 0 < with_stack <= hit(lbc, 8), (with_stack, hit(lbc, 8))
    symbols = CelfKsym()
    names = {name for stack in stacks for name in getKStacks(lbc.maps["call_stack"], stack, symbols)}
    assert any("write" in name or "read" in name for name in names), names


# ---- pylcc: its own .so ------------------------------------------------------------------------------------------------------

def execs(lbc):
    """Do these maps have the program that was started?"""
    program = subprocess.Popen(["true"])
    program.wait()
    return lbc.maps["execs"].getKeyValue(program.pid) is not None


def again():
    text = source("hello")

    def start(name="again", **named):
        before = len(asked())
        lbc = ClbcBase(name, **named)
        assert execs(lbc)
        del lbc
        return len(asked()) - before

    assert start(bpf_str=text) == 1
    assert start(bpf_str=text) == 0
    assert start(bpf_str=text + "\n// é\n") == 1  # the sum is that of UTF-8
    assert start(bpf_str=text + "\n// é\n") == 0
    assert start(bpf_str=text, env="-DX=1 -O2") == 1
    assert start(bpf_str=text, env="-DX=1 -O2") == 0
    assert start(bpf_str=text) == 1
    assert start() == 0  # the .so alone
    with open("file.bpf.c", "w") as f:
        f.write(text)
    assert start("file") == 1
    assert start("file") == 0
    # a library for a kernel before 4 does not do for one after it
    assert start(bpf_str=text, ver="5.10.0-8-amd64") == 0
    before = len(asked())
    assert "3.10.0-1160.el7" in expect_error(DbException, ClbcBase, "again", bpf_str=text, ver="3.10.0-1160.el7")
    assert len(asked()) == before + 1
    # what is asked for again is there at once
    os.unlink("again.so")
    assert start(bpf_str=text) == 1
    assert asked()[-1]["cached"] is True


def flags():
    lbc = ClbcBase("flags", bpf_str=source("hooks"), env="-DSLOTS=3 -Wall -O2", attach=0)
    assert len(bpftool_dump("hits")) == 3
    del lbc


def errors():
    text = source("hello").replace("u64 ns =", "u64 ns = oops +")
    line = text[:text.index("oops")].count("\n") + 1
    said = expect_error(DbException, ClbcBase, "bad", bpf_str=text)
    assert re.search(rf":{line}:\d+: error: use of undeclared identifier 'oops'", said), said
    assert said.startswith("compile failed.\n") and "db set return compile failed." in said
    for flag in ("-fplugin=x.so", "-include/etc/passwd", "@file"):
        said = expect_error(DbException, ClbcBase, "bad", bpf_str=source("hello"), env=f"-DA=1 {flag}")
        assert flag in said, said
    said = expect_error(DbException, ClbcBase, "bad", bpf_str=source("hello"), ver="4.19.91-23.al7")
    assert "4.19.91-23.al7" in said, said
    said = expect_error(DbException, ClbcLoad, "bad", bpf_str=source("hello"), arch="riscv64", opt="obj")
    assert "riscv64" in said, said
    assert not [f for f in os.listdir(".") if f.startswith("bad.")]
    client = ClbcClient()
    assert "elf_so" in expect_error(DbException, client.getElfSo)
    assert "ko" in expect_error(DbException, client.koBuild, {"x.ko": "AAAA"})
    assert client.getC(source("hello"), "")["log"] == "ok."  # and goes on


def kprobes():
    """They compile everywhere; where the kernel has no kprobes, it is said."""
    ClbcLoad("kprobes", bpf_str=source("kprobes"))
    assert os.path.exists("kprobes.so")
    with open("/proc/kallsyms") as f:
        has_kprobes = " register_kprobe\n" in f.read()
    if has_kprobes:
        lbc = ClbcBase("kprobes", bpf_str=source("kprobes"))
        assert set(lbc.maps) == {"e1_out", "e2_out", "currsock"}
        return
    lbc = ClbcBase("kprobes", bpf_str=source("kprobes"), attach=0)
    assert set(lbc.maps) == {"e1_out", "e2_out", "currsock"}
    del lbc
    said = expect_error(Exception, ClbcBase, "kprobes", bpf_str=source("kprobes"))
    assert "so init failed" in said, said


def one_of_many(number):
    text = source("hello").replace("ns = ", f"ns = {number} + ")
    start = time.monotonic()
    lbc = ClbcBase(f"many{number}", bpf_str=text)
    compiled = time.monotonic() - start
    assert execs(lbc)
    client, slowest = ClbcClient(), 0
    for name in ("task_struct", "sk_buff", "file", "sock", "inode"):
        start = time.monotonic()
        assert client.getStruct(f"struct {name}")["res"]["name"] == f"struct {name}"
        slowest = max(slowest, time.monotonic() - start)
    print(f"compiled and loaded after {compiled:.2f} s, slowest query {slowest:.2f} s")
    assert compiled < 30 and slowest < 5


def run_file(name):
    """NAME.so as the command made it, or NAME.bpf.c"""
    before = len(asked())
    assert execs(ClbcBase(name)) and len(asked()) == before


def btf():
    """Where this kernel shows no BTF, it is fetched and used."""
    release = os.uname().release
    assert not os.path.exists("/sys/kernel/btf/vmlinux") and not os.path.exists(f"/boot/vmlinux-{release}")
    lbc = ClbcBase("hooks", bpf_str=source("hooks"), attach=0)  # reads linux_binprm's argc
    lbc.attachRawTracepoint(b"on_exec", b"sched_process_exec")
    writes((1, 1))
    assert (hit(lbc, 0), hit(lbc, 1)) == (1, 6)
    with open(f"/boot/vmlinux-{release}", "rb") as f, open(os.environ["REAL_BTF"], "rb") as real:
        assert f.read() == real.read()


# ---- surftrace -----------------------------------------------------------------------------------------------------------------

STRUCTS = ["struct " + name for name in (
    "task_struct mm_struct vm_area_struct file inode dentry path super_block sk_buff sock sock_common inet_sock tcp_sock "
    "net_device request bio page list_head rb_node cred pid signal_struct iphdr tcphdr udphdr icmphdr ethhdr sk_buff_head net rq "
    "cfs_rq sched_entity linux_binprm kernfs_node cgroup msghdr iov_iter").split()] + ["union sigval", "union bpf_attr"]


def measure(questions):
    """The compiler's answers to expressions of sizeof and offsetof, with the types as pahole writes them."""
    vmlinux = os.environ["VMLINUX_H"]
    if not os.path.exists(vmlinux):
        text = out("pahole", "--compile", "/sys/kernel/btf/vmlinux")
        with open(vmlinux, "w") as f:  # without what the compiler has itself
            f.write("typedef __builtin_va_list va_list;\n" +
                    re.sub(r"^typedef .*(__builtin_va_list|\bva_list;).*$", "", text, flags=re.M))
    with open("measure.c", "w") as f:
        f.write(f'#include "{vmlinux}"\n'
                "#define offsetof __builtin_offsetof\n"
                "int printf(const char *, ...);\n"
                "int main(void) {\n" + "".join(f'printf("%lu\\n", (unsigned long)({q}));\n' for q in questions) +
                "return 0; }\n")
    subprocess.run(["clang", "-w", "-O0", "-fno-builtin", "measure.c", "-o", "measure"], check=True)
    return [int(n) for n in out("./measure").split()]


class Btf:
    """The kernel's types by bpftool's word."""

    def __init__(self):
        dump = json.loads(out("bpftool", "-j", "btf", "dump", "file", "/sys/kernel/btf/vmlinux"))
        self.types = {t["id"]: t for t in dump["types"]}

    def real(self, i):
        """Behind typedefs, const and the like"""
        t = self.types[i]
        return self.real(t["type_id"]) if t["kind"] in ("TYPEDEF", "CONST", "VOLATILE", "RESTRICT", "TYPE_TAG") else t

    def size(self, i):
        t = self.real(i)
        if t["kind"] == "ARRAY":
            return t["nr_elems"] * self.size(t["type_id"])
        return 8 if t["kind"] == "PTR" else t["size"]

    def plain(self, i):
        """Without const and the like alone"""
        t = self.types[i]
        return self.plain(t["type_id"]) if t["kind"] in ("CONST", "VOLATILE", "RESTRICT") else t

    def members(self, t, prefix="", base=0):
        """(name, offset of its first bit, bits or 0, size), those of members that have no type's name in their place"""
        for m in t["members"]:
            name, bit = "" if m["name"] == "(anon)" else m["name"], base + m["bits_offset"]
            inner = self.plain(m["type_id"])
            if inner["kind"] in ("STRUCT", "UNION") and inner["name"] == "(anon)":
                yield from self.members(inner, prefix + name + "." if name else prefix, bit)
            else:
                yield prefix + name, bit, m.get("bitfield_size", 0), self.size(m["type_id"])


def structs():
    kernel, client, cells = Btf(), ClbcClient(), 0
    by_name, twice = {}, set()
    for t in kernel.types.values():
        if t["kind"] in ("STRUCT", "UNION") and t["name"] != "(anon)":
            name = f"{t['kind'].lower()} {t['name']}"
            if name in by_name:
                twice.add(name)
            by_name[name] = t
    some = sorted(set(by_name) - twice)
    names = sorted(set(STRUCTS) | set(some[::len(some) // 100]))
    for name in names:
        start = time.monotonic()
        res = client.getStruct(name)["res"]
        assert time.monotonic() - start < 5
        assert res["name"] == name and res["size"] == by_name[name]["size"] and res["members"] == len(res["cell"])
        found = []
        for cell in res["cell"]:
            first, width = map(int, cell["bits"].split(":")) if cell["bits"] else (0, 0)
            assert first + width <= 8 * cell["size"] or not width, cell
            found.append((cell["name"].split("[")[0], 8 * cell["offset"] + first, width, cell["size"]))
        assert found == list(kernel.members(by_name[name])), name
        cells += len(found)
    print(f"{len(names)} structs with {cells} members compared")
    assert client.getStruct("struct no_such_struct")["res"] is None
    parser = Cfxpr(client, "x86_64")
    assert parser.showTypeSize("struct iphdr") == 20 and parser.showMemberOffset("saddr", "struct iphdr *") == 12
    assert {s["name"] for s in client.getStruct("struct iphd%")["res"]} == {"struct iphdr"}


def types():
    """Of every member that is an array, the client asks for its element's size."""
    client = ClbcClient()
    elements = {}
    for name in STRUCTS:
        for cell in client.getStruct(name)["res"]["cell"]:
            sizes = [int(n) for n in re.findall(r"\[(\d+)\]", cell["name"])]
            if sizes and all(sizes) and "{" not in cell["type"]:
                count = 1
                for n in sizes:
                    count *= n
                elements[cell["type"]] = cell["size"] // count
    for name, size in elements.items():
        found = client.getType(name)["res"]
        assert found and found["size"] == size, (name, size, found)
    names = ["u8", "u16", "u32", "u64", "__be32", "size_t", "loff_t", "pid_t", "int", "unsigned int", "long", "unsigned long",
             "char", "unsigned char", "short", "long long", "unsigned long long", "gfp_t", "atomic_t", "enum pid_type",
             "struct list_head", "union sigval", "bool"]
    assert [client.getType(n)["res"]["size"] for n in names] == measure([f"sizeof({n})" for n in names])
    assert client.getType("struct task_struct *")["res"]["size"] == client.getType("const char *")["res"]["size"] == 8
    assert client.getType("no_such_type")["res"] is None
    print(f"{len(elements) + len(names)} types compared")


def funcs():
    """As bpftool says: every so many of the kernel's functions, by their number of arguments and by their types' texts."""
    by_id = Btf().types
    functions, twice = {}, set()
    for t in by_id.values():
        if t["kind"] == "FUNC":
            (twice.add if t["name"] in functions else lambda _: None)(t["name"])
            functions[t["name"]] = by_id[t["type_id"]]

    def text(i):
        """A type in C, where that is simple; else None"""
        t = by_id.get(i)
        if not t:
            return "void"
        inner = text(t["type_id"]) if "type_id" in t else None
        if t["kind"] in ("STRUCT", "UNION", "ENUM", "ENUM64") and t["name"] != "(anon)":
            return f"{t['kind'].lower().rstrip('64')} {t['name']}"
        if t["kind"] in ("INT", "TYPEDEF"):
            return t["name"]
        if t["kind"] == "FWD":
            return f"{t['fwd_kind']} {t['name']}"
        if t["kind"] == "CONST" and inner and "*" not in inner:
            return f"const {inner}"
        if t["kind"] == "PTR" and inner:
            return inner + ("*" if inner.endswith("*") else " *")
        return None

    client, compared = ClbcClient(), 0
    names = sorted(set(functions) - twice)
    for name in names[::len(names) // 150]:
        found = client.getFunc(name)["res"]
        assert [f["func"] for f in found] == [name]
        proto = functions[name]
        params = [p["type_id"] for p in proto["params"]]
        assert len(found[0]["args"]) == len(params), name
        for said, i in [(found[0]["ret"], proto["ret_type_id"]), *zip(found[0]["args"], params)]:
            if text(i):
                assert said == text(i), (name, said, text(i))
                compared += 1
    assert compared > 200
    like = client.getFunc("vfs_%")["res"]
    assert len(like) == 20 and all(f["func"].startswith("vfs_") and f["func"] in functions for f in like)
    for f in client.getFunc("", arg="struct sk_buff *")["res"]:
        assert "struct sk_buff *" in f["args"] and f["func"] in functions
    for f in client.getFunc("vfs_%", ret="ssize_t")["res"]:
        assert f["ret"] == "ssize_t" and f["func"].startswith("vfs_")
    assert client.getFunc("no_such_function")["res"] == []
    assert "query value error." in expect_error(DbException, client.getFunc, "vfs_read", ret="int")
    print(f"{compared} types of functions compared")


def fxpr():
    """Expressions for kprobes, as surftrace writes them into kprobe_events."""
    def expression(function, arguments, kind="p"):
        return Cfxpr(ClbcClient(), "x86_64").expr(function, False, function, {"type": kind, "args": arguments})

    flags, path, dentry, name, mode, bytes_, comm, data, saddr, mac = measure([
        "offsetof(struct file, f_flags)", "offsetof(struct file, f_path)", "offsetof(struct path, dentry)",
        "offsetof(struct dentry, d_name.name)", "offsetof(struct file, f_mode)", "offsetof(struct sk_buff, len)",
        "offsetof(struct task_struct, comm)", "offsetof(struct sk_buff, data)", "offsetof(struct iphdr, saddr)",
        "offsetof(struct ethhdr, h_proto)"])
    assert expression("vfs_read", "flags=%0->f_flags") == f" flags=+0x{flags:x}(%di):u32"
    assert expression("vfs_read", "mode=X%0->f_mode count=%2") == f" mode=+0x{mode:x}(%di):x32 count=%dx:u64"
    assert expression("vfs_read", "name=%0->f_path.dentry->d_name.name") == \
        f" name=+0x0(+0x{name:x}(+0x{path + dentry:x}(%di))):string"
    assert expression("wake_up_new_task", "who=%0->comm me=$comm") == f" who=+0x{comm:x}(%di):string me=$comm"
    assert expression("ip_rcv", "len=%0->len") == f" len=+0x{bytes_:x}(%di):u32"
    assert expression("ip_rcv", "from=@(struct iphdr *)l3%0->saddr").startswith(f" from=+0x{saddr:x}(+0x{data:x}(%di))")
    assert expression("vfs_read", "got=$retval", "r") == " got=$retval"
    assert "no_such_member" in expect_error(ExprException, expression, "vfs_read", "x=%0->no_such_member")
    assert "no_such_function" in expect_error(DbException, expression, "no_such_function", "x=%0")
    operations = measure(["offsetof(struct file, f_op)", "offsetof(struct file_operations, fop_flags)"])
    assert expression("vfs_read", "f=%0->f_op->fop_flags") == f" f=+0x{operations[1]:x}(+0x{operations[0]:x}(%di)):u32"


def old_port():
    """Older versions connect to 7655."""
    assert ClbcClient(port=7655).getType("u64")["res"]["size"] == 8


globals()[sys.argv[1]](*sys.argv[2:])
