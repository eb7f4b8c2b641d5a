// SPDX-License-Identifier: GPL-2.0
/* tracepoint.bpf.c - signals that one process sends, seen by a tracepoint, a raw tracepoint and a BTF-typed one. */
#include "count.h"

/* counts: 0 hits of the tracepoint, 1 sum of the signal numbers there, 2 and 3 the same of the raw tracepoint, 4 and 5 of
 * tp_btf, 6 programs without a target of their own */

/* /sys/kernel/tracing/events/signal/signal_generate/format */
struct signal_args {
	__u64 common;
	int sig;
};

SEC("tracepoint/signal/signal_generate")
int on_tracepoint(struct signal_args *ctx)
{
	if (is_wanted()) {
		count(0, 1);
		count(1, ctx->sig);
	}
	return 0;
}

SEC("raw_tracepoint/signal_generate")
int on_raw(struct bpf_raw_tracepoint_args *ctx)
{
	if (is_wanted()) {
		count(2, 1);
		count(3, ctx->args[0]);
	}
	return 0;
}

SEC("tp_btf/signal_generate")
int BPF_PROG(on_btf, int sig, struct kernel_siginfo *info, struct task_struct *task)
{
	if (is_wanted()) {
		count(4, 1);
		count(5, sig);
	}
	return 0;
}

SEC("tp")
int by_hand(void *ctx)
{
	if (is_wanted())
		count(6, 1);
	return 0;
}

SEC("raw_tp")
int raw_by_hand(void *ctx)
{
	if (is_wanted())
		count(6, 100);
	return 0;
}
