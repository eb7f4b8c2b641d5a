// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * target.c - where a program goes, in words: the rest of its section name, LBC_ATTACH, or what the caller gives.
 *
 * A table has one row for each kind of section. A row's function takes the words apart and calls the way of attaching in
 * links.c. Words are TARGET[,option=value...]; $name in them stands for a parameter's value and was replaced before.
 */
#include "runtime/links.h"
#include "runtime/runtime.h"

#include <ctype.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"

typedef int attach_fn(struct coolbpf *cb, size_t i, char *target);

struct cb_kind {
	const char *prefix; /* the section's name up to the first '/' */
	attach_fn *attach;
	bool target_at_load;
};

static void reverse(char *p, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		char c = p[i];

		p[i] = p[n - 1 - i];
		p[n - 1 - i] = c;
	}
}

/* Cut ",name=value" (or ",name") off the target; returns the value ("" without one), or NULL when it is not there. */
static char *take_option(char *target, const char *name)
{
	size_t n = strlen(name);

	for (char *p = strchr(target, ','); p; p = strchr(p + 1, ',')) {
		size_t len = 1 + strcspn(p + 1, ","), rest = strlen(p + len);

		if (strncmp(p + 1, name, n) || (p[1 + n] && p[1 + n] != '=' && p[1 + n] != ','))
			continue;
		/* the option moves to the end, so that its value may be cut off there; the comma makes room for a zero */
		reverse(p, len);
		reverse(p + len, rest);
		reverse(p, len + rest);
		p[rest] = '\0';
		return p + rest + 1 + n + (p[rest + 1 + n] == '=');
	}
	return NULL;
}

/* *out stays as it is without the option. */
static int take_number(struct coolbpf *cb, char *target, const char *name, uint64_t max, uint64_t *out)
{
	const char *text = take_option(target, name);
	struct cb_number n;

	if (!text)
		return 0;
	if (cb_parse_number(text, &n) || n.negative)
		return cb_fail(&cb->err, EINVAL, "%s=%s is not a number", name, text);
	if (n.magnitude > max)
		return cb_fail(&cb->err, ERANGE, "%s=%s is more than %llu", name, text, (unsigned long long)max);
	*out = n.magnitude;
	return 0;
}

static int take_pid(struct coolbpf *cb, char *target, pid_t *pid)
{
	uint64_t v = 0;
	int err = take_number(cb, target, "pid", INT32_MAX, &v);

	/* "pid=0", what "$pid" gives for a parameter that is not set, means every process */
	*pid = v ? (pid_t)v : -1;
	return err;
}

/* "name+0x12" -> offset; cuts it off. */
static int split_offset(struct coolbpf *cb, char *name, uint64_t *offset)
{
	char *plus = strrchr(name, '+');
	struct cb_number n;

	*offset = 0;
	if (!plus)
		return 0;
	if (cb_parse_number(plus + 1, &n) || n.negative)
		return cb_fail(&cb->err, EINVAL, "%s: the offset behind + is not a number", name);
	*plus = '\0';
	*offset = n.magnitude;
	return 0;
}

static int attach_kprobe(struct coolbpf *cb, size_t i, char *target)
{
	uint64_t offset;
	int err = split_offset(cb, target, &offset);

	return err ? err : cb_attach_kprobe(cb, i, target, offset, !strncmp(cb->progs[i].section, "kret", 4));
}

static int attach_kprobe_multi(struct coolbpf *cb, size_t i, char *target)
{
	return cb_attach_kprobe_multi(cb, i, target, !strncmp(cb->progs[i].section, "kret", 4));
}

static int attach_ksyscall(struct coolbpf *cb, size_t i, char *target)
{
	return cb_attach_ksyscall(cb, i, target, !strncmp(cb->progs[i].section, "kret", 4));
}

/* BINARY:FUNCTION[+OFFSET], BINARY:OFFSET; the binary may hold colons, so the last one counts */
static int attach_uprobe(struct coolbpf *cb, size_t i, char *target)
{
	struct cb_number n;
	uint64_t offset;
	char *colon;
	pid_t pid;
	int err = take_pid(cb, target, &pid);
	bool ret = !strncmp(cb->progs[i].section, "uret", 4);

	if (err)
		return err;
	colon = strrchr(target, ':');
	if (!colon || colon == target || !colon[1])
		return cb_fail(&cb->err, EINVAL, "\"%s\" is not BINARY:FUNCTION or BINARY:OFFSET", target);
	*colon++ = '\0';
	if (!cb_parse_number(colon, &n) && !n.negative)
		return cb_attach_uprobe(cb, i, target, NULL, n.magnitude, pid, ret);
	err = split_offset(cb, colon, &offset);
	return err ? err : cb_attach_uprobe(cb, i, target, colon, offset, pid, ret);
}

