// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* XDP: generic on lo, native on a veth pair; what it drops does not arrive, and `ip` agrees about what is attached. */
#include <arpa/inet.h>
#include <linux/if_link.h>
#include <poll.h>
#include <sys/socket.h>

#include "tool.h"

static struct coolbpf *loaded(void)
{
	struct coolbpf *cb = tool_open("xdp");

	own_network();
	must(cb, coolbpf_load(cb));
	return cb;
}

/* The XDP mode that `ip` shows for an interface: 1 driver, 2 generic, 0 none. */
static int mode_of(const char *interface)
{
	return atoi(output_of("ip -j link show dev %s | jq '.[0].xdp.mode // 0'", interface));
}

/* Of n datagrams to port so many arrive. It waits for those, and a moment for more. */
static void must_arrive(int n, int expected, unsigned short port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), got = 0;
	char bytes[64];

	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	send_udp((unsigned)n, 20, port);
	/* the kernel may put off to a thread of its own what it has received */
	while (poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, got < expected ? 30000 : 300) > 0 &&
	       recv(fd, bytes, sizeof(bytes), 0) > 0)
		got++;
	close(fd);
	assert_int_equal(got, expected);
}

static void generic_on_lo(void **state)
{
	struct coolbpf *cb = loaded();

	must_arrive(5, 5, 9);
	must(cb, coolbpf_attach_xdp(cb, "drop_discard", "lo", XDP_FLAGS_SKB_MODE));
	assert_int_equal(mode_of("lo"), 2);
	must_arrive(30, 0, 9);
	must_arrive(4, 4, 10);
	tool_must_count(cb, 0, 30);
	tool_must_count(cb, 1, 34);
	tool_end(cb);
	assert_int_equal(mode_of("lo"), 0);
	must_arrive(5, 5, 9);
}

static void by_words(void **state)
{
	struct coolbpf *cb = tool_open("xdp");

	own_network();
	must(cb, coolbpf_program_target(cb, "pass", "lo,mode=skb"));
	must(cb, coolbpf_load(cb));
	must(cb, coolbpf_attach(cb));
	assert_int_equal(mode_of("lo"), 2);
	must_arrive(6, 6, 9);
	tool_must_count(cb, 2, 6);
	tool_end(cb);
	assert_int_equal(mode_of("lo"), 0);
}

/* Frames that another namespace sends come in over a veth, whose driver runs XDP itself. */
static void native_on_veth(void **state)
{
	struct coolbpf *cb = loaded();

	output_of("ip link add cbtest0 type veth peer name cbtest1 && ip link set cbtest1 address 02:00:00:00:00:02 && "
		  "ip addr add 10.9.0.1/24 dev cbtest0 && ip link set cbtest0 up && ip link set cbtest1 up && "
		  "ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev cbtest0 && "
		  "until ip -br link show cbtest0 | grep -qw UP; do sleep 0.05; done");
	must(cb, coolbpf_attach_xdp(cb, "drop_discard", "cbtest1", XDP_FLAGS_DRV_MODE));
	assert_int_equal(mode_of("cbtest1"), 1);
	output_of("bash -c 'for i in 1 2 3 4 5 6 7; do echo x >/dev/udp/10.9.0.2/9; done'");
	tool_must_count(cb, 0, 7);
	/* a second program finds the place taken */
	must_refuse(cb, coolbpf_attach_xdp(cb, "drop_discard", "cbtest1", XDP_FLAGS_DRV_MODE), -EBUSY,
		    "XDP on cbtest1");
	tool_end(cb);
	assert_int_equal(mode_of("cbtest1"), 0);
	output_of("ip link del cbtest0");
}

/* Kernels before 5.9 know no links for XDP: netlink attaches. Another's program is not replaced, and not taken away. */
static void netlink(void **state)
{
	struct coolbpf *cb = loaded(), *other = loaded();

	must(cb, coolbpf_attach_xdp(cb, "drop_discard", "lo", XDP_FLAGS_SKB_MODE));
	assert_int_equal(mode_of("lo"), 2);
	must_arrive(8, 0, 9);
	tool_must_count(cb, 0, 8);
	must_refuse(other, coolbpf_attach_xdp(other, "drop_discard", "lo", XDP_FLAGS_SKB_MODE), -EBUSY, "XDP on lo");
	coolbpf_free(other);
	assert_int_equal(mode_of("lo"), 2);
	tool_end(cb);
	assert_int_equal(mode_of("lo"), 0);
	must_arrive(5, 5, 9);
}

static void without_links(void **state)
{
	own_network();
	without_bpf(BPF_LINK_CREATE, -1, netlink);
}

static void refusals(void **state)
{
	struct coolbpf *cb = loaded();

	must_refuse(cb, coolbpf_attach_xdp(cb, "drop_discard", "nowhere0", 0), -ENOENT,
		    "there is no network interface nowhere0");
	must_refuse(cb, coolbpf_attach_target(cb, "drop_discard", "lo,mode=fast"), -EINVAL, "skb, drv or hw");
	must_refuse(cb, coolbpf_attach_target(cb, "drop_discard", ""), -EINVAL, "name of a network interface");
	must_refuse(cb, coolbpf_attach_tc(cb, "drop_discard", "lo", false), -EINVAL, "tc ingress on lo");
	tool_end(cb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(generic_on_lo), cmocka_unit_test(by_words), cmocka_unit_test(native_on_veth),
		cmocka_unit_test(without_links), cmocka_unit_test(refusals),
	};

	return run_as_root(tests);
}
