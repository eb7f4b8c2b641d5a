// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_client.c - what client.h promises, against our server and against one that says what the test wrote down. */
#include "script.h"

#include "http/client.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nok"

static struct cb_err e;

static int call(struct cb_http_call *c, unsigned port, const char *path, struct cb_http_reply *r)
{
	char url[256];
	int err;

	snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", port, path);
	c->method = c->method ? c->method : "GET";
	c->url = url;
	c->timeout_ms = c->timeout_ms ? c->timeout_ms : PATIENCE_MS;
	e.text[0] = '\0';
	err = cb_http_do(c, r, &e);
	c->url = NULL;
	return err;
}

static void it_asks_and_reads_the_answer(void **state)
{
	static const char *const answers[] = {OK, NULL}, *const headers[] = {"X-A", "b", "Authorization", "Bearer t",
									     NULL};
	struct script *s = script_start(answers);
	struct cb_http_call c = {.headers = headers};
	struct cb_http_reply r;
	char request[512];

	assert_int_equal(call(&c, s->port, "/a?b=c#d", &r), 0);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.type, "text/plain");
	assert_string_equal(cb_buf_cstr(&r.body), "ok");
	assert_true(r.reached);
	snprintf(
		request, sizeof(request),
		"GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\nUser-Agent: coolbpf/" COOLBPF_VERSION
		"\r\nX-A: b\r\nAuthorization: Bearer t\r\n\r\n",
		s->port);
	assert_string_equal(s->requests[0], request);
	cb_http_reply_free(&r);
	script_end(s);
}

static void it_sends_a_body(void **state)
{
	enum { LEN = 6 << 20 };
	struct site *s = site_start(NULL);
	char *body = malloc(LEN);
	struct cb_http_call c = {.method = "POST", .body = body, .body_len = LEN};
	struct cb_http_reply r;

	for (size_t i = 0; i < LEN; i++)
		body[i] = (char)(i * 11 >> 4);
	assert_int_equal(call(&c, s->port, "/echo", &r), 0);
	assert_int_equal(r.status, 200);
	assert_int_equal(r.body.len, LEN);
	assert_memory_equal(r.body.data, body, LEN);
	cb_http_reply_free(&r);
	/* an empty one has a length too */
	c.body_len = 0;
	assert_int_equal(call(&c, s->port, "/echo", &r), 0);
	assert_int_equal(r.body.len, 0);
	cb_http_reply_free(&r);
	free(body);
	site_end(s);
}

static void any_status_is_an_answer(void **state)
{
	struct site *s = site_start(NULL);
	static const char *const headers[] = {"X-Refuse", "401", NULL};
	struct cb_http_call c = {.method = "POST", .headers = headers, .body = "x", .body_len = 1};
	struct cb_http_reply r;

	assert_int_equal(call(&c, s->port, "/", &r), 0);
	assert_int_equal(r.status, 401);
	assert_int_equal(r.retry_after_s, 7);
	assert_string_equal(cb_buf_cstr(&r.body), "Unauthorized: as you asked\n");
	cb_http_reply_free(&r);
	c = (struct cb_http_call){.method = "HEAD"};
	assert_int_equal(call(&c, s->port, "/huge", &r), 0);
	assert_int_equal(r.status, 200);
	assert_int_equal(r.body.len, 0);
	cb_http_reply_free(&r);
	site_end(s);
}

static void an_answer_before_the_body_is_sent_is_heard(void **state)
{
	static const char *const answers[] = {SCRIPT_EARLY, NULL};
	enum { LEN = 32 << 20 };
	struct script *s = script_start(answers);
	char *body = calloc(1, LEN);
	struct cb_http_call c = {.method = "POST", .body = body, .body_len = LEN};
	struct cb_http_reply r;

	assert_int_equal(call(&c, s->port, "/", &r), 0);
	assert_int_equal(r.status, 413);
	assert_string_equal(cb_buf_cstr(&r.body), "big");
	cb_http_reply_free(&r);
	free(body);
	script_end(s);
}

struct streamed {
	size_t len, stop_at;
};

static int on_data(void *ctx, const void *data, size_t len)
{
	struct streamed *st = ctx;

	for (size_t i = 0; i < len; i++)
		if (((const char *)data)[i] != (char)('a' + (st->len + i) % 23))
			return -EILSEQ;
	st->len += len;
	return st->stop_at && st->len >= st->stop_at ? -ECANCELED : 0;
}

