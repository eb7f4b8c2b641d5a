// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * netlinks.c - attaching to interfaces, sockets, cgroups and socket maps.
 *
 * Where the kernel has links for them they are used: they vanish with the process. Older kernels, and what has no links
 * (tc, socket filters, socket maps), are undone by the function that each struct cb_link carries.
 */
#include "runtime/links.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int failed(struct coolbpf *cb, size_t i, const char *what, int err)
{
	cb_listen(NULL);
	cb_fail(&cb->err, err, "cannot attach program %s to %s: %s", cb->progs[i].name, what, strerror(err));
	return cb_fail_more(&cb->err, -err, "%s", cb_bpf_hint(err));
}

static int find_interface(struct coolbpf *cb, size_t i, const char *name)
{
	int ifindex = (int)if_nametoindex(name);

	if (!*name)
		return cb_fail(&cb->err, EINVAL, "program %s needs the name of a network interface to attach to",
			       cb->progs[i].name);
	return ifindex ? ifindex
		       : cb_fail(&cb->err, ENOENT, "cannot attach program %s: there is no network interface %s",
				 cb->progs[i].name, name);
}

/* A link of the kernel's: closing its descriptor detaches. */
static int undo_kernel_link(struct cb_link *l)
{
	return close(l->fd);
}

static int undo_xdp(struct cb_link *l)
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, opts, .old_prog_fd = l->fd);

	return bpf_xdp_detach(l->ifindex, (__u32)l->attach_type, &opts);
}

int cb_attach_xdp(struct coolbpf *cb, size_t i, const char *interface, uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	struct bpf_program *prog = cb->progs[i].prog;
	struct cb_link l = {.prog = i, .undo = undo_xdp, .attach_type = (int)flags, .fd = bpf_program__fd(prog)};
	char what[64];
	int fd;

	l.ifindex = find_interface(cb, i, interface);
	if (l.ifindex < 0)
		return l.ifindex;
	snprintf(what, sizeof(what), "XDP on %s", interface);
	if (bpf_program__type(prog) != BPF_PROG_TYPE_XDP)
		return failed(cb, i, what, EINVAL);
	cb_listen(cb);
	fd = bpf_link_create(l.fd, l.ifindex, BPF_XDP, &opts);
	if (fd >= 0) {
		l.fd = fd;
		l.undo = undo_kernel_link;
	} else if (fd == -EINVAL || fd == -EOPNOTSUPP) {
		/* XDP links came with kernel 5.9; XDP_FLAGS_UPDATE_IF_NOEXIST keeps another's program */
		fd = bpf_xdp_attach(l.ifindex, l.fd, flags | XDP_FLAGS_UPDATE_IF_NOEXIST, NULL);
	}
	if (fd < 0)
		return failed(cb, i, what, -fd);
	cb_listen(NULL);
	return cb_link_add_undo(cb, &l, what);
}

/* Has this side of the clsact qdisc a filter? Yes where it cannot be told: what is not ours must stay. */
static bool has_filters(int ifindex, uint32_t side)
{
	struct {
		struct nlmsghdr head;
		struct tcmsg tc;
	} ask = {
		.head = {.nlmsg_len = sizeof(ask),
			 .nlmsg_type = RTM_GETTFILTER,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.tc = {.tcm_ifindex = ifindex, .tcm_parent = TC_H_MAKE(TC_H_CLSACT, side)},
	};
	char answer[16384] __attribute__((aligned(NLMSG_ALIGNTO)));
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	const struct nlmsghdr *h = (const void *)answer;
	ssize_t n = -1;

	if (fd >= 0 && send(fd, &ask, sizeof(ask), 0) == sizeof(ask))
		n = recv(fd, answer, sizeof(answer), 0);
	if (fd >= 0)
		close(fd);
	/* a list without entries is one message, its end */
	return n < 0 || !NLMSG_OK(h, (size_t)n) || h->nlmsg_type != NLMSG_DONE;
}

/* Take back a clsact qdisc that we made, unless others use it by now. */
static void drop_qdisc(int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);

	if (!has_filters(ifindex, TC_H_MIN_INGRESS) && !has_filters(ifindex, TC_H_MIN_EGRESS))
		bpf_tc_hook_destroy(&hook);
}

