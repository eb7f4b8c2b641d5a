// SPDX-License-Identifier: GPL-2.0
/*
 * sigsnoop - signals as they are sent: from whom, to whom, which, and what became of it.
 *
 * The kernel passes the tracepoint signal_generate once for every signal that it makes, whether a process asked for it
 * by kill() or the kernel has its own reason (SIGCHLD, SIGSEGV, a timer). The sender is the task that runs at that
 * moment; a signal that an interrupt sends, such as that of a timer, has whoever was interrupted as sender, and its code
 * tells it apart: 0 is kill(), a negative one another system call, 128 the kernel, a small one what happened (CLD_EXITED,
 * SEGV_MAPERR, ...).
 *
 * A kill() that the kernel refuses (EPERM, ESRCH) makes no signal and is not seen here.
 */
#include "lbc.h"

LBC_ABOUT("Show signals: sender, receiver, signal, result");

LBC_PARAM(__u32, from, 0, "only signals that this process sends");
LBC_PARAM(__u32, to, 0, "only signals to this process");
LBC_PARAM(lbc_signal_t, signal, 0, "only this signal's number");

/* TRACE_SIGNAL_* of the kernel's include/trace/events/signal.h */
enum result {
	delivered,
	ignored,
	already_pending,
	queue_full,
	info_lost,
};

struct event {
	lbc_time_t time;
	__u32 from_pid;
	lbc_comm_t from_comm;
	__u32 to_pid;
	__u32 to_tid;
	lbc_comm_t to_comm;
	lbc_signal_t signal;
	__s32 code;
	enum result result;
};

LBC_EVENTS(events, struct event, 256 * 1024);

/* siginfo_t is part of the kernel's ABI: these are its first members everywhere. */
struct siginfo_head {
	int signo, error, code;
};

/* What trace_signal_generate() takes for "no siginfo": 0 from a process, 1 from the kernel. */
static __always_inline int code_of(const struct siginfo_head *info)
{
	const int si_user = 0, si_kernel = 0x80;
	int code = 0;

	if (!info)
		return si_user;
	if ((unsigned long)info <= 2)
		return si_kernel;
	bpf_probe_read_kernel(&code, sizeof(code), &info->code);
	return code;
}

static __always_inline bool wanted(__u32 sender, __u32 receiver, int sig)
{
	return (!from || from == sender) && (!to || to == receiver) && (!signal || signal == (__u32)sig);
}

LBC_ALTERNATIVE("signal_generate")
SEC("raw_tp/signal_generate")
int BPF_PROG(signal_raw, int sig, struct siginfo_head *info, struct task_struct *task, int group, int result)
{
	__u32 sender = bpf_get_current_pid_tgid() >> 32, receiver = _(task->tgid);
	struct event *e;

	if (!wanted(sender, receiver, sig))
		return 0;
	e = lbc_reserve(events);
	if (!e)
		return 0;
	e->time = bpf_ktime_get_ns();
	e->from_pid = sender;
	bpf_get_current_comm(e->from_comm, sizeof(e->from_comm));
	e->to_pid = receiver;
	e->to_tid = _(task->pid);
	bpf_core_read(e->to_comm, sizeof(e->to_comm), &task->comm);
	e->signal = sig;
	e->code = code_of(info);
	e->result = result;
	lbc_submit(ctx, events, e);
	return 0;
}

/* Before 4.17. The tracepoint's record names the receiving thread only, which is taken for the process. */
struct signal_generate {
	__u64 common;
	int sig, error, code;
	char comm[TASK_COMM_LEN];
	int pid, group, result;
};

LBC_ALTERNATIVE("signal_generate")
SEC("tracepoint/signal/signal_generate")
int signal_tracepoint(struct signal_generate *ctx)
{
	__u32 sender = bpf_get_current_pid_tgid() >> 32;
	struct event *e;

	if (!wanted(sender, ctx->pid, ctx->sig))
		return 0;
	e = lbc_reserve(events);
	if (!e)
		return 0;
	e->time = bpf_ktime_get_ns();
	e->from_pid = sender;
	bpf_get_current_comm(e->from_comm, sizeof(e->from_comm));
	e->to_pid = ctx->pid;
	e->to_tid = ctx->pid;
	__builtin_memcpy(e->to_comm, ctx->comm, sizeof(e->to_comm));
	e->signal = ctx->sig;
	e->code = ctx->code;
	e->result = ctx->result;
	lbc_submit(ctx, events, e);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
