// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Hooks that the client gives a place, or that attach by themselves; each counts in a slot of its own. */
#include "lbc.h"

#ifndef SLOTS
#define SLOTS 16
#endif

LBC_ARRAY(hits, u32, u64, SLOTS);
LBC_HASH(calls, u32, u64, 4096);
LBC_STACK(call_stack, 4096);

static inline void hit(u32 slot, u64 n)
{
	u64 *v = bpf_map_lookup_elem(&hits, &slot);

	if (v)
		__sync_fetch_and_add(v, n);
}

static inline int is_workload(void)
{
	const char wanted[TASK_COMM_LEN] = "WORKLOAD";
	char comm[TASK_COMM_LEN] = {};

	bpf_get_current_comm(&comm, sizeof(comm));
	return *(u64 *)comm == *(u64 *)wanted && *(u64 *)(comm + 8) == *(u64 *)(wanted + 8);
}

SEC("raw_tracepoint/sched_process_exec")
int on_exec(struct bpf_raw_tracepoint_args *ctx)
{
	struct linux_binprm *bprm = (struct linux_binprm *)ctx->args[2];

	if (is_workload()) {
		hit(0, 1);
		hit(1, _(bprm->argc));
	}
	return 0;
}

SEC("raw_tracepoint")
int on_sys_enter(struct bpf_raw_tracepoint_args *ctx)
{
	if (is_workload() && ctx->args[1] == 1) /* write, of x86-64 */
		hit(2, 1);
	return 0;
}

SEC("tracepoint")
int on_sys_exit(void *ctx)
{
	if (is_workload())
		hit(3, 1);
	return 0;
}

SEC("uprobe/*")
int on_call(struct pt_regs *ctx)
{
	hit(4, 1);
	hit(5, PT_REGS_PARM1(ctx));
	return 0;
}

SEC("uretprobe/*")
int on_return(struct pt_regs *ctx)
{
	hit(6, PT_REGS_RC(ctx));
	return 0;
}

SEC("perf_event")
int on_fault(struct bpf_perf_event_data *ctx)
{
	hit(7, 1);
	return 0;
}

SEC("perf_event")
int on_clock(struct bpf_perf_event_data *ctx)
{
	int id = bpf_get_stackid(ctx, &call_stack, KERN_STACKID_FLAGS);
	u64 one = 1, *n;

	hit(8, 1);
	if (id < 0)
		return 0;
	n = bpf_map_lookup_elem(&calls, &id);
	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&calls, &id, &one, BPF_NOEXIST);
	return 0;
}

char _license[] SEC("license") = "GPL";
