// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * links.c - attaching to probes and trace points: everything that libbpf gives a bpf_link for. Networks are in netlinks.c.
 */
#include "runtime/links.h"

#include <errno.h>
#include <limits.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int add(struct coolbpf *cb, const struct cb_link *l, const char *what)
{
	struct cb_link *bigger = realloc(cb->links, (cb->nlinks + 1) * sizeof(*bigger));

	if (!bigger)
		return cb_fail(&cb->err, ENOMEM, "out of memory");
	cb->links = bigger;
	cb->links[cb->nlinks++] = *l;
	cb->progs[l->prog].attached = true;
	cb_say(&cb->log, CB_INFO, "%s: attached to %s", cb->progs[l->prog].name, what);
	return 0;
}

/* Remember a link of libbpf's, or say why there is none: link NULL, and errno. */
static int keep(struct coolbpf *cb, size_t prog, struct bpf_link *link, const char *what)
{
	int err = link ? 0 : errno;

	cb_listen(NULL);
	if (!link) {
		cb_fail(&cb->err, err, "cannot attach program %s to %s: %s", cb->progs[prog].name, what, strerror(err));
		return cb_fail_more(&cb->err, -err, "%s", cb_bpf_hint(err));
	}
	err = add(cb, &(struct cb_link){.link = link, .prog = prog, .fd = -1}, what);
	if (err)
		bpf_link__destroy(link);
	return err;
}

int cb_link_add_undo(struct coolbpf *cb, const struct cb_link *l, const char *what)
{
	struct cb_link copy = *l;
	int err = add(cb, l, what);

	if (err)
		copy.undo(&copy);
	return err;
}

void cb_links_drop(struct coolbpf *cb, size_t from)
{
	cb_listen(cb);
	while (cb->nlinks > from) {
		struct cb_link *l = &cb->links[--cb->nlinks];

		if (l->link)
			bpf_link__destroy(l->link);
		else
			l->undo(l);
		cb->progs[l->prog].attached = false;
	}
	cb_listen(NULL);
	for (size_t i = 0; i < cb->nlinks; i++)
		cb->progs[cb->links[i].prog].attached = true;
}

/* Programs of one type only go to one kind of hook; libbpf and the kernel say so less clearly. */
static int want_type(struct coolbpf *cb, size_t i, enum bpf_prog_type type, const char *hook)
{
	const struct cb_prog *p = &cb->progs[i];

	if (bpf_program__type(p->prog) == type)
		return 0;
	return cb_fail(&cb->err, EINVAL, "program %s (section \"%s\") is of type %s, which cannot be attached to a %s",
		       p->name, p->section, libbpf_bpf_prog_type_str(bpf_program__type(p->prog)), hook);
}

/* The kernel's errno for probes says little (-ENOENT for "no kprobes at all", too): ask again what is missing. */
static int explain(struct coolbpf *cb, size_t i, const char *what, const char *kind, const char *target, int err)
{
	struct cb_err why = {0};

	if (err && err != -EPERM && err != -EACCES && cb_hook_probe(cb, kind, target, &why))
		cb_fail(&cb->err, -err, "cannot attach program %s to %s: %s", cb->progs[i].name, what, why.text);
	return err;
}

int cb_attach_kprobe(struct coolbpf *cb, size_t i, const char *function, uint64_t offset, bool ret)
{
	LIBBPF_OPTS(bpf_kprobe_opts, opts, .offset = offset, .retprobe = ret);
	char what[256];
	int err = want_type(cb, i, BPF_PROG_TYPE_KPROBE, "kprobe");

	if (err)
		return err;
	if (offset)
		snprintf(what, sizeof(what), "%s %s+0x%llx", ret ? "kretprobe" : "kprobe", function,
			 (unsigned long long)offset);
	else
		snprintf(what, sizeof(what), "%s %s", ret ? "kretprobe" : "kprobe", function);
	cb_listen(cb);
	err = keep(cb, i, bpf_program__attach_kprobe_opts(cb->progs[i].prog, function, &opts), what);
	return explain(cb, i, what, "kprobe", function, err);
}

int cb_attach_kprobe_multi(struct coolbpf *cb, size_t i, const char *pattern, bool ret)
{
	LIBBPF_OPTS(bpf_kprobe_multi_opts, opts, .retprobe = ret);
	char what[256];
	int err = want_type(cb, i, BPF_PROG_TYPE_KPROBE, "kprobe");

	if (err)
		return err;
	snprintf(what, sizeof(what), "the functions %s", pattern);
	cb_listen(cb);
	err = keep(cb, i, bpf_program__attach_kprobe_multi_opts(cb->progs[i].prog, pattern, &opts), what);
	return explain(cb, i, what, "kprobe.multi", pattern, err);
}

