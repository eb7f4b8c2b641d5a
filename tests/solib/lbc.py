# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
"""lbc.py - a .so as its clients see it: dlopen() and C functions, by ctypes alone. What the tests of tests/solib share."""
import ctypes as c
import json
import os
import subprocess
import threading

EVENT = c.CFUNCTYPE(None, c.c_void_p, c.c_int, c.c_void_p, c.c_uint)
LOST = c.CFUNCTYPE(None, c.c_void_p, c.c_int, c.c_ulonglong)

# the functions, as clients declare them
FUNCTIONS = {
    "lbc_bpf_init": (c.c_int, c.c_int, c.c_int),
    "lbc_bpf_exit": (None,),
    "lbc_bpf_get_maps_id": (c.c_int, c.c_char_p),
    "lbc_set_event_cb": (c.c_int, c.c_int, EVENT, LOST),
    "lbc_event_loop": (c.c_int, c.c_int, c.c_int),
    "lbc_map_lookup_elem": (c.c_int, c.c_int, c.c_void_p, c.c_void_p),
    "lbc_map_lookup_elem_flags": (c.c_int, c.c_int, c.c_void_p, c.c_void_p, c.c_ulong),
    "lbc_map_lookup_and_delete_elem": (c.c_int, c.c_int, c.c_void_p, c.c_void_p),
    "lbc_map_delete_elem": (c.c_int, c.c_int, c.c_void_p),
    "lbc_map_update_elem": (c.c_int, c.c_int, c.c_void_p, c.c_void_p),
    "lbc_map_get_next_key": (c.c_int, c.c_int, c.c_void_p, c.c_void_p),
    "lbc_attach_perf_event": (c.c_int, c.c_char_p, c.c_char_p, c.c_int, c.c_int, c.c_int, c.c_int),
    "lbc_attach_kprobe": (c.c_int, c.c_char_p, c.c_char_p),
    "lbc_attach_kretprobe": (c.c_int, c.c_char_p, c.c_char_p),
    "lbc_attach_uprobe": (c.c_int, c.c_char_p, c.c_int, c.c_char_p, c.c_ulong),
    "lbc_attach_uretprobe": (c.c_int, c.c_char_p, c.c_int, c.c_char_p, c.c_ulong),
    "lbc_attach_tracepoint": (c.c_int, c.c_char_p, c.c_char_p, c.c_char_p),
    "lbc_attach_raw_tracepoint": (c.c_int, c.c_char_p, c.c_char_p),
    "lbc_attach_cgroup": (c.c_int, c.c_char_p, c.c_int),
    "lbc_attach_netns": (c.c_int, c.c_char_p, c.c_int),
    "lbc_attach_xdp": (c.c_int, c.c_char_p, c.c_int),
    "lbc_get_map_types": (c.c_char_p,),
}


class Library:
    """A loaded library. Its functions are attributes without "lbc_": lib.bpf_init(-1, 1)."""

    def __init__(self, path):
        self.so = c.CDLL(os.path.abspath(path))
        self.alive = []  # callbacks, which C does not hold
        for name, (result, *arguments) in FUNCTIONS.items():
            function = getattr(self.so, name)
            function.restype, function.argtypes = result, arguments
            setattr(self, name[len("lbc_"):], function)
        self.types = json.loads(self.get_map_types())

    def map(self, name):
        return self.bpf_get_maps_id(name.encode())

    def value(self, name, key, value_type, key_type=c.c_uint):
        """The value of a key, or None."""
        k, v = key_type(key), value_type()
        err = self.map_lookup_elem(self.map(name), c.byref(k), c.byref(v))
        return None if err else getattr(v, "value", v)

    def loop(self, name, on_event, on_lost=None):
        """Events of a map, handed over in a thread of their own; the thread's result holds what the loop returned."""
        event = EVENT(lambda ctx, cpu, data, size: on_event(cpu, c.string_at(data, size)))
        lost = LOST(lambda ctx, cpu, count: on_lost(count) if on_lost else None)
        self.alive += [event, lost]
        assert self.set_event_cb(self.map(name), event, lost) == 0
        thread = threading.Thread(target=lambda: result.append(self.event_loop(self.map(name), -1)), daemon=True)
        result = thread.result = []
        thread.start()
        return thread


def links_of(pid="self"):
    """How many links, programs, and perf events a process holds: all that the loader attaches by."""
    names = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            names.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
        except FileNotFoundError:
            pass
    return sum(name.startswith(("anon_inode:bpf", "anon_inode:[perf_event]")) for name in names)


def programs():
    """Names of all programs in the kernel."""
    text = subprocess.run(["bpftool", "-j", "prog", "list"], stdout=subprocess.PIPE, check=True).stdout
    return [p.get("name", "") for p in json.loads(text)]
