// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * load.c - load, and what a refusal means.
 *
 * libbpf's warnings of the load are collected; from them comes the sentence: the verifier's last lines with the source
 * line they belong to, or the map or relocation that failed, or the right that is missing.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/lineinfo.h"
#include "runtime/runtime.h"

enum { LOG_LINES = 12 }; /* of the verifier's, shown to people */

/* Has this process what bpf() asks for? Otherwise it was for want of rights that the kernel said no. */
static bool has_rights(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};
	uint64_t caps;

	if (syscall(SYS_capget, &head, data))
		return false;
	caps = data[0].effective | (uint64_t)data[1].effective << 32;
	return caps & 1ULL << CAP_SYS_ADMIN || (caps & 1ULL << CAP_BPF && caps & 1ULL << CAP_PERFMON);
}

const char *cb_bpf_hint(int err)
{
	if (err == ENOSYS)
		return "; this kernel has no eBPF: it has no bpf() system call";
	if (err == CB_ENOTSUPP)
		return "; by that number the kernel means that it does not support this";
	if (err != EPERM)
		return "";
	if (has_rights())
		return "; not for want of rights: a security policy of this machine forbids it (kernel lockdown, "
		       "another security module); coolbpf doctor tells more";
	return "; it takes root, or the capabilities CAP_BPF, CAP_PERFMON (tracing) and CAP_NET_ADMIN (networks); "
	       "coolbpf doctor tells more";
}

/* The program that libbpf speaks of: the one in its last "prog 'NAME': ...". NULL: of none. */
static const struct cb_prog *prog_named(const struct coolbpf *cb, const char *said)
{
	const struct cb_prog *found = NULL;
	static const char start[] = "libbpf: prog '";

	for (const char *p = said; (p = strstr(p, start));) {
		p += sizeof(start) - 1;
		for (size_t i = 0; i < cb->nprogs; i++) {
			size_t n = strlen(cb->progs[i].name);

			if (!strncmp(p, cb->progs[i].name, n) && p[n] == '\'')
				found = &cb->progs[i];
		}
	}
	return found;
}

/* The verifier's log in what libbpf said, cut off there; NULL without one. */
static char *verifier_log(char *said)
{
	static const char begin[] = "-- BEGIN PROG LOAD LOG --\n", end[] = "-- END PROG LOAD LOG --";
	char *log = strstr(said, begin), *stop;

	if (!log)
		return NULL;
	log += sizeof(begin) - 1;
	stop = strstr(log, end);
	if (stop)
		*stop = '\0';
	return log;
}

/* Statistics that close every log and explain nothing. */
static bool is_statistics(const char *line)
{
	static const char *const starts[] = {"processed ", "verification time ", "stack depth ", "peak_states",
					     "mark_read"};

	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++)
		if (!strncmp(line, starts[i], strlen(starts[i])))
			return true;
	return !*line;
}

/* The last source line that the log shows ("; text @ file:line" since 6.8, "; text" before), as FILE:LINE: TEXT. */
static void add_source_line(struct coolbpf *cb, char *const *lines, size_t n)
{
	while (n--) {
		const char *text = lines[n], *at;
		char where[512];

		if (strncmp(text, "; ", 2))
			continue;
		text += 2;
		at = NULL;
		for (const char *p = text; (p = strstr(p, " @ ")); p++)
			at = p;
		if (at) {
			cb_fail_more(&cb->err, 0, "\n%s: %.*s", at + 3, (int)(at - text), text);
		} else if (!cb_lineinfo_find(cb, text, where, sizeof(where))) {
			cb_fail_more(&cb->err, 0, "\n%s: %s", where, text);
		} else {
			cb_fail_more(&cb->err, 0, "\n%s", text);
		}
		return;
	}
}

