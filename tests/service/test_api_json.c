// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_api_json.c - a request as JSON, and answers: good, bad, and with no memory for them. */
#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "service/api.h"

static void a_request_as_json(void **state)
{
	static const struct cb_header headers[] = {{"a.h", "int a;\n", 7}, {"net/b.h", "", 0}};
	static const char *const flags[] = {"-DX=\"é\"", NULL};
	const struct cb_api_request rq = {
		.source = "char c = '\\n';\t/* \x7f \xf0\x9f\x90\x9d */",
		.source_len = 25,
		.name = "tool.bpf.c",
		.headers = headers,
		.nheaders = 2,
		.flags = flags,
		.arch = "x86_64",
		.kernel = "6.1.0",
		.format = CB_FORMAT_SO,
	};
	struct cb_buf out = {0};
	struct cb_err e = {0};
	json_t *got, *expected;

	if (cb_api_encode_request(&rq, &out, &e))
		fail_msg("%s", e.text);
	got = json_loadb(out.data, out.len, 0, NULL);
	expected = json_loads(
		"{\"source\": \"char c = '\\\\n';\\t/* \\u007f \\ud83d\\udc1d \", \"name\": \"tool.bpf.c\","
		"\"files\": {\"a.h\": \"int a;\\n\", \"net/b.h\": \"\"}, \"flags\": [\"-DX=\\\"\\u00e9\\\"\"],"
		"\"arch\": \"x86_64\", \"kernel\": \"6.1.0\", \"format\": \"so\"}",
		0, NULL);
	assert_non_null(got);
	assert_non_null(expected);
	if (!json_equal(got, expected))
		fail_msg("%s", cb_buf_cstr(&out));
	json_decref(got);
	json_decref(expected);
	cb_buf_free(&out);
}

static void text_that_json_cannot_carry(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *says;
	} bad[] = {
		{"a\nb\nc \xe9", 7, "t.bpf.c:3: the byte 0xe9"}, /* Latin-1 */
		{"a\0b", 3, "t.bpf.c:1: the byte 0x00"},
		{"\xc0\x80", 2, "t.bpf.c:1: the byte 0xc0"}, /* 0 in two bytes */
		{"\xe0\x80\x80", 3, "t.bpf.c:1: the byte 0xe0"},
		{"\xed\xa0\x80", 3, "t.bpf.c:1: the byte 0xed"},     /* half of a pair of UTF-16 */
		{"\xf4\x90\x80\x80", 4, "t.bpf.c:1: the byte 0xf4"}, /* beyond U+10FFFF */
		{"\xe2\x82", 2, "t.bpf.c:1: the byte 0xe2"},	     /* cut off */
		{"\xe2\x82x", 3, "t.bpf.c:1: the byte 0xe2"},
		{"\x80", 1, "t.bpf.c:1: the byte 0x80"},
		{"\xff", 1, "t.bpf.c:1: the byte 0xff"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct cb_api_request rq = {.source = bad[i].text, .source_len = bad[i].len, .name = "t.bpf.c"};
		struct cb_header header = {.name = "t.bpf.c", .text = bad[i].text, .len = bad[i].len};
		struct cb_buf out = {0};
		struct cb_err e = {0};

		assert_int_equal(cb_api_encode_request(&rq, &out, &e), -EINVAL);
		if (!strstr(e.text, bad[i].says))
			fail_msg("%s", e.text);
		rq = (struct cb_api_request){.source = "", .headers = &header, .nheaders = 1};
		assert_int_equal(cb_api_encode_request(&rq, &out, &e), -EINVAL);
		assert_non_null(strstr(e.text, bad[i].says));
		cb_buf_free(&out);
	}
}

#define ABC	  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" /* of "abc", which is YWJj */
#define KEY	  "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
#define SIGNATURE "5VZDAMNgrHKQhuzMSG58X6Sh4C4IFPm5L/R5Er4hXp2Yk3hiFEoDWTXvnL6M8L1kU/k6EKxbYyPG9UTsRrtBCw=="
#define GOOD	  "\"object\": \"YWJj\", \"digest\": \"" ABC "\", \"request\": \"" KEY "\", \"format\": \"so\""

