// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* sk_skb (parser and verdict) and sk_msg programs on socket maps: two TCP connections, and what the programs make of
 * messages on them. */
#include <arpa/inet.h>
#include <sys/socket.h>

#include "tool.h"

/* A TCP connection with both its ends. */
static void tcp_pair(int ends[2])
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval limit = {.tv_sec = 60};
	socklen_t len = sizeof(addr);

	assert_int_equal(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&addr, &len), 0);
	ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(ends[0], (struct sockaddr *)&addr, sizeof(addr)), 0);
	ends[1] = accept(listener, NULL, NULL);
	assert_true(ends[1] >= 0);
	for (int i = 0; i < 2; i++)
		setsockopt(ends[i], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	close(listener);
}

static struct coolbpf *loaded(void)
{
	struct coolbpf *cb = tool_open("sockmap");

	own_network();
	must(cb, coolbpf_load(cb));
	return cb;
}

static void put(struct coolbpf *cb, const char *map, uint32_t slot, int fd)
{
	must(cb, coolbpf_map_update(cb, map, &slot, &fd, BPF_ANY));
}

/* What is sent to a's end 1 comes out at b's end 0, in messages of 8 bytes. */
static void redirect(struct coolbpf *cb)
{
	char text[] = "first..."
		      "second.."
		      "third...",
	     got[24];
	int a[2], b[2];

	tcp_pair(a);
	tcp_pair(b);
	put(cb, "socks", 0, a[1]);
	put(cb, "socks", 1, b[1]);
	assert_int_equal(send(a[0], text, 24, 0), 24);
	assert_int_equal(recv(b[0], got, 24, MSG_WAITALL), 24);
	assert_memory_equal(got, text, 24);
	tool_must_count(cb, 1, 3);
	assert_true(tool_count(cb, 0) >= 3);
	for (int i = 0; i < 2; i++) {
		close(a[i]);
		close(b[i]);
	}
}

static void by_attach(void **state)
{
	struct coolbpf *cb = loaded();

	must(cb, coolbpf_attach(cb));
	assert_true(tool_attached(cb, "parse") && tool_attached(cb, "verdict"));
	assert_false(tool_attached(cb, "on_send"));
	redirect(cb);
	tool_end(cb);
}

static void by_function(void **state)
{
	struct coolbpf *cb = loaded();

	must(cb, coolbpf_attach_sockmap(cb, "parse", "socks"));
	must(cb, coolbpf_attach_sockmap(cb, "verdict", "socks"));
	redirect(cb);
	tool_end(cb);
}

static void msg(void **state)
{
	struct coolbpf *cb = loaded();
	char got[64];
	int a[2];

	must(cb, coolbpf_attach_sockmap(cb, "on_send", "senders"));
	tcp_pair(a);
	put(cb, "senders", 0, a[0]);
	for (int i = 1; i <= 6; i++)
		assert_int_equal(send(a[0], "0123456789", (size_t)i, 0), i);
	assert_int_equal(recv(a[1], got, 21, MSG_WAITALL), 21);
	tool_must_count(cb, 3, 6);
	tool_must_count(cb, 4, 21);
	close(a[0]);
	close(a[1]);
	tool_end(cb);
}

static void refusals(void **state)
{
	struct coolbpf *cb = loaded();

	must_refuse(cb, coolbpf_attach_sockmap(cb, "parse", "nothing"), -ENOENT, "there is no map nothing");
	must_refuse(cb, coolbpf_attach_target(cb, "parse", ""), -EINVAL, "map=NAME");
	must_refuse(cb, coolbpf_attach_sockmap(cb, "parse", "counts"), -EINVAL, "no sockmap or sockhash");
	tool_end(cb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_attach),
		cmocka_unit_test(by_function),
		cmocka_unit_test(msg),
		cmocka_unit_test(refusals),
	};

	return run_as_root(tests);
}
