// SPDX-License-Identifier: GPL-2.0
/*
 * uprobe - functions of programs and libraries: their arguments, their results, their time.
 *
 *	cc -g -O1 -o target examples/target.c && ./target &
 *	coolbpf run examples/uprobe.bpf.c --binary ./target --function work
 *	coolbpf run examples/uprobe.bpf.c --binary libc --function malloc --duration 1s
 *
 * LBC_ATTACH says where to attach what a section's name cannot say; $name stands for a parameter. Several programs may be
 * at the same place: a uprobe is there when the function is called, a uretprobe when it returns.
 */
#include "lbc.h"

LBC_ABOUT("Show calls of a function: first argument, result, time");

typedef char name_t[128];

LBC_PARAM(name_t, binary, "libc", "program or library, by path or name");
LBC_PARAM(name_t, function, "getenv", "function, by its symbol");
LBC_PARAM(__u32, pid, 0, "only this process (0: all)");

struct call {
	lbc_time_t time;
	lbc_ns_t latency;
	__u32 pid;
	lbc_comm_t comm;
	__s64 argument;
	__s64 result;
};

LBC_EVENTS(calls, struct call, 256 * 1024);

/* By thread. A function that calls itself is seen from its innermost call. */
LBC_HASH(under_way, __u32, struct call, 4096);

LBC_ATTACH("$binary:$function,pid=$pid")
SEC("uprobe")
int BPF_KPROBE(on_call, long argument)
{
	struct call call = {.argument = argument, .time = bpf_ktime_get_ns()};
	__u32 tid = bpf_get_current_pid_tgid();

	bpf_map_update_elem(&under_way, &tid, &call, BPF_ANY);
	return 0;
}

LBC_ATTACH("$binary:$function,pid=$pid")
SEC("uretprobe")
int BPF_KRETPROBE(on_return, long result)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 tid = id;
	struct call *call = bpf_map_lookup_elem(&under_way, &tid);

	if (!call)
		return 0;
	call->latency = bpf_ktime_get_ns() - call->time;
	call->pid = id >> 32;
	bpf_get_current_comm(call->comm, sizeof(call->comm));
	call->result = result;
	lbc_emit(ctx, calls, call);
	bpf_map_delete_elem(&under_way, &tid);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