static void add_verifier_log(struct coolbpf *cb, char *log)
{
	size_t n = 0, cap = 0;
	char **lines = NULL, *save = NULL;

	for (char *l = strtok_r(log, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		if (is_statistics(l))
			continue;
		if (n == cap) {
			char **bigger = realloc(lines, (cap = cap ? cap * 2 : 64) * sizeof(*lines));

			if (!bigger)
				break;
			lines = bigger;
		}
		lines[n++] = l;
	}
	add_source_line(cb, lines, n);
	for (size_t i = n > LOG_LINES ? n - LOG_LINES : 0; i < n; i++)
		cb_fail_more(&cb->err, 0, "\n  %s", lines[i]);
	free(lines);
}

/* What libbpf said, without its prefix; for failures other than the verifier's. Left out: how the kernel checked the
 * object's BTF, which it can do without, and lines that only repeat that something failed. */
static void add_said(struct coolbpf *cb, char *said)
{
	static const char *const noise[] = {"failed to load", "BTF loading error", "Error loading .BTF",
					    "failed to prepare"};
	bool in_btf_log = false;
	char *save = NULL;

	for (char *l = strtok_r(said, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		bool skip = in_btf_log;

		if (strstr(l, "-- BEGIN BTF LOAD LOG --"))
			in_btf_log = skip = true;
		else if (strstr(l, "-- END BTF LOAD LOG --"))
			in_btf_log = false;
		for (size_t i = 0; i < sizeof(noise) / sizeof(*noise); i++)
			skip = skip || strstr(l, noise[i]);
		if (!skip)
			cb_fail_more(&cb->err, 0, "\n  %s", strncmp(l, "libbpf: ", 8) ? l : l + 8);
	}
}

/* A hook that is part of the load (fentry, tp_btf, ...) and that this kernel has not. */
static bool has_no_hook(struct coolbpf *cb, const struct cb_prog *p, struct cb_err *why)
{
	const char *rest;
	const struct cb_kind *k = cb_kind_of(p->section, &rest);
	char *target = k && cb_kind_target_at_load(k) ? cb_target_of(cb, (size_t)(p - cb->progs)) : NULL;
	bool lacking = target && *target && cb_hook_probe(cb, cb_kind_name(k), target, why) == -ENOENT;

	free(target);
	return lacking;
}

static int refused(struct coolbpf *cb, int err)
{
	char *said = (char *)cb_buf_cstr(&cb->libbpf_said);
	const struct cb_prog *prog = prog_named(cb, said);
	char *log = verifier_log(said);
	struct cb_err why = {0};

	if (prog && (err == ESRCH || err == ENOENT) && has_no_hook(cb, prog, &why))
		return cb_fail(&cb->err, err, "cannot load program %s (%s): %s", prog->name, prog->section, why.text);
	if (prog && log && *log) {
		cb_fail(&cb->err, err, "the kernel's verifier refuses program %s (%s): %s", prog->name, prog->section,
			strerror(err));
		add_verifier_log(cb, log);
	} else if (prog) {
		cb_fail(&cb->err, err, "cannot load program %s (%s): %s%s", prog->name, prog->section, strerror(err),
			cb_bpf_hint(err));
	} else {
		cb_fail(&cb->err, err, "cannot load %s: %s%s", coolbpf_name(cb), strerror(err), cb_bpf_hint(err));
	}
	if (err != EPERM && !(prog && log && *log))
		add_said(cb, said);
	return -err;
}

/* Asked before all else: everything else fails then, too, for reasons that lead people astray (no BTF, no ring buffers). */
static bool has_no_bpf(void)
{
	return syscall(SYS_bpf, -1, NULL, 0) < 0 && errno == ENOSYS;
}

int coolbpf_load(struct coolbpf *cb)
{
	int err;

	if (!cb->obj)
		return cb_fail(&cb->err, EINVAL,
			       "nothing has been opened: an open function comes before coolbpf_load()");
	if (cb->loaded)
		return cb_fail(&cb->err, EBUSY, "%s is already loaded", coolbpf_name(cb));
	if (has_no_bpf())
		return cb_fail(&cb->err, ENOSYS, "cannot load %s: this kernel has no eBPF: it has no bpf() system call",
			       coolbpf_name(cb));
	if (cb->btf_err)
		return cb_fail(&cb->err, -cb->btf_err, "cannot load %s: %s", coolbpf_name(cb), cb->btf_why.text);
	err = cb_choose_hooks(cb);
	if (!err)
		err = cb_events_prepare(cb);
	if (err)
		return err;
	cb_hooks_free(cb->hooks); /* the kernel's BTF is large */
	cb->hooks = NULL;
	cb_listen(cb);
	err = bpf_object__load(cb->obj);
	cb_listen(NULL);
	if (err)
		return refused(cb, -err);
	err = cb_events_open(cb);
	if (err)
		cb_events_close(cb);
	cb->loaded = !err;
	return err;
}