/* BINARY:PROVIDER:NAME */
static int attach_usdt(struct coolbpf *cb, size_t i, char *target)
{
	char *name, *provider;
	pid_t pid;
	int err = take_pid(cb, target, &pid);

	if (err)
		return err;
	name = strrchr(target, ':');
	if (name)
		*name++ = '\0';
	provider = name ? strrchr(target, ':') : NULL;
	if (!provider || !*target || provider == target)
		return cb_fail(&cb->err, EINVAL, "a USDT target is BINARY:PROVIDER:NAME");
	*provider++ = '\0';
	return cb_attach_usdt(cb, i, target, provider, name, pid);
}

static int attach_tracepoint(struct coolbpf *cb, size_t i, char *target)
{
	char *slash = strchr(target, '/');

	if (!slash)
		slash = strchr(target, ':');
	if (!slash)
		return cb_fail(&cb->err, EINVAL, "\"%s\" is not CATEGORY/NAME", target);
	*slash = '\0';
	return cb_attach_tracepoint(cb, i, target, slash + 1);
}

static int attach_raw_tracepoint(struct coolbpf *cb, size_t i, char *target)
{
	return cb_attach_raw_tracepoint(cb, i, target);
}

static int attach_trace(struct coolbpf *cb, size_t i, char *target)
{
	return cb_attach_trace(cb, i);
}

static int attach_iter(struct coolbpf *cb, size_t i, char *target)
{
	return cb_attach_iter(cb, i);
}

