// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* doctor_system.c - the kernel, its settings, this process's rights, and what is installed here to compile with. */
#include <bpf/libbpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/file.h"
#include "btf/kernel.h"
#include "cli/doctor.h"
#include "compile/clang.h"

enum { SMALL_FILE = 1 << 20 };

/* The first line of a file of /proc or /sys; false when it cannot be read. */
static bool read_line(const char *path, char *out, size_t size)
{
	FILE *f = fopen(path, "re");
	bool ok = f && fgets(out, (int)size, f);

	if (f)
		fclose(f);
	if (ok)
		out[strcspn(out, "\n")] = '\0';
	return ok;
}

bool cb_doctor_mounted(const char *type, char *path, size_t size)
{
	char line[1024], where[256], kind[64];
	FILE *f = fopen("/proc/self/mounts", "re");
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %255s %63s", where, kind) == 2 && !strcmp(kind, type)) {
			snprintf(path, size, "%s", where);
			found = true;
		}
	if (f)
		fclose(f);
	return found;
}

/* Where securityfs is not mounted, a mount that only this process sees will do (kernel 5.2; needs root). */
static int open_detached_securityfs(void)
{
	int context = fsopen("securityfs", FSOPEN_CLOEXEC);
	int fd = -1;

	if (context < 0)
		return -1;
	if (!fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		fd = fsmount(context, FSMOUNT_CLOEXEC, 0);
	close(context);
	return fd;
}

bool cb_doctor_security_file(const char *name, char *line, size_t size)
{
	char path[128];
	ssize_t n = -1;
	int dir, fd;

	snprintf(path, sizeof(path), "/sys/kernel/security/%s", name);
	if (read_line(path, line, size))
		return true;
	dir = open_detached_securityfs();
	if (dir < 0)
		return false;
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, line, size - 1);
		close(fd);
	}
	close(dir);
	line[n > 0 ? n : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return n > 0;
}

/* ---- Kernel ----------------------------------------------------------------------------------------------------- */

static void look_at_btf(struct cb_doctor *d)
{
	const char *path = cb_btf_kernel_path(d->btf_path);
	struct cb_err err = {0};
	struct btf *btf = cb_btf_kernel_load(d->btf_path, &err);
	__u32 size = 0;

	if (!btf) {
		cb_doctor_add(d, "kernel", "BTF", CB_BLOCKED,
			      "name a file with this kernel's BTF: --btf FILE or BPF_CUSTOM_BTF=FILE", "%s", err.text);
		return;
	}
	btf__raw_data(btf, &size);
	cb_doctor_add(d, "kernel", "BTF", CB_YES, NULL, "%s, %u bytes, %u types", path, size, btf__type_cnt(btf));
	btf__free(btf);
}

static void look_at_jit(struct cb_doctor *d)
{
	char value[32];

	if (!read_line("/proc/sys/net/core/bpf_jit_enable", value, sizeof(value)) &&
	    !access("/proc/sys/net/core", X_OK))
		cb_doctor_add(d, "kernel", "JIT", CB_NO, NULL, "this kernel has none");
	else if (!read_line("/proc/sys/net/core/bpf_jit_enable", value, sizeof(value)))
		cb_doctor_add(d, "kernel", "JIT", CB_UNKNOWN, "mount -t proc proc /proc", "%s",
			      "cannot read bpf_jit_enable");
	else
		cb_doctor_add(d, "kernel", "JIT", atoi(value) ? CB_YES : CB_NO,
			      "programs are interpreted, ten times slower: sysctl net.core.bpf_jit_enable=1", "%s", "");
}

static void look_at_lockdown(struct cb_doctor *d)
{
	char line[128] = "", *mode;

	if (!cb_doctor_security_file("lockdown", line, sizeof(line))) {
		cb_doctor_add(d, "kernel", "lockdown", CB_FACT, NULL, "none that can be seen");
		return;
	}
	/* "none [integrity] confidentiality" */
	mode = strchr(line, '[');
	mode = mode ? mode + 1 : line;
	mode[strcspn(mode, "]")] = '\0';
	cb_doctor_add(d, "kernel", "lockdown", strcmp(mode, "confidentiality") ? CB_FACT : CB_NO,
		      "programs may not read kernel memory: boot with lockdown=integrity, or without", "%s", mode);
}

/* Kernels before 5.11 charge maps to RLIMIT_MEMLOCK, later ones to the memory cgroup. libbpf's own function raises the
 * limit first, hence the bare system call. */
static void look_at_memlock(struct cb_doctor *d)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
	struct rlimit old, none;
	int fd;

	if (getrlimit(RLIMIT_MEMLOCK, &old))
		return;
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = old.rlim_max};
	setrlimit(RLIMIT_MEMLOCK, &none);
	fd = (int)syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
	setrlimit(RLIMIT_MEMLOCK, &old);
	if (fd >= 0)
		close(fd);
	cb_doctor_add(d, "rights", "map memory", CB_FACT, NULL, "charged to %s",
		      fd >= 0 ? "the memory cgroup" : "RLIMIT_MEMLOCK, which coolbpf raises if it may");
}

