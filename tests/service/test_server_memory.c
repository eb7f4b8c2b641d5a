// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * test_server_memory.c - no memory in the server: the first, second, ... n-th allocation fails, until the work gets through
 * without one failing. Each time it must say so, leave what was there as it was, and lose nothing.
 */
#include "check.h"

#include <stdio.h>
#include <unistd.h>

#include "fail_alloc.h"
#include "service/queue.h"
#include "service/ready.h"
#include "service/request.h"
#include "service/service.h"
#include "service/tokens.h"
#include "service/work.h"

static char token_file[] = "/tmp/coolbpf-tokens-XXXXXX";

static int read_request(void)
{
	static const char body[] =
		"{\"source\":\"int x;\",\"files\":{\"b.h\":\"\",\"a.h\":\"int y;\"},\"flags\":[\"-DX\"]}";
	struct cb_sent rq;
	struct cb_err e = {0};
	const char *code;
	int err = cb_sent_read(&rq, body, sizeof(body) - 1, &code, &e);

	fail_at = 0;
	if (err)
		assert_true(strstr(e.text, "memory") || strstr(e.text, "JSON"));
	else
		assert_string_equal(rq.api.headers[0].name, "a.h");
	cb_sent_free(&rq);
	/* jansson (a shared library) has its own malloc: its failures are not seen here */
	return err;
}

static int read_tokens(void)
{
	struct cb_tokens t = {0};
	int err = cb_tokens_read(&t, token_file, NULL);

	fail_at = 0;
	if (!err)
		assert_string_equal(cb_tokens_name(&t, "Bearer bbbbbbbbbbbbbbbbbbbb"), "bert");
	else
		assert_null(cb_tokens_name(&t, "Bearer aaaaaaaaaaaaaaaaaaaa"));
	cb_tokens_free(&t);
	return err;
}

static int queue_something(void)
{
	struct cb_queue q = {.limits = {.client_queue = 5, .queue = 5, .queue_bytes = 100}};
	struct cb_client *c[100];
	int n = 0, err = 0;

	for (; n < 100 && !err; n++) {
		char name[8];

		snprintf(name, sizeof(name), "%d", n);
		c[n] = cb_client_get(&q, 't', name);
		if (!c[n])
			err = -ENOMEM;
	}
	fail_at = 0;
	n -= err != 0;
	for (int i = 0; i < n; i++)
		cb_client_put(&q, c[i]);
	cb_queue_free(&q);
	return err;
}

static int keep_answers(void)
{
	struct cb_ready r = {.max_bytes = 1000000};
	int err = 0;

	for (unsigned i = 0; i < 100 && !err; i++) {
		unsigned char key[CB_SHA256];
		char *body = malloc(10);
		struct cb_answer *a = cb_answer_new(200, "", body, 10);

		cb_sha256(&i, sizeof(i), key);
		if (a) {
			cb_ready_put(&r, key, a);
			cb_answer_drop(a);
		}
		err = a ? 0 : -ENOMEM;
	}
	/* one that could not be kept is no error, but it is not there */
	if (!err && r.entries < 100)
		err = -ENOMEM;
	fail_at = 0;
	cb_ready_clear(&r);
	return err;
}

static int read_work(void)
{
	static const struct cb_header header = {"a.h", "x", 1};
	static const char *const flags[] = {"-O1", NULL};
	const struct cb_work w = {
		.kind = CB_WORK_COMPILE,
		.rq = {.source = "", .name = "", .headers = &header, .nheaders = 1, .flags = flags},
	};
	struct cb_buf b = {0};
	struct cb_work out = {0};
	int err;

	cb_work_write(&b, &w);
	err = b.failed ? -ENOMEM : cb_work_read(&out, b.data, b.len);
	fail_at = 0;
	cb_work_free(&out);
	cb_buf_free(&b);
	return err;
}

/* A key that is another one when memory is short could be somebody else's. */
static void keys(void **state)
{
	char right[CB_SHA256_HEX], key[CB_SHA256_HEX];

	cb_key_of(right, "a", "bc", NULL);
	cb_key_of(key, "ab", "c", NULL);
	assert_string_not_equal(key, right);
	cb_key_of(key, "a", "bc", "", NULL);
	assert_string_not_equal(key, right);
	for (long n = 1; n < 5; n++) {
		fail_at = n;
		cb_key_of(key, "a", "bc", NULL);
		fail_at = 0;
		assert_string_equal(key, right);
	}
}

static void until_it_works(int (*work)(void), long at_least)
{
	long n = 0;
	int err;

	do {
		fail_at = ++n;
		err = work();
		assert_true(err == 0 || err == -ENOMEM);
		assert_true(n < 10000);
	} while (err);
	assert_true(n > at_least);
}

static void requests(void **state)
{
	until_it_works(read_request, 2);
}

static void tokens(void **state)
{
	until_it_works(read_tokens, 3);
}

static void clients(void **state)
{
	until_it_works(queue_something, 3);
}

static void answers(void **state)
{
	until_it_works(keep_answers, 100);
}

static void work(void **state)
{
	until_it_works(read_work, 3);
}

int main(void)
{
	static const char text[] = "aaaaaaaaaaaaaaaaaaaa anna\nbbbbbbbbbbbbbbbbbbbb bert\n";
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests), cmocka_unit_test(tokens), cmocka_unit_test(clients),
		cmocka_unit_test(answers),  cmocka_unit_test(work),   cmocka_unit_test(keys),
	};
	int fd = mkstemp(token_file), failed;

	if (fd < 0 || write(fd, text, sizeof(text) - 1) < 0)
		return 1;
	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(token_file);
	return failed;
}