static int undo_tc(struct cb_link *l)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = l->ifindex, .attach_point = (enum bpf_tc_attach_point)l->attach_type);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = l->handle, .priority = l->priority);
	int err = bpf_tc_detach(&hook, &opts);

	if (l->hook_ours)
		drop_qdisc(l->ifindex);
	return err;
}

int cb_attach_tc(struct coolbpf *cb, size_t i, const char *interface, bool egress)
{
	enum bpf_tc_attach_point point = egress ? BPF_TC_EGRESS : BPF_TC_INGRESS;
	struct bpf_program *prog = cb->progs[i].prog;
	struct cb_link l = {.prog = i, .undo = undo_tc, .attach_type = point, .fd = -1};
	LIBBPF_OPTS(bpf_tc_hook, hook, .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = bpf_program__fd(prog));
	char what[64];
	int err;

	l.ifindex = find_interface(cb, i, interface);
	if (l.ifindex < 0)
		return l.ifindex;
	snprintf(what, sizeof(what), "tc %s on %s", egress ? "egress" : "ingress", interface);
	if (bpf_program__type(prog) == BPF_PROG_TYPE_SCHED_ACT)
		return cb_fail(&cb->err, EINVAL,
			       "cannot attach program %s: an action only works behind another filter; SEC(\"tc\") "
			       "stands by itself",
			       cb->progs[i].name);
	if (bpf_program__type(prog) != BPF_PROG_TYPE_SCHED_CLS)
		return failed(cb, i, what, EINVAL);
	hook.ifindex = l.ifindex;
	cb_listen(cb);
	err = bpf_tc_hook_create(&hook);
	l.hook_ours = !err;
	if (err && err != -EEXIST)
		return failed(cb, i, what, -err);
	err = bpf_tc_attach(&hook, &opts);
	if (err) {
		if (l.hook_ours)
			drop_qdisc(l.ifindex);
		return failed(cb, i, what, -err);
	}
	cb_listen(NULL);
	l.handle = opts.handle;
	l.priority = opts.priority;
	return cb_link_add_undo(cb, &l, what);
}

static int undo_cgroup(struct cb_link *l)
{
	int err = bpf_prog_detach2((int)l->handle, l->fd, (enum bpf_attach_type)l->attach_type);

	close(l->fd);
	return err;
}

int cb_attach_cgroup(struct coolbpf *cb, size_t i, const char *path)
{
	struct bpf_program *prog = cb->progs[i].prog;
	enum bpf_attach_type type = bpf_program__expected_attach_type(prog);
	struct cb_link l = {.prog = i, .undo = undo_kernel_link, .fd = -1};
	char what[256];
	int cgroup, err;

	if (!*path)
		return cb_fail(&cb->err, EINVAL, "program %s needs the path of a cgroup to attach to",
			       cb->progs[i].name);
	cgroup = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(what, sizeof(what), "cgroup %s", path);
	if (cgroup < 0)
		return failed(cb, i, what, errno);
	if (bpf_program__type(prog) == BPF_PROG_TYPE_SOCK_OPS)
		type = BPF_CGROUP_SOCK_OPS;
	cb_listen(cb);
	l.fd = bpf_link_create(bpf_program__fd(prog), cgroup, type, NULL);
	err = l.fd < 0 ? l.fd : 0;
	if (err == -EINVAL) {
		/* cgroup links came with kernel 5.7; BPF_F_ALLOW_MULTI, beside the programs of others, with 4.15 */
		err = bpf_prog_attach(bpf_program__fd(prog), cgroup, type, BPF_F_ALLOW_MULTI);
		if (!err)
			l = (struct cb_link){.prog = i,
					     .undo = undo_cgroup,
					     .fd = cgroup,
					     .attach_type = (int)type,
					     .handle = (uint32_t)bpf_program__fd(prog)};
	}
	if (l.fd != cgroup)
		close(cgroup);
	if (err) {
		failed(cb, i, what, -err);
		if (err == -EBADF || err == -EINVAL)
			cb_fail_more(&cb->err, 0, "; it must be a cgroup of version 2 (mount | grep cgroup2)");
		return err;
	}
	cb_listen(NULL);
	return cb_link_add_undo(cb, &l, what);
}

