// SPDX-License-Identifier: GPL-2.0
/*
 * offcputime - where tasks wait, and how long: the time off the CPU, by call stack.
 *
 * When sched_switch takes a task off its CPU, the task itself is still the current one, so its two stacks can be taken:
 * what it asked the kernel for, and how the kernel came to wait. They are kept with the time until sched_switch gives the
 * same task a CPU again; the difference is added up by process and stacks. It holds the sleep, and the wait for a CPU
 * after it (runqlat shows that by itself).
 *
 * A wait counts when it ends. What still waits when the tool stops is not in the result.
 */
#include "lbc.h"

LBC_ABOUT("Time that tasks spend waiting, by call stack");

LBC_PARAM(__u32, pid, 0, "only this process");
LBC_PARAM(lbc_ns_t, min, 0, "only waits of at least so long");
LBC_PARAM(bool, preempted, false, "also tasks that could have run on");
LBC_PARAM(bool, user, true, "take user stacks");
LBC_PARAM(bool, kernel, true, "take kernel stacks");
LBC_SELF;

struct waiter {
	lbc_pid_t pid;
	lbc_ustack_t user_stack;
	lbc_kstack_t kernel_stack;
	lbc_comm_t comm;
};

LBC_HASH(waited, struct waiter, lbc_ns_t, 16384);
LBC_SHOW(waited, "stacks");

LBC_STACK(stacks, 16384);

struct wait_start {
	__u64 since;
	struct waiter who;
};

/* By thread. Each that waits has one. */
LBC_HASH(waiting, __u32, struct wait_start, 16384);

/* The state moved to __state in 5.14. */
struct task_struct___old {
	volatile long state;
} __attribute__((preserve_access_index));

struct task_struct___new {
	unsigned int __state;
} __attribute__((preserve_access_index));

/* direct: the verifier knows what the pointer points to (tp_btf), and lets a program read there without a helper. */
#define get(direct, place) ((direct) ? (place) : _(place))

static __always_inline bool could_run(struct task_struct *task, bool direct)
{
	struct task_struct___new *now = (void *)task;
	struct task_struct___old *then = (void *)task;

	if (bpf_core_field_exists(now->__state))
		return get(direct, now->__state) == 0;
	return get(direct, then->state) == 0;
}

/* The current task goes. */
static __always_inline void begin_wait(void *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct wait_start w = {};
	__u32 tid = id;

	/* thread 0 is what a CPU runs when there is nothing to run */
	if (!tid || (pid && pid != id >> 32) || lbc_is_self(id >> 32))
		return;
	w.who.pid = id >> 32;
	w.who.user_stack = user ? bpf_get_stackid(ctx, &stacks, USER_STACKID_FLAGS) : LBC_NO_STACK;
	w.who.kernel_stack = kernel ? bpf_get_stackid(ctx, &stacks, KERN_STACKID_FLAGS) : LBC_NO_STACK;
	bpf_get_current_comm(w.who.comm, sizeof(w.who.comm));
	w.since = bpf_ktime_get_ns();
	bpf_map_update_elem(&waiting, &tid, &w, BPF_ANY);
}

static __always_inline void end_wait(__u32 tid)
{
	struct wait_start *w = bpf_map_lookup_elem(&waiting, &tid);
	struct waiter who;
	__u64 *sum, ns;

	if (!w)
		return;
	ns = bpf_ktime_get_ns() - w->since;
	who = w->who;
	bpf_map_delete_elem(&waiting, &tid);
	if ((__s64)ns < 0 || ns < min)
		return;
	sum = bpf_map_lookup_elem(&waited, &who);
	if (sum)
		__sync_fetch_and_add(sum, ns);
	else
		bpf_map_update_elem(&waited, &who, &ns, BPF_ANY);
}

static __always_inline int on_switch(void *ctx, bool preempt, struct task_struct *prev, struct task_struct *next,
				     bool direct)
{
	if (preempted || !(preempt || could_run(prev, direct)))
		begin_wait(ctx);
	end_wait(get(direct, next->pid));
	return 0;
}

LBC_ALTERNATIVE("switch")
SEC("tp_btf/sched_switch")
int BPF_PROG(switch_btf, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	return on_switch(ctx, preempt, prev, next, true);
}

LBC_ALTERNATIVE("switch")
SEC("raw_tp/sched_switch")
int BPF_PROG(switch_raw, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	return on_switch(ctx, preempt, prev, next, false);
}

/* Before 4.17. */
struct sched_switch {
	__u64 common;
	char prev_comm[TASK_COMM_LEN];
	int prev_pid, prev_prio;
	long prev_state;
	char next_comm[TASK_COMM_LEN];
	int next_pid, next_prio;
};

LBC_ALTERNATIVE("switch")
SEC("tracepoint/sched/sched_switch")
int switch_tracepoint(struct sched_switch *ctx)
{
	/* higher bits say "preempted" */
	if (preempted || (ctx->prev_state & 0xff))
		begin_wait(ctx);
	end_wait(ctx->next_pid);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
