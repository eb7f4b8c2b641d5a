// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * hooks.c - does this kernel have that hook?
 *
 * Asked by trying, not by version: vendor kernels backport, and configuration and lockdown take away. A probe event is
 * opened and closed without being enabled; a trace point is looked up where the kernel lists it; for hooks that need a
 * program (fentry, LSM, tp_btf, raw tracepoints, iterators) a program of a few instructions is loaded. Attaching it too
 * would tell a little more, but to take it off again the kernel waits until every CPU has left it, tens of milliseconds.
 * So that is done once per handle, for fentry and its kin, which some kernels load and then refuse to attach.
 */
#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "btf/bytes.h"
#include "btf/kernel.h"
#include "runtime/links.h"

struct cb_hooks {
	struct cb_btf_bytes bytes; /* the kernel's BTF, opened when first needed; libbpf would copy all of it */
	struct cb_btf_view btf;
	int btf_err;	  /* 1 not asked yet */
	int kprobe_pmu;	  /* its perf type; 0 not asked yet, negative: none */
	bool trampolines; /* a program was attached to a function: this kernel can */
};

void cb_hooks_free(struct cb_hooks *h)
{
	if (!h)
		return;
	cb_btf_bytes_close(&h->bytes);
	free(h);
}

static struct cb_hooks *hooks_of(struct coolbpf *cb)
{
	if (!cb->hooks) {
		cb->hooks = calloc(1, sizeof(*cb->hooks));
		if (cb->hooks)
			cb->hooks->btf_err = 1;
	}
	return cb->hooks;
}

const char *cb_tracefs(void)
{
	if (!access("/sys/kernel/tracing/events", F_OK))
		return "/sys/kernel/tracing";
	if (!access("/sys/kernel/debug/tracing/events", F_OK))
		return "/sys/kernel/debug/tracing";
	return NULL;
}

/* 0, -ENOMEM, or -ENOENT for whatever is the matter with it. */
static int kernel_btf(struct coolbpf *cb, const struct cb_btf_view **btf, struct cb_err *why)
{
	struct cb_hooks *h = hooks_of(cb);

	if (!h)
		return cb_fail(why, ENOMEM, "out of memory");
	if (h->btf_err > 0) {
		h->btf_err = cb_btf_bytes_open(cb_btf_kernel_path(cb->btf_path), &h->bytes, why);
		if (!h->btf_err)
			h->btf_err = cb_btf_view(h->bytes.data, h->bytes.size, &h->btf, why);
	}
	*btf = &h->btf;
	if (h->btf_err && !*why->text)
		cb_fail(why, ENOENT, "no BTF of this kernel");
	return h->btf_err && h->btf_err != -ENOMEM ? -ENOENT : h->btf_err;
}

/* Two instructions: r0 = 0; exit. */
static int load_tiny(enum bpf_prog_type type, enum bpf_attach_type attach, uint32_t btf_id)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach, .attach_btf_id = btf_id);

	return bpf_prog_load(type, "cb_probe", "GPL", insns, 2, &opts);
}

