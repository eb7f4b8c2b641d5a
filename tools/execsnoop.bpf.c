// SPDX-License-Identifier: GPL-2.0
/*
 * execsnoop - programs as they are started: arguments, parent, user, and the result of execve().
 *
 * Arguments are read where they can be read safely. A program may not touch user memory that is paged out, and at the
 * entry of execve() the strings often are. So nothing is read there:
 *
 *  - an execve() that succeeds passes sched_process_exec, with the arguments just copied to the new process's stack, all
 *    in one piece, from mm->arg_start to mm->arg_end;
 *  - one that fails returns, and the kernel has just read the strings of the caller. Only the two addresses are kept
 *    from its entry.
 */
#include "lbc.h"

LBC_ABOUT("Show programs that are started: arguments, parent, user, result");

LBC_PARAM(__u32, parent, 0, "only children of this process");
LBC_PARAM(__s32, uid, -1, "only programs started by this user");
LBC_PARAM(bool, failed, false, "only calls that fail");

enum {
	FILE_SIZE = 128,
	ARGS_SIZE = 256, /* a power of two; what does not fit is cut and ends in "..." */
	ARGS_COUNT = 12, /* of a call that fails; what comes after is not read */
};

struct event {
	lbc_time_t time;
	lbc_ret_t ret;
	__u32 pid;
	__u32 ppid;
	__u32 uid;
	lbc_comm_t comm;
	char file[FILE_SIZE];
	char args[ARGS_SIZE] __attribute__((aligned(8)));
};

LBC_EVENTS(events, struct event, 1024 * 1024);

/* What a thread gave to execve(). A thread that succeeds comes back with the id of its process, and its entry stays
 * until the map needs the place. */
struct call {
	const char *file;
	const char *const *argv;
};

LBC_LRU_HASH(calls, __u32, struct call, 4096);

/* Room to put strings one behind the other, more than the stack has. Twice the size, so that a string that begins
 * within the first half always fits. */
struct scratch {
	char text[2 * ARGS_SIZE];
};

LBC_PERCPU_ARRAY(scratches, __u32, struct scratch, 1);

/* Put a space wherever there is a zero byte, eight bytes at a time. For a byte b, ((b & 127) + 127) | b has its highest
 * bit set exactly when b is not zero; and 128 >> 2 is a space. */
static __always_inline void zeros_to_spaces(char *text)
{
	const __u64 low7 = 0x7f7f7f7f7f7f7f7fULL;
	__u64 *words = (__u64 *)text;

#pragma unroll
	for (int i = 0; i < ARGS_SIZE / 8; i++) {
		__u64 w = words[i];

		words[i] = w | ~(((w & low7) + low7) | w | low7) >> 2;
	}
}

/* x modulo ARGS_SIZE, in an instruction that the compiler cannot drop: it knows from the code around that x is smaller,
 * the verifier does not. */
static __always_inline __u64 within(__u64 x)
{
	asm volatile("%0 &= %1" : "+r"(x) : "i"(ARGS_SIZE - 1));
	return x;
}

/* text holds used bytes of arguments, each with its zero. */
static __always_inline void finish_args(char *text, __u64 used)
{
	zeros_to_spaces(text);
	if (used > ARGS_SIZE) {
		__builtin_memcpy(text + ARGS_SIZE - 4, "...", 4);
		return;
	}
	text[within(used - 1)] = '\0';
}

static __always_inline struct event *begin_event(long ret)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u32 user = bpf_get_current_uid_gid(), ppid = BPF_CORE_READ(task, real_parent, tgid);
	struct event *e;

	if ((parent && parent != ppid) || (uid >= 0 && (__u32)uid != user))
		return NULL;
	e = lbc_reserve(events);
	if (!e)
		return NULL;
	e->time = bpf_ktime_get_ns();
	e->ret = ret;
	e->pid = bpf_get_current_pid_tgid() >> 32;
	e->ppid = ppid;
	e->uid = user;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	e->file[0] = '\0';
	e->args[0] = '\0';
	return e;
}

/* ---- Calls that succeed ---- */

static __always_inline void read_new_args(struct event *e)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	unsigned long start = BPF_CORE_READ(task, mm, arg_start), used = BPF_CORE_READ(task, mm, arg_end) - start;
	unsigned int n = used > ARGS_SIZE ? ARGS_SIZE : used;

	if (n && !bpf_probe_read_user(e->args, n, (const void *)start))
		finish_args(e->args, used);
}

LBC_ALTERNATIVE("sched_process_exec")
SEC("raw_tp/sched_process_exec")
int BPF_PROG(exec_raw, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	struct event *e = failed ? NULL : begin_event(0);

	if (!e)
		return 0;
	bpf_probe_read_kernel_str(e->file, sizeof(e->file), _(bprm->filename));
	read_new_args(e);
	lbc_submit(ctx, events, e);
	return 0;
}

