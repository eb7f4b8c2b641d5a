// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * inside.c - runs in clang's place in a sandbox, and says what it can do: what a clang could do that a source has taken over.
 *
 *   inside PARENT ALLOWED FORBIDDEN     a process outside; a file that may be read, one that may not
 *
 * Lines on standard output: "yes NAME" or "no NAME".
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

static void say(const char *name, bool can)
{
	printf("%s %s\n", can ? "yes" : "no", name);
}

/* Arguments that would do for a process without a sandbox, as far as one call can show it. */
static void try_calls(pid_t parent)
{
	const struct {
		const char *name;
		long nr, a, b, c, d, e;
	} calls[] = {
		{"socket inet", SYS_socket, AF_INET, SOCK_STREAM, 0, 0, 0},
		{"socket unix", SYS_socket, AF_UNIX, SOCK_STREAM, 0, 0, 0},
		{"socket netlink", SYS_socket, AF_NETLINK, SOCK_RAW, 0, 0, 0},
		{"kill parent", SYS_kill, parent, 0, 0, 0, 0},
		{"tgkill parent", SYS_tgkill, parent, parent, 0, 0, 0},
		{"tkill parent", SYS_tkill, parent, 0, 0, 0, 0},
		{"pidfd", SYS_pidfd_open, parent, 0, 0, 0, 0},
		{"mkdir", SYS_mkdirat, AT_FDCWD, (long)"/tmp/coolbpf-inside", 0755, 0, 0},
		{"fsopen", SYS_fsopen, (long)"tmpfs", 0, 0, 0, 0},
		{"unshare user", SYS_unshare, CLONE_NEWUSER, 0, 0, 0, 0},
		{"unshare net", SYS_unshare, CLONE_NEWNET, 0, 0, 0, 0},
		{"setuid 0", SYS_setuid, 0, 0, 0, 0, 0},
		{"setgid 0", SYS_setgid, 0, 0, 0, 0, 0},
		{"setsid", SYS_setsid, 0, 0, 0, 0, 0},
		{"dumpable", SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0},
		{"memfd", SYS_memfd_create, (long)"x", 0, 0, 0, 0},
		{"inotify", SYS_inotify_init1, 0, 0, 0, 0, 0},
		{"eventfd", SYS_eventfd2, 0, 0, 0, 0, 0},
		{"epoll", SYS_epoll_create1, 0, 0, 0, 0, 0},
		{"pipe", SYS_pipe2, (long)(int[2]){0}, 0, 0, 0, 0},
		{"keyring", SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1, 0, 0},
		{"fchmod", SYS_fchmod, 0, 0777, 0, 0, 0},
		{"truncate", SYS_ftruncate, 1, 0, 0, 0, 0},
		{"chdir", SYS_chdir, (long)"/", 0, 0, 0, 0},
		{"limit", SYS_setrlimit, RLIMIT_NOFILE, (long)&(struct rlimit){64, 64}, 0, 0, 0},
		{"prlimit", SYS_prlimit64, 0, RLIMIT_NOFILE, (long)&(struct rlimit){64, 64}, 0, 0},
		{"nice", SYS_setpriority, PRIO_PROCESS, 0, 1, 0, 0},
		{"affinity", SYS_sched_setaffinity, 0, 8, (long)&(unsigned long){~0UL}, 0, 0},
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		say(calls[i].name,
		    syscall(calls[i].nr, calls[i].a, calls[i].b, calls[i].c, calls[i].d, calls[i].e) >= 0);
	/* those that fail for another reason where they may be called, because a machine is to survive this program */
	say("ptrace", syscall(SYS_ptrace, PTRACE_PEEKDATA, parent, 0, 0) >= 0 || errno != ENOSYS);
	say("mount", syscall(SYS_mount, "none", "/nonexistent", "tmpfs", 0, NULL) >= 0 || errno != ENOSYS);
	say("chroot", syscall(SYS_chroot, "/nonexistent") >= 0 || errno != ENOSYS);
	say("shm", syscall(SYS_shmget, 0x7a6f6e65, 0, 0) >= 0 || errno != ENOSYS);
	say("msg", syscall(SYS_msgget, 0x7a6f6e65, 0) >= 0 || errno != ENOSYS);
	say("bpf", syscall(SYS_bpf, 0, NULL, 0) >= 0 || errno != ENOSYS);
	say("io_uring", syscall(SYS_io_uring_setup, 1, NULL) >= 0 || errno != ENOSYS);
	say("perf", syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0) >= 0 || errno != ENOSYS);
	say("userfaultfd", syscall(SYS_userfaultfd, 0) >= 0);
	say("memory of others", syscall(SYS_process_vm_readv, parent, NULL, 0, NULL, 0, 0) >= 0);
}

static bool opens(const char *path, int flags)
{
	int fd = open(path, flags, 0644);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void try_files(const char *allowed, const char *forbidden)
{
	say("read allowed", opens(allowed, O_RDONLY));
	say("read allowed by descriptor", opens("/proc/self/fd/0", O_RDONLY));
	say("read forbidden", opens(forbidden, O_RDONLY));
	say("read passwd", opens("/etc/passwd", O_RDONLY));
	say("read maps", opens("/proc/self/maps", O_RDONLY));
	say("read init", opens("/proc/1/environ", O_RDONLY));
	say("list root", opens("/", O_RDONLY | O_DIRECTORY));
	say("list proc", opens("/proc", O_RDONLY | O_DIRECTORY));
	say("write allowed", opens(allowed, O_WRONLY));
	say("write source", opens("/proc/self/fd/0", O_RDWR));
	say("write source's descriptor", write(0, "x", 1) == 1);
	say("write object", write(1, "", 0) == 0);
	say("create", opens("/tmp/coolbpf-inside", O_RDONLY | O_CREAT));
	say("truncate allowed", opens(allowed, O_RDONLY | O_TRUNC));
	say("nameless", opens("/tmp", O_RDWR | O_TMPFILE));
	say("openat2", syscall(SYS_openat2, AT_FDCWD, allowed, &(unsigned long[3]){0}, sizeof(unsigned long[3])) >= 0);
}

static void *nothing(void *arg)
{
	return arg;
}

static bool clones(unsigned long flags)
{
	pid_t pid = (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (!pid)
		_exit(0);
	return pid > 0;
}

static void try_processes(const char *self)
{
	char *const argv[] = {"true", NULL};
	pthread_t thread;

	say("thread", !pthread_create(&thread, NULL, nothing, NULL) && !pthread_join(thread, NULL));
	say("signal itself", !syscall(SYS_tgkill, getpid(), gettid(), 0));
	say("fork", clones(0));
	say("clone with a namespace", clones(CLONE_NEWUSER));
	/* they return only when they fail; what was said must be out before */
	fflush(stdout);
	execve("/bin/true", argv, NULL);
	execve(self, argv, NULL);
	say("execve", false);
}

int main(int argc, char **argv)
{
	struct rlimit core, cpu;
	struct utsname u;

	if (argc != 4)
		return 2;
	try_files(argv[2], argv[3]);
	try_calls((pid_t)strtol(argv[1], NULL, 10));
	say("be root", geteuid() == 0);
	say("see parent", getppid() != 0);
	uname(&u);
	printf("host %s\n", u.nodename);
	getrlimit(RLIMIT_CORE, &core);
	getrlimit(RLIMIT_CPU, &cpu);
	printf("limits core %ld cpu %ld\n", (long)core.rlim_max, (long)cpu.rlim_max);
	try_processes(argv[0]);
	return 0;
}
