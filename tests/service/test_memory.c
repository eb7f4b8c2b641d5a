// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * test_memory.c - no memory for requests and answers: the first, second, ... n-th allocation fails, until the work gets
 * through without one failing. Each time the error is -ENOMEM with a sentence, and nothing leaks (the sanitizer
 * build sees to that).
 */
#include "check.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "fail_alloc.h"
#include "service/api.h"
#include "service/client.h"
#include "service/collect.h"

FAIL_ALLOC(void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size))
FAIL_ALLOC(char *, strdup, (const char *s), (s))
FAIL_ALLOC(char *, strndup, (const char *s, size_t n), (s, n))

int __wrap_asprintf(char **out, const char *fmt, ...);
int __wrap_asprintf(char **out, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (alloc_fails())
		return -1;
	va_start(ap, fmt);
	n = vasprintf(out, fmt, ap);
	va_end(ap);
	return n;
}

static char dir[] = "/tmp/coolbpf-service-test.XXXXXX";
static struct cb_err e;

static int encode(void)
{
	static const struct cb_header headers[] = {{"a.h", "int a;\n", 7}, {"b.h", "", 0}};
	static const char *const flags[] = {"-DX", "-O2", NULL};
	const struct cb_api_request rq = {
		.source = "int x;",
		.source_len = 6,
		.name = "t.bpf.c",
		.headers = headers,
		.nheaders = 2,
		.flags = flags,
		.arch = "x86_64",
		.kernel = "6.1",
	};
	struct cb_buf out = {0};
	int err = cb_api_encode_request(&rq, &out, &e);

	fail_at = 0;
	if (!err)
		assert_non_null(strstr(cb_buf_cstr(&out), "\"-O2\""));
	cb_buf_free(&out);
	return err;
}

#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static int decode(void)
{
	static const char json[] =
		"{\"object\": \"YWJj\", \"digest\": \"" ABC "\", \"request\": \"" ABC "\", \"format\": \"o\","
		"\"description\": {\"a\": [1, \"b\"]}, \"diagnostics\": [{\"file\": \"a\", \"text\": \"b\"}, {}]}";
	struct cb_api_answer a;
	int err = cb_api_decode_answer(json, strlen(json), &a, &e);

	fail_at = 0;
	assert_true(err || (a.object.len == 3 && a.diags.n == 2 && a.description));
	cb_api_answer_free(&a);
	return err;
}

static int decode_error(void)
{
	static const char json[] = "{\"error\": {\"code\": \"a\", \"message\": \"b\"}, \"diagnostics\": [{}]}";
	struct cb_api_answer a;
	int err = cb_api_decode_error(json, strlen(json), &a, &e);

	fail_at = 0;
	assert_true(err || (a.code && a.message && a.diags.n == 1));
	cb_api_answer_free(&a);
	return err;
}

static int collect(void)
{
	static const char *const flags[] = {"-D", "X", "-Iinclude", "-I", "/usr/include/bpf", "-Wall", NULL};
	static const char source[] = "#include \"a.h\"\n#include <b.h>\n#include <bpf_helpers.h>\n";
	struct cb_collected c;
	int err = cb_collect(&c, "t.bpf.c", source, strlen(source), flags, &e);
	char *name;

	if (!err) {
		name = cb_collected_name(&c, "include/b.h");
		err = name ? 0 : cb_fail(&e, ENOMEM, "out of memory");
		free(name);
	}
	fail_at = 0;
	assert_true(err || c.nheaders >= 2);
	cb_collected_free(&c);
	return err;
}

static int config(void)
{
	static const struct cb_client_options o = {.server = "http://a, http://b", .public_key = "key"};
	struct cb_client_config c;
	int err = cb_client_config_read(&c, &o, &e);

	fail_at = 0;
	assert_true(err || (c.servers[1] && c.token_file && c.timeout_ms == 5000));
	cb_client_config_free(&c);
	return err;
}

static void until_it_works(int (*work)(void), long at_least)
{
	long n = 0;
	int err;

	do {
		e.text[0] = '\0';
		fail_at = ++n;
		err = work();
		if (err && (err != -ENOMEM || !*e.text))
			fail_msg("allocation %ld: %d, %s", n, err, e.text);
		assert_true(n < 10000);
	} while (err);
	if (n <= at_least) /* or nothing was tested */
		fail_msg("only %ld allocations", n - 1);
}

/* As it is used by jansson: through the linker's names. */
static void *failing_malloc(size_t size)
{
	return malloc(size);
}

/* (To read JSON jansson takes no memory for a wrong text at some places, so there it has what it wants.) */
static void a_request_is_encoded(void **state)
{
	json_set_alloc_funcs(failing_malloc, free);
	until_it_works(encode, 20);
	json_set_alloc_funcs(__real_malloc, free);
}

static void an_answer_is_decoded(void **state)
{
	until_it_works(decode, 10);
}

static void an_error_is_decoded(void **state)
{
	until_it_works(decode_error, 5);
}

static void headers_are_collected(void **state)
{
	until_it_works(collect, 20);
}

static void the_configuration_is_read(void **state)
{
	until_it_works(config, 7);
}

static int enter_dir(void **state)
{
	if (!mkdtemp(dir) || chdir(dir) || cb_mkdirs("include", NULL))
		return -1;
	cb_file_write("a.h", "int a;\n", 7, 0600, NULL);
	cb_file_write("include/b.h", "int b;\n", 7, 0600, NULL);
	cb_file_write("config", "token_file = token\ntimeout = 5s\n", 32, 0600, NULL);
	return setenv("COOLBPF_CONFIG", "./config", 1);
}

static int leave_dir(void **state)
{
	return chdir("/") || system("rm -r /tmp/coolbpf-service-test.*");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_encoded),	     cmocka_unit_test(an_answer_is_decoded),
		cmocka_unit_test(an_error_is_decoded),	     cmocka_unit_test(headers_are_collected),
		cmocka_unit_test(the_configuration_is_read),
	};

	return cmocka_run_group_tests(tests, enter_dir, leave_dir);
}
