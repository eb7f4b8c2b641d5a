// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_server.c - what server.h promises to well-behaved clients. */
#include "site.h"

static int setup(void **state)
{
	*state = site_start(NULL);
	return 0;
}

static int teardown(void **state)
{
	site_end(*state);
	return 0;
}

static void a_request_is_answered(void **state)
{
	struct site *s = *state;
	char out[1024];
	struct seen seen;
	int fd = call_port(s->port);

	say(fd, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(hear_answer(fd, false, out, sizeof(out)), 200);
	assert_memory_equal(out, "HTTP/1.1 200 OK\r\nDate: ", 23);
	assert_non_null(strstr(out, " GMT\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\n/hello"));
	seen = site_ended(s, 1);
	assert_int_equal(seen.status, 200);
	assert_int_equal(seen.sent, strlen(out));
	assert_string_equal(seen.method, "GET");
	assert_string_equal(seen.path, "/hello");
	assert_in_range(seen.took_ns, 1, 5000000000);
	close(fd);
}

static void a_connection_serves_many_requests(void **state)
{
	struct site *s = *state;
	char out[1024];
	int fd = call_port(s->port);

	for (int i = 0; i < 1000; i++) {
		say(fd, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
		assert_int_equal(hear_answer(fd, false, out, sizeof(out)), 200);
	}
	site_do(s, 'c');
	assert_int_equal(s->seen.connections, 1);
	close(fd);
	assert_true(site_connections_become(s, 0));
}

static void a_pipeline_is_answered_in_its_order(void **state)
{
	struct site *s = *state;
	char out[1024];
	int fd = call_port(s->port);

	/* some at once, some later: the order stays */
	say(fd, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /later?ms=50 HTTP/1.1\r\nHost: a\r\n\r\n"
		"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nfour"
		"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfive\r\n0\r\n\r\nGET /6 HT");
	say(fd, "TP/1.1\r\nHost: a\r\n\r\n");
	for (int i = 0; i < 5; i++) {
		static const char *const bodies[] = {"/1", "later", "four", "five", "/6"};

		assert_int_equal(hear_answer(fd, false, out, sizeof(out)), 200);
		assert_string_equal(strstr(out, "\r\n\r\n") + 4, bodies[i]);
	}
	close(fd);
}

static void many_requests_at_once_are_all_answered(void **state)
{
	static const char request[] = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
	enum { N = 20000 }; /* more than the server reads ahead */
	struct site *s = *state;
	size_t len = strlen(request), total = N * len, sent = 0;
	char *all = malloc(total), out[65536];
	int fd = call_port(s->port), lines = 0, at = 0;
	static const char end[] = "\r\n\r\n/x";

	for (int i = 0; i < N; i++)
		memcpy(all + (size_t)i * len, request, len);
	while (lines < N) {
		ssize_t n = send(fd, all + sent, total - sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		sent += n > 0 ? (size_t)n : 0;
		n = recv(fd, out, sizeof(out), sent < total ? MSG_DONTWAIT : 0);
		assert_true(n > 0 || (n < 0 && errno == EAGAIN));
		for (ssize_t i = 0; i < n; i++) {
			at = out[i] == end[at] ? at + 1 : out[i] == end[0];
			lines += !end[at];
		}
	}
	assert_int_equal(site_ended(s, N).ended, N);
	free(all);
	close(fd);
}

static void a_body_comes_in_any_pieces(void **state)
{
	static const char *const texts[] = {
		"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world",
		"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x\r\n "
		"world\r\n0\r\nT: 1\r\n\r\n",
	};
	struct site *s = *state;
	char out[1024];

	for (size_t t = 0; t < 2; t++) {
		size_t len = strlen(texts[t]);

		for (size_t cut = 1; cut < len; cut++) {
			int fd = call_port(s->port), one = 1;

			setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &one, sizeof(one));
			assert_int_equal(send(fd, texts[t], cut, 0), cut);
			if (cut % 3)
				usleep(500);
			assert_int_equal(send(fd, texts[t] + cut, len - cut, 0), len - cut);
			assert_int_equal(hear_answer(fd, false, out, sizeof(out)), 200);
			assert_string_equal(strstr(out, "\r\n\r\n") + 4, "hello world");
			close(fd);
		}
	}
}

static void a_large_body_comes_back(void **state)
{
	enum { LEN = 8 << 20 };
	struct site *s = *state;
	char *body = malloc(LEN), *back;
	int fd = call_port(s->port);
	size_t sent = 0;
	char head[128];
	ssize_t len;

	for (size_t i = 0; i < LEN; i++)
		body[i] = (char)(i * 7 >> 3);
	snprintf(head, sizeof(head),
		 "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", LEN);
	say(fd, head);
	while (sent < LEN)
		sent += (size_t)send(fd, body + sent, LEN - sent, 0);
	back = hear_all(fd, &len);
	assert_true(len > LEN);
	assert_memory_equal(back + len - LEN, body, LEN);
	free(back);
	free(body);
	close(fd);
}

static void head_gets_the_length_only(void **state)
{
	struct site *s = *state;
	char out[1024];
	int fd = call_port(s->port);

	say(fd, "HEAD /huge HTTP/1.1\r\nHost: a\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(hear_answer(fd, true, out, sizeof(out)), 200);
	assert_non_null(strstr(out, "Content-Length: 8388608\r\n"));
	assert_int_equal(hear_answer(fd, false, out, sizeof(out)), 200);
	assert_non_null(strstr(out, "\r\n\r\n/next"));
	assert_int_equal(site_seen(s).released, 1);
	close(fd);
}

static void no_content_has_no_length(void **state)
{
	struct site *s = *state;
	char out[1024];

	assert_int_equal(
		ask(s->port, "GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", out, sizeof(out)), 204);
	assert_null(strstr(out, "Content-"));
	assert_string_equal(out + strlen(out) - 4, "\r\n\r\n");
}

static void any_method_reaches_the_handler(void **state)
{
	static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"};
	struct site *s = *state;
	char text[128], out[1024];

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		snprintf(text, sizeof(text), "%s /method HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", methods[i]);
		assert_int_equal(ask(s->port, text, out, sizeof(out)), 200);
		assert_string_equal(strstr(out, "\r\n\r\n") + 4, methods[i]);
	}
	assert_int_equal(ask(s->port, "DELETE /get HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", out, sizeof(out)),
			 405);
	assert_non_null(strstr(out, "\r\nAllow: GET, HEAD\r\n"));
}

static void connections_close_when_they_are_told(void **state)
{
	static const struct {
		const char *text, *line;
	} cases[] = {
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "\r\nConnection: close\r\n"},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE\r\n\r\n", "\r\nConnection: close\r\n"},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close\r\n\r\n",
		 "\r\nConnection: close\r\n"},
		{"GET / HTTP/1.0\r\n\r\n", "\r\nConnection: close\r\n"},
	};
	struct site *s = *state;
	char out[1024];
	int fd;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(ask(s->port, cases[i].text, out, sizeof(out)), 200);
		assert_non_null(strstr(out, cases[i].line));
	}
	fd = call_port(s->port);
	for (int i = 0; i < 2; i++) {
		say(fd, "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
		assert_int_equal(hear_answer(fd, false, out, sizeof(out)), 200);
		assert_non_null(strstr(out, "\r\nConnection: keep-alive\r\n"));
	}
	close(fd);
	assert_true(site_connections_become(s, 0));
}

