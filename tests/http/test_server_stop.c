// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_server_stop.c - starting and stopping: addresses, a graceful stop in the middle of requests, a sudden end. */
#include "site.h"

#include <arpa/inet.h>

static bool refused(unsigned port)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), err = connect(fd, (struct sockaddr *)&to, sizeof(to)) ? errno : 0;

	close(fd);
	return err == ECONNREFUSED;
}

static void a_stop_lets_requests_end(void **state)
{
	struct site *s = site_start(NULL);
	int idle = call_port(s->port), kept = call_port(s->port), half = call_port(s->port), large = call_port(s->port);
	int used = call_port(s->port), sent = call_port(s->port);
	char out[1024], *text;
	ssize_t len;

	say(used, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(hear_answer(used, false, out, sizeof(out)), 200);
	say(kept, "GET /keep HTTP/1.1\r\nHost: a\r\n\r\n");
	say(half, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
	say(large, "GET /huge HTTP/1.1\r\nHost: a\r\n\r\n");
	while (site_seen(s).admitted < 4 || site_seen(s).handled < 3)
		usleep(1000);
	/* on its way when the stop comes */
	say(sent, "GET /sent HTTP/1.1\r\nHost: a\r\n\r\n");
	site_do(s, 's');
	assert_true(refused(s->port));
	assert_int_equal(recv(idle, out, sizeof(out), 0), 0);
	assert_int_equal(recv(used, out, sizeof(out), 0), 0);
	assert_int_equal(hear_answer(sent, false, out, sizeof(out)), 200);
	assert_int_equal(site_seen(s).drained, 0);

	say(half, "cd");
	assert_int_equal(hear_answer(half, false, out, sizeof(out)), 200);
	assert_non_null(strstr(out, "\r\nConnection: close\r\n"));
	site_do(s, 'k');
	assert_int_equal(hear_answer(kept, false, out, sizeof(out)), 200);
	assert_non_null(strstr(out, "\r\nConnection: close\r\n"));
	text = hear_all(large, &len);
	assert_true(len > HUGE_BODY);
	free(text);
	for (int i = 0; i < 6; i++)
		close((int[]){idle, kept, half, large, used, sent}[i]);
	for (uint64_t until = now_ms() + PATIENCE_MS; !site_seen(s).drained && now_ms() < until;)
		usleep(1000);
	assert_int_equal(site_seen(s).drained, 1);
	site_end(s);
}

static void a_stop_of_nothing_is_at_once(void **state)
{
	struct site *s = site_start(NULL);

	site_do(s, 's');
	for (uint64_t until = now_ms() + PATIENCE_MS; !site_seen(s).drained && now_ms() < until;)
		usleep(1000);
	assert_int_equal(site_seen(s).drained, 1);
	site_end(s);
}

/* The client is gone, but the handler is still at work: what it works with must not be taken away under it. */
static void a_stop_waits_for_the_handler(void **state)
{
	struct linger reset = {1, 0};
	struct site *s = site_start(NULL);
	int fd = call_port(s->port);

	say(fd, "GET /keep HTTP/1.1\r\nHost: a\r\n\r\n");
	while (!site_seen(s).handled)
		usleep(1000);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	assert_true(site_connections_become(s, 0));
	site_do(s, 's');
	usleep(50000);
	assert_int_equal(site_seen(s).drained, 0);
	site_do(s, 'k');
	for (uint64_t until = now_ms() + PATIENCE_MS; !site_seen(s).drained && now_ms() < until;)
		usleep(1000);
	assert_int_equal(site_seen(s).drained, 1);
	site_end(s);
}

static void a_sudden_end_closes_everything(void **state)
{
	struct site *s = site_start(NULL);
	int kept = call_port(s->port), half = call_port(s->port), large = call_port(s->port);
	char *text;
	ssize_t len;

	say(kept, "GET /keep HTTP/1.1\r\nHost: a\r\n\r\n");
	say(half, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
	say(large, "GET /huge HTTP/1.1\r\nHost: a\r\n\r\n");
	while (site_seen(s).admitted < 3 || site_seen(s).handled < 2)
		usleep(1000);
	site_do(s, 'f');
	assert_true(refused(s->port));
	assert_int_equal(site_seen(s).released, 1);
	assert_true(recv(kept, (char[1]){0}, 1, 0) <= 0);
	assert_true(recv(half, (char[1]){0}, 1, 0) <= 0);
	text = hear_all(large, &len);
	assert_true(len < HUGE_BODY);
	free(text);
	/* the handler answers what is no more */
	site_do(s, 'k');
	for (int i = 0; i < 3; i++)
		close((int[]){kept, half, large}[i]);
	site_end(s);
}

static void it_listens_on_several_addresses(void **state)
{
	static const char *const listen[] = {"127.0.0.1:0", "127.0.0.2:0", ":0", NULL};
	struct cb_http_server_opts opts = {.listen = listen};
	struct site *s = site_start(&opts);
	char out[1024];

	assert_int_equal(ask(s->port, "GET /peer HTTP/1.0\r\n\r\n", out, sizeof(out)), 200);
	assert_string_equal(strstr(out, "\r\n\r\n") + 4, "127.0.0.1");
	assert_int_not_equal(s->port, s->port2);
	/* IPv4 on the socket for every address */
	assert_int_equal(ask(cb_http_server_port(s->server, 2), "GET /peer HTTP/1.0\r\n\r\n", out, sizeof(out)), 200);
	assert_string_equal(strstr(out, "\r\n\r\n") + 4, "127.0.0.1");
	assert_int_equal(cb_http_server_port(s->server, 3), 0);
	site_end(s);
}

static void it_listens_on_ipv6(void **state)
{
	static const char *const listen[] = {"[::1]:0", NULL};
	struct cb_http_server_opts opts = {.listen = listen};
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd = socket(AF_INET6, SOCK_STREAM, 0);
	struct site *s;
	char out[1024];

	if (fd < 0 || bind(fd, (struct sockaddr *)&to, sizeof(to)))
		skip_because("this machine has no IPv6 loopback address");
	s = site_start(&opts);
	close(fd);
	fd = socket(AF_INET6, SOCK_STREAM, 0);
	to.sin6_port = htons((uint16_t)s->port);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	say(fd, "GET /peer HTTP/1.1\r\nHost: [::1]\r\n\r\n");
	assert_int_equal(hear_answer(fd, false, out, sizeof(out)), 200);
	assert_string_equal(strstr(out, "\r\n\r\n") + 4, "::1");
	close(fd);
	site_end(s);
}

static void a_bad_address_is_refused_by_name(void **state)
{
	static const struct {
		const char *address, *says;
	} cases[] = {
		{"80", "80: an address to listen on is ADDRESS:PORT, [IPV6]:PORT or :PORT"},
		{"127.0.0.1:", "an address to listen on is"},
		{"127.0.0.1:65536", "an address to listen on is"},
		{"127.0.0.1:http", "an address to listen on is"},
		{"localhost:80", "localhost:80: localhost is not a numeric address"},
		{"127.0.0.1.1:80", "is not a numeric address"},
		{"::1:80", "is not a numeric address"},
		{"[127.0.0.1]:80", "is not a numeric address"},
		{"192.0.2.1:0", "cannot listen on 192.0.2.1:0: Cannot assign requested address"},
	};
	struct event_base *base = event_base_new();

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		/* the first address is good: it must not stay open */
		const char *listen[] = {"127.0.0.1:0", cases[i].address, NULL};
		struct cb_http_server_opts opts = {.listen = listen, .handle = site_handle};
		struct cb_err e = {0};

		assert_null(cb_http_server_new(base, &opts, &e));
		if (!strstr(e.text, cases[i].says))
			fail_msg("%s", e.text);
	}
	event_base_free(base);
}

static void a_port_that_is_taken_is_told(void **state)
{
	struct site *s = site_start(NULL);
	struct event_base *base = event_base_new();
	struct cb_err e = {0};
	char address[32];
	const char *listen[] = {address, NULL};
	struct cb_http_server_opts opts = {.listen = listen, .handle = site_handle};

	snprintf(address, sizeof(address), "127.0.0.1:%u", s->port);
	assert_null(cb_http_server_new(base, &opts, &e));
	assert_non_null(strstr(e.text, "Address already in use"));
	event_base_free(base);
	site_end(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stop_lets_requests_end),	    cmocka_unit_test(a_stop_of_nothing_is_at_once),
		cmocka_unit_test(a_stop_waits_for_the_handler),	    cmocka_unit_test(a_sudden_end_closes_everything),
		cmocka_unit_test(it_listens_on_several_addresses),  cmocka_unit_test(it_listens_on_ipv6),
		cmocka_unit_test(a_bad_address_is_refused_by_name), cmocka_unit_test(a_port_that_is_taken_is_told),
	};

	return cmocka_run_group_tests_name("http / stop", tests, NULL, NULL);
}
