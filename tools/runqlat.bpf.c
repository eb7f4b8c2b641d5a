// SPDX-License-Identifier: GPL-2.0
/*
 * runqlat - how long tasks that could run had to wait for a CPU, as a histogram.
 *
 * A task begins to wait when it is woken (sched_wakeup, sched_wakeup_new), or when it is taken off the CPU while it still
 * could run (sched_switch with a previous task in state 0). It ends when sched_switch gives it a CPU.
 *
 *	        woken                on a CPU        preempted            on a CPU
 *	  sleep   |   run queue         |   running      |   run queue        |
 *	          +---- a latency ------+                +---- a latency -----+
 *
 * These are the busiest trace points of a kernel. tp_btf programs (5.5) read a task's members by plain loads; a raw
 * tracepoint needs a helper call for each.
 */
#include "lbc.h"

LBC_ABOUT("Histogram of the time that tasks wait for a CPU");

LBC_PARAM(__u32, pid, 0, "only this process");
LBC_PARAM(bool, processes, false, "one histogram for each process");
LBC_PARAM(lbc_ns_t, min, 0, "only waits of at least so long");
LBC_SELF;

LBC_PERCPU_HIST2(latency);
LBC_SHOW(latency, "hist ns clear");

enum { SLOTS = 40 }; /* 2^39 ns are nine minutes */

struct process {
	__u32 pid;
	lbc_comm_t comm;
};

struct wait_slots {
	__u64 slots[SLOTS];
};

LBC_PERCPU_HASH(by_process, struct process, struct wait_slots, 1024);
LBC_SHOW(by_process, "hist ns clear");

/* By thread: since when it waits. A thread can be woken on one CPU and run on another. */
LBC_HASH(waiting, __u32, __u64, 16384);

/* The state moved to __state in 5.14. */
struct task_struct___old {
	volatile long state;
} __attribute__((preserve_access_index));

struct task_struct___new {
	unsigned int __state;
} __attribute__((preserve_access_index));

/* direct: the verifier knows what the pointer points to (tp_btf). */
#define get(direct, place) ((direct) ? (place) : _(place))

static __always_inline bool could_run(struct task_struct *task, bool direct)
{
	struct task_struct___new *now = (void *)task;
	struct task_struct___old *then = (void *)task;

	if (bpf_core_field_exists(now->__state))
		return get(direct, now->__state) == 0;
	return get(direct, then->state) == 0;
}

static __always_inline void begin_wait(__u32 tid, __u32 tgid)
{
	__u64 now;

	/* thread 0 is what a CPU runs when there is nothing to run */
	if (!tid || (pid && pid != tgid) || lbc_is_self(tgid))
		return;
	now = bpf_ktime_get_ns();
	bpf_map_update_elem(&waiting, &tid, &now, BPF_ANY);
}

static __always_inline void add_to_process(struct process *key, __u64 ns)
{
	static const struct wait_slots zeros;
	struct wait_slots *w = bpf_map_lookup_elem(&by_process, key);
	int slot = lbc_log2(ns);

	if (!w) {
		bpf_map_update_elem(&by_process, key, &zeros, BPF_NOEXIST);
		w = bpf_map_lookup_elem(&by_process, key);
		if (!w)
			return;
	}
	if (slot < SLOTS)
		w->slots[slot]++;
}

static __always_inline void end_wait(__u32 tid, __u32 tgid, const void *comm)
{
	__u64 *since = bpf_map_lookup_elem(&waiting, &tid), ns;
	struct process key = {.pid = tgid};

	if (!since)
		return;
	ns = bpf_ktime_get_ns() - *since;
	bpf_map_delete_elem(&waiting, &tid);
	/* the clocks of two CPUs may differ by a little */
	if ((__s64)ns < 0 || ns < min)
		return;
	if (processes) {
		bpf_probe_read_kernel(key.comm, sizeof(key.comm), comm);
		add_to_process(&key, ns);
	} else {
		hist2_push(&latency, ns);
	}
}

static __always_inline int on_wakeup(struct task_struct *task, bool direct)
{
	begin_wait(get(direct, task->pid), get(direct, task->tgid));
	return 0;
}

static __always_inline int on_switch(bool preempt, struct task_struct *prev, struct task_struct *next, bool direct)
{
	/* a task that is preempted on its way to sleep still stands in the run queue */
	if (preempt || could_run(prev, direct))
		begin_wait(get(direct, prev->pid), get(direct, prev->tgid));
	end_wait(get(direct, next->pid), get(direct, next->tgid), next->comm);
	return 0;
}

LBC_ALTERNATIVE("wakeup")
SEC("tp_btf/sched_wakeup")
int BPF_PROG(wakeup_btf, struct task_struct *task)
{
	return on_wakeup(task, true);
}

LBC_ALTERNATIVE("wakeup")
SEC("raw_tp/sched_wakeup")
int BPF_PROG(wakeup_raw, struct task_struct *task)
{
	return on_wakeup(task, false);
}

LBC_ALTERNATIVE("wakeup_new")
SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(wakeup_new_btf, struct task_struct *task)
{
	return on_wakeup(task, true);
}

LBC_ALTERNATIVE("wakeup_new")
SEC("raw_tp/sched_wakeup_new")
int BPF_PROG(wakeup_new_raw, struct task_struct *task)
{
	return on_wakeup(task, false);
}

LBC_ALTERNATIVE("switch")
SEC("tp_btf/sched_switch")
int BPF_PROG(switch_btf, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	return on_switch(preempt, prev, next, true);
}

LBC_ALTERNATIVE("switch")
SEC("raw_tp/sched_switch")
int BPF_PROG(switch_raw, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	return on_switch(preempt, prev, next, false);
}

/* Before 4.17 there are only the tracepoints' records. They name threads, which --pid then means. */
struct sched_wakeup {
	__u64 common;
	char comm[TASK_COMM_LEN];
	int pid;
};

struct sched_switch {
	__u64 common;
	char prev_comm[TASK_COMM_LEN];
	int prev_pid, prev_prio;
	long prev_state;
	char next_comm[TASK_COMM_LEN];
	int next_pid, next_prio;
};

LBC_ALTERNATIVE("wakeup")
SEC("tracepoint/sched/sched_wakeup")
int wakeup_tracepoint(struct sched_wakeup *ctx)
{
	begin_wait(ctx->pid, ctx->pid);
	return 0;
}

LBC_ALTERNATIVE("wakeup_new")
SEC("tracepoint/sched/sched_wakeup_new")
int wakeup_new_tracepoint(struct sched_wakeup *ctx)
{
	begin_wait(ctx->pid, ctx->pid);
	return 0;
}

LBC_ALTERNATIVE("switch")
SEC("tracepoint/sched/sched_switch")
int switch_tracepoint(struct sched_switch *ctx)
{
	/* higher bits say "preempted" */
	if (!(ctx->prev_state & 0xff))
		begin_wait(ctx->prev_pid, ctx->prev_pid);
	end_wait(ctx->next_pid, ctx->next_pid, ctx->next_comm);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