static int undo_socket(struct cb_link *l)
{
	int none = 0;

	if (l->hook_ours)
		return close(l->fd);
	return setsockopt(l->fd, SOL_SOCKET, SO_DETACH_BPF, &none, sizeof(none));
}

int cb_attach_socket(struct coolbpf *cb, size_t i, int socket_fd, bool ours)
{
	struct cb_link l = {.prog = i, .undo = undo_socket, .fd = socket_fd, .hook_ours = ours};
	int prog_fd = bpf_program__fd(cb->progs[i].prog), err = 0;

	if (bpf_program__type(cb->progs[i].prog) != BPF_PROG_TYPE_SOCKET_FILTER)
		err = EINVAL;
	else if (setsockopt(socket_fd, SOL_SOCKET, SO_ATTACH_BPF, &prog_fd, sizeof(prog_fd)))
		err = errno;
	if (!err)
		return cb_link_add_undo(cb, &l, "a socket");
	if (ours)
		close(socket_fd);
	return failed(cb, i, "a socket", err);
}

int cb_attach_socket_interface(struct coolbpf *cb, size_t i, const char *interface)
{
	struct sockaddr_ll addr = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int small = 0, err, fd;

	if (interface) {
		addr.sll_ifindex = find_interface(cb, i, interface);
		if (addr.sll_ifindex < 0)
			return addr.sll_ifindex;
	}
	/* protocol 0: nothing comes in before the filter is on */
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return failed(cb, i, "a packet socket", errno);
	/* nobody reads the packets: the kernel's smallest queue for them will do */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	err = cb_attach_socket(cb, i, fd, true);
	if (err)
		return err;
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		err = errno;
		cb_links_drop(cb, cb->nlinks - 1);
		return failed(cb, i, interface ? interface : "every interface", err);
	}
	return 0;
}

static int undo_sockmap(struct cb_link *l)
{
	return bpf_prog_detach2((int)l->handle, l->fd, (enum bpf_attach_type)l->attach_type);
}

int cb_attach_sockmap(struct coolbpf *cb, size_t i, const char *map)
{
	struct bpf_program *prog = cb->progs[i].prog;
	const struct cb_runtime_map *m;
	struct cb_link l = {.prog = i, .undo = undo_sockmap, .attach_type = bpf_program__expected_attach_type(prog)};
	int err;

	if (!*map)
		return cb_fail(&cb->err, EINVAL, "program %s needs map=NAME, a sockmap or sockhash of this object",
			       cb->progs[i].name);
	m = cb_map_named(cb, map);
	if (!m)
		return -ENOENT;
	if (bpf_map__type(m->map) != BPF_MAP_TYPE_SOCKMAP && bpf_map__type(m->map) != BPF_MAP_TYPE_SOCKHASH)
		return cb_fail(&cb->err, EINVAL, "cannot attach program %s to map %s: it is no sockmap or sockhash",
			       cb->progs[i].name, map);
	if (bpf_program__type(prog) == BPF_PROG_TYPE_SK_SKB && !strcmp(cb->progs[i].section, "sk_skb"))
		l.attach_type = BPF_SK_SKB_STREAM_VERDICT;
	if (bpf_program__type(prog) == BPF_PROG_TYPE_SK_MSG)
		l.attach_type = BPF_SK_MSG_VERDICT;
	l.fd = bpf_map__fd(m->map);
	l.handle = (uint32_t)bpf_program__fd(prog);
	cb_listen(cb);
	err = bpf_prog_attach((int)l.handle, l.fd, (enum bpf_attach_type)l.attach_type, 0);
	if (err)
		return failed(cb, i, map, -err);
	cb_listen(NULL);
	return cb_link_add_undo(cb, &l, map);
}
