# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
"""cases.py CASE LIBRARY ...: one case of solib.bats in a fresh Python. An assertion that fails ends it with status 1; the
reason why a case cannot be tried here is the line "skip: ..." and status 77."""
import ctypes as c
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import lbc

# slots of hooks.bpf.c
KPROBE, KRETPROBE, UPROBE, URETPROBE, TRACEPOINT, RAW_TRACEPOINT, PERF_EVENT, CGROUP, NETNS, XDP = range(10)
NAME = "solibtest"


class Data(c.Structure):
    _fields_ = [("pid", c.c_uint), ("comm", c.c_char * 16), ("number", c.c_ulonglong)]


def skip(why):
    print(f"skip: {why}")
    sys.exit(77)


def wait_for(what, condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(0.02)


def opened(path, attach=1):
    lib = lbc.Library(path)
    assert lib.bpf_init(-1, attach) == 0
    return lib


def hits(lib, slot):
    return lib.value("hits", slot, c.c_ulonglong)


def start(n):
    """Start n programs of the name that maps.bpf.c looks for; their process ids."""
    if not os.path.exists(NAME):
        os.link("/bin/true", NAME) if os.stat("/bin/true").st_dev == os.stat(".").st_dev else os.symlink("/bin/true", NAME)
    pids = []
    for _ in range(n):
        process = subprocess.Popen([f"./{NAME}"])
        process.wait()
        pids.append(process.pid)
    return pids


# ---- Maps and events ----------------------------------------------------------------------------------------------------

def maps(path):
    lib = opened(path)
    pids = start(6)
    for pid in pids:
        data = lib.value("by_hash", pid, Data)
        assert (data.pid, data.comm, data.number) == (pid, NAME.encode(), 1 << 40)
    assert lib.value("by_lru", 1 << 40, c.c_ulonglong, c.c_ulonglong) == 6
    assert lib.value("by_per_hash", 7, c.c_ulonglong) == 6  # whichever CPUs they ran on
    assert lib.value("by_per_array", 1, c.c_uint) == 6
    assert lib.value("by_per_array", 2, c.c_uint) == 0
    assert lib.value("by_lru_per_hash", 7, Data).pid in pids
    assert lib.value("by_array", 1, c.c_int) == -5
    assert [lib.value("by_hist2", i, c.c_long) for i in range(64)] == [0] * 9 + [6] + [0] * 54
    assert lib.value("by_per_hist2", 9, c.c_long) == 6
    assert [lib.value("by_hist10", i, c.c_long) for i in range(20)] == [0] * 3 + [6] + [0] * 16
    key, stack = c.c_uint(0xffffffff), (c.c_ulonglong * 127)()
    assert lib.map_get_next_key(lib.map("by_stack"), c.byref(key), c.byref(key)) == 0
    assert lib.map_lookup_elem(lib.map("by_stack"), c.byref(key), stack) == 0
    assert stack[0] >> 63  # a kernel address
    assert lib.map("no_such") == -1
    assert lib.map("by_queue") >= 0 and "by_queue" not in lib.types["maps"]
    assert {n: m["type"] for n, m in lib.types["maps"].items()} == {
        "e_out": "event", "ring": "event", "by_hash": "hash", "by_lru": "lruHash", "by_per_hash": "perHash",
        "by_lru_per_hash": "lruPerHash", "by_array": "array", "by_per_array": "perArray", "by_hist2": "hist2",
        "by_hist10": "hist10", "by_per_hist2": "hist2", "by_stack": "stack"}
    lib.bpf_exit()


def elements(path):
    lib = opened(path, 0)
    plain, per_cpu = lib.map("by_lru"), lib.map("by_per_hash")
    key, value, out = c.c_ulonglong(3), c.c_ulonglong(9), c.c_ulonglong(0)
    assert lib.map_lookup_elem(plain, c.byref(key), c.byref(out)) == -errno.ENOENT
    for m, width in ((plain, 8), (per_cpu, 4)):
        assert lib.map_update_elem(m, c.byref(key), c.byref(value)) == 0
        assert lib.map_lookup_elem(m, c.byref(key), c.byref(out)) == 0 and out.value == 9
        out.value = 0
        assert lib.map_lookup_elem_flags(m, c.byref(key), c.byref(out), 0) == 0 and out.value == 9
        other, following = (c.c_ubyte * width)(*[255] * width), (c.c_ubyte * width)()
        assert lib.map_get_next_key(m, other, following) == 0 and following[0] == 3
        assert lib.map_get_next_key(m, following, other) == -errno.ENOENT
        out.value = 0
        assert lib.map_lookup_and_delete_elem(m, c.byref(key), c.byref(out)) == 0 and out.value == 9
        assert lib.map_delete_elem(m, c.byref(key)) == -errno.ENOENT
        assert lib.map_update_elem(m, c.byref(key), c.byref(value)) == 0
        assert lib.map_delete_elem(m, c.byref(key)) == 0
    # a value is as long as its map says, not one per CPU
    guarded = (c.c_ubyte * 64)(*[0xaa] * 64)
    assert lib.map_update_elem(per_cpu, c.byref(key), c.byref(value)) == 0
    assert lib.map_lookup_elem(per_cpu, c.byref(key), guarded) == 0
    assert bytes(guarded) == b"\x09" + b"\0" * 7 + b"\xaa" * 56
    lib.bpf_exit()


def events(path):
    lib = opened(path)
    got = {"e_out": [], "ring": []}
    threads = [lib.loop(name, lambda cpu, data, name=name: got[name].append((cpu, Data.from_buffer_copy(data))))
               for name in got]
    pids = start(5)
    wait_for("all events", lambda: all(len(e) == len(pids) for e in got.values()))
    for name, found in got.items():
        assert sorted(d.pid for _, d in found) == sorted(pids)
        assert all(d.comm == NAME.encode() and d.number == 1 << 40 for _, d in found)
    assert all(cpu in range(os.cpu_count()) for cpu, _ in got["e_out"])
    assert all(cpu == -1 for cpu, _ in got["ring"])
    # one loop for a map, and its callbacks stay
    assert lib.event_loop(lib.map("ring"), 0) == -errno.EBUSY
    assert lib.set_event_cb(lib.map("ring"), lib.alive[0], lib.alive[1]) == -errno.EBUSY
    lib.bpf_exit()
    for thread in threads:
        thread.join(5)
        assert thread.result == [0], thread.result


def lost(path):
    lib = opened(path)
    start(200)  # of 40 bytes with the header: more than the 4096 of the ring
    seen, missed = [], []
    thread = lib.loop("ring", lambda cpu, data: seen.append(data), missed.append)
    # the loop's thread tells of the loss and of those that came one after the other
    wait_for("all of them", lambda: missed and len(seen) + sum(missed) >= 200)
    assert 0 < len(seen) < 200 and len(seen) + sum(missed) == 200
    lib.bpf_exit()
    thread.join(5)


def interrupted(path):
    """A signal ends a loop, as it does for an interpreter's Ctrl-C."""
    lib = opened(path)
    event = lbc.EVENT(lambda *_: None)
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.2, 0.2)  # the first may come before the loop
    assert lib.set_event_cb(lib.map("e_out"), event, lbc.LOST()) == 0
    assert lib.event_loop(lib.map("e_out"), -1) == -errno.EINTR
    signal.setitimer(signal.ITIMER_REAL, 0)
    lib.bpf_exit()