static void a_body_may_be_taken_as_it_comes(void **state)
{
	struct site *s = site_start(NULL);
	struct streamed st = {0};
	struct cb_http_call c = {.on_data = on_data, .ctx = &st};
	struct cb_http_reply r;

	assert_int_equal(call(&c, s->port, "/huge", &r), 0);
	assert_int_equal(st.len, HUGE_BODY);
	assert_int_equal(r.body.len, 0);
	cb_http_reply_free(&r);
	st = (struct streamed){.stop_at = 100000};
	c.retries = 3;
	assert_int_equal(call(&c, s->port, "/huge", &r), -ECANCELED);
	assert_true(st.len < HUGE_BODY / 2);
	cb_http_reply_free(&r);
	/* an error's body is kept, not delivered */
	st = (struct streamed){0};
	assert_int_equal(call(&c, s->port, "/query", &r), 0);
	assert_int_equal(r.status, 404);
	assert_string_equal(cb_buf_cstr(&r.body), "none");
	assert_int_equal(st.len, 0);
	cb_http_reply_free(&r);
	site_end(s);
}

static void a_body_has_a_limit(void **state)
{
	static const char *const chunked[] = {
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n3\r\nabc\r\n0\r\n\r\n", NULL};
	struct site *s = site_start(NULL);
	struct script *t = script_start(chunked);
	struct cb_http_call c = {.max_body = HUGE_BODY};
	struct cb_http_reply r;

	assert_int_equal(call(&c, s->port, "/huge", &r), 0);
	cb_http_reply_free(&r);
	c.max_body--;
	assert_int_equal(call(&c, s->port, "/huge", &r), -EFBIG);
	assert_non_null(strstr(e.text, "8388608 bytes, more than the 8388607"));
	cb_http_reply_free(&r);
	c.max_body = 10;
	assert_int_equal(call(&c, t->port, "/", &r), -EFBIG);
	cb_http_reply_free(&r);
	script_end(t);
	site_end(s);
}

/* --- failures --- */

static unsigned free_port(void)
{
	static const char *const none[] = {NULL};
	struct script *s = script_start(none);
	unsigned port = s->port;

	script_end(s);
	return port;
}

static void failures_say_what_happened(void **state)
{
	static const struct {
		const char *answer;
		int err;
		const char *says;
	} cases[] = {
		{SCRIPT_RESET, -ECONNRESET, "reading the answer: Connection reset by peer"},
		{"", -EPROTO, "closed the connection before its answer was there"},
		{"220 smtp.example ESMTP\r\n\r\n", -EPROTO, "is not HTTP"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", -EPROTO, "ended after 5 of 10 bytes"},
	};
	struct cb_http_call c = {0};
	struct cb_http_reply r;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *answers[] = {cases[i].answer, NULL};
		struct script *s = script_start(answers);

		c.method = "POST";
		assert_int_equal(call(&c, s->port, "/", &r), cases[i].err);
		if (!strstr(e.text, cases[i].says))
			fail_msg("%s", e.text);
		assert_true(r.reached);
		cb_http_reply_free(&r);
		script_end(s);
	}
	assert_int_equal(call(&c, free_port(), "/", &r), -ECONNREFUSED);
	assert_non_null(strstr(e.text, "connecting: Connection refused"));
	assert_false(r.reached);
	cb_http_reply_free(&r);
}

static void bad_calls_are_refused(void **state)
{
	static const char *const crlf[] = {"A", "b\r\nC: d", NULL}, *const name[] = {"A B", "c", NULL},
				 *const ours[] = {"content-length", "5", NULL};
	struct cb_http_call cases[] = {
		{.method = "GET", .url = "nonsense"},
		{.method = "GET", .url = "http://a/ b"},
		{.method = "GET X", .url = "http://127.0.0.1:1/"},
		{.method = "GET\r\n", .url = "http://127.0.0.1:1/"},
		{.method = "GET", .url = "http://127.0.0.1:1/", .headers = crlf},
		{.method = "GET", .url = "http://127.0.0.1:1/", .headers = name},
		{.method = "GET", .url = "http://127.0.0.1:1/", .headers = ours},
	};
	struct cb_http_reply r;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(cb_http_do(&cases[i], &r, &e), -EINVAL);
		cb_http_reply_free(&r);
	}
}

