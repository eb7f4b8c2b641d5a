// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* attach.c - attach everything that says where, or one program by hand; detach. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/links.h"

int coolbpf_attach(struct coolbpf *cb)
{
	size_t before = cb->nlinks;
	int err = 0;

	if (!cb->loaded)
		return cb_fail(&cb->err, EINVAL, "nothing is loaded yet: coolbpf_load() comes before coolbpf_attach()");
	for (size_t i = 0; !err && i < cb->nprogs; i++) {
		const struct cb_prog *p = &cb->progs[i];

		if (!p->skip && p->hook)
			err = cb_attach_at(cb, i, p->hook);
	}
	if (!err && cb->nlinks == before) {
		err = cb_fail(&cb->err, EINVAL,
			      "no program of %s says where to attach; name a target with --attach "
			      "PROGRAM=TARGET or coolbpf_program_target(). Its programs are",
			      coolbpf_name(cb));
		for (size_t i = 0; i < cb->nprogs; i++)
			cb_fail_more(&cb->err, 0, "%s %s (%s)", i ? "," : "", cb->progs[i].name, cb->progs[i].section);
	}
	if (err)
		cb_links_drop(cb, before);
	return err;
}

void coolbpf_detach(struct coolbpf *cb)
{
	cb_links_drop(cb, 0);
}

/* Index of a program that can be attached now, or a negative errno. */
static long ready(struct coolbpf *cb, const char *program)
{
	long i = cb_prog_find(cb, program);

	if (i < 0)
		return -ENOENT;
	if (!cb->loaded)
		return cb_fail(&cb->err, EINVAL, "program %s is not loaded yet", program);
	if (cb->progs[i].skip)
		return cb_fail(&cb->err, EINVAL, "program %s was not loaded: %s", program,
			       cb->progs[i].reason ? cb->progs[i].reason : "it is an alternative that was not taken");
	return i;
}

int coolbpf_attach_kprobe(struct coolbpf *cb, const char *program, const char *function, uint64_t offset, bool ret)
{
	long i = ready(cb, program);

	return i < 0 ? (int)i : cb_attach_kprobe(cb, (size_t)i, function, offset, ret);
}

int coolbpf_attach_kprobe_multi(struct coolbpf *cb, const char *program, const char *pattern, bool ret)
{
	long i = ready(cb, program);

	return i < 0 ? (int)i : cb_attach_kprobe_multi(cb, (size_t)i, pattern, ret);
}

int coolbpf_attach_uprobe(struct coolbpf *cb, const char *program, const char *binary, const char *function,
			  uint64_t offset, pid_t pid, bool ret)
{
	long i = ready(cb, program);

	return i < 0 ? (int)i : cb_attach_uprobe(cb, (size_t)i, binary, function, offset, pid, ret);
}

int coolbpf_attach_usdt(struct coolbpf *cb, const char *program, const char *binary, const char *provider,
			const char *name, pid_t pid)
{
	long i = ready(cb, program);

	return i < 0 ? (int)i : cb_attach_usdt(cb, (size_t)i, binary, provider, name, pid);
}

int coolbpf_attach_tracepoint(struct coolbpf *cb, const char *program, const char *category, const char *name)
{
	long i = ready(cb, program);

	return i < 0 ? (int)i : cb_attach_tracepoint(cb, (size_t)i, category, name);
}

int coolbpf_attach_raw_tracepoint(struct coolbpf *cb, const char *program, const char *name)
{
	long i = ready(cb, program);

	return i < 0 ? (int)i : cb_attach_raw_tracepoint(cb, (size_t)i, name);
}

int coolbpf_attach_trace(struct coolbpf *cb, const char *program)
{
	long i = ready(cb, program);

	return i < 0 ? (int)i : cb_attach_trace(cb, (size_t)i);
}

int coolbpf_attach_iter(struct coolbpf *cb, const char *program)
{
	long i = ready(cb, program);

	return i < 0 ? (int)i : cb_attach_iter(cb, (size_t)i);
}

int coolbpf_attach_perf_event(struct coolbpf *cb, const char *program, const struct coolbpf_perf_opts *opts)
{
	struct coolbpf_perf_opts o = {.sz = sizeof(o)};
	long i = ready(cb, program);

	if (i < 0)
		return (int)i;
	if (!opts || opts->sz < sizeof(size_t))
		return cb_fail(&cb->err, EINVAL, "coolbpf_perf_opts.sz must be its size");
	memcpy(&o, opts, opts->sz < sizeof(o) ? opts->sz : sizeof(o));
	if (!o.freq == !o.period)
		return cb_fail(&cb->err, EINVAL, "program %s: give either a frequency or a period", program);
	return cb_attach_perf(cb, (size_t)i, &o);
}

int coolbpf_attach_xdp(struct coolbpf *cb, const char *program, const char *interface, uint32_t flags)
{
	long i = ready(cb, program);

	return i < 0 ? (int)i : cb_attach_xdp(cb, (size_t)i, interface, flags);
}

int coolbpf_attach_tc(struct coolbpf *cb, const char *program, const char *interface, bool egress)
{
	long i = ready(cb, program);

	return i < 0 ? (int)i : cb_attach_tc(cb, (size_t)i, interface, egress);
}

int coolbpf_attach_cgroup(struct coolbpf *cb, const char *program, const char *path)
{
	long i = ready(cb, program);

	return i < 0 ? (int)i : cb_attach_cgroup(cb, (size_t)i, path);
}

int coolbpf_attach_socket(struct coolbpf *cb, const char *program, int socket_fd)
{
	long i = ready(cb, program);

	return i < 0 ? (int)i : cb_attach_socket(cb, (size_t)i, socket_fd, false);
}

int coolbpf_attach_socket_interface(struct coolbpf *cb, const char *program, const char *interface)
{
	long i = ready(cb, program);

	return i < 0 ? (int)i : cb_attach_socket_interface(cb, (size_t)i, interface);
}

int coolbpf_attach_sockmap(struct coolbpf *cb, const char *program, const char *map)
{
	long i = ready(cb, program);

	return i < 0 ? (int)i : cb_attach_sockmap(cb, (size_t)i, map);
}

int coolbpf_attach_target(struct coolbpf *cb, const char *program, const char *target)
{
	long i = ready(cb, program);
	char *words;
	int err;

	if (i < 0)
		return (int)i;
	words = cb_target_expand(cb, target);
	if (!words)
		return -errno;
	err = cb_attach_at(cb, (size_t)i, words);
	free(words);
	return err;
}

int coolbpf_iter_fd(struct coolbpf *cb, const char *program)
{
	long i = ready(cb, program);
	int fd;

	if (i < 0)
		return (int)i;
	for (size_t k = 0; k < cb->nlinks; k++) {
		if (cb->links[k].prog != (size_t)i || !cb->links[k].link)
			continue;
		fd = bpf_iter_create(bpf_link__fd(cb->links[k].link));
		return fd < 0 ? cb_fail(&cb->err, -fd, "cannot open the iterator %s: %s", program, strerror(-fd)) : fd;
	}
	return cb_fail(&cb->err, EINVAL, "the iterator %s is not attached", program);
}
