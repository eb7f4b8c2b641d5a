// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * qemu.c - see qemu.h.
 *
 * The guest's serial ports are pipes: qemu opens them by their names in /dev/fd, as it does the initramfs, which has no other
 * name. A pipe that nobody reads stops the guest, and nothing is lost.
 */
#include "lab/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab/kernel.h"
#include "lab/prog.h"

/* panic=-1: reboot at once, which ends qemu (-no-reboot). BPF LSM: kernel 5.10 has it built in but not in its default list. Testing
 * the kernel's ciphers at each boot takes 0.3 s. */
#define APPEND_ALL "loglevel=1 panic=-1 cryptomgr.notests lsm=lockdown,yama,bpf"

static const struct cb_lab_arch archs[] = {
	{
		.name = "x86_64",
		.program = "qemu-system-x86_64",
		.package = "qemu-system-x86",
		/* without what takes the kernel time to find */
		.machine = "q35,hpet=off,smm=off",
		/* qemu 7.2 corrupts memory in cmpxchg16b, and 6.12 crashes */
		.cpu_tcg = "max,-cx16",
		.cpu_kvm = "max",
		.append = "console=ttyS0 reboot=t tsc=reliable no_timer_check pci=off " APPEND_ALL,
		.port = "/dev/ttyS1",
	},
	{
		.name = "arm64",
		.program = "qemu-system-aarch64",
		.package = "qemu-system-arm",
		/* a host's KVM may have one version of the interrupt controller only; the emulator's are all as fast */
		.machine = "virt,gic-version=max",
		/* Pointer authentication, which newer processors have, takes three quarters of the time under emulation
		 * ("max": 8.4 s to the first line), and still a third by qemu's own algorithm (pauth-impdef=on): 2.8 s. This
		 * one has none: 1.9 s. */
		.cpu_tcg = "cortex-a57",
		.cpu_kvm = "max",
		.append = "console=ttyAMA0 " APPEND_ALL,
		/* The machine has one serial port, and the kernel's words would fall into the agent's. All kernels have the
		 * driver of this one built in, where that of virtio's console is a module before 6.12. */
		.port_device = "pci-serial,chardev=port",
		.port = "/dev/ttyS0",
	},
};

enum {
	/* descriptors in qemu */
	FD_CONSOLE = 3,
	FD_PORT,
	FD_INITRAMFS,
	FD_KERNEL, /* where it is no path */
	FD_FREE,   /* the first that is none of these */
	PIPE_BYTES = 1 << 20,
	ARGS = 40,
};

const struct cb_lab_arch *cb_lab_arch(const char *name)
{
	for (size_t i = 0; i < sizeof(archs) / sizeof(*archs); i++)
		if (!strcmp(archs[i].name, name))
			return &archs[i];
	return NULL;
}

bool cb_qemu_has_kvm(const struct cb_lab_arch *arch)
{
	int kvm, vm = -1;

	if (!cb_lab_is_native(arch->name))
		return false;
	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		return false;
	if (ioctl(kvm, KVM_GET_API_VERSION, 0) == KVM_API_VERSION)
		vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm >= 0)
		close(vm);
	close(kvm);
	return vm >= 0;
}

/* A thread for each CPU of the guest, or one for all of them.
 *
 * A kernel writes to its own code while it runs: whenever a tracepoint, a static branch or a probe is switched. Before version
 * 8.1 qemu translated code first and only then began to watch it for writes (it locks the page first since its commit
 * deba78709ae8). What another thread wrote in between was lost: the kernel went on with code that was no longer there, and crashed.
 * tests/lab/patch.lab shows it. One thread does one of the two at a time. */
static bool may_use_threads(const struct cb_lab_arch *arch)
{
	static int known[sizeof(archs) / sizeof(*archs)]; /* 0: not asked yet, 1: no, 2: yes */
	int *answer = &known[arch - archs];
	unsigned int major, minor;
	char command[64];
	FILE *said;

	if (!*answer) {
		*answer = 1;
		snprintf(command, sizeof(command), "%s --version", arch->program);
		said = popen(command, "re");
		if (said && fscanf(said, "QEMU emulator version %u.%u", &major, &minor) == 2 &&
		    (major > 8 || (major == 8 && minor >= 1)))
			*answer = 2;
		if (said)
			pclose(said);
	}
	return *answer == 2;
}

struct command {
	const char *args[ARGS];
	int n;
	char memory[32], cpus[16], *append;
};

static void add(struct command *c, const char *a, const char *b)
{
	c->args[c->n++] = a;
	if (b)
		c->args[c->n++] = b;
}

