// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_server_slow.c - clients that take their time, and what it costs them. */
#include "site.h"

enum { REQUEST_MS = 400, IDLE_MS = 3000, WRITE_MS = 1000 };

static int setup(void **state)
{
	struct cb_http_server_opts opts = {
		.request_timeout_ms = REQUEST_MS, .idle_timeout_ms = IDLE_MS, .write_timeout_ms = WRITE_MS};

	*state = site_start(&opts);
	return 0;
}

static int teardown(void **state)
{
	site_end(*state);
	return 0;
}

static void assert_took(uint64_t since, uint64_t ms)
{
	uint64_t took = now_ms() - since;

	if (took + 5 < ms || took > ms + SLACK_MS)
		fail_msg("%llu ms instead of %llu", (unsigned long long)took, (unsigned long long)ms);
}

/* Byte by byte, each well within any time-out that counts from the last one. */
static void trickle(unsigned port, const char *text, char *out, size_t size)
{
	int fd = call_port(port);
	ssize_t len = 0;
	char *answer;

	for (; *text; text++) {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		assert_int_equal(send(fd, text, 1, MSG_NOSIGNAL), 1);
		if (poll(&p, 1, 50))
			break;
	}
	answer = hear_all(fd, &len);
	snprintf(out, size, "%s", answer);
	free(answer);
	close(fd);
}

static void a_request_has_a_time_however_it_trickles(void **state)
{
	static const char *const texts[] = {
		"GET /a-long-path-that-takes-its-time HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST /echo HTTP/1.1\r\n",
		"\r\nGET /a-long-path-that-takes-its-time HTTP/1.1\r\nHost: a\r\n\r\n",
	};
	struct site *s = *state;
	char out[1024];

	for (size_t i = 0; i < 3; i++) {
		uint64_t start = now_ms();

		trickle(s->port, texts[i], out, sizeof(out));
		assert_memory_equal(out, "HTTP/1.1 408 Request Timeout\r\n", 30);
		assert_took(start, REQUEST_MS);
		assert_int_equal(site_ended(s, (unsigned)i + 1).status, 408);
	}
}

static void a_body_has_the_same_time(void **state)
{
	static const char *const heads[] = {"Content-Length: 1000", "Transfer-Encoding: chunked"};
	struct site *s = *state;
	char out[1024], text[256];

	for (size_t i = 0; i < 2; i++) {
		uint64_t start = now_ms();
		int fd = call_port(s->port), n;

		snprintf(text, sizeof(text), "POST /echo HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n", heads[i]);
		say(fd, text);
		for (n = 0; n < 300; n++) {
			struct pollfd p = {.fd = fd, .events = POLLIN};

			say(fd, i ? "1\r\nx\r\n" : "x");
			if (poll(&p, 1, 40))
				break;
		}
		assert_true(n < 300);
		assert_int_equal(hear_answer(fd, false, out, sizeof(out)), 408);
		assert_took(start, REQUEST_MS);
		close(fd);
	}
	assert_int_equal(site_seen(s).handled, 0);
}