def threads(path):
    """Threads that set callbacks, fail and read maps at once."""
    lib, ended = opened(path), []
    event = lbc.EVENT(lambda *_: None)

    def busy():
        key, value = c.c_ulonglong(1), c.c_ulonglong()
        for _ in range(100):
            assert lib.set_event_cb(lib.map("by_array"), event, lbc.LOST()) == -errno.EINVAL
            assert lib.attach_raw_tracepoint(b"on_exec", b"no_such_tracepoint") < 0
            assert lib.map_lookup_elem(lib.map("by_lru"), c.byref(key), c.byref(value)) == -errno.ENOENT
        ended.append(True)

    all_of_them = [threading.Thread(target=busy) for _ in range(4)]
    for thread in all_of_them:
        thread.start()
    for thread in all_of_them:
        thread.join()
    assert len(ended) == len(all_of_them)
    lib.bpf_exit()


# ---- Hooks ----------------------------------------------------------------------------------------------------------------

def attach_nothing(path):
    """None of these sections says where: lbc_bpf_init() attaches none of them, and does not fail."""
    lib = opened(path)
    assert all(hits(lib, slot) == 0 for slot in range(10))
    lib.bpf_exit()


def raw_tracepoint(path):
    lib = opened(path)
    assert lib.attach_raw_tracepoint(b"on_raw_tracepoint", b"sched_process_exec") == 0
    start(3)
    assert hits(lib, RAW_TRACEPOINT) >= 3
    assert lib.attach_raw_tracepoint(b"on_raw_tracepoint", b"no_such_tracepoint") < 0
    lib.bpf_exit()