static void a_good_answer(void **state)
{
	static const char json[] =
		"{" GOOD ", \"signature\": \"" SIGNATURE "\", \"key\": \"" KEY "\", \"cached\": true, \"new\": [1],"
		"\"description\": {\"programs\": []}, \"diagnostics\": ["
		"{\"file\": \"t.bpf.c\", \"line\": 3, \"column\": 7, \"severity\": \"warning\", \"text\": \"unused\","
		" \"excerpt\": \"int x;\\n    ^\\n\"}, {}]}";
	struct cb_api_answer a;
	struct cb_err e = {0};

	if (cb_api_decode_answer(json, strlen(json), &a, &e))
		fail_msg("%s", e.text);
	assert_int_equal(a.object.len, 3);
	assert_memory_equal(a.object.data, "abc", 3);
	assert_string_equal(a.digest, ABC);
	assert_string_equal(a.request, KEY);
	assert_int_equal(a.format, CB_FORMAT_SO);
	assert_true(a.is_signed && a.cached);
	assert_int_equal(a.signature[0], 0xe5);
	assert_int_equal(a.signature[63], 0x0b);
	assert_string_equal(a.key, KEY);
	assert_string_equal(a.description, "{\"programs\":[]}");
	assert_int_equal(a.diags.n, 2);
	assert_string_equal(a.diags.list[0].file, "t.bpf.c");
	assert_int_equal(a.diags.list[0].line, 3);
	assert_int_equal(a.diags.list[0].column, 7);
	assert_int_equal(a.diags.list[0].severity, CB_WARNING);
	assert_string_equal(a.diags.list[0].text, "unused");
	assert_string_equal(a.diags.list[0].excerpt, "int x;\n    ^\n");
	assert_int_equal(a.diags.list[1].severity, CB_ERROR);
	assert_string_equal(a.diags.list[1].text, "");
	cb_api_answer_free(&a);
}

static void the_least_that_an_answer_must_have(void **state)
{
	static const char json[] = "{" GOOD "}";
	struct cb_api_answer a;

	assert_int_equal(cb_api_decode_answer(json, strlen(json), &a, NULL), 0);
	assert_false(a.is_signed);
	assert_false(a.cached);
	assert_null(a.description);
	assert_int_equal(a.diags.n, 0);
	cb_api_answer_free(&a);
}

static void bad_answers(void **state)
{
	static const struct {
		const char *json, *says;
	} bad[] = {
		{"", "cannot be used"},
		{"<html>", "cannot be used"},
		{"{" GOOD, "cannot be used"}, /* cut off */
		{"[]", "not a JSON object"},
		{"{}", "\"format\""},
		{"{" GOOD ", \"format\": \"o\"}", "duplicate"},
		{"{\"format\": \"exe\"}", "\"format\""},
		{"{\"format\": \"o\", \"object\": \"YWJj\"}", "\"digest\""},
		{"{\"format\": \"o\", \"object\": \"YWJj\", \"digest\": 7}", "\"digest\""},
		{"{\"format\": \"o\", \"object\": \"YWJj\", \"digest\": \"" ABC "0\"}", "\"digest\""},
		{"{\"format\": \"o\", \"object\": \"YWJj\", \"digest\": \"" KEY "\"}", "another digest"},
		{"{\"format\": \"o\", \"object\": \"YWJk\", \"digest\": \"" ABC "\"}", "another digest"},
		{"{\"format\": \"o\", \"object\": \"YWJj\", \"digest\": \"" ABC "\"}", "\"request\""},
		{"{\"format\": \"o\", \"digest\": \"" ABC "\"}", "no \"object\""},
		{"{\"format\": \"o\", \"object\": \"\", \"digest\": \"" ABC "\"}", "no \"object\""},
		{"{\"format\": \"o\", \"object\": \"YW\", \"digest\": \"" ABC "\"}", "not base64"},
		{"{" GOOD ", \"signature\": \"YWJj\"}", "64 bytes"},
		{"{" GOOD ", \"signature\": 5}", "64 bytes"},
		{"{" GOOD ", \"signature\": \"" SIGNATURE "\"}", "\"key\""},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct cb_api_answer a;
		struct cb_err e = {0};

		if (cb_api_decode_answer(bad[i].json, strlen(bad[i].json), &a, &e) != -EPROTO)
			fail_msg("%s was taken", bad[i].json);
		if (!strstr(e.text, bad[i].says))
			fail_msg("%s: %s", bad[i].json, e.text);
		cb_api_answer_free(&a);
	}
}