int cb_attach_ksyscall(struct coolbpf *cb, size_t i, const char *name, bool ret)
{
	LIBBPF_OPTS(bpf_ksyscall_opts, opts, .retprobe = ret);
	char what[256];
	int err = want_type(cb, i, BPF_PROG_TYPE_KPROBE, "system call");

	if (err)
		return err;
	snprintf(what, sizeof(what), "system call %s", name);
	cb_listen(cb);
	err = keep(cb, i, bpf_program__attach_ksyscall(cb->progs[i].prog, name, &opts), what);
	return explain(cb, i, what, "ksyscall", name, err);
}

int cb_attach_uprobe(struct coolbpf *cb, size_t i, const char *binary, const char *function, uint64_t offset, pid_t pid,
		     bool ret)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .retprobe = ret, .func_name = function);
	char path[PATH_MAX], what[PATH_MAX + 256];
	int err = want_type(cb, i, BPF_PROG_TYPE_KPROBE, "uprobe");

	if (err)
		return err;
	err = cb_find_binary(binary, path, sizeof(path));
	if (err)
		return cb_fail(&cb->err, -err, "cannot attach program %s: there is no binary or library %s",
			       cb->progs[i].name, binary);
	snprintf(what, sizeof(what), "%s %s:%s+0x%llx", ret ? "uretprobe" : "uprobe", path, function ? function : "",
		 (unsigned long long)offset);
	cb_listen(cb);
	err = keep(cb, i, bpf_program__attach_uprobe_opts(cb->progs[i].prog, pid, path, offset, &opts), what);
	if (err == -ENOENT && function)
		cb_fail(&cb->err, ENOENT, "cannot attach program %s: %s has no function %s in its symbol tables",
			cb->progs[i].name, path, function);
	if (err == -ESRCH)
		cb_fail(&cb->err, ESRCH, "cannot attach program %s: there is no process %d", cb->progs[i].name, pid);
	return err;
}

int cb_attach_usdt(struct coolbpf *cb, size_t i, const char *binary, const char *provider, const char *name, pid_t pid)
{
	char path[PATH_MAX], what[PATH_MAX + 256];
	int err = want_type(cb, i, BPF_PROG_TYPE_KPROBE, "USDT probe");

	if (err)
		return err;
	err = cb_find_binary(binary, path, sizeof(path));
	if (err)
		return cb_fail(&cb->err, -err, "cannot attach program %s: there is no binary or library %s",
			       cb->progs[i].name, binary);
	snprintf(what, sizeof(what), "USDT probe %s:%s in %s", provider, name, path);
	cb_listen(cb);
	return keep(cb, i, bpf_program__attach_usdt(cb->progs[i].prog, pid, path, provider, name, NULL), what);
}

int cb_attach_tracepoint(struct coolbpf *cb, size_t i, const char *category, const char *name)
{
	char what[256];
	int err = want_type(cb, i, BPF_PROG_TYPE_TRACEPOINT, "tracepoint");

	if (err)
		return err;
	if (!cb_tracefs())
		return cb_fail(&cb->err, ENOENT,
			       "cannot attach program %s: tracefs is not mounted; mount -t tracefs tracefs "
			       "/sys/kernel/tracing",
			       cb->progs[i].name);
	snprintf(what, sizeof(what), "tracepoint %s/%s", category, name);
	cb_listen(cb);
	err = keep(cb, i, bpf_program__attach_tracepoint(cb->progs[i].prog, category, name), what);
	if (err == -ENOENT)
		cb_fail(&cb->err, ENOENT, "cannot attach program %s: this kernel has no %s (see %s/available_events)",
			cb->progs[i].name, what, cb_tracefs());
	return err;
}

int cb_attach_raw_tracepoint(struct coolbpf *cb, size_t i, const char *name)
{
	char what[256];
	enum bpf_prog_type type = bpf_program__type(cb->progs[i].prog);
	int err = 0;

	if (type != BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE)
		err = want_type(cb, i, BPF_PROG_TYPE_RAW_TRACEPOINT, "raw tracepoint");
	if (err)
		return err;
	snprintf(what, sizeof(what), "raw tracepoint %s", name);
	cb_listen(cb);
	err = keep(cb, i, bpf_program__attach_raw_tracepoint(cb->progs[i].prog, name), what);
	if (err == -ENOENT)
		cb_fail(&cb->err, ENOENT, "cannot attach program %s: this kernel has no %s", cb->progs[i].name, what);
	return err;
}