def tracepoint(path):
    lib = opened(path)
    assert lib.attach_tracepoint(b"on_tracepoint", b"sched", b"sched_process_exec") == 0
    start(3)
    assert hits(lib, TRACEPOINT) >= 3
    assert lib.attach_tracepoint(b"on_tracepoint", b"sched", b"no_such_event") == -errno.ENOENT
    lib.bpf_exit()


def no_tracefs(path):
    lib = opened(path)
    assert lib.attach_tracepoint(b"on_tracepoint", b"sched", b"sched_process_exec") == -errno.ENOENT
    lib.bpf_exit()


def kprobe(path):
    lib = opened(path)
    with open("/proc/kallsyms", encoding="ascii") as symbols:
        there = " register_kprobe" in symbols.read()
    for attach, program, slot in ((lib.attach_kprobe, b"on_kprobe", KPROBE),
                                  (lib.attach_kretprobe, b"on_kretprobe", KRETPROBE)):
        if there:
            assert attach(program, b"do_nanosleep") == 0
            time.sleep(0.01)
            assert hits(lib, slot) > 0
        else:
            assert attach(program, b"do_nanosleep") < 0
        assert attach(program, b"no_such_function") < 0
    lib.bpf_exit()


def uprobe(path):
    lib, libc = opened(path), c.CDLL("libc.so.6")
    address = c.cast(libc.labs, c.c_void_p).value
    with open("/proc/self/maps", encoding="ascii") as text:
        rows = [line.split() for line in text]
    for row in rows:
        first, end = (int(x, 16) for x in row[0].split("-"))
        if first <= address < end:
            binary, offset = row[5].encode(), address - first + int(row[2], 16)
    for attach, program, pid in ((lib.attach_uprobe, b"on_uprobe", -1), (lib.attach_uretprobe, b"on_uretprobe", os.getpid())):
        assert attach(program, pid, binary, offset) == 0
    for _ in range(7):
        libc.labs(1)
    assert hits(lib, UPROBE) >= 7 and hits(lib, URETPROBE) == 7
    assert lib.attach_uprobe(b"on_uprobe", -1, b"/no/such/file", 0) < 0
    lib.bpf_exit()


def perf_event(path):
    lib = opened(path)
    attributes = {"type": "1", "size": "114", "config": 0, "sample_freq": "1000", "wakeup_events": "1", "freq": True}
    for cpu in range(os.cpu_count()):
        assert lib.attach_perf_event(b"on_perf_event", json.dumps(attributes).encode(), -1, cpu, -1, 0) == 0
    end = time.process_time() + 0.3
    while time.process_time() < end:
        pass
    assert hits(lib, PERF_EVENT) > 50
    for wrong in (b"", b"[]", b"{", b'{"type"}', b'{"type": }', b'{"type": "x"}', b'{"type": 1.5}', b'{"type": 99999999999}',
                  b'{"no_such": 1}', b'{"freq": 2}', b'{"type": 1,}', b'{"type": 1} 2', b'{"ty\\u0070e": 1}', b'{"type": null}',
                  b'{"' + b"x" * 1000 + b'": 1}', b'{"type": "' + b"1" * 1000 + b'"}'):
        assert lib.attach_perf_event(b"on_perf_event", wrong, -1, 0, -1, 0) == -errno.EINVAL, wrong
    assert lib.attach_perf_event(b"on_perf_event", b'{"type": 1, "config": "0"}', -1, 9999, -1, 0) < 0
    lib.bpf_exit()


