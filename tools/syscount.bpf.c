// SPDX-License-Identifier: GPL-2.0
/*
 * syscount - system calls counted: how many, how many fail, how long they take.
 *
 * Two trace points see every system call of the machine, so each instruction counts here. What a thread is in lies in a
 * map by thread and is changed in place: an update only for the first call of a thread. The counters are per CPU, so that
 * no two CPUs write to the same cache line; coolbpf adds them up.
 *
 * A call counts when it returns. One that was under way when the tool began, or that never returns (exit, exit_group), is
 * not counted.
 */
#include "lbc.h"

LBC_ABOUT("Count system calls: number, errors, time");

LBC_PARAM(__u32, pid, 0, "only this process");
LBC_PARAM(bool, processes, false, "count for each process by itself");
LBC_PARAM(bool, failed, false, "only calls that fail");
LBC_PARAM(lbc_ns_t, min, 0, "only calls that take at least so long");
LBC_PARAM(bool, histogram, false, "also a histogram of the time for each system call");
LBC_SELF;

struct call_count {
	__u64 count;
	__u64 errors;
	lbc_ns_t time;
};

struct call_of {
	lbc_syscall_t call;
};

LBC_PERCPU_HASH(calls, struct call_of, struct call_count, 1024);
LBC_SHOW(calls, "top 20 by count clear");

struct process_call {
	__u32 pid;
	lbc_comm_t comm;
	lbc_syscall_t call;
};

LBC_PERCPU_HASH(process_calls, struct process_call, struct call_count, 8192);
LBC_SHOW(process_calls, "top 20 by count clear");

enum { SLOTS = 40 }; /* 2^39 ns are nine minutes */

struct time_slots {
	__u64 slots[SLOTS];
};

LBC_PERCPU_HASH(latency, struct call_of, struct time_slots, 1024);
LBC_SHOW(latency, "hist ns clear");

struct in_call {
	__u64 start; /* 0: in no call */
	__u32 call;
};

LBC_LRU_HASH(threads, __u32, struct in_call, 16384);

static __always_inline int on_enter(long call)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 tid = id;
	struct in_call *at, fresh;

	if ((pid && pid != id >> 32) || lbc_is_self(id >> 32))
		return 0;
	at = bpf_map_lookup_elem(&threads, &tid);
	if (at) {
		at->call = call;
		at->start = bpf_ktime_get_ns();
		return 0;
	}
	fresh = (struct in_call){.start = bpf_ktime_get_ns(), .call = call};
	bpf_map_update_elem(&threads, &tid, &fresh, BPF_ANY);
	return 0;
}

static __always_inline void add_count(void *map, const void *key, bool error, __u64 ns)
{
	struct call_count first = {.count = 1, .errors = error, .time = ns}, *c = bpf_map_lookup_elem(map, key);

	if (c) {
		c->count++;
		c->errors += error;
		c->time += ns;
	} else {
		bpf_map_update_elem(map, key, &first, BPF_ANY);
	}
}

static __always_inline void add_latency(const struct call_of *key, __u64 ns)
{
	static const struct time_slots zeros;
	struct time_slots *s = bpf_map_lookup_elem(&latency, key);
	int slot = lbc_log2(ns);

	if (!s) {
		bpf_map_update_elem(&latency, key, &zeros, BPF_NOEXIST);
		s = bpf_map_lookup_elem(&latency, key);
		if (!s)
			return;
	}
	if (slot < SLOTS)
		s->slots[slot]++;
}

static __always_inline int on_exit(long ret)
{
	__u64 id = bpf_get_current_pid_tgid(), ns;
	__u32 tid = id;
	/* a result above -4096 and below 0 is an error: addresses may be negative too */
	bool error = (unsigned long)ret > -4096UL;
	struct in_call *at;
	struct call_of key;

	if (pid && pid != id >> 32)
		return 0;
	at = bpf_map_lookup_elem(&threads, &tid);
	if (!at || !at->start)
		return 0;
	ns = bpf_ktime_get_ns() - at->start;
	at->start = 0;
	if ((failed && !error) || ns < min)
		return 0;
	key.call = at->call;
	if (processes) {
		struct process_call whose = {.pid = id >> 32, .call = at->call};

		bpf_get_current_comm(whose.comm, sizeof(whose.comm));
		add_count(&process_calls, &whose, error, ns);
	} else {
		add_count(&calls, &key, error, ns);
	}
	if (histogram)
		add_latency(&key, ns);
	return 0;
}

LBC_ALTERNATIVE("sys_enter")
SEC("raw_tp/sys_enter")
int BPF_PROG(enter_raw, struct pt_regs *regs, long call)
{
	return on_enter(call);
}

LBC_ALTERNATIVE("sys_exit")
SEC("raw_tp/sys_exit")
int BPF_PROG(exit_raw, struct pt_regs *regs, long ret)
{
	return on_exit(ret);
}

/* Before 4.17. */
struct sys_enter {
	__u64 common;
	long call;
};

struct sys_exit {
	__u64 common;
	long call, ret;
};

LBC_ALTERNATIVE("sys_enter")
SEC("tracepoint/raw_syscalls/sys_enter")
int enter_tracepoint(struct sys_enter *ctx)
{
	return on_enter(ctx->call);
}

LBC_ALTERNATIVE("sys_exit")
SEC("tracepoint/raw_syscalls/sys_exit")
int exit_tracepoint(struct sys_exit *ctx)
{
	return on_exit(ctx->ret);
}

char LICENSE[] SEC("license") = "GPL";
