// SPDX-License-Identifier: GPL-2.0
/*
 * stack - call stacks: who sends signals, from the kernel down to the line of the program that asked.
 *
 *	coolbpf run examples/stack.bpf.c --duration 10s
 *	coolbpf run examples/stack.bpf.c --duration 10s -o svg -f signals.svg     # a flame graph
 *
 * bpf_get_stackid() puts a stack into a map of stacks and gives its number; stacks that are alike have the same number.
 * Numbers can be part of a key, as here, or of an event. coolbpf finds the names.
 */
#include "lbc.h"

LBC_ABOUT("Count the call stacks that send signals");

struct caller {
	lbc_pid_t pid; /* whose user_stack it is */
	lbc_ustack_t user_stack;
	lbc_kstack_t kernel_stack;
	lbc_comm_t comm;
};

LBC_HASH(callers, struct caller, __u64, 4096);
LBC_SHOW(callers, "stacks");
LBC_STACK(stacks, 4096);

SEC("raw_tp/signal_generate")
int on_signal(void *ctx)
{
	struct caller c = {.pid = bpf_get_current_pid_tgid() >> 32};
	__u64 *count, one = 1;

	c.user_stack = bpf_get_stackid(ctx, &stacks, USER_STACKID_FLAGS);
	c.kernel_stack = bpf_get_stackid(ctx, &stacks, KERN_STACKID_FLAGS);
	bpf_get_current_comm(c.comm, sizeof(c.comm));
	count = bpf_map_lookup_elem(&callers, &c);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&callers, &c, &one, BPF_ANY);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