static void time_is_limited(void **state)
{
	static const char *const silent[] = {SCRIPT_SILENT, SCRIPT_SILENT, NULL};
	struct script *s = script_start(silent);
	struct cb_http_call c = {.timeout_ms = 1000, .retries = 5};
	struct cb_http_reply r;
	uint64_t start = now_ms();

	assert_int_equal(call(&c, s->port, "/", &r), -ETIMEDOUT);
	assert_in_range(now_ms() - start, 995, PATIENCE_MS / 2);
	assert_true(script_asked(s) <= 1);
	assert_true(r.reached);
	assert_non_null(strstr(e.text, "waiting for the answer: no answer in time"));
	cb_http_reply_free(&r);
	script_end(s);
}

/* A listener whose queue is full: the kernel drops what asks to connect. */
static void time_to_connect_is_limited(void **state)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fill[8];
	struct cb_http_call c = {.connect_timeout_ms = 200};
	struct cb_http_reply r;
	uint64_t start;

	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 0), 0);
	getsockname(listener, (struct sockaddr *)&at, &len);
	for (int i = 0; i < 8; i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fill[i], (struct sockaddr *)&at, sizeof(at));
	}
	start = now_ms();
	assert_int_equal(call(&c, ntohs(at.sin_port), "/", &r), -ETIMEDOUT);
	assert_in_range(now_ms() - start, 195, PATIENCE_MS / 2);
	assert_false(r.reached);
	assert_non_null(strstr(e.text, "connecting: no answer in time"));
	cb_http_reply_free(&r);
	for (int i = 0; i < 8; i++)
		close(fill[i]);
	close(listener);
}

/* --- retries --- */

static void what_is_busy_is_asked_again(void **state)
{
	static const char *const answers[] = {"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
					      "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n",
					      "HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n",
					      SCRIPT_RESET,
					      "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut",
					      OK,
					      NULL};
	struct script *s = script_start(answers);
	struct cb_http_call c = {.retries = 5};
	struct cb_http_reply r;

	assert_int_equal(call(&c, s->port, "/", &r), 0);
	assert_int_equal(r.status, 200);
	assert_string_equal(cb_buf_cstr(&r.body), "ok");
	assert_int_equal(script_asked(s), 6);
	/* 100, 200, 400, ... ms, by half and half more */
	for (unsigned i = 0; i < 5; i++)
		assert_in_range(s->at_ms[i + 1] - s->at_ms[i], (50 << i) - 2, (150 << i) + SLACK_MS);
	cb_http_reply_free(&r);
	script_end(s);
}

static void retries_are_counted(void **state)
{
	static const char *const busy = "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy";
	const char *answers[] = {busy, busy, busy, OK, NULL};
	struct script *s = script_start(answers);
	struct cb_http_call c = {.retries = 2};
	struct cb_http_reply r;

	assert_int_equal(call(&c, s->port, "/", &r), 0);
	assert_int_equal(r.status, 503);
	assert_string_equal(cb_buf_cstr(&r.body), "busy");
	assert_int_equal(script_asked(s), 3);
	cb_http_reply_free(&r);
	script_end(s);
}

static void retry_after_is_kept(void **state)
{
	static const char *const soon[] = {"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n", OK,
					   NULL};
	static const char *const late[] = {"HTTP/1.1 503 Busy\r\nRetry-After: 20\r\nContent-Length: 0\r\n\r\n", OK,
					   NULL};
	struct cb_http_call c = {.retries = 2};
	struct cb_http_reply r;
	struct script *s = script_start(soon);

	assert_int_equal(call(&c, s->port, "/", &r), 0);
	assert_int_equal(r.status, 200);
	assert_in_range(s->at_ms[1] - s->at_ms[0], 1000, 1000 + SLACK_MS);
	cb_http_reply_free(&r);
	script_end(s);
	/* more than will be waited: the answer comes back at once */
	s = script_start(late);
	assert_int_equal(call(&c, s->port, "/", &r), 0);
	assert_int_equal(r.status, 503);
	assert_int_equal(r.retry_after_s, 20);
	assert_int_equal(script_asked(s), 1);
	cb_http_reply_free(&r);
	script_end(s);
}

