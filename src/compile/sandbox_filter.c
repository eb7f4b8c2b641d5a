// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * sandbox_filter.c - the system calls of a compile.
 *
 * What is not listed is answered as by a kernel that does not have it, which every program must be ready for. Names that
 * this architecture, or this libseccomp, does not know are left out.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "compile/sandbox.h"

/* With any arguments. */
static const char *const calls[] = {
	/* files that are open, or that Landlock allows */
	"read", "pread64", "readv", "preadv", "write", "pwrite64", "writev", "lseek", "close", "dup", "dup2", "dup3",
	"fstat", "stat", "lstat", "newfstatat", "fstatat64", "statx", "access", "faccessat", "faccessat2", "readlink",
	"readlinkat", "getcwd", "getdents64", "statfs", "fstatfs", "fadvise64", "umask", "poll", "ppoll",
	/* memory */
	"munmap", "mremap", "madvise", "brk",
	/* threads: clang takes one when a source nests deeply */
	"futex", "set_robust_list", "rseq", "set_tid_address", "gettid", "sched_yield", "sched_getaffinity", "exit",
	"exit_group", "arch_prctl", "membarrier",
	/* signals to itself */
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall",
	/* what there is */
	"getpid", "getppid", "getpgrp", "getuid", "geteuid", "getgid", "getegid", "uname", "sysinfo", "getrusage",
	"times", "getrlimit", "clock_gettime", "clock_getres", "gettimeofday", "time", "nanosleep", "clock_nanosleep",
	"getrandom"};

static int add(scmp_filter_ctx ctx, uint32_t action, const char *name, unsigned n, const struct scmp_arg_cmp *args)
{
	int nr = seccomp_syscall_resolve_name(name);

	return nr < 0 ? 0 : seccomp_rule_add_array(ctx, action, nr, n, args);
}

static int allow(scmp_filter_ctx ctx, const char *name)
{
	return add(ctx, SCMP_ACT_ALLOW, name, 0, NULL);
}

static int allow_equal(scmp_filter_ctx ctx, const char *name, unsigned arg, uint64_t value)
{
	const struct scmp_arg_cmp is = {.arg = arg, .op = SCMP_CMP_EQ, .datum_a = value};

	return add(ctx, SCMP_ACT_ALLOW, name, 1, &is);
}

static int allow_bits(scmp_filter_ctx ctx, const char *name, unsigned arg, uint64_t mask, uint64_t value)
{
	const struct scmp_arg_cmp is = {.arg = arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = value};

	return add(ctx, SCMP_ACT_ALLOW, name, 1, &is);
}

static int refuse_bits(scmp_filter_ctx ctx, const char *name, unsigned arg, uint64_t bits)
{
	const struct scmp_arg_cmp is = {.arg = arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = bits, .datum_b = bits};

	return add(ctx, SCMP_ACT_ERRNO(EACCES), name, 1, &is);
}

/* flags: the argument of open() or openat() with them. Each bit that a file could be changed by is an error that clang can
 * report. */
static int only_for_reading(scmp_filter_ctx ctx, const char *name, unsigned flags)
{
	const uint64_t writes[] = {O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_TMPFILE & ~O_DIRECTORY};
	uint64_t all = 0;
	int err = 0;

	for (size_t i = 0; i < sizeof(writes) / sizeof(*writes) && !err; i++) {
		err = refuse_bits(ctx, name, flags, writes[i]);
		all |= writes[i];
	}
	return err ? err : allow_bits(ctx, name, flags, all, 0);
}

static int threads_only(scmp_filter_ctx ctx)
{
	const uint64_t thread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
	const uint64_t news = CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
			      CLONE_NEWCGROUP;

	/* clone3() has its flags in memory, where no filter sees them; libc then takes clone() */
	return allow_bits(ctx, "clone", 0, thread | news, thread);
}

/* Memory that is both written and run: not in a clang that is loaded already. */
static int memory(scmp_filter_ctx ctx, bool exec)
{
	static const char *const names[] = {"mmap", "mprotect"};
	int err = 0;

	for (int i = 0; i < 2 && !err; i++)
		err = exec ? allow(ctx, names[i]) : allow_bits(ctx, names[i], 2, PROT_EXEC, 0);
	return err;
}

static int few_of_many(scmp_filter_ctx ctx)
{
	static const uint64_t fcntls[] = {F_GETFD, F_SETFD, F_GETFL, F_DUPFD, F_DUPFD_CLOEXEC};
	/* its own limits, and no new ones */
	const struct scmp_arg_cmp asks[] = {{.arg = 0, .op = SCMP_CMP_EQ}, {.arg = 2, .op = SCMP_CMP_EQ}};
	int err = allow_equal(ctx, "prctl", 0, PR_SET_NAME);

	for (size_t i = 0; i < sizeof(fcntls) / sizeof(*fcntls) && !err; i++)
		err = allow_equal(ctx, "fcntl", 1, fcntls[i]);
	if (!err)
		err = allow_equal(ctx, "ioctl", 1, TCGETS); /* isatty() */
	if (!err)
		err = add(ctx, SCMP_ACT_ALLOW, "prlimit64", 2, asks);
	/* abort() */
	if (!err)
		err = allow_equal(ctx, "tgkill", 0, CB_CONFINE_SELF);
	return err;
}

static int add_rules(scmp_filter_ctx ctx, const char *exec)
{
	int err = 0;

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls) && !err; i++)
		err = allow(ctx, calls[i]);
	if (!err)
		err = only_for_reading(ctx, "openat", 2);
	if (!err)
		err = only_for_reading(ctx, "open", 1);
	if (!err)
		err = threads_only(ctx);
	if (!err)
		err = memory(ctx, exec);
	if (!err)
		err = few_of_many(ctx);
	/* by its address: what stands there after the program has changed is not coolbpf's string any more, and Landlock
	 * still knows which programs there are */
	if (!err && exec)
		err = allow_equal(ctx, "execve", 0, (uint64_t)(uintptr_t)exec);
	return err;
}

/* The filter's bytes come out through a file. */
static int export(scmp_filter_ctx ctx, struct cb_sandbox_filter *f)
{
	int fd = cb_file_nameless("filter"), err = fd < 0 ? fd : seccomp_export_bpf(ctx, fd);
	char path[32], *data;
	size_t len;

	if (!err) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		err = cb_file_read(path, 1 << 20, &data, &len, NULL);
	}
	if (fd >= 0)
		close(fd);
	if (err)
		return err;
	f->code = (struct sock_filter *)data;
	f->len = (unsigned)(len / sizeof(*f->code));
	return 0;
}

int cb_sandbox_filter_make(struct cb_sandbox_filter *f, const char *exec, struct cb_err *e)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int err = ctx ? add_rules(ctx, exec) : -ENOMEM;

	memset(f, 0, sizeof(*f));
	if (!err)
		/* a search tree; libseccomp before 2.5 makes a list */
		seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!err)
		err = export(ctx, f);
	if (ctx)
		seccomp_release(ctx);
	return err ? cb_fail(e, -err, "cannot make the filter of system calls for clang: %s", strerror(-err)) : 0;
}

void cb_sandbox_filter_free(struct cb_sandbox_filter *f)
{
	free(f->code);
	memset(f, 0, sizeof(*f));
}
