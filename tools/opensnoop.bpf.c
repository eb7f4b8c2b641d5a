// SPDX-License-Identifier: GPL-2.0
/*
 * opensnoop - files as they are opened: path, result, and how long it took.
 *
 * Three system calls open files: open(), openat(), and openat2() since 5.6; C libraries use the second. Their entry is
 * kept until they return, and the path is read then: the kernel has just read it too, so it is in memory, which at the
 * entry it need not be. What io_uring opens passes no system call and is not seen.
 *
 * A kernel without tracepoints for system calls has one function behind the three, and that is probed instead.
 */
#include "lbc.h"

LBC_ABOUT("Show files that are opened: path, result, time");

LBC_PARAM(__u32, pid, 0, "only this process");
LBC_PARAM(__s32, uid, -1, "only processes of this user");
LBC_PARAM(bool, failed, false, "only calls that fail");
LBC_PARAM(lbc_ns_t, min, 0, "only calls that take at least so long");
LBC_SELF;

struct event {
	lbc_time_t time;
	lbc_ns_t latency;
	lbc_ret_t ret; /* the descriptor, or the error */
	lbc_hex_t flags;
	__u32 pid;
	__u32 uid;
	lbc_comm_t comm;
	char path[256];
};

LBC_EVENTS(events, struct event, 4 * 1024 * 1024);

struct call {
	__u64 start;
	__u64 flags;
	const char *path;
};

/* By thread. An entry whose thread is killed inside the call stays until the map needs the place. */
LBC_LRU_HASH(calls, __u32, struct call, 8192);

static __always_inline int on_enter(const char *path, __u64 flags)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 tid = id;
	struct call call;

	if ((pid && pid != id >> 32) || lbc_is_self(id >> 32))
		return 0;
	if (uid >= 0 && (__u32)uid != (__u32)bpf_get_current_uid_gid())
		return 0;
	call.start = bpf_ktime_get_ns();
	call.flags = flags;
	call.path = path;
	bpf_map_update_elem(&calls, &tid, &call, BPF_ANY);
	return 0;
}

static __always_inline int on_return(void *ctx, long ret)
{
	__u64 id = bpf_get_current_pid_tgid(), latency;
	__u32 tid = id;
	struct call *call;
	struct event *e;

	if (pid && pid != id >> 32)
		return 0;
	call = bpf_map_lookup_elem(&calls, &tid);
	if (!call)
		return 0;
	latency = bpf_ktime_get_ns() - call->start;
	if ((failed && ret >= 0) || latency < min)
		goto out;
	e = lbc_reserve(events);
	if (!e)
		goto out;
	e->time = call->start;
	e->latency = latency;
	e->ret = ret;
	e->flags = call->flags;
	e->pid = id >> 32;
	e->uid = bpf_get_current_uid_gid();
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	if (bpf_probe_read_user_str(e->path, sizeof(e->path), call->path) < 0)
		e->path[0] = '\0';
	lbc_submit(ctx, events, e);
out:
	bpf_map_delete_elem(&calls, &tid);
	return 0;
}

/* The records of tracepoints syscalls/sys_enter_* and sys_exit_*. */
struct sys_enter {
	__u64 common, nr, args[6];
};

struct sys_exit {
	__u64 common, nr;
	long ret;
};

/* ---- openat(), or the function behind all three ---- */

LBC_ALTERNATIVE("openat")
SEC("tracepoint/syscalls/sys_enter_openat")
int openat_enter(struct sys_enter *ctx)
{
	return on_enter((const char *)ctx->args[1], (__u32)ctx->args[2]);
}

LBC_ALTERNATIVE("openat")
SEC("kprobe/do_sys_openat2")
int BPF_KPROBE(do_sys_openat2_enter, int dir, const char *path, const __u64 *how)
{
	__u64 flags = 0;

	bpf_probe_read_kernel(&flags, sizeof(flags), how); /* the first member of struct open_how */
	return on_enter(path, flags);
}

LBC_ALTERNATIVE("openat")
SEC("kprobe/do_sys_open")
int BPF_KPROBE(do_sys_open_enter, int dir, const char *path, int flags)
{
	return on_enter(path, (__u32)flags);
}

LBC_ALTERNATIVE("openat_return")
SEC("tracepoint/syscalls/sys_exit_openat")
int openat_exit(struct sys_exit *ctx)
{
	return on_return(ctx, ctx->ret);
}

LBC_ALTERNATIVE("openat_return")
SEC("kretprobe/do_sys_openat2|do_sys_open")
int BPF_KRETPROBE(do_sys_open_exit, long ret)
{
	return on_return(ctx, ret);
}

/* ---- open(), which newer architectures such as arm64 do not have ---- */

LBC_ALTERNATIVE("open")
SEC("tracepoint/syscalls/sys_enter_open")
int open_enter(struct sys_enter *ctx)
{
	return on_enter((const char *)ctx->args[0], (__u32)ctx->args[1]);
}

/* A program that is attached to nothing stands for "not on this kernel". */
LBC_ALTERNATIVE("open")
SEC("socket")
int no_open(void *ctx)
{
	return 0;
}

LBC_ALTERNATIVE("open_return")
SEC("tracepoint/syscalls/sys_exit_open")
int open_exit(struct sys_exit *ctx)
{
	return on_return(ctx, ctx->ret);
}

LBC_ALTERNATIVE("open_return")
SEC("socket")
int no_open_return(void *ctx)
{
	return 0;
}

/* ---- openat2(), since 5.6 ---- */

LBC_ALTERNATIVE("openat2")
SEC("tracepoint/syscalls/sys_enter_openat2")
int openat2_enter(struct sys_enter *ctx)
{
	__u64 flags = 0;

	bpf_probe_read_user(&flags, sizeof(flags), (const void *)ctx->args[2]);
	return on_enter((const char *)ctx->args[1], flags);
}

LBC_ALTERNATIVE("openat2")
SEC("socket")
int no_openat2(void *ctx)
{
	return 0;
}

LBC_ALTERNATIVE("openat2_return")
SEC("tracepoint/syscalls/sys_exit_openat2")
int openat2_exit(struct sys_exit *ctx)
{
	return on_return(ctx, ctx->ret);
}

LBC_ALTERNATIVE("openat2_return")
SEC("socket")
int no_openat2_return(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
