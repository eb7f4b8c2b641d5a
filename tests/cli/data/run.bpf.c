// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* run.bpf.c - one event and one count for each start of a program of one name: the tests start such programs. */
#include "lbc.h"

enum speed { SLOW = 1, FAST = 20 };

LBC_ABOUT("Starts of programs of one name");
LBC_PARAM(lbc_comm_t, comm, "", "the name");
LBC_PARAM(__u64, start, 1, "number of the first event");
LBC_PARAM(__s32, shift, -5, "a number with a sign");
LBC_PARAM(bool, loud, false, "a switch");
LBC_PARAM(enum speed, speed, SLOW, "a choice");
LBC_PARAM(lbc_ns_t, exec_time, 1500, "a duration");

struct event {
	__u64 seq;
	__u32 pid;
	lbc_comm_t comm;
	__s32 shift;
	bool loud;
	enum speed speed;
	lbc_ns_t exec_time;
	char text[16];
};

struct by {
	__u32 parity;
};

LBC_EVENTS(cbrun_events, struct event, 256 * 1024);
LBC_HASH(cbrun_counts, struct by, __u64, 16);
LBC_SHOW(cbrun_counts, "table");
LBC_ARRAY(cbrun_seq, __u32, __u64, 1);

static __always_inline bool is_wanted(const char *name)
{
	for (int i = 0; i < TASK_COMM_LEN; i++) {
		if (name[i] != comm[i])
			return false;
		if (!name[i])
			break;
	}
	return true;
}

SEC("raw_tp/sched_process_exec")
int cbrun_exec(void *ctx)
{
	struct event e = {.pid = bpf_get_current_pid_tgid() >> 32, .text = "a,\"b\"\\\t;'c'"};
	__u32 zero = 0;
	__u64 *seq = bpf_map_lookup_elem(&cbrun_seq, &zero), *n, one = 1;
	struct by by;

	bpf_get_current_comm(e.comm, sizeof(e.comm));
	if (!seq || !is_wanted(e.comm))
		return 0;
	e.seq = start + __sync_fetch_and_add(seq, 1);
	e.shift = shift;
	e.loud = loud;
	e.speed = speed;
	e.exec_time = exec_time;
	by.parity = e.seq & 1;
	n = bpf_map_lookup_elem(&cbrun_counts, &by);
	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&cbrun_counts, &by, &one, BPF_ANY);
	lbc_emit(ctx, cbrun_events, &e);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