/* Where addresses are hidden all are zero; of those that are shown, the first ones (of per-CPU variables) may be. */
static void look_at_kallsyms(struct cb_doctor *d)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	bool there = f, shown = false;
	char line[512];

	for (int i = 0; f && !shown && i < 1000 && fgets(line, sizeof(line), f); i++)
		shown = strtoull(line, NULL, 16);
	if (f)
		fclose(f);
	cb_doctor_add(d, "kernel", "symbol addresses", shown ? CB_YES : CB_NO,
		      "kernel stacks print as numbers: sysctl kernel.kptr_restrict=0, or run as root", "%s",
		      there ? "" : "there is no /proc/kallsyms");
}

/* ---- Rights ----------------------------------------------------------------------------------------------------- */

static void look_at_bpf_syscall(struct cb_doctor *d)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
	int fd = (int)syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
	int err = errno;

	if (fd >= 0)
		close(fd);
	if (fd >= 0)
		cb_doctor_add(d, "rights", "bpf()", CB_YES, NULL, "%s", "");
	else if (err == ENOSYS)
		cb_doctor_add(d, "rights", "bpf()", CB_BLOCKED, "the kernel needs CONFIG_BPF_SYSCALL",
			      "this kernel has no eBPF: it has no bpf() system call");
	else
		cb_doctor_add(d, "rights", "bpf()", CB_BLOCKED,
			      "run as root, or with CAP_BPF and CAP_PERFMON (CAP_SYS_ADMIN before kernel 5.8); in a "
			      "container, allow bpf in its seccomp profile",
			      "%s", strerror(err));
}

static void look_at_capabilities(struct cb_doctor *d)
{
	/* CAP_BPF and CAP_PERFMON came with kernel 5.8; CAP_SYS_ADMIN stands for both */
	static const struct {
		const char *name;
		unsigned bit;
		const char *advice;
	} wanted[] = {
		{"CAP_BPF", CAP_BPF, "loading programs needs it, or CAP_SYS_ADMIN"},
		{"CAP_PERFMON", CAP_PERFMON, "tracing needs it, or CAP_SYS_ADMIN"},
		{"CAP_NET_ADMIN", CAP_NET_ADMIN, "XDP, tc and socket programs need it"},
		{"CAP_SYS_ADMIN", CAP_SYS_ADMIN, "some program types, and kernels before 5.8, need it"},
	};
	unsigned long long effective = 0;
	char *status, *line;
	size_t len;

	if (cb_file_read("/proc/self/status", SMALL_FILE, &status, &len, NULL))
		return;
	line = strstr(status, "\nCapEff:");
	if (line)
		effective = strtoull(line + strlen("\nCapEff:"), NULL, 16);
	free(status);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		cb_doctor_add(d, "rights", wanted[i].name, effective >> wanted[i].bit & 1 ? CB_YES : CB_NO,
			      wanted[i].advice, "%s", "");
}

static void look_at_sysctl(struct cb_doctor *d, const char *name, const char *path)
{
	char value[32];

	if (read_line(path, value, sizeof(value)))
		cb_doctor_add(d, "rights", name, CB_FACT, NULL, "%s", value);
}

/* ---- What is installed ------------------------------------------------------------------------------------------ */

static void look_at_clang(struct cb_doctor *d)
{
	static const char advice[] = "sources need clang, 14 or later (Debian: apt install clang); objects run without";
	char path[PATH_MAX], version[512];
	struct cb_err err = {0};
	sigset_t mask;

	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	if (cb_clang_find(d->clang, path, sizeof(path), &err))
		cb_doctor_add(d, "installed", "clang", CB_NO, advice, "not found");
	else if (cb_clang_check(path, &mask, version, sizeof(version), &err))
		cb_doctor_add(d, "installed", "clang", CB_NO, advice, "%s", err.text);
	else
		cb_doctor_add(d, "installed", "clang", CB_YES, NULL, "%s: %s", path, version);
}

void cb_doctor_system(struct cb_doctor *d)
{
	struct utsname u;

	uname(&u);
	cb_doctor_add(d, "kernel", "release", CB_FACT, NULL, "%s %s", u.release, u.machine);
	look_at_btf(d);
	look_at_jit(d);
	look_at_lockdown(d);
	look_at_kallsyms(d);
	look_at_bpf_syscall(d);
	if (cb_doctor_state(d, "rights", "bpf()") == CB_YES)
		look_at_memlock(d);
	look_at_capabilities(d);
	look_at_sysctl(d, "unprivileged_bpf_disabled", "/proc/sys/kernel/unprivileged_bpf_disabled");
	look_at_sysctl(d, "perf_event_paranoid", "/proc/sys/kernel/perf_event_paranoid");
	cb_doctor_add(d, "installed", "coolbpf", CB_FACT, NULL, "%s", coolbpf_version());
	cb_doctor_add(d, "installed", "libbpf", CB_FACT, NULL, "%s", libbpf_version_string());
	look_at_clang(d);
}