struct sched_process_exec {
	__u64 common;
	__u16 filename_offset, filename_length;
	int pid, old_pid;
};

LBC_ALTERNATIVE("sched_process_exec")
SEC("tracepoint/sched/sched_process_exec")
int exec_tracepoint(struct sched_process_exec *ctx)
{
	struct event *e = failed ? NULL : begin_event(0);

	if (!e)
		return 0;
	bpf_probe_read_kernel_str(e->file, sizeof(e->file), (const char *)ctx + ctx->filename_offset);
	read_new_args(e);
	lbc_submit(ctx, events, e);
	return 0;
}

/* ---- Calls that fail ---- */

static __always_inline int on_enter(const char *file, const char *const *argv)
{
	struct call call = {.file = file, .argv = argv};
	__u32 tid = bpf_get_current_pid_tgid();

	bpf_map_update_elem(&calls, &tid, &call, BPF_ANY);
	return 0;
}

static __always_inline void read_old_args(struct event *e, const char *const *argv)
{
	__u32 zero = 0;
	__u64 used = 0;
	struct scratch *scratch = bpf_map_lookup_elem(&scratches, &zero);

	if (!scratch)
		return;
#pragma unroll
	for (int i = 0; i < ARGS_COUNT; i++) {
		const char *arg = NULL;
		long n;

		if (used >= ARGS_SIZE || bpf_probe_read_user(&arg, sizeof(arg), &argv[i]) || !arg)
			break;
		n = bpf_probe_read_user_str(&scratch->text[within(used)], ARGS_SIZE, arg);
		if (n <= 0)
			break;
		used += n;
	}
	if (!used)
		return;
	bpf_probe_read_kernel(e->args, sizeof(e->args), scratch->text);
	finish_args(e->args, used);
}

static __always_inline int on_return(void *ctx, long ret)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct event *e;
	struct call *call;

	if (ret >= 0) /* sched_process_exec has told it */
		return 0;
	call = bpf_map_lookup_elem(&calls, &tid);
	if (!call)
		return 0;
	e = begin_event(ret);
	if (!e)
		return 0;
	bpf_probe_read_user_str(e->file, sizeof(e->file), call->file);
	read_old_args(e, call->argv);
	lbc_submit(ctx, events, e);
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

/* Which function serves the system call depends on the architecture; before 4.17 it had no prefix. */
#define SYSCALL(name) "/__x64_sys_" name "|__arm64_sys_" name "|sys_" name

LBC_ALTERNATIVE("execve")
SEC("tracepoint/syscalls/sys_enter_execve")
int execve_enter(struct sys_enter *ctx)
{
	return on_enter((const char *)ctx->args[0], (const char *const *)ctx->args[1]);
}

LBC_ALTERNATIVE("execve")
SEC("kprobe" SYSCALL("execve"))
int BPF_KSYSCALL(execve_kprobe, const char *file, const char *const *argv)
{
	return on_enter(file, argv);
}

LBC_ALTERNATIVE("execve_return")
SEC("tracepoint/syscalls/sys_exit_execve")
int execve_exit(struct sys_exit *ctx)
{
	return on_return(ctx, ctx->ret);
}

LBC_ALTERNATIVE("execve_return")
SEC("kretprobe" SYSCALL("execve"))
int BPF_KRETPROBE(execve_kretprobe, long ret)
{
	return on_return(ctx, ret);
}

/* execveat() came with 3.19. Where it is not, a program that is attached to nothing takes its place. */
LBC_ALTERNATIVE("execveat")
SEC("tracepoint/syscalls/sys_enter_execveat")
int execveat_enter(struct sys_enter *ctx)
{
	return on_enter((const char *)ctx->args[1], (const char *const *)ctx->args[2]);
}

LBC_ALTERNATIVE("execveat")
SEC("kprobe" SYSCALL("execveat"))
int BPF_KSYSCALL(execveat_kprobe, int dir, const char *file, const char *const *argv)
{
	return on_enter(file, argv);
}

LBC_ALTERNATIVE("execveat")
SEC("socket")
int no_execveat(void *ctx)
{
	return 0;
}

LBC_ALTERNATIVE("execveat_return")
SEC("tracepoint/syscalls/sys_exit_execveat")
int execveat_exit(struct sys_exit *ctx)
{
	return on_return(ctx, ctx->ret);
}

LBC_ALTERNATIVE("execveat_return")
SEC("kretprobe" SYSCALL("execveat"))
int BPF_KRETPROBE(execveat_kretprobe, long ret)
{
	return on_return(ctx, ret);
}

LBC_ALTERNATIVE("execveat_return")
SEC("socket")
int no_execveat_return(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