int cb_bpf_allowed(void)
{
	int fd = load_tiny(BPF_PROG_TYPE_TRACEPOINT, 0, 0);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* Is there a BTF type of this name; its id. */
static int find_type(struct coolbpf *cb, const char *prefix, const char *name, unsigned kind, struct cb_err *why)
{
	const struct cb_btf_view *btf = NULL;
	char full[256];
	int id = kernel_btf(cb, &btf, why);

	if (id)
		return id;
	snprintf(full, sizeof(full), "%s%s", prefix, name);
	id = cb_btf_find(btf, full, (int)kind);
	return id > 0 ? id : cb_fail(why, ENOENT, "this kernel's BTF has no %s", full);
}

/* The same in the BTF of the modules that are loaded: one file beside the kernel's for each (since 5.11), which libbpf
 * puts together with the kernel's. Asked only about what the kernel itself does not have. */
static bool module_has_type(struct coolbpf *cb, const char *prefix, const char *name, unsigned kind)
{
	struct btf *base = NULL;
	bool found = false;
	char full[256];
	glob_t g;

	if (glob("/sys/kernel/btf/*", 0, NULL, &g))
		return false;
	snprintf(full, sizeof(full), "%s%s", prefix, name);
	cb_listen(cb);
	for (size_t i = 0; !found && i < g.gl_pathc; i++) {
		struct btf *module;

		if (cb_btf_kernel_is_running(g.gl_pathv[i]) || (!base && !(base = btf__load_vmlinux_btf())))
			continue;
		module = btf__parse_split(g.gl_pathv[i], base);
		found = module && btf__find_by_name_kind(module, full, kind) > 0;
		btf__free(module);
	}
	cb_listen(NULL);
	btf__free(base);
	globfree(&g);
	return found;
}

/* Load for the type id; once, attach for a moment. */
static int try_trace(struct coolbpf *cb, enum bpf_prog_type type, enum bpf_attach_type attach, int id, bool trampoline,
		     struct cb_err *why)
{
	struct cb_hooks *h = hooks_of(cb);
	int prog, link, err = 0;

	prog = load_tiny(type, attach, (uint32_t)id);
	if (prog < 0)
		return cb_fail(why, -prog, "a program for it is refused at load: %s", strerror(-prog));
	if (trampoline && h && !h->trampolines) {
		link = bpf_raw_tracepoint_open(NULL, prog);
		if (link < 0)
			err = cb_fail(why, -link, "this kernel refuses to attach: %s",
				      link == -CB_ENOTSUPP ? "it does not support that" : strerror(-link));
		else
			close(link);
		h->trampolines = !err;
	}
	close(prog);
	return err;
}

static int probe_trace(struct coolbpf *cb, const char *kind, const char *target, struct cb_err *why)
{
	static const struct {
		const char *kind;
		const char *prefix; /* of the type's name in the kernel's BTF */
		unsigned btf_kind;
		enum bpf_prog_type type;
		enum bpf_attach_type attach;
		bool trampoline; /* attached by rewriting the function's first instructions */
	} rows[] = {
		{"tp_btf", "btf_trace_", BTF_KIND_TYPEDEF, BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, false},
		{"fentry", "", BTF_KIND_FUNC, BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, true},
		{"fexit", "", BTF_KIND_FUNC, BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, true},
		{"fmod_ret", "", BTF_KIND_FUNC, BPF_PROG_TYPE_TRACING, BPF_MODIFY_RETURN, true},
		{"lsm", "bpf_lsm_", BTF_KIND_FUNC, BPF_PROG_TYPE_LSM, BPF_LSM_MAC, true},
		{"iter", "bpf_iter_", BTF_KIND_FUNC, BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, false},
	};
	size_t n = strcspn(kind, "."); /* fentry.s is fentry */

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int id;

		if (strlen(rows[i].kind) != n || strncmp(kind, rows[i].kind, n))
			continue;
		id = find_type(cb, rows[i].prefix, target, rows[i].btf_kind, why);
		if (id == -ENOENT && module_has_type(cb, rows[i].prefix, target, rows[i].btf_kind))
			return 0;
		if (id < 0)
			return id;
		return try_trace(cb, rows[i].type, rows[i].attach, id, rows[i].trampoline, why);
	}
	return 0;
}

/* A program that writes far behind what any trace point lets a program write (kernel 5.2 has such trace points): opening
 * it finds the trace point, then says EINVAL, and nothing was attached. -EOPNOTSUPP: it cannot be asked that way. */
static int ask_raw_tracepoint(const char *target)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_1},
		{.code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_1, .off = 0x7ff8},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int prog = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, "cb_probe", "GPL", insns, 4, NULL);
	int link = prog < 0 ? prog : bpf_raw_tracepoint_open(target, prog);

	if (prog >= 0)
		close(prog);
	if (link >= 0)
		close(link);
	if (prog < 0 || (link < 0 && link != -ENOENT && link != -EINVAL))
		return -EOPNOTSUPP;
	return link == -ENOENT ? -ENOENT : 0;
}

static int probe_raw_tracepoint(const char *target, struct cb_err *why)
{
	int known = ask_raw_tracepoint(target);
	int prog = load_tiny(BPF_PROG_TYPE_RAW_TRACEPOINT, 0, 0), link;

	if (prog < 0)
		return cb_fail(why, -prog, "this kernel refuses raw tracepoint programs: %s", strerror(-prog));
	link = known == -EOPNOTSUPP ? bpf_raw_tracepoint_open(target, prog) : known;
	close(prog);
	if (link < 0)
		return cb_fail(why, -link, "this kernel has no such trace point: %s", strerror(-link));
	if (link > 0)
		close(link);
	return 0;
}

static int probe_tracepoint(const char *target, struct cb_err *why)
{
	const char *tracefs = cb_tracefs();
	char path[PATH_MAX];

	if (!tracefs)
		return cb_fail(why, ENOENT, "tracefs is not mounted");
	snprintf(path, sizeof(path), "%s/events/%s/id", tracefs, target);
	return access(path, F_OK) ? cb_fail(why, ENOENT, "this kernel has no such tracepoint") : 0;
}

static int read_number(const char *path)
{
	char *text;
	size_t len;
	int v;

	if (cb_file_read(path, 4096, &text, &len, NULL))
		return -ENOENT;
	v = atoi(text);
	free(text);
	return v;
}

/* Is the function in /proc/kallsyms? For kernels before 4.17, where perf cannot make probes. */
static int find_kallsyms(const char *function, struct cb_err *why)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[512], name[256], type;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %c %255s", &type, name) == 2 && (type == 't' || type == 'T') &&
		    !strcmp(name, function)) {
			fclose(f);
			return 0;
		}
	if (f)
		fclose(f);
	return cb_fail(why, ENOENT, "this kernel has no function of that name");
}