static void a_client_may_close_its_side_first(void **state)
{
	struct site *s = *state;
	int fd = call_port(s->port);
	ssize_t len;
	char *text;

	say(fd, "GET /later HTTP/1.1\r\nHost: a\r\n\r\nGET /last HTTP/1.1\r\nHost: a\r\n\r\n");
	shutdown(fd, SHUT_WR);
	text = hear_all(fd, &len);
	assert_non_null(strstr(text, "\r\n\r\nlater"));
	assert_non_null(strstr(text, "\r\n\r\n/last"));
	free(text);
	close(fd);
	assert_true(site_connections_become(s, 0));
}

static void the_path_and_the_query_are_decoded(void **state)
{
	static const struct {
		const char *target, *body;
	} cases[] = {
		{"/a%20b%2Fc", "/a b/c"},
		{"/a+b", "/a+b"},
		{"/a/../b", "/a/../b"},
		{"http://other:80/x?y", "/x"},
		{"http://other", "/"},
		{"http://other?q=1", "/"},
		{"/query?q=1", "1"},
		{"/query?a=2&q=%31%26+x%3D&q=3", "1& x="},
		{"/query?q", ""},
		{"/query?&&q==", "="},
		{"/query?p=1", "none"},
		{"/query", "none"},
		{"http://h/query?q=abs", "abs"},
		{"/query?q=a?b/c", "a?b/c"},
	};
	struct site *s = *state;
	char text[256], out[1024];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
			 cases[i].target);
		assert_true(ask(s->port, text, out, sizeof(out)));
		assert_string_equal(strstr(out, "\r\n\r\n") + 4, cases[i].body);
	}
}