def send(n):
    """UDP packets of this process to nobody on lo."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for _ in range(n):
            s.sendto(b"x", ("127.0.0.1", 9))


def xdp(path):
    lib = opened(path)
    assert lib.attach_xdp(b"on_xdp", socket.if_nametoindex("lo")) == 0
    send(5)
    wait_for("packets", lambda: hits(lib, XDP) >= 5)
    assert lib.attach_xdp(b"on_xdp", 9999) < 0
    lib.bpf_exit()


def cgroup(path, directory):
    lib = opened(path)
    with open(f"{directory}/cgroup.procs", "w", encoding="ascii") as procs:
        procs.write(str(os.getpid()))
    fd = os.open(directory, os.O_RDONLY)
    assert lib.attach_cgroup(b"on_cgroup", fd) == 0
    send(5)
    assert hits(lib, CGROUP) >= 5
    assert lib.attach_cgroup(b"on_cgroup", -1) < 0
    lib.bpf_exit()


def netns(path):
    lib = opened(path)
    fd = os.open("/proc/self/ns/net", os.O_RDONLY)
    assert lib.attach_netns(b"on_netns", fd) == 0
    assert lib.attach_netns(b"on_netns", -1) < 0
    lib.bpf_exit()


# ---- Errors and ends --------------------------------------------------------------------------------------------------------

def misused(path):
    """Everything before lbc_bpf_init(), and numbers and names that are not there: errors with sentences, no crash."""
    lib, key = lbc.Library(path), c.c_ulonglong(0)
    event = lbc.EVENT(lambda *_: None)

    def all_refused(number):
        for call in (lib.map_lookup_elem, lib.map_lookup_and_delete_elem, lib.map_update_elem, lib.map_get_next_key):
            assert call(number, c.byref(key), c.byref(key)) == -errno.EINVAL
        assert lib.map_lookup_elem_flags(number, c.byref(key), c.byref(key), 0) == -errno.EINVAL
        assert lib.map_delete_elem(number, c.byref(key)) == -errno.EINVAL
        assert lib.set_event_cb(number, event, lbc.LOST()) == -errno.EINVAL
        assert lib.event_loop(number, 0) == -errno.EINVAL
        for call, arguments in ((lib.attach_kprobe, (b"f",)), (lib.attach_kretprobe, (b"f",)), (lib.attach_raw_tracepoint, (b"f",)),
                                (lib.attach_tracepoint, (b"f", b"f")), (lib.attach_cgroup, (0,)), (lib.attach_netns, (0,)),
                                (lib.attach_xdp, (1,)), (lib.attach_uprobe, (-1, b"f", 0)), (lib.attach_uretprobe, (-1, b"f", 0)),
                                (lib.attach_perf_event, (b"{}", 0, -1, -1, 0))):
            assert call(b"no_such_program", *arguments) == -errno.ENOENT

    lib.bpf_exit()
    assert lib.map("hits") == -1
    all_refused(0)
    assert lib.bpf_init(-1, 1) == 0
    assert lib.bpf_init(-1, 1) == -errno.EBUSY
    all_refused(-1)
    all_refused(1000)
    assert lib.set_event_cb(lib.map("hits"), event, lbc.LOST()) == -errno.EINVAL
    assert lib.event_loop(lib.map("hits"), 0) == -errno.EINVAL
    lib.bpf_exit()
    lib.bpf_exit()
    all_refused(0)
    assert lib.bpf_init(-1, 1) == 0  # again
    assert hits(lib, 0) == 0
    lib.bpf_exit()


def bare(path):
    """The template without an object."""
    lib = lbc.Library(path)
    assert lib.types == {}
    assert lib.bpf_init(-1, 1) == -errno.ENOEXEC


def unprivileged(path):
    lib = lbc.Library(path)
    os.setresuid(65534, 65534, 65534)
    assert lib.bpf_init(-1, 1) == -errno.EPERM
    assert lbc.links_of() == 0


def broken(path):
    """A program that the verifier refuses."""
    lib = lbc.Library(path)
    assert lib.bpf_init(-1, 1) < 0
    assert lbc.links_of() == 0


def ends(path, how):
    """Each way to end leaves nothing in the kernel; solib.bats looks after the process, and here for those within it."""
    lib = opened(path)
    assert "on_exec" in lbc.programs()
    lib.loop("e_out", lambda *_: None)
    start(1)
    if how == "exit":
        lib.bpf_exit()
        assert lbc.links_of() == 0
    elif how == "fork":  # a child of the client that ends is not the client
        if not (child := os.fork()):
            sys.exit(0)
        os.waitpid(child, 0)
        start(1)
        assert lib.value("by_lru", 1 << 40, c.c_ulonglong, c.c_ulonglong) == 2
    elif how == "kill":
        print("ready", flush=True)
        time.sleep(60)
    # "end": the interpreter's, with a loop under way


def closed(path):
    """dlclose() without lbc_bpf_exit(), as cffi's clients do when they only look."""
    lib = opened(path)
    close = c.CDLL(None).dlclose
    close.argtypes = [c.c_void_p]
    assert close(lib.so._handle) == 0
    assert lbc.links_of() == 0


def many(path):
    """Loading and unloading leaks neither descriptors nor memory."""
    lib = lbc.Library(path)

    def once():
        assert lib.bpf_init(-1, 1) == 0
        lib.bpf_exit()

    def resident():
        with open("/proc/self/statm", encoding="ascii") as text:
            return int(text.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    for _ in range(5):
        once()
    files, memory = len(os.listdir("/proc/self/fd")), resident()
    for _ in range(30):
        once()
    assert len(os.listdir("/proc/self/fd")) == files
    assert resident() - memory < 4 << 20, resident() - memory


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
