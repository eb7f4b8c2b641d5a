// SPDX-License-Identifier: GPL-2.0
/*
 * counts - counting in the kernel: a hash map, printed at the end or every interval.
 *
 *	coolbpf run examples/counts.bpf.c --interval 1s
 *	coolbpf run examples/counts.bpf.c --duration 5s -o json
 *
 * Where events come by the million, do not send each one: add up in a map, and send the sums. LBC_SHOW says how they are
 * printed.
 */
#include "lbc.h"

LBC_ABOUT("Count page faults by process");

struct process {
	__u32 pid;
	lbc_comm_t comm;
};

struct faults {
	__u64 all;
	__u64 kernel; /* while the kernel worked for the process */
};

/* Each CPU has values of its own, so that no lock is needed; coolbpf adds them up. */
LBC_PERCPU_HASH(faults, struct process, struct faults, 4096);
LBC_SHOW(faults, "top 10 by all clear");

/* perf can call a program for each of its events; page faults are one of them. */
LBC_ATTACH("page-faults,period=1")
SEC("perf_event")
int on_fault(struct bpf_perf_event_data *ctx)
{
	struct process p = {.pid = bpf_get_current_pid_tgid() >> 32};
	struct faults *f, first = {.all = 1};
	bool in_kernel = (long)PT_REGS_IP(&ctx->regs) < 0;

	bpf_get_current_comm(p.comm, sizeof(p.comm));
	f = bpf_map_lookup_elem(&faults, &p);
	if (f) {
		f->all++;
		f->kernel += in_kernel;
		return 0;
	}
	first.kernel = in_kernel;
	bpf_map_update_elem(&faults, &p, &first, BPF_ANY);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