static void headers_are_found_in_any_case(void **state)
{
	struct site *s = *state;
	char out[1024];

	ask(s->port,
	    "GET /header HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-tEsT: \t some value \r\nX-Test: 2\r\n\r\n", out,
	    sizeof(out));
	assert_string_equal(strstr(out, "\r\n\r\n") + 4, "some value");
	ask(s->port, "GET /header HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", out, sizeof(out));
	assert_string_equal(strstr(out, "\r\n\r\n") + 4, "none");
}

static void a_header_of_the_answer_cannot_hold_another(void **state)
{
	struct site *s = *state;
	char out[1024];

	assert_int_equal(ask(s->port, "GET /evil HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", out, sizeof(out)),
			 200);
	assert_null(strstr(out, "\nX-Evil"));
	assert_non_null(strstr(out, "\r\nX-A: b  X-Evil: c\r\n"));
}

static void the_body_waits_for_admission(void **state)
{
	struct site *s = *state;
	int fd = call_port(s->port);
	char out[1024];

	say(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-Continue\r\n\r\n");
	assert_int_equal(hear_answer(fd, true, out, sizeof(out)), 100);
	assert_string_equal(out, "HTTP/1.1 100 Continue\r\n\r\n");
	say(fd, "body");
	assert_int_equal(hear_answer(fd, false, out, sizeof(out)), 200);
	assert_int_equal(site_seen(s).admitted, 1);
	close(fd);

	/* refused: no 100, and the connection ends, or the body would be taken for a request */
	assert_int_equal(ask(s->port,
			     "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n"
			     "X-Refuse: 401\r\n\r\n",
			     out, sizeof(out)),
			 401);
	assert_non_null(strstr(out, "\r\nConnection: close\r\n"));
	assert_non_null(strstr(out, "\r\n\r\nUnauthorized: as you asked\n"));
	assert_int_equal(site_ended(s, 2).status, 401);
	assert_int_equal(site_seen(s).handled, 1);
}

static void one_without_a_body_is_refused_and_may_stay(void **state)
{
	struct site *s = *state;
	int fd = call_port(s->port);
	char out[1024];

	for (int i = 0; i < 3; i++) {
		say(fd, "GET / HTTP/1.1\r\nHost: a\r\nX-Refuse: 429\r\n\r\n");
		assert_int_equal(hear_answer(fd, false, out, sizeof(out)), 429);
		assert_non_null(strstr(out, "\r\nRetry-After: 7\r\n"));
		assert_null(strstr(out, "Connection"));
	}
	assert_int_equal(site_seen(s).handled, 0);
	close(fd);
}

/* Each of the kept requests has another behind it in its pipeline, which would be served at once, and so on. */
static void a_handler_may_answer_others(void **state)
{
	struct site *s = *state;
	int fd[20], last = call_port(s->port);
	char out[1024];

	for (int i = 0; i < 20; i++) {
		fd[i] = call_port(s->port);
		say(fd[i], i % 2 ? "GET /keep HTTP/1.1\r\nHost: a\r\n\r\nGET /release HTTP/1.1\r\nHost: a\r\n\r\n"
				 : "GET /keep HTTP/1.1\r\nHost: a\r\n\r\n");
	}
	while (site_seen(s).handled < 20)
		usleep(1000);
	say(last, "GET /release HTTP/1.1\r\nHost: a\r\n\r\n");
	for (int i = 0; i < 20; i++) {
		assert_int_equal(hear_answer(fd[i], false, out, sizeof(out)), 200);
		assert_string_equal(strstr(out, "\r\n\r\n") + 4, "released");
		if (i % 2) {
			assert_int_equal(hear_answer(fd[i], false, out, sizeof(out)), 200);
			assert_string_equal(strstr(out, "\r\n\r\n") + 4, "done");
		}
		close(fd[i]);
	}
	assert_int_equal(hear_answer(last, false, out, sizeof(out)), 200);
	close(last);
	assert_true(site_connections_become(s, 0));
}

static void a_body_without_a_copy_is_released_once(void **state)
{
	struct site *s = *state;
	char *text;
	ssize_t len;

	for (int i = 0; i < 2; i++) {
		int fd = call_port(s->port);

		say(fd, i ? "GET /copied HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
			  : "GET /huge HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
		text = hear_all(fd, &len);
		assert_true(len > HUGE_BODY);
		assert_memory_equal(text + len - HUGE_BODY, s->huge, HUGE_BODY);
		free(text);
		close(fd);
	}
	site_ended(s, 2);
	assert_int_equal(site_seen(s).released, 1);
	assert_in_range(site_seen(s).sent, HUGE_BODY, HUGE_BODY + 1000);
}

static void a_client_that_is_gone_is_told_of(void **state)
{
	struct linger reset = {1, 0};
	struct site *s = *state;
	struct seen seen;
	int fd;

	/* in the middle of a large answer */
	fd = call_port(s->port);
	say(fd, "GET /huge HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, PATIENCE_MS), 1);
	close(fd);
	seen = site_ended(s, 1);
	assert_int_equal(seen.gone, 1);
	assert_int_equal(seen.released, 1);
	assert_in_range(seen.sent, 1, HUGE_BODY);

	/* while the handler has the request: it answers into the void */
	fd = call_port(s->port);
	say(fd, "GET /keep HTTP/1.1\r\nHost: a\r\n\r\n");
	while (site_seen(s).handled < 2)
		usleep(1000);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	assert_true(site_connections_become(s, 0));
	assert_int_equal(site_seen(s).ended, 1);
	site_do(s, 'k');
	seen = site_ended(s, 2);
	assert_int_equal(seen.gone, 2);

	/* in the middle of its body */
	fd = call_port(s->port);
	say(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
	while (site_seen(s).admitted < 3)
		usleep(1000);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	assert_int_equal(site_ended(s, 3).gone, 3);
	assert_true(site_connections_become(s, 0));
}

static void the_same_is_true_at_every_byte(void **state)
{
	static const char text[] = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
	struct site *s = *state;

	for (size_t len = 0; len <= strlen(text); len++) {
		for (int reset = 0; reset < 2; reset++) {
			struct linger linger = {reset, 0};
			int fd = call_port(s->port);

			send(fd, text, len, 0);
			if (len % 4)
				usleep(300);
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
			close(fd);
		}
	}
	assert_true(site_connections_become(s, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(a_request_is_answered),
		TEST(a_connection_serves_many_requests),
		TEST(a_pipeline_is_answered_in_its_order),
		TEST(many_requests_at_once_are_all_answered),
		TEST(a_body_comes_in_any_pieces),
		TEST(a_large_body_comes_back),
		TEST(head_gets_the_length_only),
		TEST(no_content_has_no_length),
		TEST(any_method_reaches_the_handler),
		TEST(connections_close_when_they_are_told),
		TEST(a_client_may_close_its_side_first),
		TEST(the_path_and_the_query_are_decoded),
		TEST(headers_are_found_in_any_case),
		TEST(a_header_of_the_answer_cannot_hold_another),
		TEST(the_body_waits_for_admission),
		TEST(one_without_a_body_is_refused_and_may_stay),
		TEST(a_handler_may_answer_others),
		TEST(a_body_without_a_copy_is_released_once),
		TEST(a_client_that_is_gone_is_told_of),
		TEST(the_same_is_true_at_every_byte),
	};

	return cmocka_run_group_tests_name("http / server", tests, NULL, NULL);
}
