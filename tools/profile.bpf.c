// SPDX-License-Identifier: GPL-2.0
/*
 * profile - what the CPUs are busy with: stacks, sampled by a clock.
 *
 * A timer of each CPU interrupts it so many times a second; what runs at that moment is counted by process and stacks.
 * A function that takes a third of the time stands in about a third of the samples. The frequency is odd on purpose: at
 * 100 a second a sampler would keep step with work that is itself driven by a timer, and see always the same.
 *
 * User stacks are walked by frame pointers. Code built without them (-fomit-frame-pointer, the default of most compilers)
 * gives stacks of a frame or two.
 */
#include "lbc.h"

LBC_ABOUT("Sample what the CPUs run, by call stack");

LBC_PARAM(__u32, freq, 99, "samples a second, on each CPU");
LBC_PARAM(__u32, pid, 0, "only this process");
LBC_PARAM(bool, idle, false, "also CPUs that have nothing to do");
LBC_PARAM(bool, user, true, "take user stacks");
LBC_PARAM(bool, kernel, true, "take kernel stacks");
LBC_SELF;

struct stack_sample {
	lbc_pid_t pid;
	lbc_ustack_t user_stack;
	lbc_kstack_t kernel_stack;
	lbc_comm_t comm;
};

LBC_HASH(samples, struct stack_sample, __u64, 16384);
LBC_SHOW(samples, "stacks");

LBC_STACK(stacks, 16384);

LBC_ATTACH("cpu-clock,freq=$freq")
SEC("perf_event")
int on_sample(void *ctx)
{
	__u64 id = bpf_get_current_pid_tgid(), one = 1, *count;
	struct stack_sample s;

	/* thread 0 is what a CPU runs when there is nothing to run */
	if ((!idle && !(__u32)id) || (pid && pid != id >> 32) || lbc_is_self(id >> 32))
		return 0;
	s.pid = id >> 32;
	s.user_stack = user ? bpf_get_stackid(ctx, &stacks, USER_STACKID_FLAGS) : LBC_NO_STACK;
	s.kernel_stack = kernel ? bpf_get_stackid(ctx, &stacks, KERN_STACKID_FLAGS) : LBC_NO_STACK;
	bpf_get_current_comm(s.comm, sizeof(s.comm));
	count = bpf_map_lookup_elem(&samples, &s);
	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&samples, &s, &one, BPF_ANY);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