int cb_attach_trace(struct coolbpf *cb, size_t i)
{
	struct bpf_program *prog = cb->progs[i].prog;
	const char *unused, *hook = cb->progs[i].hook;
	const struct cb_kind *k = cb_kind_of(cb->progs[i].section, &unused);
	char what[256];

	if (bpf_program__type(prog) != BPF_PROG_TYPE_LSM) {
		int err = want_type(cb, i, BPF_PROG_TYPE_TRACING, "fentry, fexit, fmod_ret, tp_btf or lsm hook");

		if (err)
			return err;
	}
	snprintf(what, sizeof(what), "%s %s", k ? cb_kind_name(k) : "", hook ? hook : "");
	cb_listen(cb);
	/* libbpf takes an LSM program through the same call of the kernel's, by another name of its own */
	return keep(cb, i,
		    bpf_program__type(prog) == BPF_PROG_TYPE_LSM ? bpf_program__attach_lsm(prog)
								 : bpf_program__attach_trace(prog),
		    what);
}

int cb_attach_iter(struct coolbpf *cb, size_t i)
{
	int err = want_type(cb, i, BPF_PROG_TYPE_TRACING, "iterator");

	if (err)
		return err;
	cb_listen(cb);
	return keep(cb, i, bpf_program__attach_iter(cb->progs[i].prog, NULL), "an iterator");
}

int cb_attach_auto(struct coolbpf *cb, size_t i)
{
	cb_listen(cb);
	return keep(cb, i, bpf_program__attach(cb->progs[i].prog), cb->progs[i].section);
}

int cb_perf_open(const struct coolbpf_perf_opts *o, int cpu)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = o->type,
		.config = o->config,
		.freq = o->freq != 0,
	};
	int fd;

	if (o->freq)
		attr.sample_freq = o->freq;
	else
		attr.sample_period = o->period;
	if (o->type == PERF_TYPE_BREAKPOINT) {
		attr.bp_addr = o->bp_addr;
		attr.bp_len = o->bp_len;
		attr.bp_type = o->bp_type;
	}
	fd = (int)syscall(SYS_perf_event_open, &attr, o->pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int perf_failed(struct coolbpf *cb, size_t i, const struct coolbpf_perf_opts *o, int err)
{
	cb_fail(&cb->err, err, "cannot open the perf event for program %s: %s", cb->progs[i].name, strerror(err));
	if ((err == ENOENT || err == EOPNOTSUPP) && o->type == PERF_TYPE_HARDWARE)
		return cb_fail_more(
			&cb->err, -err,
			"; this machine (a virtual one?) has no such hardware counter, cpu-clock works everywhere");
	if (err == EINVAL && o->freq)
		return cb_fail_more(&cb->err, -err,
				    "; the frequency must not pass /proc/sys/kernel/"
				    "perf_event_max_sample_rate");
	return cb_fail_more(&cb->err, -err, "%s", cb_bpf_hint(err));
}

/* One event on every CPU that is online, or one for a process. */
int cb_attach_perf(struct coolbpf *cb, size_t i, const struct coolbpf_perf_opts *o)
{
	int ncpus = libbpf_num_possible_cpus(), opened = 0;
	int first = o->cpu >= 0 || o->pid >= 0 ? o->cpu : 0;
	int last = o->cpu >= 0 || o->pid >= 0 ? o->cpu : ncpus - 1;
	size_t before = cb->nlinks;
	int err = want_type(cb, i, BPF_PROG_TYPE_PERF_EVENT, "perf event");

	if (err)
		return err;
	if (ncpus < 0)
		return cb_fail(&cb->err, -ncpus, "cannot tell how many CPUs there are");
	for (int cpu = first; cpu <= last; cpu++) {
		struct bpf_link *link;
		char what[64];
		int fd = cb_perf_open(o, cpu);

		if (fd < 0) {
			err = -fd;
			/* a CPU that is possible but not online */
			if (err == ENODEV && first != last)
				continue;
			cb_links_drop(cb, before);
			return perf_failed(cb, i, o, err);
		}
		if (cpu < 0)
			snprintf(what, sizeof(what), "a perf event of process %d", o->pid);
		else
			snprintf(what, sizeof(what), "a perf event on CPU %d", cpu);
		cb_listen(cb);
		link = bpf_program__attach_perf_event(cb->progs[i].prog, fd);
		if (!link)
			err = errno;
		if (!link)
			close(fd); /* the link would have closed it */
		errno = err;
		err = keep(cb, i, link, what);
		if (err) {
			cb_links_drop(cb, before);
			return err;
		}
		opened++;
	}
	return opened ? 0 : perf_failed(cb, i, o, ENODEV);
}
