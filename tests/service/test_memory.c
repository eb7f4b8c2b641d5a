// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * test_memory.c - no memory for requests and answers: the first, second, ... n-th allocation fails, until the work gets
 * through without one failing. Each time the error is -ENOMEM with a sentence, and nothing leaks (the sanitizer
 * build sees to that).
 */
#include "check.h"

#include <bpf/btf.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "fail_alloc.h"
#include "http/client.h"
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

/* ---- The whole way, with a server in place of the network -------------------------------------------------------- */

static bool knows_kernel;

/* What the client sent, read back by another way than it was written. */
static void digest_of(const char *json, size_t len, char digest[CB_SHA256_HEX])
{
	json_t *root = json_loadb(json, len, 0, NULL);
	struct cb_api_request rq = {
		.source = json_string_value(json_object_get(root, "source")),
		.source_len = json_string_length(json_object_get(root, "source")),
		.name = json_string_value(json_object_get(root, "name")),
		.arch = json_string_value(json_object_get(root, "arch")),
		.kernel = json_string_value(json_object_get(root, "kernel")),
	};

	assert_non_null(rq.kernel);
	assert_int_equal(cb_api_request_digest(&rq, digest), 0);
	json_decref(root);
}

int __wrap_cb_http_do(const struct cb_http_call *call, struct cb_http_reply *reply, struct cb_err *err);
int __wrap_cb_http_do(const struct cb_http_call *call, struct cb_http_reply *reply, struct cb_err *err)
{
	long left = fail_at;
	char digest[CB_SHA256_HEX];

	if (alloc_fails())
		return cb_fail(err, ENOMEM, "out of memory");
	fail_at = 0;
	if (!strcmp(call->method, "PUT")) {
		knows_kernel = true;
		reply->status = 201;
	} else if (!knows_kernel) {
		reply->status = 404;
		cb_buf_str(&reply->body, "{\"error\": {\"code\": \"unknown_kernel\", \"message\": \"m\"}}");
	} else {
		digest_of(call->body, call->body_len, digest);
		reply->status = 200;
		cb_buf_printf(&reply->body,
			      "{\"object\": \"YWJj\", \"digest\": \"" ABC "\", \"request\": \"%s\", \"format\": \"o\","
			      "\"diagnostics\": [{\"file\": \"t.bpf.c\", \"text\": \"hello\"}]}",
			      digest);
	}
	fail_at = left ? left - 1 : 0;
	return 0;
}

static void forget(const char *path)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf %s", path);
	assert_int_equal(system(command), 0);
}

/* Memory that is missing for the cache makes no failure: the work is done when no allocation failed. */
static void a_source_is_compiled_by_a_server(void **state)
{
	char *servers[] = {(char *)"http://127.0.0.1:1", NULL};
	const struct cb_client_config c = {.servers = servers, .token_file = (char *)"token", .timeout_ms = 1000};
	const struct cb_compile_request rq = {
		.path = "t.bpf.c", .text = "int x;", .text_len = 6, .btf_path = "kernel.btf"};
	struct cb_compile_answer a;
	bool failed = true;
	long n = 0;
	int err;

	while (failed) {
		knows_kernel = false;
		forget("cache/answers");
		e.text[0] = '\0';
		fail_at = ++n;
		err = cb_client_compile(&c, &rq, CB_FORMAT_O, &a, &e);
		failed = !fail_at;
		fail_at = 0;
		if (err && (err != -ENOMEM || !*e.text))
			fail_msg("allocation %ld: %d, %s", n, err, e.text);
		assert_true(err || (a.size == 3 && !memcmp(a.object, "abc", 3) && a.diags.n == 1));
		assert_true(failed || !err);
		free(a.object);
		cb_diags_free(&a.diags);
	}
	if (n <= 20)
		fail_msg("only %ld allocations", n - 1);
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
	struct btf *btf;
	const void *raw;
	uint32_t size;

	if (!mkdtemp(dir) || chdir(dir) || cb_mkdirs("include", NULL))
		return -1;
	cb_file_write("a.h", "int a;\n", 7, 0600, NULL);
	cb_file_write("include/b.h", "int b;\n", 7, 0600, NULL);
	cb_file_write("token", "secret\n", 7, 0600, NULL);
	btf = btf__new_empty();
	btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	raw = btf__raw_data(btf, &size);
	cb_file_write("kernel.btf", raw, size, 0600, NULL);
	btf__free(btf);
	cb_file_write("config", "token_file = token\ntimeout = 5s\n", 32, 0600, NULL);
	return setenv("COOLBPF_CONFIG", "./config", 1) || setenv("COOLBPF_CACHE", "cache", 1);
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
		cmocka_unit_test(the_configuration_is_read), cmocka_unit_test(a_source_is_compiled_by_a_server),
	};

	return cmocka_run_group_tests(tests, enter_dir, leave_dir);
}
