// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * doctor_bpf.c - what bpf() offers on this kernel, found out by trying: types and helpers by loading programs of a few
 * instructions and making maps of one entry, hooks with the runtime's own probes, so that the answer is the one a tool
 * will get.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "runtime/runtime.h"

/* ---- Hooks ------------------------------------------------------------------------------------------------------ */

#define ADVICE_KPROBE                                                                                                  \
	"the kernel needs CONFIG_KPROBES and CONFIG_KPROBE_EVENTS; tools with alternatives use other hooks"
#define ADVICE_EPERM                                                                                                   \
	"a security policy of this machine (lockdown, another security module), or missing rights, forbid it"
#define ADVICE_FENTRY                                                                                                  \
	"the kernel needs CONFIG_DEBUG_INFO_BTF and CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS; tools with alternatives " \
	"use kprobes or tracepoints"

struct hook {
	const char *name;
	const char *kind, *target; /* for the runtime's probe; on each kernel that has the kind there is this target */
	const char *advice;
};

static const struct hook hooks[] = {
	{"kprobe", "kprobe", "do_exit", ADVICE_KPROBE},
	{"kprobe.multi", "kprobe.multi", "do_exit", "kernel 5.18 brought it; it needs CONFIG_FPROBE"},
	{"tracepoint", "tracepoint", "sched/sched_process_exec", "mount -t tracefs tracefs /sys/kernel/tracing"},
	{"raw_tracepoint", "raw_tracepoint", "sched_process_exec", "kernel 4.17 brought it"},
	{"tp_btf", "tp_btf", "sched_process_exec", "kernel 5.5 brought it; it needs the kernel's BTF"},
	{"fentry", "fentry", "bpf_fentry_test1", ADVICE_FENTRY},
	{"fexit", "fexit", "bpf_fentry_test1", ADVICE_FENTRY},
	{"fmod_ret", "fmod_ret", "security_file_open", ADVICE_FENTRY},
	{"lsm", "lsm", "file_open", "the kernel needs CONFIG_BPF_LSM, and bpf in the boot parameter lsm="},
	{"iter", "iter", "task", "kernel 5.8 brought it; it needs the kernel's BTF"},
};

static void probe_hooks(struct cb_doctor *d)
{
	for (size_t i = 0; i < sizeof(hooks) / sizeof(*hooks); i++) {
		const struct hook *h = &hooks[i];
		struct cb_err why = {0};
		int err = cb_hook_probe(d->cb, h->kind, h->target, &why);

		cb_doctor_add(d, CB_DOCTOR_HOOKS, h->name, err ? CB_NO : CB_YES,
			      err == -EPERM ? ADVICE_EPERM : h->advice, "%s", err ? why.text : "");
	}
}

/* Programs of the LSM type load and attach, but are never called, where bpf is not among the active modules. */
static void probe_active_lsm(struct cb_doctor *d)
{
	char line[512];

	if (!cb_doctor_security_file("lsm", line, sizeof(line)))
		cb_doctor_add(d, CB_DOCTOR_HOOKS, "lsm active", CB_UNKNOWN,
			      "mount -t securityfs securityfs /sys/kernel/security shows which modules are active",
			      "there is no /sys/kernel/security/lsm");
	else
		cb_doctor_add(d, CB_DOCTOR_HOOKS, "lsm active", strstr(line, "bpf") ? CB_YES : CB_NO,
			      "add bpf to the boot parameter lsm=", "%s", line);
}

static void probe_uprobe(struct cb_doctor *d)
{
	bool there = !access("/sys/bus/event_source/devices/uprobe", F_OK);

	if (!there && cb_tracefs()) {
		char path[128];

		snprintf(path, sizeof(path), "%s/uprobe_events", cb_tracefs());
		there = !access(path, F_OK);
	}
	cb_doctor_add(d, CB_DOCTOR_HOOKS, "uprobe", there ? CB_YES : CB_NO, "the kernel needs CONFIG_UPROBE_EVENTS",
		      "%s", there ? "" : "this kernel has no uprobes");
}

/* Counting this process is enough to see whether the event exists; nothing is enabled. */
static void probe_perf(struct cb_doctor *d, const char *name, unsigned type, unsigned config, const char *advice)
{
	struct perf_event_attr attr = {.type = type, .size = sizeof(attr), .config = config, .disabled = 1};
	int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0 && errno == EACCES)
		advice = "sysctl kernel.perf_event_paranoid=1, or run with CAP_PERFMON";
	cb_doctor_add(d, CB_DOCTOR_HOOKS, name, fd >= 0 ? CB_YES : CB_NO, advice, "%s",
		      fd >= 0		? ""
		      : errno == ENOENT ? "this machine has none"
					: strerror(errno));
	if (fd >= 0)
		close(fd);
}

static void probe_mount(struct cb_doctor *d, const char *name, const char *type, const char *advice)
{
	char path[256];
	bool there = cb_doctor_mounted(type, path, sizeof(path));

	cb_doctor_add(d, CB_DOCTOR_HOOKS, name, there ? CB_YES : CB_NO, advice, "%s", there ? path : "not mounted");
}

