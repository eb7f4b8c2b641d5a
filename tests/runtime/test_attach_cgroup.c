// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* cgroup and sockops programs: on a control group made for the test, with a child in it that does what they count. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tool.h"

static char group[PATH_MAX];

static int make_group(void **state)
{
	if (!cgroup2_mount())
		return 0;
	snprintf(group, sizeof(group), "%s/coolbpf-test-%d", cgroup2_mount(), getpid());
	return mkdir(group, 0755);
}

static int remove_group(void **state)
{
	return *group ? rmdir(group) : 0;
}

#define need_group()                                                                                                   \
	do {                                                                                                           \
		own_network();                                                                                         \
		if (!*group)                                                                                           \
			skip_because("no cgroup v2 is mounted");                                                       \
	} while (0)

/* Run fn in a child that is in the group; its exit status must be 0. */
static void in_group(int (*fn)(void))
{
	char path[PATH_MAX + 16];
	int status, fd;
	pid_t child;

	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	child = fork();
	if (!child) {
		fd = open(path, O_WRONLY);
		if (fd < 0 || write(fd, "0", 1) != 1)
			_exit(100);
		close(fd);
		_exit(fn());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (status)
		fail_msg("the child in the control group: status %d", WEXITSTATUS(status));
}

/* ---- What children do: each returns 0, or the number of the step that went wrong ----------------------------------- */

static int bound_socket(int type, struct sockaddr_in *addr)
{
	socklen_t len = sizeof(*addr);
	int fd = socket(AF_INET, type, 0);

	*addr = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (fd < 0 || bind(fd, (struct sockaddr *)addr, sizeof(*addr)) ||
	    getsockname(fd, (struct sockaddr *)addr, &len))
		return -1;
	return fd;
}

/* 10 datagrams of 100 bytes to a socket of the same process. */
static int send_to_self(void)
{
	struct sockaddr_in addr;
	int from = socket(AF_INET, SOCK_DGRAM, 0), to = bound_socket(SOCK_DGRAM, &addr);
	char bytes[100] = "";

	for (int i = 0; i < 10; i++)
		if (sendto(from, bytes, sizeof(bytes), 0, (struct sockaddr *)&addr, sizeof(addr)) != 100 ||
		    recv(to, bytes, sizeof(bytes), 0) != 100)
			return 1;
	return 0;
}

/* UDP needs nobody at the other end. */
static int try_port(unsigned short port)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int err = connect(fd, (struct sockaddr *)&to, sizeof(to)) ? errno : 0;

	close(fd);
	return err;
}

static int connect_around(void)
{
	for (int i = 0; i < 4; i++)
		if (try_port(80))
			return 1;
	for (int i = 0; i < 3; i++)
		if (try_port(81) != EPERM)
			return 2;
	return 0;
}

static int connect_freely(void)
{
	return try_port(81);
}

static int make_sockets(void)
{
	for (int i = 0; i < 6; i++)
		if (socket(AF_INET, SOCK_STREAM, 0) < 0)
			return 1;
	for (int i = 0; i < 2; i++)
		if (socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0 || errno != EPERM)
			return 2;
	return 0;
}

/* 5 TCP connections, both ends here. */
static int connect_tcp(void)
{
	struct sockaddr_in addr;
	int listener = bound_socket(SOCK_STREAM, &addr);

	if (listener < 0 || listen(listener, 5))
		return 1;
	for (int i = 0; i < 5; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) || accept(listener, NULL, NULL) < 0)
			return 2;
	}
	return 0;
}

/* ---- Tests --------------------------------------------------------------------------------------------------------- */

static struct coolbpf *loaded(void)
{
	struct coolbpf *cb = tool_open("cgroup");

	must(cb, coolbpf_load(cb));
	return cb;
}

static void skb(void **state)
{
	need_group();
	struct coolbpf *cb = tool_open("cgroup");

	must(cb, coolbpf_param_set(cb, "group", group));
	must(cb, coolbpf_load(cb));
	/* egress by LBC_ATTACH, ingress by function */
	must(cb, coolbpf_attach(cb));
	must(cb, coolbpf_attach_cgroup(cb, "in", group));
	send_udp(5, 100, 9); /* this process is not in the group */
	in_group(send_to_self);
	tool_must_count(cb, 0, 10);
	tool_must_count(cb, 1, 10 * (20 + 8 + 100));
	tool_must_count(cb, 2, 10);
	tool_end(cb);
}

static void connect4(void **state)
{
	need_group();
	struct coolbpf *cb = loaded();

	must(cb, coolbpf_attach_cgroup(cb, "on_connect", group));
	assert_int_equal(try_port(81), 0);
	in_group(connect_around);
	tool_must_count(cb, 3, 7);
	tool_must_count(cb, 4, 3);
	tool_end(cb);
	in_group(connect_freely);
}

static void sock_create(void **state)
{
	need_group();
	struct coolbpf *cb = loaded();

	must(cb, coolbpf_attach_target(cb, "on_socket", group));
	in_group(make_sockets);
	tool_must_count(cb, 5, 8);
	tool_must_count(cb, 6, 2);
	tool_end(cb);
}

static void sockops(void **state)
{
	need_group();
	struct coolbpf *cb = loaded();

	must(cb, coolbpf_attach_cgroup(cb, "on_ops", group));
	in_group(connect_tcp);
	tool_must_count(cb, 7, 5);
	tool_must_count(cb, 8, 5);
	tool_end(cb);
}

/* Two programs at one place of one group both run. */
static void several_at_once(void **state)
{
	need_group();
	struct coolbpf *a = loaded(), *b = loaded();

	must(a, coolbpf_attach_cgroup(a, "on_ops", group));
	must(b, coolbpf_attach_cgroup(b, "on_ops", group));
	in_group(connect_tcp);
	tool_must_count(a, 7, 5);
	tool_must_count(b, 7, 5);
	tool_end(a);
	in_group(connect_tcp);
	tool_must_count(b, 7, 10);
	tool_end(b);
}

/* Kernels before 5.7 know no links for cgroups. */
static void without_links(void **state)
{
	need_group();
	without_bpf(BPF_LINK_CREATE, -1, connect4);
	without_bpf(BPF_LINK_CREATE, -1, sockops);
	without_bpf(BPF_LINK_CREATE, -1, several_at_once);
	in_group(connect_freely);
}

static void refusals(void **state)
{
	need_group();
	struct coolbpf *cb = loaded();

	must_refuse(cb, coolbpf_attach_cgroup(cb, "in", "/sys/fs/cgroup/no-such-group"), -ENOENT,
		    "cgroup /sys/fs/cgroup/no-such-group");
	must_refuse(cb, coolbpf_attach_cgroup(cb, "in", "/etc"), -EBADF, "cgroup of version 2");
	must_refuse(cb, coolbpf_attach_cgroup(cb, "in", ""), -EINVAL, "path of a cgroup");
	/* the parameter in its target was not set */
	must_refuse(cb, coolbpf_attach(cb), -EINVAL, "says where to attach");
	tool_end(cb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(skb, make_group, remove_group),
		cmocka_unit_test_setup_teardown(connect4, make_group, remove_group),
		cmocka_unit_test_setup_teardown(sock_create, make_group, remove_group),
		cmocka_unit_test_setup_teardown(sockops, make_group, remove_group),
		cmocka_unit_test_setup_teardown(several_at_once, make_group, remove_group),
		cmocka_unit_test_setup_teardown(without_links, make_group, remove_group),
		cmocka_unit_test_setup_teardown(refusals, make_group, remove_group),
	};

	return run_as_root(tests);
}
