// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* Socket filters: on the packets of an interface, and on a socket of the caller's. */
#include <arpa/inet.h>
#include <sys/socket.h>

#include "tool.h"

static struct coolbpf *loaded(void)
{
	struct coolbpf *cb = tool_open("socket");

	own_network();
	must(cb, coolbpf_load(cb));
	return cb;
}

/* On lo each packet passes twice: as it is sent and as it comes in. */
static void must_have_seen(struct coolbpf *cb, uint64_t datagrams, uint64_t size)
{
	tool_must_count(cb, 0, 2 * datagrams);
	tool_must_count(cb, 1, 2 * datagrams * (8 + size));
	assert_true(tool_count(cb, 2) >= 2 * datagrams);
}

static void on_an_interface(void **state)
{
	struct coolbpf *cb = loaded();

	must(cb, coolbpf_attach_socket_interface(cb, "on_packet", "lo"));
	send_udp(40, 100, 9);
	must_have_seen(cb, 40, 100);
	coolbpf_detach(cb);
	send_udp(5, 100, 9);
	must_have_seen(cb, 40, 100);
	tool_end(cb);
}

static void on_every_interface(void **state)
{
	struct coolbpf *cb = loaded();

	must(cb, coolbpf_attach_target(cb, "on_packet", "any"));
	send_udp(7, 1, 9);
	must_have_seen(cb, 7, 1);
	tool_end(cb);
}

static void by_attach(void **state)
{
	struct coolbpf *cb = tool_open("socket");

	own_network();
	must(cb, coolbpf_program_target(cb, "on_lo", "lo"));
	must(cb, coolbpf_load(cb));
	must(cb, coolbpf_attach(cb));
	send_udp(12, 33, 9);
	tool_must_count(cb, 3, 24);
	tool_end(cb);
}

/* A filter on a socket decides how much of each datagram its reader gets; the socket stays the caller's. */
static void on_a_socket(void **state)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(addr);
	struct coolbpf *cb = loaded();
	char bytes[100];
	int fd;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	must(cb, coolbpf_attach_socket(cb, "cut", fd));
	send_udp(3, 50, ntohs(addr.sin_port));
	for (int i = 0; i < 3; i++)
		assert_int_equal(recv(fd, bytes, sizeof(bytes), 0), 10);
	tool_must_count(cb, 4, 3);
	tool_end(cb);
	/* the filter is gone, the socket is not */
	send_udp(1, 50, ntohs(addr.sin_port));
	assert_int_equal(recv(fd, bytes, sizeof(bytes), 0), 50);
	close(fd);
}

static void refusals(void **state)
{
	struct coolbpf *cb = loaded();

	must_refuse(cb, coolbpf_attach_socket_interface(cb, "on_packet", "nowhere0"), -ENOENT,
		    "there is no network interface nowhere0");
	must_refuse(cb, coolbpf_attach_socket(cb, "on_packet", -1), -EBADF, "on_packet");
	must_refuse(cb, coolbpf_attach_xdp(cb, "on_packet", "lo", 0), -EINVAL, "on_packet");
	tool_end(cb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_an_interface), cmocka_unit_test(on_every_interface), cmocka_unit_test(by_attach),
		cmocka_unit_test(on_a_socket),	   cmocka_unit_test(refusals),
	};

	return run_as_root(tests);
}
