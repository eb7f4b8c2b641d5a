// SPDX-License-Identifier: GPL-2.0
/*
 * exitsnoop - processes as they end: exit code or signal, and how long they lived.
 *
 * Each thread passes the tracepoint sched_process_exit on its way out. A process has ended when its last thread does so:
 * signal->live counts the threads, and has been decremented by then. What wait() will report to the parent is the code
 * given to exit_group(), or the signal that killed the whole group, or else what the leading thread gave to exit().
 */
#include "lbc.h"

LBC_ABOUT("Show processes that end: exit code or signal, age");

LBC_PARAM(__u32, pid, 0, "only this process");
LBC_PARAM(__s32, uid, -1, "only processes of this user");
LBC_PARAM(bool, failed, false, "only those killed by a signal or with an exit code other than 0");
LBC_PARAM(bool, threads, false, "each thread, not only the last one of its process");

struct event {
	lbc_time_t time;
	lbc_ns_t age;
	__u32 pid;
	__u32 tid;
	__u32 ppid;
	__u32 uid;
	lbc_comm_t comm;
	__s32 code;
	lbc_signal_t signal;
	bool core; /* dumped core */
};

LBC_EVENTS(events, struct event, 256 * 1024);

/* start_time was a struct timespec until 3.16. */
struct task_struct___ns {
	__u64 start_time;
} __attribute__((preserve_access_index));

struct timespec___start {
	long tv_sec, tv_nsec;
} __attribute__((preserve_access_index));

struct task_struct___timespec {
	struct timespec___start start_time;
} __attribute__((preserve_access_index));

static __always_inline __u64 started_at(struct task_struct *task)
{
	struct task_struct___ns *now = (void *)task;
	struct task_struct___timespec *then = (void *)task;

	if (bpf_core_field_exists(now->start_time))
		return _(now->start_time);
	if (bpf_core_field_exists(then->start_time))
		return _(then->start_time.tv_sec) * 1000000000ULL + _(then->start_time.tv_nsec);
	return 0;
}

static __always_inline int status_of(struct task_struct *task)
{
	const unsigned int group_exit = 4; /* SIGNAL_GROUP_EXIT */

	if (threads)
		return _(task->exit_code);
	if (BPF_CORE_READ(task, signal, flags) & group_exit)
		return BPF_CORE_READ(task, signal, group_exit_code);
	return BPF_CORE_READ(task, group_leader, exit_code);
}

static __always_inline int on_exit(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u64 id = bpf_get_current_pid_tgid(), now, start;
	__u32 user = bpf_get_current_uid_gid();
	struct event *e;
	int status;

	if (pid && pid != id >> 32)
		return 0;
	if (uid >= 0 && (__u32)uid != user)
		return 0;
	if (!threads && BPF_CORE_READ(task, signal, live.counter) > 0)
		return 0;
	status = status_of(task);
	if (failed && !status)
		return 0;
	e = lbc_reserve(events);
	if (!e)
		return 0;
	now = bpf_ktime_get_ns();
	start = started_at(threads ? task : _(task->group_leader));
	e->time = now;
	e->age = now > start ? now - start : 0;
	e->pid = id >> 32;
	e->tid = (__u32)id;
	e->ppid = BPF_CORE_READ(task, real_parent, tgid);
	e->uid = user;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	/* the layout of wait()'s status: code << 8 | core << 7 | signal */
	e->code = status >> 8 & 0xff;
	e->signal = status & 0x7f;
	e->core = status >> 7 & 1;
	lbc_submit(ctx, events, e);
	return 0;
}

LBC_ALTERNATIVE("sched_process_exit")
SEC("raw_tp/sched_process_exit")
int exit_raw(void *ctx)
{
	return on_exit(ctx);
}

LBC_ALTERNATIVE("sched_process_exit")
SEC("tracepoint/sched/sched_process_exit")
int exit_tracepoint(void *ctx)
{
	return on_exit(ctx);
}

char LICENSE[] SEC("license") = "GPL";
