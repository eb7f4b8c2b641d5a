// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_reply.c - answers as the client reads them, in pieces of any size: good ones, and those that are not HTTP. */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "http/reply.h"

struct result {
	int err, status;
	bool done;
	unsigned retry_after_s;
	char type[128], body[256], location[128], text[256];
};

static int to_result(void *ctx, const void *data, size_t len)
{
	strncat((char *)ctx, (const char *)data, len);
	return 0;
}

/* Feed in pieces of `step` bytes, then the end of the connection. */
static struct result read_reply(const char *text, size_t step, bool no_body, size_t max_body, bool stream)
{
	struct result out = {0};
	struct cb_http_reply reply = {0};
	struct cb_reply_reader r = {.reply = &reply, .no_body = no_body, .max_body = max_body};
	struct cb_err e = {0};
	size_t len = strlen(text), used = 0;

	if (stream) {
		r.on_data = to_result;
		r.ctx = out.body;
	}
	for (size_t at = 0; at < len && !out.err && !r.done; at += used) {
		out.err = cb_reply_feed(&r, text + at, len - at < step ? len - at : step, &used, &e);
		assert_true(used || out.err);
	}
	if (!out.err)
		out.err = cb_reply_end(&r, &e);
	out.done = r.done;
	out.status = reply.status;
	out.retry_after_s = reply.retry_after_s;
	snprintf(out.type, sizeof(out.type), "%s", reply.type);
	if (!stream)
		snprintf(out.body, sizeof(out.body), "%s", cb_buf_cstr(&reply.body));
	snprintf(out.location, sizeof(out.location), "%s", r.location ? r.location : "");
	snprintf(out.text, sizeof(out.text), "%.200s", e.text);
	cb_reply_reader_free(&r);
	cb_http_reply_free(&reply);
	return out;
}

