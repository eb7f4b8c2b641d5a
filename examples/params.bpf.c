// SPDX-License-Identifier: GPL-2.0
/*
 * params - options of a tool, checked by their types.
 *
 *	coolbpf run examples/params.bpf.c --help
 *	coolbpf run examples/params.bpf.c --size 64K --direction out --comm dd
 *
 * A parameter is a constant of the program that coolbpf sets before it loads it. The verifier sees the value, so a branch
 * that it rules out is not even translated: an option that is off costs nothing.
 */
#include "lbc.h"

LBC_ABOUT("Show reads and writes from a size on");

enum direction { both, in, out };

LBC_PARAM(__u32, pid, 0, "only this process (0: all)");
LBC_PARAM(lbc_bytes_t, size, 4096, "only calls for at least so many bytes: 4096, 4K, 1M");
LBC_PARAM(enum direction, direction, both, "only reads (in) or writes (out)");
LBC_PARAM(bool, with_files, true, "show the file descriptor");
LBC_PARAM(lbc_comm_t, comm, "", "only processes of this name");

struct transfer {
	__u32 pid;
	lbc_comm_t name;
	enum direction direction;
	__s32 file;
	lbc_bytes_t size;
};

LBC_EVENTS(transfers, struct transfer, 256 * 1024);

static __always_inline bool name_is_wanted(const char *name)
{
	if (!comm[0])
		return true;
#pragma unroll
	for (int i = 0; i < TASK_COMM_LEN; i++) {
		if (comm[i] != name[i])
			return false;
		if (!name[i])
			break;
	}
	return true;
}

static __always_inline int on_call(void *ctx, enum direction way, int file, __u64 bytes)
{
	struct transfer t = {.pid = bpf_get_current_pid_tgid() >> 32, .direction = way, .size = bytes};

	if (bytes < size || (pid && pid != t.pid) || (direction != both && direction != way))
		return 0;
	bpf_get_current_comm(t.name, sizeof(t.name));
	if (!name_is_wanted(t.name))
		return 0;
	t.file = with_files ? file : -1;
	lbc_emit(ctx, transfers, &t);
	return 0;
}

/* What the tracepoints syscalls/sys_enter_* give. */
struct sys_enter {
	__u64 common, nr, args[6];
};

SEC("tracepoint/syscalls/sys_enter_read")
int on_read(struct sys_enter *ctx)
{
	return on_call(ctx, in, ctx->args[0], ctx->args[2]);
}

SEC("tracepoint/syscalls/sys_enter_write")
int on_write(struct sys_enter *ctx)
{
	return on_call(ctx, out, ctx->args[0], ctx->args[2]);
}

char LICENSE[] SEC("license") = "GPL";