static void errors(void **state)
{
	static const char json[] =
		"{\"error\": {\"code\": \"does_not_compile\", \"message\": \"t.bpf.c does not compile\"},"
		"\"diagnostics\": [{\"file\": \"t.bpf.c\", \"severity\": \"fatal error\"}]}";
	static const char *const bad[] = {"",
					  "<html>",
					  "{}",
					  "{\"error\": \"x\"}",
					  "{\"error\": {\"code\": \"x\"}}",
					  "{\"error\": {\"code\": 1, \"message\": \"x\"}}"};
	struct cb_api_answer a;

	assert_int_equal(cb_api_decode_error(json, strlen(json), &a, NULL), 0);
	assert_string_equal(a.code, "does_not_compile");
	assert_string_equal(a.message, "t.bpf.c does not compile");
	assert_int_equal(a.diags.n, 1);
	assert_int_equal(a.diags.list[0].severity, CB_FATAL);
	cb_api_answer_free(&a);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(cb_api_decode_error(bad[i], strlen(bad[i]), &a, NULL), -EPROTO);
		cb_api_answer_free(&a);
	}
}

/* Colours, titles and the like: a server's answer is text, and no commands for the terminal. */
static void control_characters(void **state)
{
	static const char json[] = "{\"error\": {\"code\": \"a\\u001b[2J\", \"message\": "
				   "\"b\\u0007\\n\\tc\\u007f\\u009b2J \\u00a0\\u00e4\"},"
				   "\"diagnostics\": [{\"file\": \"f\\u001b\", \"text\": \"\\r\", \"context\": "
				   "\"\\u001b\", \"excerpt\": \"x\\n\\u001b]\"}]}";
	struct cb_api_answer a;

	assert_int_equal(cb_api_decode_error(json, strlen(json), &a, NULL), 0);
	assert_string_equal(a.code, "a?[2J");
	assert_string_equal(a.message, "b?\n\tc???2J \xc2\xa0\xc3\xa4");
	assert_int_equal(a.diags.n, 1);
	assert_string_equal(a.diags.list[0].file, "f?");
	assert_string_equal(a.diags.list[0].text, "?");
	assert_string_equal(a.diags.list[0].context, "?");
	assert_string_equal(a.diags.list[0].excerpt, "x\n?]");
	cb_api_answer_free(&a);
}

static void too_many_diagnostics(void **state)
{
	struct cb_buf json = {0};
	struct cb_api_answer a;

	cb_buf_str(&json, "{" GOOD ", \"diagnostics\": [{}");
	for (int i = 1; i < 1000; i++)
		cb_buf_str(&json, ",{\"line\": -1}");
	cb_buf_str(&json, "]}");
	assert_int_equal(cb_api_decode_answer(json.data, json.len, &a, NULL), 0);
	assert_int_equal(a.diags.n, CB_DIAGS_MAX);
	assert_int_equal(a.diags.dropped, 1000 - CB_DIAGS_MAX);
	assert_int_equal(a.diags.list[1].line, 0);
	cb_api_answer_free(&a);
	cb_buf_free(&json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_as_json),  cmocka_unit_test(text_that_json_cannot_carry),
		cmocka_unit_test(a_good_answer),      cmocka_unit_test(the_least_that_an_answer_must_have),
		cmocka_unit_test(bad_answers),	      cmocka_unit_test(errors),
		cmocka_unit_test(control_characters), cmocka_unit_test(too_many_diagnostics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