static void what_may_have_been_done_is_not_done_twice(void **state)
{
	static const char *const first[] = {SCRIPT_RESET, "", "HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n",
					    "HTTP/1.1 504 Late\r\nContent-Length: 0\r\n\r\n"};
	struct cb_http_reply r;

	for (size_t i = 0; i < sizeof(first) / sizeof(*first); i++)
		for (int idempotent = 0; idempotent < 2; idempotent++) {
			const char *answers[] = {first[i], OK, NULL};
			struct script *s = script_start(answers);
			struct cb_http_call c = {
				.method = "POST", .body = "x", .body_len = 1, .retries = 2, .idempotent = idempotent};
			int err = call(&c, s->port, "/", &r);

			assert_int_equal(script_asked(s), idempotent ? 2 : 1);
			assert_true(idempotent ? !err && r.status == 200 : err || r.status >= 502);
			assert_true(r.reached);
			cb_http_reply_free(&r);
			script_end(s);
		}
}

static void *start_late(void *arg)
{
	struct script *s = arg;

	usleep(250000);
	assert_int_equal(listen(s->listener, 16), 0);
	return script_thread(s);
}

static void what_cannot_be_reached_is_tried_again(void **state)
{
	static const char *const answers[] = {OK, NULL};
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	struct script *s = calloc(1, sizeof(*s));
	struct cb_http_call c = {.method = "POST", .body = "x", .body_len = 1, .retries = 8};
	struct cb_http_reply r;

	s->answers = answers;
	s->n = 1;
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&at, sizeof(at)), 0);
	getsockname(s->listener, (struct sockaddr *)&at, &len);
	s->port = ntohs(at.sin_port);
	pthread_create(&s->thread, NULL, start_late, s);
	assert_int_equal(call(&c, s->port, "/", &r), 0);
	assert_int_equal(r.status, 200);
	cb_http_reply_free(&r);
	script_end(s);
}

/* --- redirections --- */

static void redirections_are_followed(void **state)
{
	static const char *const headers[] = {"Authorization", "Bearer t", "X-A", "b", NULL};
	char there[128];
	const char *elsewhere[] = {OK, NULL},
		   *answers[] = {"HTTP/1.1 301 Moved\r\nLocation: next?x\r\nContent-Length: 0\r\n\r\n", there, NULL};
	struct script *t = script_start(elsewhere), *s;
	struct cb_http_call c = {.headers = headers};
	struct cb_http_reply r;

	snprintf(there, sizeof(there), "HTTP/1.1 307 Temporary\r\nLocation: http://localhost:%u/x\r\n\r\n", t->port);
	s = script_start(answers);
	assert_int_equal(call(&c, s->port, "/a/b", &r), 0);
	assert_int_equal(r.status, 200);
	assert_string_equal(cb_buf_cstr(&r.body), "ok");
	assert_memory_equal(s->requests[1], "GET /a/next?x HTTP/1.1\r\n", 24);
	assert_non_null(strstr(s->requests[1], "Authorization: Bearer t\r\n"));
	/* another server does not get what proves who we are to the first */
	assert_memory_equal(t->requests[0], "GET /x HTTP/1.1\r\nHost: localhost:", 33);
	assert_null(strstr(t->requests[0], "Authorization"));
	assert_non_null(strstr(t->requests[0], "X-A: b\r\n"));
	cb_http_reply_free(&r);
	script_end(s);
	script_end(t);
}

static void redirections_end(void **state)
{
	static const char *const circle = "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n";
	const char *answers[] = {circle, circle, circle, circle, circle, circle, circle, NULL};
	struct script *s = script_start(answers);
	struct cb_http_call c = {0}, post = {.method = "POST"};
	struct cb_http_reply r;

	assert_int_equal(call(&c, s->port, "/", &r), -ELOOP);
	assert_int_equal(script_asked(s), 6);
	cb_http_reply_free(&r);
	/* a POST is not sent elsewhere */
	assert_int_equal(call(&post, s->port, "/", &r), 0);
	assert_int_equal(r.status, 302);
	cb_http_reply_free(&r);
	script_end(s);
}

/* --- proxies --- */