static void answers_are_read(void **state)
{
	static const struct {
		const char *text;
		int status;
		const char *type, *body;
	} cases[] = {
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain; charset=x\r\n\r\nhello", 200,
		 "text/plain", "hello"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloMORE", 200, "", "hello"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, "", ""},
		{"HTTP/1.0 200\r\n\r\nuntil the end", 200, "", "until the end"},
		{"HTTP/1.1 200 \r\n\r\n", 200, "", ""},
		{"HTTP/1.1 404 Not Here\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: "
		 "1\r\n\r\n",
		 404, "", "abcde"},
		{"HTTP/1.1 204 No Content\r\n\r\n", 204, "", ""},
		{"HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n", 304, "", ""},
		{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 "
		 "OK\r\nContent-Length: "
		 "1\r\n\r\nx",
		 200, "", "x"},
		{"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n", 302, "", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (size_t step = 1; step < 200; step += step < 20 ? 1 : 60)
			for (int stream = 0; stream < 2; stream++) {
				struct result r =
					read_reply(cases[i].text, step, false, 100, stream && cases[i].status == 200);

				assert_int_equal(r.err, 0);
				assert_true(r.done);
				assert_int_equal(r.status, cases[i].status);
				assert_string_equal(r.type, cases[i].type);
				assert_string_equal(r.body, cases[i].body);
				assert_string_equal(r.location, r.status == 302 ? "/there" : "");
			}
	assert_string_equal(read_reply(cases[0].text, 100, true, 100, false).body, "");
}

static void what_is_not_http_is_refused(void **state)
{
	static const struct {
		const char *text;
		int err;
		const char *says;
	} cases[] = {
		{"", -EPROTO, "closed the connection before its answer"},
		{"HTTP/1.1 200 OK\r\nConte", -EPROTO, "closed the connection before its answer"},
		{"SSH-2.0-OpenSSH_9.2\r\n\r\n", -EPROTO, "no status line"},
		{"HTTP/2 200\r\n\r\n", -EPROTO, "no status line"},
		{"HTTP/1.1 20 OK\r\n\r\n", -EPROTO, "no status line"},
		{"HTTP/1.1 2000 OK\r\n\r\n", -EPROTO, "no status line"},
		{"HTTP/1.1 099 OK\r\n\r\n", -EPROTO, "no status line"},
		{"HTTP/1.1  200 OK\r\n\r\n", -EPROTO, "no status line"},
		{"\r\nHTTP/1.1 200 OK\r\n\r\n", -EPROTO, "an empty line"},
		{"HTTP/1.1 200 OK\n\n", -EPROTO, "CR LF"},
		{"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", -EPROTO, "no header"},
		{"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", -EPROTO, "no header"},
		{"HTTP/1.1 101 Switching\r\n\r\n", -EPROTO, "interim"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", -EPROTO, "ended after 4 of 5 bytes"},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", -EPROTO,
		 "before its last chunk"},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX", -EPROTO, "chunks"},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", -EPROTO, "chunked"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", -EPROTO, "more than one"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", -EPROTO, "both"},
		{"HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", -EFBIG, "has 101 bytes, more than the 100"},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n"
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 "\r\n0\r\n\r\n",
		 -EFBIG, "more than the 100 bytes"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (size_t step = 1; step < 300; step += step < 20 ? 1 : 90) {
			struct result r = read_reply(cases[i].text, step, false, 100, false);

			if (r.err != cases[i].err || !strstr(r.text, cases[i].says))
				fail_msg("case %zu by %zu: %d %s", i, step, r.err, r.text);
		}
}

static void heads_end(void **state)
{
	static char text[200000];
	struct result r;

	strcpy(text, "HTTP/1.1 200 OK\r\n");
	for (size_t at = strlen(text); at < sizeof(text) - 10; at += 6)
		memcpy(text + at, "A: b\r\n", 6);
	r = read_reply(text, 1000, false, 100, false);
	assert_int_equal(r.err, -EPROTO);
	assert_non_null(strstr(r.text, "headers without end"));
	*text = '\0';
	for (int i = 0; i < 20; i++)
		strcat(text, "HTTP/1.1 100 Continue\r\n\r\n");
	assert_int_equal(read_reply(text, 1000, false, 100, false).err, -EPROTO);
}

static void retry_after_is_seconds_or_a_date(void **state)
{
	char text[256], date[64];
	time_t then = time(NULL) + 100;
	struct result r;

	assert_int_equal(read_reply("HTTP/1.1 503 X\r\nRetry-After: 120\r\n\r\n", 100, false, 9, false).retry_after_s,
			 120);
	assert_int_equal(read_reply("HTTP/1.1 503 X\r\nRetry-After: soon\r\n\r\n", 100, false, 9, false).retry_after_s,
			 0);
	assert_int_equal(read_reply("HTTP/1.1 503 X\r\nRetry-After: -1\r\n\r\n", 100, false, 9, false).retry_after_s,
			 0);
	assert_int_equal(
		read_reply("HTTP/1.1 503 X\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n\r\n", 100, false, 9, false)
			.retry_after_s,
		0);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime(&then));
	snprintf(text, sizeof(text), "HTTP/1.1 503 X\r\nRetry-After: %s\r\n\r\n", date);
	r = read_reply(text, 100, false, 9, false);
	assert_in_range(r.retry_after_s, 98, 100);
}

static int refuse(void *ctx, const void *data, size_t len)
{
	return -ENOSPC;
}

static void who_takes_the_body_may_end_it(void **state)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
	struct cb_http_reply reply = {0};
	struct cb_reply_reader r = {.reply = &reply, .max_body = 100, .on_data = refuse};
	struct cb_err e = {0};
	size_t used;

	assert_int_equal(cb_reply_feed(&r, text, strlen(text), &used, &e), -ENOSPC);
	assert_non_null(strstr(e.text, "No space left"));
	assert_true(r.delivered);
	cb_reply_reader_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_read),
		cmocka_unit_test(what_is_not_http_is_refused),
		cmocka_unit_test(heads_end),
		cmocka_unit_test(retry_after_is_seconds_or_a_date),
		cmocka_unit_test(who_takes_the_body_may_end_it),
	};

	return cmocka_run_group_tests_name("http / reply", tests, NULL, NULL);
}