static int probe_kprobe(struct coolbpf *cb, const char *target, struct cb_err *why)
{
	struct perf_event_attr attr = {.size = sizeof(attr)};
	char function[256], path[64];
	struct cb_hooks *h = hooks_of(cb);
	int fd;

	if (!h)
		return cb_fail(why, ENOMEM, "out of memory");
	snprintf(function, sizeof(function), "%.*s", (int)strcspn(target, "+"), target);
	if (!h->kprobe_pmu)
		h->kprobe_pmu = read_number("/sys/bus/event_source/devices/kprobe/type");
	if (h->kprobe_pmu <= 0) {
		snprintf(path, sizeof(path), "%s/kprobe_events", cb_tracefs() ? cb_tracefs() : "");
		if (access(path, F_OK))
			return cb_fail(why, EOPNOTSUPP, "this kernel has no kprobes");
		return find_kallsyms(function, why);
	}
	attr.type = (uint32_t)h->kprobe_pmu;
	attr.config1 = (uint64_t)(uintptr_t)function; /* attr.kprobe_func */
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0) {
		int err = errno;

		if (err == ENOENT || err == EADDRNOTAVAIL || err == EINVAL)
			return cb_fail(why, err, "this kernel has no function of that name that can be probed");
		return cb_fail(why, err, "a kprobe there is refused: %s", strerror(err));
	}
	close(fd);
	return 0;
}

/* BINARY:FUNCTION[+OFFSET], BINARY:OFFSET, or for USDT BINARY:PROVIDER:NAME; options behind a comma do not matter here. */
static int probe_user(const char *target, bool usdt, struct cb_err *why)
{
	char *words = strdup(target), *name, *provider = NULL, path[PATH_MAX];
	int err = 0;

	if (!words)
		return cb_fail(why, ENOMEM, "out of memory");
	words[strcspn(words, ",")] = '\0';
	name = strrchr(words, ':');
	if (name)
		*name++ = '\0';
	if (usdt && (provider = strrchr(words, ':')))
		*provider++ = '\0';
	if (!name || (usdt && !provider)) {
		err = cb_fail(why, EINVAL, "it is not BINARY:%s", usdt ? "PROVIDER:NAME" : "FUNCTION");
	} else if (cb_find_binary(words, path, sizeof(path))) {
		err = cb_fail(why, ENOENT, "there is no binary or library %s", words);
	} else {
		if (!usdt)
			name[strcspn(name, "+")] = '\0';
		if (!isdigit((unsigned char)*name) && !cb_binary_has(path, provider, name))
			err = cb_fail(why, ENOENT, "%s has no %s %s", path, usdt ? "USDT probe" : "function", name);
	}
	free(words);
	return err;
}

static int probe_perf(struct coolbpf *cb, const char *target, struct cb_err *why)
{
	char *words = strdup(target);
	int err = words ? cb_perf_probe(cb, words, why) : cb_fail(why, ENOMEM, "out of memory");

	free(words);
	return err;
}

int cb_hook_probe(struct coolbpf *cb, const char *kind, const char *target, struct cb_err *why)
{
	if (strstr(kind, ".multi")) {
		int err = probe_kprobe(cb, "do_exit", why);
		int prog;

		if (err)
			return err;
		prog = load_tiny(BPF_PROG_TYPE_KPROBE, BPF_TRACE_KPROBE_MULTI, 0);
		if (prog >= 0) {
			const char *sym = "do_exit";
			LIBBPF_OPTS(bpf_link_create_opts, opts, .kprobe_multi.syms = &sym, .kprobe_multi.cnt = 1);
			int link = bpf_link_create(prog, 0, BPF_TRACE_KPROBE_MULTI, &opts);

			close(prog);
			if (link < 0)
				return cb_fail(why, -link, "this kernel has no kprobe.multi: %s", strerror(-link));
			close(link);
			return 0;
		}
		return cb_fail(why, -prog, "this kernel refuses kprobe programs: %s", strerror(-prog));
	}
	if (!strcmp(kind, "kprobe") || !strcmp(kind, "kretprobe"))
		return probe_kprobe(cb, target, why);
	if (!strcmp(kind, "ksyscall") || !strcmp(kind, "kretsyscall"))
		return probe_kprobe(cb, "do_exit", why);
	if (!strncmp(kind, "raw_t", 5))
		return probe_raw_tracepoint(target, why);
	if (!strcmp(kind, "tp") || !strcmp(kind, "tracepoint"))
		return probe_tracepoint(target, why);
	if (!strncmp(kind, "uprobe", 6) || !strncmp(kind, "uretprobe", 9) || !strcmp(kind, "usdt"))
		return probe_user(target, !strcmp(kind, "usdt"), why);
	if (!strcmp(kind, "perf_event"))
		return probe_perf(cb, target, why);
	return probe_trace(cb, kind, target, why);
}