static const struct {
	const char *name;
	uint32_t type;
	uint64_t config;
} perf_names[] = {
	{"cpu-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK},
	{"task-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK},
	{"page-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS},
	{"minor-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MIN},
	{"major-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MAJ},
	{"context-switches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES},
	{"cpu-migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS},
	{"alignment-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_ALIGNMENT_FAULTS},
	{"emulation-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_EMULATION_FAULTS},
	{"cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
	{"cpu-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
	{"ref-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_REF_CPU_CYCLES},
	{"instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
	{"cache-references", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES},
	{"cache-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES},
	{"branches", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS},
	{"branch-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES},
	{"bus-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BUS_CYCLES},
};

/* mem:ADDRESS[/LENGTH][:rwx], as perf writes breakpoints */
static int parse_breakpoint(struct coolbpf *cb, char *text, struct coolbpf_perf_opts *o)
{
	char *mode = strchr(text, ':'), *slash;
	struct cb_number addr, len = {.magnitude = sizeof(long)};

	if (mode)
		*mode++ = '\0';
	slash = strchr(text, '/');
	if (slash)
		*slash++ = '\0';
	if (cb_parse_number(text, &addr) || addr.negative || (slash && (cb_parse_number(slash, &len) || len.negative)))
		return cb_fail(&cb->err, EINVAL, "a breakpoint is mem:ADDRESS[/LENGTH][:rwx]");
	o->type = PERF_TYPE_BREAKPOINT;
	o->bp_addr = addr.magnitude;
	for (const char *m = mode ? mode : "rw"; *m; m++) {
		if (*m != 'r' && *m != 'w' && *m != 'x')
			return cb_fail(&cb->err, EINVAL, "a breakpoint's mode is made of r, w and x, not %c", *m);
		o->bp_type |= *m == 'r' ? 1 : *m == 'w' ? 2 : 4; /* HW_BREAKPOINT_R, _W, _X */
	}
	o->bp_len = o->bp_type == 4 ? sizeof(long) : len.magnitude;
	return 0;
}

static int parse_perf_event(struct coolbpf *cb, char *text, struct coolbpf_perf_opts *o)
{
	struct cb_number n;

	if (!strncmp(text, "mem:", 4))
		return parse_breakpoint(cb, text + 4, o);
	if (text[0] == 'r' && isxdigit((unsigned char)text[1])) {
		char hex[32];

		snprintf(hex, sizeof(hex), "0x%s", text + 1);
		if (!cb_parse_number(hex, &n)) {
			o->type = PERF_TYPE_RAW;
			o->config = n.magnitude;
			return 0;
		}
	}
	for (size_t k = 0; k < sizeof(perf_names) / sizeof(*perf_names); k++)
		if (!strcmp(text, perf_names[k].name)) {
			o->type = perf_names[k].type;
			o->config = perf_names[k].config;
			return 0;
		}
	cb_fail(&cb->err, EINVAL, "there is no perf event \"%s\"; there is mem:ADDRESS, rHEX", text);
	for (size_t k = 0; k < sizeof(perf_names) / sizeof(*perf_names); k++)
		cb_fail_more(&cb->err, 0, ", %s", perf_names[k].name);
	return -EINVAL;
}

/* EVENT[,freq=N|,period=N][,pid=N][,cpu=N] */
static int parse_perf(struct coolbpf *cb, char *target, struct coolbpf_perf_opts *o)
{
	uint64_t cpu = UINT64_MAX;
	int err = take_pid(cb, target, &o->pid);

	if (!err)
		err = take_number(cb, target, "freq", UINT64_MAX, &o->freq);
	if (!err)
		err = take_number(cb, target, "period", UINT64_MAX, &o->period);
	if (!err)
		err = take_number(cb, target, "cpu", INT32_MAX, &cpu);
	if (!err)
		err = parse_perf_event(cb, target, o);
	if (err)
		return err;
	o->cpu = cpu == UINT64_MAX ? -1 : (int)cpu;
	if (o->freq && o->period)
		return cb_fail(&cb->err, EINVAL, "a perf event has either a frequency or a period");
	if (!o->freq && !o->period)
		o->period = 1;
	return 0;
}

static int attach_perf(struct coolbpf *cb, size_t i, char *target)
{
	struct coolbpf_perf_opts o = {.sz = sizeof(o)};
	int err = parse_perf(cb, target, &o);

	return err ? err : cb_attach_perf(cb, i, &o);
}

int cb_perf_probe(struct coolbpf *cb, char *target, struct cb_err *why)
{
	struct coolbpf_perf_opts o = {.sz = sizeof(o)};
	int err = parse_perf(cb, target, &o), fd;

	if (err)
		return cb_fail(why, -err, "%s", cb->err.text);
	fd = cb_perf_open(&o, o.pid < 0 && o.cpu < 0 ? 0 : o.cpu);
	if (fd < 0)
		return cb_fail(why, -fd, "this machine refuses the event: %s", strerror(-fd));
	close(fd);
	return 0;
}

/* IFACE[,mode=skb|drv|hw] */
static int attach_xdp(struct coolbpf *cb, size_t i, char *target)
{
	const char *mode = take_option(target, "mode");
	uint32_t flags = 0;

	if (mode && !strcmp(mode, "skb"))
		flags = XDP_FLAGS_SKB_MODE;
	else if (mode && !strcmp(mode, "drv"))
		flags = XDP_FLAGS_DRV_MODE;
	else if (mode && !strcmp(mode, "hw"))
		flags = XDP_FLAGS_HW_MODE;
	else if (mode)
		return cb_fail(&cb->err, EINVAL, "mode=%s: an XDP mode is skb, drv or hw", mode);
	return cb_attach_xdp(cb, i, target, flags);
}

/* IFACE,ingress or IFACE,egress */
static int attach_tc(struct coolbpf *cb, size_t i, char *target)
{
	bool in = take_option(target, "ingress"), out = take_option(target, "egress");

	if (in == out)
		return cb_fail(&cb->err, EINVAL, "a tc target is INTERFACE,ingress or INTERFACE,egress");
	return cb_attach_tc(cb, i, target, out);
}

static int attach_socket(struct coolbpf *cb, size_t i, char *target)
{
	return cb_attach_socket_interface(cb, i, strcmp(target, "any") ? target : NULL);
}

static int attach_cgroup(struct coolbpf *cb, size_t i, char *target)
{
	return cb_attach_cgroup(cb, i, target);
}

static int attach_sockmap(struct coolbpf *cb, size_t i, char *target)
{
	return cb_attach_sockmap(cb, i, strncmp(target, "map=", 4) ? target : target + 4);
}

/* libbpf knows better */
static int attach_other(struct coolbpf *cb, size_t i, char *target)
{
	return cb_attach_auto(cb, i);
}

static const struct cb_kind kinds[] = {
	{"kprobe.multi", attach_kprobe_multi, false},
	{"kretprobe.multi", attach_kprobe_multi, false},
	{"kprobe", attach_kprobe, false},
	{"kretprobe", attach_kprobe, false},
	{"ksyscall", attach_ksyscall, false},
	{"kretsyscall", attach_ksyscall, false},
	{"uprobe", attach_uprobe, false},
	{"uprobe.s", attach_uprobe, false},
	{"uretprobe", attach_uprobe, false},
	{"uretprobe.s", attach_uprobe, false},
	{"usdt", attach_usdt, false},
	{"tracepoint", attach_tracepoint, false},
	{"tp", attach_tracepoint, false},
	{"raw_tracepoint", attach_raw_tracepoint, false},
	{"raw_tracepoint.w", attach_raw_tracepoint, false},
	{"raw_tp", attach_raw_tracepoint, false},
	{"raw_tp.w", attach_raw_tracepoint, false},
	{"tp_btf", attach_trace, true},
	{"fentry", attach_trace, true},
	{"fentry.s", attach_trace, true},
	{"fexit", attach_trace, true},
	{"fexit.s", attach_trace, true},
	{"fmod_ret", attach_trace, true},
	{"fmod_ret.s", attach_trace, true},
	{"lsm", attach_trace, true},
	{"lsm.s", attach_trace, true},
	{"iter", attach_iter, true},
	{"iter.s", attach_iter, true},
	{"perf_event", attach_perf, false},
	{"socket", attach_socket, false},
	{"xdp", attach_xdp, false},
	{"xdp.frags", attach_xdp, false},
	{"tc", attach_tc, false},
	{"classifier", attach_tc, false},
	{"action", attach_tc, false},
	{"cgroup", attach_cgroup, false},
	{"cgroup_skb", attach_cgroup, false},
	{"sockops", attach_cgroup, false},
	{"sk_skb", attach_sockmap, false},
	{"sk_msg", attach_sockmap, false},
	{"struct_ops", attach_other, true},
	{"freplace", attach_other, true},
	{"sk_lookup", attach_other, false},
	{"syscall", attach_other, false},
};

const struct cb_kind *cb_kind_of(const char *section, const char **target)
{
	size_t n = strcspn(section, "/");

	*target = section[n] ? section + n + 1 : "";
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strlen(kinds[i].prefix) == n && !strncmp(section, kinds[i].prefix, n)) {
			/* what follows is part of the type there ("cgroup/connect4", "sk_skb/stream_verdict") */
			if (kinds[i].attach == attach_cgroup || kinds[i].attach == attach_sockmap ||
			    kinds[i].attach == attach_xdp)
				*target = "";
			return &kinds[i];
		}
	return NULL;
}

const char *cb_kind_name(const struct cb_kind *k)
{
	return k->prefix;
}

bool cb_kind_target_at_load(const struct cb_kind *k)
{
	return k->target_at_load;
}

char *cb_target_expand(struct coolbpf *cb, const char *text)
{
	const char *whole = text;
	struct cb_buf out = {0};

	while (*text) {
		char name[128];
		const struct cb_param *p;
		size_t n = 0;

		if (*text != '$') {
			cb_buf_ch(&out, *text++);
			continue;
		}
		for (text++; n + 1 < sizeof(name) && (isalnum((unsigned char)*text) || *text == '_'); text++)
			name[n++] = *text;
		name[n] = '\0';
		p = cb_param_find(cb, name);
		if (!p) {
			cb_fail_in(&cb->err, 0, "in the target \"%s\"", whole);
			cb_buf_free(&out);
			errno = EINVAL;
			return NULL;
		}
		cb_param_format(cb, p, cb->rodata + p->offset, &out);
	}
	cb_buf_ch(&out, '\0');
	if (out.failed) {
		cb_fail(&cb->err, ENOMEM, "out of memory");
		cb_buf_free(&out);
		errno = ENOMEM;
		return NULL;
	}
	return out.data;
}

char *cb_target_of(struct coolbpf *cb, size_t i)
{
	const struct cb_prog *p = &cb->progs[i];
	const char *rest;
	char *target;

	if (!p->hook && (p->given || p->tagged))
		return cb_target_expand(cb, p->given ? p->given : p->tagged);
	/* of what was said, the alternative that was chosen */
	cb_kind_of(p->section, &rest);
	target = strdup(p->hook ? p->hook : rest);
	if (!target)
		cb_fail(&cb->err, ENOMEM, "out of memory");
	return target;
}

int cb_attach_at(struct coolbpf *cb, size_t i, const char *target)
{
	const char *unused;
	const struct cb_kind *k = cb_kind_of(cb->progs[i].section, &unused);
	char *words;
	int err;

	if (!k)
		return cb_fail(&cb->err, EINVAL, "program %s: section \"%s\" is of no kind that can be attached",
			       cb->progs[i].name, cb->progs[i].section);
	words = strdup(target);
	if (!words)
		return cb_fail(&cb->err, ENOMEM, "out of memory");
	err = k->attach(cb, i, words);
	free(words);
	return err;
}
