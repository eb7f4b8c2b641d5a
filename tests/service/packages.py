# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
"""A program as users of the Python package pylcc write them: its BPF part is compiled by the server that LBC_SERVER names, and
counts the programs that are started, in a hash and by events. Prints how many of seven it has seen both ways."""
import os
import subprocess
import sys
import threading
import time

from pylcc.lbcBase import ClbcBase

SOURCE = r"""
#include "lbc.h"

struct data_t {
	u32 pid;
	char comm[16];
};

LBC_PERF_OUTPUT(e_out, struct data_t, 128);
LBC_HASH(pids, u32, u32, 1024);

SEC("raw_tracepoint/sched_process_exec")
int on_exec(void *ctx)
{
	struct data_t data = {};
	u32 pid = bpf_get_current_pid_tgid() >> 32, one = 1, *n = bpf_map_lookup_elem(&pids, &pid);

	if (n)
		one = *n + 1;
	bpf_map_update_elem(&pids, &pid, &one, BPF_ANY);
	data.pid = pid;
	bpf_get_current_comm(&data.comm, sizeof(data.comm));
	bpf_perf_event_output(ctx, &e_out, BPF_F_CURRENT_CPU, &data, sizeof(data));
	return 0;
}

char _license[] SEC("license") = "GPL";
"""

seen = {}
program = ClbcBase("count", bpf_str=SOURCE)


def on_event(cpu, data, size):
    event = program.getMap("e_out", data, size)
    seen[event.pid] = event.comm


program.maps["e_out"].open_perf_buffer(on_event)
# it polls for ever, and makes its buffer only then: what happens before is not seen
threading.Thread(target=program.maps["e_out"].perf_buffer_poll, args=(50,), daemon=True).start()
until = time.time() + 10
while not seen and time.time() < until:
    subprocess.call(["true"])
children = [subprocess.Popen(["true"]) for _ in range(7)]
pids = [c.pid for c in children if c.wait() == 0]
until = time.time() + 10
while time.time() < until and not all(p in seen for p in pids):
    time.sleep(0.05)
counted = [p for p in pids if program.maps["pids"].getKeyValue(p) == 1]
print("%d events, %d counted" % (sum(p in seen for p in pids), len(counted)))
sys.stdout.flush()
os._exit(0)