/* ---- Types and helpers ------------------------------------------------------------------------------------------ */

/* libbpf's probes of these types wait for one wording of the verifier's complaint, which has changed. A hook that works
 * is the better proof. */
static bool proved_by_hook(const struct cb_doctor *d, enum bpf_prog_type type)
{
	if (type == BPF_PROG_TYPE_TRACING)
		return cb_doctor_state(d, CB_DOCTOR_HOOKS, "tp_btf") == CB_YES ||
		       cb_doctor_state(d, CB_DOCTOR_HOOKS, "fentry") == CB_YES;
	if (type == BPF_PROG_TYPE_LSM)
		return cb_doctor_state(d, CB_DOCTOR_HOOKS, "lsm") == CB_YES;
	return false;
}

/* Where nothing may be loaded, a refusal says nothing about the type. */
static enum cb_state state_of(const struct cb_doctor *d, int probed)
{
	bool allowed = cb_doctor_state(d, "rights", "bpf()") == CB_YES;

	return probed > 0 ? CB_YES : !probed && allowed ? CB_NO : CB_UNKNOWN;
}

static void probe_types(struct cb_doctor *d)
{
	const char *name;

	for (int t = BPF_PROG_TYPE_UNSPEC + 1; (name = libbpf_bpf_prog_type_str(t)); t++) {
		enum cb_state state = proved_by_hook(d, t) ? CB_YES : state_of(d, libbpf_probe_bpf_prog_type(t, NULL));

		cb_doctor_add(d, CB_DOCTOR_PROGRAMS, name, state, NULL, "%s", "");
	}
	for (int t = BPF_MAP_TYPE_UNSPEC + 1; (name = libbpf_bpf_map_type_str(t)); t++)
		cb_doctor_add(d, CB_DOCTOR_MAPS, name, state_of(d, libbpf_probe_bpf_map_type(t, NULL)), NULL, "%s", "");
}

static const struct {
	const char *name;
	enum bpf_func_id id;
} helpers[] = {
	{"probe_read", BPF_FUNC_probe_read},
	{"probe_read_kernel", BPF_FUNC_probe_read_kernel},
	{"probe_read_user_str", BPF_FUNC_probe_read_user_str},
	{"perf_event_output", BPF_FUNC_perf_event_output},
	{"ringbuf_reserve", BPF_FUNC_ringbuf_reserve},
	{"get_stackid", BPF_FUNC_get_stackid},
	{"get_stack", BPF_FUNC_get_stack},
	{"get_current_task_btf", BPF_FUNC_get_current_task_btf},
	{"get_current_cgroup_id", BPF_FUNC_get_current_cgroup_id},
	{"ktime_get_boot_ns", BPF_FUNC_ktime_get_boot_ns},
	{"send_signal", BPF_FUNC_send_signal},
	{"for_each_map_elem", BPF_FUNC_for_each_map_elem},
	{"loop", BPF_FUNC_loop},
	{"timer_init", BPF_FUNC_timer_init},
	{"task_storage_get", BPF_FUNC_task_storage_get},
	{"snprintf", BPF_FUNC_snprintf},
	{"strncmp", BPF_FUNC_strncmp},
	{"map_lookup_percpu_elem", BPF_FUNC_map_lookup_percpu_elem},
	{"probe_write_user", BPF_FUNC_probe_write_user},
};

/* Load a tracepoint program that calls the helper without arguments. A kernel that has it complains about those; one that
 * has not, or does not give it to this type, says so first. (libbpf's probe does not know the wording of newer kernels.) */
static enum cb_state probe_helper(enum bpf_func_id id)
{
	static const char *const refusals[] = {"invalid func", "unknown func", "cannot use helper", "cannot call"};
	const struct bpf_insn insns[] = {
		{.code = BPF_JMP | BPF_CALL, .imm = (int)id},
		{.code = BPF_JMP | BPF_EXIT},
	};
	char log[4096] = "";
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_buf = log, .log_size = sizeof(log), .log_level = 1);
	int fd = bpf_prog_load(BPF_PROG_TYPE_TRACEPOINT, "cb_helper", "GPL", insns, 2, &opts);

	if (fd >= 0) {
		close(fd);
		return CB_YES;
	}
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
		if (strstr(log, refusals[i]))
			return CB_NO;
	return *log ? CB_YES : CB_UNKNOWN;
}

void cb_doctor_bpf(struct cb_doctor *d)
{
	probe_hooks(d);
	probe_active_lsm(d);
	probe_uprobe(d);
	probe_perf(d, "perf software", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK,
		   "the kernel needs CONFIG_PERF_EVENTS");
	probe_perf(d, "perf hardware", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES,
		   "no counters, as in most virtual machines: sample by cpu-clock");
	probe_mount(d, "cgroup2", "cgroup2", "mount -t cgroup2 none /sys/fs/cgroup/unified (after mkdir)");
	probe_types(d);
	for (size_t i = 0; i < sizeof(helpers) / sizeof(*helpers); i++)
		cb_doctor_add(d, CB_DOCTOR_HELPERS, helpers[i].name, probe_helper(helpers[i].id), NULL, "%s", "");
}