static void an_idle_connection_ends_silently(void **state)
{
	struct site *s = *state;
	uint64_t start = now_ms();
	int fresh = call_port(s->port), used = call_port(s->port);
	char out[1024];

	usleep(300000);
	say(used, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(hear_answer(used, false, out, sizeof(out)), 200);
	assert_int_equal(recv(fresh, out, sizeof(out), 0), 0);
	assert_took(start, IDLE_MS);
	/* its time began anew with its answer */
	assert_int_equal(recv(used, out, sizeof(out), 0), 0);
	assert_took(start, IDLE_MS + 300);
	assert_int_equal(site_seen(s).ended, 1);
	close(fresh);
	close(used);
}

static void a_stray_empty_line_does_not_begin_a_request(void **state)
{
	struct site *s = *state;
	uint64_t start = now_ms();
	int fd = call_port(s->port);
	char out[64];

	say(fd, "\r\n");
	assert_int_equal(recv(fd, out, sizeof(out), 0), 0);
	assert_took(start, IDLE_MS);
	close(fd);
}

static void the_handler_may_take_longer(void **state)
{
	struct site *s = *state;
	int fd = call_port(s->port);
	char out[1024];

	say(fd, "GET /later?ms=3400 HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(hear_answer(fd, false, out, sizeof(out)), 200);
	close(fd);
}

static void an_answer_that_is_not_taken_ends(void **state)
{
	struct site *s = *state;
	uint64_t start = now_ms();
	int fd = call_port(s->port);

	say(fd, "GET /huge HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(site_ended(s, 1).gone, 1);
	assert_took(start, WRITE_MS);
	assert_int_equal(site_seen(s).released, 1);
	assert_true(site_connections_become(s, 0));
	close(fd);
}

/* Much longer than the time-out for writing, but always going on. False: the machine let this thread wait too long. */
static bool take_slowly(struct site *s, unsigned times)
{
	static char buffer[256 << 10];
	int fd, small = 64 << 10;
	uint64_t last, longest = 0;
	size_t got = 0;
	ssize_t n = 1;

	fd = call_port(s->port);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	say(fd, "GET /huge HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	last = now_ms();
	while (n > 0) {
		usleep(60000);
		n = recv(fd, buffer, sizeof(buffer), MSG_WAITALL);
		got += n > 0 ? (size_t)n : 0;
		longest = now_ms() - last > longest ? now_ms() - last : longest;
		last = now_ms();
	}
	close(fd);
	if (longest > WRITE_MS / 2 && n)
		return false;
	assert_int_equal(n, 0);
	assert_true(got > HUGE_BODY);
	assert_int_equal(site_ended(s, times).status, 200);
	return true;
}

static void one_that_is_taken_slowly_is_served(void **state)
{
	unsigned times = 1;

	while (!take_slowly(*state, times))
		assert_true(++times < 6);
}

/* Send requests until the socket takes no more for 200 ms: how many bytes. */
static size_t flood(int fd)
{
	static const char request[] = "GET /page HTTP/1.1\r\nHost: a\r\n\r\n";
	size_t sent = 0, len = strlen(request);
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	while (poll(&p, 1, 200) > 0 && !(p.revents & (POLLERR | POLLHUP)) && sent < 64 << 20) {
		ssize_t n = send(fd, request, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0)
			break;
		sent += (size_t)n;
	}
	return sent;
}

/* What a client pipelines while it waits for an answer, or does not read it, is not read for ever: there are two socket
 * buffers and what the server reads ahead. */
static void what_is_sent_ahead_is_not_all_read(void **state)
{
	struct site *s = *state;
	int kept = call_port(s->port), unread = call_port(s->port);

	say(kept, "GET /keep HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_true(flood(kept) < 32 << 20);
	assert_true(flood(unread) < 32 << 20);
	close(kept);
	close(unread);
	site_do(s, 'k');
	assert_true(site_connections_become(s, 0));
}

static void one_slow_client_does_not_delay_others(void **state)
{
	struct site *s = *state;
	int slow[50];
	char out[1024];
	uint64_t start;

	for (int i = 0; i < 50; i++) {
		slow[i] = call_port(s->port);
		say(slow[i], i % 2 ? "GET / HT" : "GET /huge HTTP/1.1\r\nHost: a\r\n\r\n");
	}
	/* one after the other behind each that is slow they would take 20 s */
	start = now_ms();
	for (int i = 0; i < 50; i++)
		assert_int_equal(
			ask(s->port, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", out, sizeof(out)), 200);
	assert_true(now_ms() - start < PATIENCE_MS);
	for (int i = 0; i < 50; i++)
		close(slow[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(a_request_has_a_time_however_it_trickles),
		TEST(a_body_has_the_same_time),
		TEST(an_idle_connection_ends_silently),
		TEST(a_stray_empty_line_does_not_begin_a_request),
		TEST(the_handler_may_take_longer),
		TEST(an_answer_that_is_not_taken_ends),
		TEST(one_that_is_taken_slowly_is_served),
		TEST(what_is_sent_ahead_is_not_all_read),
		TEST(one_slow_client_does_not_delay_others),
	};

	return cmocka_run_group_tests_name("http / slow clients", tests, NULL, NULL);
}
