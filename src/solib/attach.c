// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* attach.c - programs to hooks. All hooks are links, which the kernel takes away with the process, however that ends. */
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "api.h"
#include "loader.h"

/* ---- Links ------------------------------------------------------------------------------------------------------- */

/* Take the link, or destroy it. */
static int keep(struct bpf_link *link)
{
	struct lbc_loader *l = &lbc_loader;
	struct bpf_link **links = realloc(l->links, (l->nlinks + 1) * sizeof(struct bpf_link *));

	if (!links) {
		bpf_link__destroy(link);
		return -ENOMEM;
	}
	l->links = links;
	links[l->nlinks++] = link;
	return 0;
}

void lbc_detach_all(void)
{
	struct lbc_loader *l = &lbc_loader;

	while (l->nlinks)
		bpf_link__destroy(l->links[--l->nlinks]);
	free(l->links);
	l->links = NULL;
}

/* The program for one of the functions below, or NULL with a sentence. */
static struct bpf_program *find(const char *func)
{
	struct bpf_program *prog;

	lbc_forget();
	if (!lbc_loader.object) {
		lbc_fail(EINVAL, "cannot attach: nothing is loaded; call lbc_bpf_init() first");
		return NULL;
	}
	prog = func ? bpf_object__find_program_by_name(lbc_loader.object, func) : NULL;
	if (!prog)
		lbc_fail(ENOENT, "cannot attach: there is no program %s", func ? func : "(null)");
	return prog;
}

/* What people can do about it. */
static const char *hint(int err, const char *kind)
{
	if (err == -ENOENT && !strcmp(kind, "tracepoint") && access("/sys/kernel/tracing/events", F_OK) &&
	    access("/sys/kernel/debug/tracing/events", F_OK))
		return " (tracefs is not mounted: mount -t tracefs none /sys/kernel/tracing)";
	if (err == -EPERM || err == -EACCES)
		return " (this takes root, or CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN)";
	return "";
}

/* link is what libbpf gave, with errno when that is NULL. */
static int done(const char *func, struct bpf_link *link, const char *kind, const char *where)
{
	int err = link ? 0 : -errno;

	if (link)
		err = keep(link);
	return err ? lbc_fail(-err, "cannot attach program %s to %s %s%s", func, kind, where, hint(err, kind)) : 0;
}

static int done_at(const char *func, struct bpf_link *link, const char *kind, long number)
{
	char text[32];
	int err = errno;

	snprintf(text, sizeof(text), "%ld", number);
	errno = err;
	return done(func, link, kind, text);
}

/* In front of its section's name, which says the place. */
static const char *kind_of(const struct bpf_program *prog)
{
	return bpf_program__type(prog) == BPF_PROG_TYPE_TRACEPOINT ? "tracepoint" : "the hook";
}

/* Clients write a star as the place of programs that they attach themselves; libbpf wants no place at all for that. */
static bool has_no_place(const struct bpf_program *prog)
{
	const char *place = strchr(bpf_program__section_name(prog), '/');

	return place && !strcmp(place, "/*");
}

int lbc_attach_all(void)
{
	struct bpf_program *prog;
	int err;

	bpf_object__for_each_program (prog, lbc_loader.object) {
		struct bpf_link *link;

		if (!bpf_program__autoattach(prog) || has_no_place(prog))
			continue;
		lbc_forget();
		link = bpf_program__attach(prog);
		/* its section does not say where: lbc_attach_...() will */
		if (!link && errno == EOPNOTSUPP)
			continue;
		err = done(bpf_program__name(prog), link, kind_of(prog), bpf_program__section_name(prog));
		if (err)
			return err;
	}
	return 0;
}

/* ---- Functions and trace points ---------------------------------------------------------------------------------- */

static int attach_kprobe(const char *func, const char *sym, bool ret)
{
	struct bpf_program *prog = find(func);

	return prog ? done(func, bpf_program__attach_kprobe(prog, ret, sym), ret ? "kretprobe" : "kprobe", sym)
		    : -ENOENT;
}

int lbc_attach_kprobe(char *func, char *sym)
{
	return attach_kprobe(func, sym, false);
}

int lbc_attach_kretprobe(char *func, char *sym)
{
	return attach_kprobe(func, sym, true);
}

static int attach_uprobe(const char *func, int pid, const char *path, unsigned long offset, bool ret)
{
	struct bpf_program *prog = find(func);
	char where[512];

	if (!prog)
		return -ENOENT;
	snprintf(where, sizeof(where), "%s+0x%lx", path, offset);
	return done(func, bpf_program__attach_uprobe(prog, ret, pid, path, offset), ret ? "uretprobe" : "uprobe",
		    where);
}

int lbc_attach_uprobe(char *func, int pid, char *binary_path, unsigned long func_offset)
{
	return attach_uprobe(func, pid, binary_path, func_offset, false);
}

int lbc_attach_uretprobe(char *func, int pid, char *binary_path, unsigned long func_offset)
{
	return attach_uprobe(func, pid, binary_path, func_offset, true);
}

int lbc_attach_tracepoint(char *func, char *tp_category, char *tp_name)
{
	struct bpf_program *prog = find(func);
	char where[256];

	if (!prog)
		return -ENOENT;
	snprintf(where, sizeof(where), "%s/%s", tp_category, tp_name);
	return done(func, bpf_program__attach_tracepoint(prog, tp_category, tp_name), "tracepoint", where);
}

int lbc_attach_raw_tracepoint(char *func, char *tp_name)
{
	struct bpf_program *prog = find(func);

	return prog ? done(func, bpf_program__attach_raw_tracepoint(prog, tp_name), "raw tracepoint", tp_name)
		    : -ENOENT;
}

/* ---- Perf events ------------------------------------------------------------------------------------------------- */

int lbc_attach_perf_event(const char *func, const char *attrs, int pid, int cpu, int group_fd, int flags)
{
	struct bpf_program *prog = find(func);
	struct perf_event_attr attr = {.size = sizeof(attr)};
	struct bpf_link *link;
	int fd, err;

	if (!prog)
		return -ENOENT;
	err = lbc_perf_attr(attrs, &attr);
	if (err)
		return err;
	fd = (int)syscall(__NR_perf_event_open, &attr, pid, cpu, group_fd, (unsigned long)flags);
	if (fd < 0)
		return lbc_fail(errno, "cannot attach program %s: perf_event_open(%s, pid %d, cpu %d)", func, attrs,
				pid, cpu);
	/* PERF_FLAG_FD_CLOEXEC is not there before 3.14 */
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	link = bpf_program__attach_perf_event(prog, fd);
	if (!link) {
		err = errno;
		close(fd);
		errno = err;
	}
	return done(func, link, "perf event", attrs);
}

/* ---- The network and cgroups ------------------------------------------------------------------------------------- */

int lbc_attach_cgroup(char *func, int cgroup_fd)
{
	struct bpf_program *prog = find(func);

	return prog ? done_at(func, bpf_program__attach_cgroup(prog, cgroup_fd), "the cgroup of descriptor", cgroup_fd)
		    : -ENOENT;
}

int lbc_attach_netns(char *func, int netns)
{
	struct bpf_program *prog = find(func);

	return prog ? done_at(func, bpf_program__attach_netns(prog, netns), "the network namespace of descriptor",
			      netns)
		    : -ENOENT;
}

int lbc_attach_xdp(char *func, int ifindex)
{
	struct bpf_program *prog = find(func);

	return prog ? done_at(func, bpf_program__attach_xdp(prog, ifindex), "XDP of interface", ifindex) : -ENOENT;
}