/* 0 or -ENOMEM; c->append is malloc'd. */
static int make_command(struct command *c, const struct cb_qemu_opts *o)
{
	*c = (struct command){0};
	snprintf(c->memory, sizeof(c->memory), "%lluM", (unsigned long long)(o->memory >> 20));
	snprintf(c->cpus, sizeof(c->cpus), "%u", o->cpus);
	if (asprintf(&c->append, "%s%s%s", o->arch->append, o->append ? " " : "", o->append ? o->append : "") < 0)
		return -ENOMEM;
	add(c, o->arch->program, NULL);
	add(c, "-M", o->arch->machine);
	add(c, "-accel", o->kvm ? "kvm" : may_use_threads(o->arch) ? "tcg,thread=multi" : "tcg,thread=single");
	add(c, "-cpu", o->kvm ? o->arch->cpu_kvm : o->arch->cpu_tcg);
	add(c, "-m", c->memory);
	add(c, "-smp", c->cpus);
	add(c, "-nodefaults", "-no-user-config");
	add(c, "-display", "none");
	add(c, "-no-reboot", NULL);
	add(c, "-chardev", "file,id=console,path=/dev/fd/3");
	add(c, "-serial", "chardev:console");
	add(c, "-chardev", "file,id=port,path=/dev/fd/4");
	if (o->arch->port_device)
		add(c, "-device", o->arch->port_device);
	else
		add(c, "-serial", "chardev:port");
	add(c, "-kernel", o->unpacked >= 0 ? "/dev/fd/6" : o->image);
	add(c, "-initrd", "/dev/fd/5");
	add(c, "-append", c->append);
	return 0;
}

/* The child. fds: for standard error, FD_CONSOLE, FD_PORT, FD_INITRAMFS, FD_KERNEL (or -1). */
static void run(const struct command *c, const int fds[FD_FREE - 2], pid_t parent)
{
	sigset_t none;
	int copy[FD_FREE - 2];

	/* in a group of its own: Ctrl-C is its starter's to answer */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	for (int i = 0; i < FD_FREE - 2; i++)
		copy[i] = fcntl(fds[i], F_DUPFD, 16);
	dup2(copy[0], STDERR_FILENO);
	dup2(copy[0], STDOUT_FILENO);
	for (int i = 1; i < FD_FREE - 2; i++)
		if (copy[i] >= 0)
			dup2(copy[i], FD_CONSOLE + i - 1);
	close_range(FD_FREE, ~0U, 0);
	close(STDIN_FILENO);
	open("/dev/null", O_RDONLY);
	execvp(c->args[0], (char *const *)(uintptr_t)c->args);
	_exit(127);
}

static void close_pair(int fds[2])
{
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

int cb_qemu_start(struct cb_qemu *q, const struct cb_qemu_opts *o, struct cb_err *e)
{
	int errors[2] = {-1, -1}, console[2] = {-1, -1}, port[2] = {-1, -1}, err = 0;
	pid_t parent = getpid();
	struct command c;

	*q = (struct cb_qemu){.pid = -1, .console = -1, .port = -1, .errors = -1};
	if (!cb_lab_prog_there(o->arch->program))
		return cb_fail(e, ENOENT, "there is no %s here: it boots the lab's kernels (Debian's package is %s)",
			       o->arch->program, o->arch->package);
	if (make_command(&c, o))
		return cb_fail(e, ENOMEM, "out of memory");
	if (pipe2(errors, O_CLOEXEC) || pipe2(console, O_CLOEXEC) || pipe2(port, O_CLOEXEC)) {
		err = cb_fail(e, errno, "cannot make a pipe: %s", strerror(errno));
	} else {
		/* larger ones stop the guest less often; a limit of the system's is no error */
		fcntl(console[0], F_SETPIPE_SZ, PIPE_BYTES);
		fcntl(port[0], F_SETPIPE_SZ, PIPE_BYTES);
		q->pid = fork();
		if (!q->pid)
			run(&c, (const int[]){errors[1], console[1], port[1], o->initramfs, o->unpacked}, parent);
		if (q->pid < 0)
			err = cb_fail(e, errno, "cannot start %s: %s", o->arch->program, strerror(errno));
	}
	free(c.append);
	if (err) {
		close_pair(errors);
		close_pair(console);
		close_pair(port);
		return err;
	}
	close(errors[1]);
	close(console[1]);
	close(port[1]);
	q->errors = errors[0];
	q->console = console[0];
	q->port = port[0];
	for (int i = 0; i < 3; i++)
		fcntl((const int[]){q->errors, q->console, q->port}[i], F_SETFL, O_NONBLOCK);
	return 0;
}

void cb_qemu_stop(struct cb_qemu *q)
{
	if (q->pid > 0) {
		kill(q->pid, SIGKILL);
		while (waitpid(q->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	for (int i = 0; i < 3; i++) {
		int fd = (const int[]){q->errors, q->console, q->port}[i];

		if (fd >= 0)
			close(fd);
	}
	*q = (struct cb_qemu){.pid = -1, .console = -1, .port = -1, .errors = -1};
}
