// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_server_bad.c - requests that are not to be served: malformed, of two meanings, too large, cut short. */
#include "site.h"

enum { MAX_HEAD_TEST = 2000, MAX_BODY_TEST = 1000 };

static int setup(void **state)
{
	struct cb_http_server_opts opts = {.max_head = MAX_HEAD_TEST, .max_body = MAX_BODY_TEST};

	*state = site_start(&opts);
	return 0;
}

static int teardown(void **state)
{
	site_end(*state);
	return 0;
}

/* Behind each stands a second request. A server that reads the first in another way than a proxy in front of it would
 * answer it too: here only one answer may come, and then the end. */
static void what_has_two_meanings_is_refused(void **state)
{
	static const char second[] = "GET /second HTTP/1.1\r\nHost: a\r\n\r\n";
	static const struct {
		const char *text;
		int status;
	} cases[] = {
		/* lengths */
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nabcde", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nabcde", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nabcde", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\nabcde", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nabcde", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\nabcde", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nabcde", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length\t: 5\r\n\r\nabcde", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551621\r\n\r\nabcde", 413},
		/* codings */
		{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
		 "chunked\r\n\r\n0\r\n\r\n",
		 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 501},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\x0b"
		 "chunked\r\n\r\n0\r\n\r\n",
		 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", 501},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding\r\n : chunked\r\n\r\n0\r\n\r\n", 400},
		{"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
		/* lines */
		{"GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\n\tA: b\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
		{"GET / HTTP/1.1\nHost: a\n\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\nA: b\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nA: b\rB: c\r\n\r\n", 400},
		{"GET / HTTP/1.1\rHost: a\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\n: no name\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nA b: c\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nA: \x01\r\n\r\n", 400},
		/* the request line */
		{"GET /\r\nHost: a\r\n\r\n", 400},
		{"GET\r\n\r\n", 400},
		{"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
		{"GET / a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET / http/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400},
		{"GET / HTTP/11\r\nHost: a\r\n\r\n", 400},
		{"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
		{"GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
		{"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"\x16\x03\x01\x02\x00\x01\x00\n", 400}, /* TLS to a plain port */
		/* the target */
		{"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET /a% HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET /a%4 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET /a%xy HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET /a?q=%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		{"GET /a?%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400},
		/* Host and Expect */
		{"GET / HTTP/1.1\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
		{"GET / HTTP/1.1\r\nHost: a\r\nExpect: more\r\n\r\n", 417},
		/* chunks */
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nabcde\r\n0\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n+5\r\nabcde\r\n0\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabcde\r\n0\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n 5\r\nabcde\r\n0\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5 \r\nabcde\r\n0\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\nabcde\r\n0\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcdef\r\n0\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc\r\n0\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\r\n0\r\n\r\n", 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
		 "chunked\r\n\r\n10000000000000005\r\nabcde\r\n0\r\n\r\n",
		 400},
		{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nbad trailer: x\r\n\r\n", 400},
	};
	struct site *s = *state;
	char text[1024], out[4096];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		unsigned handled = site_seen(s).handled;
		int status;

		snprintf(text, sizeof(text), "%s%s", cases[i].text, second);
		status = ask(s->port, text, out, sizeof(out));
		if (status != cases[i].status || strstr(out + 1, "HTTP/1.1 ") ||
		    !strstr(out, "\r\nConnection: close\r\n"))
			fail_msg("case %zu, %s: %s", i, cases[i].text, out);
		assert_int_equal(site_seen(s).handled, handled);
	}
	assert_int_equal(site_seen(s).ended, sizeof(cases) / sizeof(*cases));
	assert_true(site_connections_become(s, 0));
}

/* They would contradict what was read by then; nobody reads them. */
static void trailers_are_dropped(void **state)
{
	struct site *s = *state;
	char out[1024];

	assert_int_equal(ask(s->port,
			     "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
			     "0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
			     out, sizeof(out)),
			 200);
	assert_string_equal(strstr(out, "\r\n\r\n"), "\r\n\r\n");
}

static void a_zero_byte_is_refused(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\nA: b\0c\r\n\r\n";
	struct site *s = *state;
	int fd = call_port(s->port);
	char out[1024];

	assert_int_equal(send(fd, text, sizeof(text) - 1, 0), sizeof(text) - 1);
	assert_int_equal(hear_answer(fd, false, out, sizeof(out)), 400);
	close(fd);
}

static void an_empty_line_before_a_request_is_forgiven(void **state)
{
	struct site *s = *state;
	int fd = call_port(s->port);
	char out[1024];

	for (int i = 0; i < 3; i++) {
		say(fd, "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
		assert_int_equal(hear_answer(fd, false, out, sizeof(out)), 200);
	}
	close(fd);
}

static void a_head_has_a_limit(void **state)
{
	struct site *s = *state;
	char out[1024], text[MAX_HEAD_TEST + 100], fill[MAX_HEAD_TEST + 1];

	memset(fill, 'x', sizeof(fill));
	for (int over = 0; over < 2; over++) {
		/* all in one line */
		int frame = (int)strlen("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");

		snprintf(text, sizeof(text), "GET /%.*s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
			 MAX_HEAD_TEST - frame + over, fill);
		assert_int_equal(strlen(text), MAX_HEAD_TEST + over);
		assert_int_equal(ask(s->port, text, out, sizeof(out)), over ? 431 : 200);
	}
	/* one that never ends */
	memset(text, 'x', sizeof(text));
	memcpy(text, "GET /", 5);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(ask(s->port, text, out, sizeof(out)), 431);
	assert_non_null(strstr(out, "Request Header Fields Too Large"));
	/* many small lines */
	strcpy(text, "GET / HTTP/1.1\r\nHost: a\r\n");
	for (size_t n = strlen(text); n < MAX_HEAD_TEST; n += 6)
		memcpy(text + n, "A: b\r\n", 7);
	assert_int_equal(ask(s->port, text, out, sizeof(out)), 431);
	/* pipelined ones are counted one by one */
	memset(text, 0, sizeof(text));
	for (int i = 0; i < 80; i++)
		memcpy(text + i * 26, i < 79 ? "GET / HTTP/1.1\r\nHost:a\r\n\r\n" : "GET / HTTP/1.0\r\nHost:a\r\n\r\n",
		       26);
	assert_int_equal(ask(s->port, text, out, sizeof(out)), 200);
}

static void a_body_has_a_limit(void **state)
{
	static char body[MAX_BODY_TEST + 2];
	struct site *s = *state;
	char out[4096], text[4096];

	memset(body, 'x', sizeof(body) - 1);
	for (int over = 0; over < 2; over++) {
		snprintf(text, sizeof(text),
			 "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%.*s",
			 MAX_BODY_TEST + over, MAX_BODY_TEST + over, body);
		assert_int_equal(ask(s->port, text, out, sizeof(out)), over ? 413 : 200);
		snprintf(text, sizeof(text),
			 "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
			 "1\r\nx\r\n%x\r\n%.*s\r\n0\r\n\r\n",
			 MAX_BODY_TEST - 1 + over, MAX_BODY_TEST - 1 + over, body);
		assert_int_equal(ask(s->port, text, out, sizeof(out)), over ? 413 : 200);
	}
	/* told before it is sent: the answer does not wait for it, nor is it asked for */
	assert_int_equal(
		ask(s->port, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", out, sizeof(out)), 413);
	assert_int_equal(ask(s->port,
			     "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n",
			     out, sizeof(out)),
			 413);
	/* who may not be here learns of that first */
	assert_int_equal(ask(s->port, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\nX-Refuse: 401\r\n\r\n",
			     out, sizeof(out)),
			 401);
}

static void all_bodies_together_have_a_limit(void **state)
{
	struct cb_http_server_opts opts = {.max_bodies = 1000};
	struct site *s = site_start(&opts);
	int half[3];
	char out[1024];

	for (int i = 0; i < 3; i++) {
		half[i] = call_port(s->port);
		say(half[i], "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 400\r\n\r\n");
		for (int k = 0; k < 39; k++)
			say(half[i], "0123456789");
		if (i < 2)
			while (site_seen(s).admitted <= (unsigned)i)
				usleep(1000);
	}
	/* two of 390 bytes are there, the third has no room */
	assert_int_equal(hear_answer(half[2], false, out, sizeof(out)), 503);
	assert_non_null(strstr(out, "\r\nRetry-After: 1\r\n"));
	for (int i = 0; i < 2; i++) {
		say(half[i], "0123456789");
		assert_int_equal(hear_answer(half[i], false, out, sizeof(out)), 200);
	}
	/* and there is room again */
	say(half[0], "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
	for (int k = 0; k < 100; k++)
		say(half[0], "0123456789");
	assert_int_equal(hear_answer(half[0], true, out, sizeof(out)), 200);
	for (int i = 0; i < 3; i++)
		close(half[i]);
	site_end(s);
}

/* The answer is not lost although the client goes on to send what nobody reads. */
static void a_client_that_sends_on_gets_the_answer(void **state)
{
	enum { LEN = 4 << 20 };
	char *body = calloc(1, LEN), *out;
	struct site *s = *state;
	ssize_t len;

	for (int i = 0; i < 20; i++) {
		int fd = call_port(s->port);
		size_t sent = 0;
		ssize_t n = 1;

		say(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4194304\r\n\r\n");
		while (sent < LEN && n > 0) {
			n = send(fd, body, LEN - sent, MSG_NOSIGNAL);
			sent += n > 0 ? (size_t)n : 0;
		}
		assert_int_equal(sent, LEN);
		out = hear_all(fd, &len);
		assert_memory_equal(out, "HTTP/1.1 413 ", 13);
		free(out);
		close(fd);
	}
	free(body);
}

static void what_is_cut_short_is_told_so(void **state)
{
	static const char *const texts[] = {
		"GET / HT",
		"GET / HTTP/1.1\r\nHost: a\r\n",
		"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345",
		"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n123",
		"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
	};
	struct site *s = *state;
	ssize_t len;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		int fd = call_port(s->port);
		char *out;

		say(fd, texts[i]);
		shutdown(fd, SHUT_WR);
		out = hear_all(fd, &len);
		assert_memory_equal(out, "HTTP/1.1 400 ", 13);
		assert_non_null(strstr(out, "the request ended early"));
		free(out);
		close(fd);
	}
	assert_int_equal(site_ended(s, 5).handled, 0);
}

static const char *explain(void *ctx, int status, const char *why, struct cb_buf *body)
{
	cb_buf_printf(body, "{\"status\":%d,\"error\":\"%s\"}", status, why);
	return "application/json";
}

static void errors_look_as_the_caller_wants(void **state)
{
	struct cb_http_server_opts opts = {.explain = explain};
	struct site *s = site_start(&opts);
	char out[1024];

	assert_int_equal(ask(s->port, "GET / HTTP/1.1\r\n\r\n", out, sizeof(out)), 400);
	assert_non_null(strstr(out, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(out, "\r\n\r\n{\"status\":400,\"error\":\"no Host\"}"));
	site_end(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(what_has_two_meanings_is_refused),
		TEST(trailers_are_dropped),
		TEST(a_zero_byte_is_refused),
		TEST(an_empty_line_before_a_request_is_forgiven),
		TEST(a_head_has_a_limit),
		TEST(a_body_has_a_limit),
		cmocka_unit_test(all_bodies_together_have_a_limit),
		TEST(a_client_that_sends_on_gets_the_answer),
		TEST(what_is_cut_short_is_told_so),
		cmocka_unit_test(errors_look_as_the_caller_wants),
	};

	return cmocka_run_group_tests_name("http / bad requests", tests, NULL, NULL);
}
