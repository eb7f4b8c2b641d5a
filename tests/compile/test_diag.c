// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_diag.c - what clang says, as data. */
#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compile/diag.h"

static const char said[] = "In file included from tool.bpf.c:2:\n"
			   "In file included from net/a.h:1:\n"
			   "part.h:3:22: error: use of undeclared identifier 'x'\n"
			   "int g(void) { return x; }\n"
			   "                     ^\n"
			   "tool.bpf.c:7:5: warning: unused variable 'a: b' [-Wunused-variable]\n"
			   "        int a; // tool.bpf.c: error: not one\n"
			   "            ^\n"
			   "tool.bpf.c:7:5: note: here\n"
			   "odd:name.c:9:1: fatal error: 'x.h' file not found\n"
			   "error: unknown warning option '-Wx'\n"
			   "clang-14: error: no such file or directory: 'y'\n"
			   "1 warning and 4 errors generated.\n";

static void assert_diag(const struct cb_diag *d, const char *file, unsigned line, unsigned column,
			enum cb_severity severity, const char *text, const char *context, const char *excerpt)
{
	assert_string_equal(d->file, file);
	assert_int_equal(d->line, line);
	assert_int_equal(d->column, column);
	assert_int_equal(d->severity, severity);
	assert_string_equal(d->text, text);
	assert_string_equal(d->context, context);
	assert_string_equal(d->excerpt, excerpt);
}

static void as_data(void **state)
{
	struct cb_diags d = {0};

	assert_int_equal(cb_diags_parse(&d, said), 0);
	assert_int_equal(d.n, 6);
	assert_diag(&d.list[0], "part.h", 3, 22, CB_ERROR, "use of undeclared identifier 'x'",
		    "In file included from tool.bpf.c:2:\nIn file included from net/a.h:1:\n",
		    "int g(void) { return x; }\n                     ^\n");
	assert_diag(&d.list[1], "tool.bpf.c", 7, 5, CB_WARNING, "unused variable 'a: b' [-Wunused-variable]", "",
		    "        int a; // tool.bpf.c: error: not one\n            ^\n");
	assert_diag(&d.list[2], "tool.bpf.c", 7, 5, CB_NOTE, "here", "", "");
	assert_diag(&d.list[3], "odd:name.c", 9, 1, CB_FATAL, "'x.h' file not found", "", "");
	assert_diag(&d.list[4], "", 0, 0, CB_ERROR, "unknown warning option '-Wx'", "", "");
	assert_diag(&d.list[5], "", 0, 0, CB_ERROR, "no such file or directory: 'y'", "", "");
	cb_diags_free(&d);
}

/* All but the count, and the driver's name. */
static void printed_again(void **state)
{
	struct cb_diags d = {0}, again = {0};
	struct cb_buf out = {0};
	char expected[sizeof(said)];

	strcpy(expected, said);
	strcpy(strstr(expected, "clang-14: "), "error: no such file or directory: 'y'\n");
	cb_diags_parse(&d, said);
	for (size_t i = 0; i < d.n; i++)
		assert_int_equal(cb_diags_add(&again, &d.list[i]), 0);
	cb_diags_print(&again, &out);
	assert_string_equal(cb_buf_cstr(&out), expected);
	cb_buf_free(&out);
	cb_diags_free(&d);
	cb_diags_free(&again);
}

/* What comes out is UTF-8, whatever a source holds. */
static void only_utf8(void **state)
{
	static const struct {
		const char *in, *out;
	} texts[] = {
		{"a\xffz", "a?z"},
		{"\xc3\xa4", "\xc3\xa4"},
		{"\xc3", "?"},
		{"\xc0\x80", "??"},
		{"\xed\xa0\x80", "???"},
		{"\xe2\x82\xac!", "\xe2\x82\xac!"},
		{"\xf4\x90\x80\x80", "????"},
		{"\xf0\x9f\x90\x9d", "\xf0\x9f\x90\x9d"},
		{"\xe0\x80\x80", "???"},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct cb_diags d = {0};
		char line[64];

		snprintf(line, sizeof(line), "f.c:1:1: error: %s\n", texts[i].in);
		assert_int_equal(cb_diags_parse(&d, line), 0);
		assert_string_equal(d.list[0].text, texts[i].out);
		cb_diags_free(&d);
	}
}

static void too_many(void **state)
{
	struct cb_diags d = {0};
	struct cb_buf text = {0}, out = {0};

	for (int i = 1; i <= CB_DIAGS_MAX + 3; i++)
		cb_buf_printf(&text, "f.c:%d:1: error: e\n", i);
	assert_int_equal(cb_diags_parse(&d, cb_buf_cstr(&text)), 0);
	assert_int_equal(d.n, CB_DIAGS_MAX);
	assert_int_equal(d.dropped, 3);
	cb_diags_print(&d, &out);
	assert_non_null(strstr(cb_buf_cstr(&out), "f.c:200:1: error: e\nand 3 more\n"));
	cb_buf_free(&text);
	cb_buf_free(&out);
	cb_diags_free(&d);
}

static void severities(void **state)
{
	assert_int_equal(cb_severity_of("fatal error"), CB_FATAL);
	assert_int_equal(cb_severity_of("remark"), -1);
	assert_string_equal(cb_severity_name(CB_NOTE), "note");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_data),  cmocka_unit_test(printed_again), cmocka_unit_test(only_utf8),
		cmocka_unit_test(too_many), cmocka_unit_test(severities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
