// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* tc: ingress and egress of lo. The clsact qdisc that it takes is removed again, unless it was there before. */
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include "tool.h"

static struct coolbpf *loaded(void)
{
	struct coolbpf *cb = tool_open("tc");

	own_network();
	must(cb, coolbpf_load(cb));
	return cb;
}

/* What tc itself says. */
static int qdiscs(void)
{
	return atoi(output_of("tc qdisc show dev lo | grep -c clsact"));
}

static int filters(const char *direction)
{
	return atoi(output_of("tc filter show dev lo %s | grep -c 'direct-action'", direction));
}

static void must_be_clean(void)
{
	assert_int_equal(qdiscs(), 0);
	assert_int_equal(filters("ingress"), 0);
	assert_int_equal(filters("egress"), 0);
}

/* Of n datagrams that begin with this byte so many come in. It waits for those, and a moment for more. */
static void must_arrive(int n, int expected, char first)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), got = 0;

	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	while (n--)
		assert_int_equal(sendto(fd, &first, 1, 0, (struct sockaddr *)&addr, sizeof(addr)), 1);
	/* the kernel may put off to a thread of its own what it has received */
	while (poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, got < expected ? 30000 : 300) > 0 &&
	       recv(fd, &first, 1, 0) == 1)
		got++;
	close(fd);
	assert_int_equal(got, expected);
}

static void by_attach(void **state)
{
	struct coolbpf *cb = loaded();

	must(cb, coolbpf_attach(cb));
	assert_false(tool_attached(cb, "by_hand"));
	assert_int_equal(qdiscs(), 1);
	assert_int_equal(filters("ingress"), 1);
	assert_int_equal(filters("egress"), 1);
	must_arrive(10, 0, 'D');
	must_arrive(15, 15, 'P');
	tool_must_count(cb, 0, 25);
	tool_must_count(cb, 1, 25);
	tool_must_count(cb, 2, 10);
	tool_end(cb);
	must_be_clean();
	must_arrive(10, 10, 'D');
}

static void by_function(void **state)
{
	struct coolbpf *cb = loaded();

	must(cb, coolbpf_attach_tc(cb, "by_hand", "lo", true));
	assert_int_equal(filters("egress"), 1);
	assert_int_equal(filters("ingress"), 0);
	must_arrive(3, 3, 'D');
	tool_must_count(cb, 3, 3);
	/* the same program once more: both run */
	must(cb, coolbpf_attach_tc(cb, "by_hand", "lo", true));
	tool_end(cb);
	must_be_clean();
}

/* A qdisc and a filter of somebody else's stay, whether they were there before or came later. */
static void others_stay(void **state)
{
	struct coolbpf *cb = loaded();

	output_of("tc qdisc add dev lo clsact");
	must(cb, coolbpf_attach(cb));
	tool_end(cb);
	assert_int_equal(qdiscs(), 1);
	output_of("tc qdisc del dev lo clsact");

	cb = loaded();
	must(cb, coolbpf_attach(cb));
	output_of("tc filter add dev lo ingress prio 7 bpf bytecode '1,6 0 0 0' classid 1:1");
	tool_end(cb);
	assert_int_equal(qdiscs(), 1);
	assert_non_null(strstr(output_of("tc filter show dev lo ingress"), "bytecode"));
	assert_int_equal(filters("ingress") + filters("egress"), 0);
	output_of("tc qdisc del dev lo clsact");
	must_be_clean();
}

static void refusals(void **state)
{
	struct coolbpf *cb = loaded();

	must_refuse(cb, coolbpf_attach_tc(cb, "by_hand", "nowhere0", true), -ENOENT, "no network interface nowhere0");
	must_refuse(cb, coolbpf_attach_target(cb, "by_hand", "lo"), -EINVAL, "INTERFACE,ingress");
	must_refuse(cb, coolbpf_attach_target(cb, "by_hand", "lo,ingress,egress"), -EINVAL, "INTERFACE,ingress");
	must_refuse(cb, coolbpf_attach_cgroup(cb, "by_hand", "/"), -EINVAL, "by_hand");
	tool_end(cb);
	must_be_clean();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_attach),
		cmocka_unit_test(by_function),
		cmocka_unit_test(others_stay),
		cmocka_unit_test(refusals),
	};

	return run_as_root(tests);
}