static void a_proxy_gets_the_whole_url(void **state)
{
	static const char *const answers[] = {OK, OK, NULL};
	struct script *s = script_start(answers);
	struct cb_http_call c = {
		.method = "GET", .url = "http://no-such-host.invalid:81/a?b", .timeout_ms = PATIENCE_MS};
	struct cb_http_reply r;
	char proxy[64];

	snprintf(proxy, sizeof(proxy), "http://me:secret@127.0.0.1:%u", s->port);
	setenv("http_proxy", proxy, 1);
	assert_int_equal(cb_http_do(&c, &r, &e), 0);
	cb_http_reply_free(&r);
	assert_memory_equal(s->requests[0],
			    "GET http://no-such-host.invalid:81/a?b HTTP/1.1\r\nHost: no-such-host.invalid:81\r\n", 80);
	/* base64 by hand: bWU6c2VjcmV0 */
	assert_non_null(strstr(s->requests[0], "\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n"));
	/* "host:port" alone */
	snprintf(proxy, sizeof(proxy), "127.0.0.1:%u", s->port);
	setenv("http_proxy", proxy, 1);
	assert_int_equal(cb_http_do(&c, &r, &e), 0);
	cb_http_reply_free(&r);
	setenv("no_proxy", "invalid", 1);
	assert_int_equal(cb_http_do(&c, &r, &e), -ENOENT);
	cb_http_reply_free(&r);
	unsetenv("no_proxy");
	unsetenv("http_proxy");
	script_end(s);
}

static void a_proxy_that_refuses_is_told(void **state)
{
	static const char *const answers[] = {"HTTP/1.1 407 Who?\r\nContent-Length: 0\r\n\r\n",
					      "HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n",
					      "HTTP/1.1 200 OK\r\n\r\nearly", "rubbish", NULL};
	static const int errs[] = {-EPROTO, -ECONNREFUSED, -EPROTO, -EPROTO};
	struct script *s = script_start(answers);
	struct cb_http_call c = {.method = "GET", .url = "https://some.host/", .timeout_ms = PATIENCE_MS};
	struct cb_http_reply r;
	char proxy[64];

	snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", s->port);
	setenv("https_proxy", proxy, 1);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(cb_http_do(&c, &r, &e), errs[i]);
		assert_false(r.reached);
		cb_http_reply_free(&r);
		assert_string_equal(s->requests[i], "CONNECT some.host:443 HTTP/1.1\r\nHost: some.host:443\r\n\r\n");
	}
	unsetenv("https_proxy");
	script_end(s);
}

/* --- threads --- */

static void *many_calls(void *arg)
{
	struct site *s = arg;
	struct cb_http_reply r;
	char url[64];
	intptr_t good = 0;

	snprintf(url, sizeof(url), "http://localhost:%u/page", s->port);
	for (int i = 0; i < 50; i++) {
		struct cb_http_call c = {.method = "GET", .url = url, .timeout_ms = PATIENCE_MS};

		good += !cb_http_do(&c, &r, NULL) && r.status == 200 && r.body.len == 20480;
		cb_http_reply_free(&r);
	}
	return (void *)good;
}

static void threads_do_not_meet(void **state)
{
	struct site *s = site_start(NULL);
	pthread_t threads[8];
	void *good;

	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, many_calls, s);
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], &good);
		assert_int_equal((intptr_t)good, 50);
	}
	site_end(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_asks_and_reads_the_answer),
		cmocka_unit_test(it_sends_a_body),
		cmocka_unit_test(any_status_is_an_answer),
		cmocka_unit_test(an_answer_before_the_body_is_sent_is_heard),
		cmocka_unit_test(a_body_may_be_taken_as_it_comes),
		cmocka_unit_test(a_body_has_a_limit),
		cmocka_unit_test(failures_say_what_happened),
		cmocka_unit_test(bad_calls_are_refused),
		cmocka_unit_test(time_is_limited),
		cmocka_unit_test(time_to_connect_is_limited),
		cmocka_unit_test(what_is_busy_is_asked_again),
		cmocka_unit_test(retries_are_counted),
		cmocka_unit_test(retry_after_is_kept),
		cmocka_unit_test(what_may_have_been_done_is_not_done_twice),
		cmocka_unit_test(what_cannot_be_reached_is_tried_again),
		cmocka_unit_test(redirections_are_followed),
		cmocka_unit_test(redirections_end),
		cmocka_unit_test(a_proxy_gets_the_whole_url),
		cmocka_unit_test(a_proxy_that_refuses_is_told),
		cmocka_unit_test(threads_do_not_meet),
	};

	static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
					    "ALL_PROXY",  "no_proxy",	 "NO_PROXY"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unsetenv(names[i]);
	return cmocka_run_group_tests_name("http / client", tests, NULL, NULL);
}
