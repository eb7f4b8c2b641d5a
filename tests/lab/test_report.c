// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_report.c - a made result in every form; what others than us are to read is read by what they use: jansson, xmllint. */
#include <jansson.h>
#include <unistd.h>

#include "check.h"
#include "lab/report.h"
#include "made.h"
#include "output/plan.h"

static char *report(void (*write)(const struct cb_lab_result *r, struct cb_buf *out), const struct cb_lab_result *r)
{
	struct cb_buf out = {0};
	char *text;

	write(r, &out);
	assert_false(out.failed);
	text = strdup(cb_buf_cstr(&out));
	cb_buf_free(&out);
	return text;
}

static void plain_table(const struct cb_lab_result *r, struct cb_buf *out)
{
	cb_lab_report_table(r, false, 0, out);
}

static void (*const forms[])(const struct cb_lab_result *r, struct cb_buf *out) = {
	plain_table, cb_lab_report_tap, cb_lab_report_json, cb_lab_report_junit, cb_lab_report_html};

enum { N_FORMS = sizeof(forms) / sizeof(*forms) };

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("not there: %s\nin:\n%s", part, text);
}

static void table(void **state)
{
	struct cb_lab_result r = made_result();
	char *text = report(plain_table, &r);

	has(text, "test         debian:5.10            debian:6.1            debian:7.0/arm64\n"
		  "             5.10.0-35-cloud-amd64  6.1.0-37-cloud-amd64  7.0.3-cloud-arm64\n"
		  "execsnoop    ok 1.2s                ok 1.2s               ok 1.2s\n"
		  "tcp & <udp>  FAIL no event          skip                  -\n"
		  "panics       ok 1.4s                ok 1.4s               FAIL crash\n");
	has(text, "\nFAIL tcp & <udp> on debian:5.10 (5.10.0-35-cloud-amd64): no event\n"
		  "  expect event comm == \"a<b>\" && x: no event came\n"
		  "  expectations that do not hold:\n"
		  "    x.lab:3: expect event comm == \"a<b>\" && x\n"
		  "      no\n"
		  "  standard error:\n"
		  "    \\x1b[31mred\\xff ]]> \t#\\x01\n");
	has(text, "\nskip tcp & <udp> on debian:6.1: no fprobe <here> & there\n");
	has(text, "\n4 tests on 3 kernels: 8 passed, 2 failed, 1 skipped, 1 not run in 1m15s; boots: 5, retried: 1 "
		  "(debian:7.0/arm64: no line within 60s)\n");
	free(text);
	cb_lab_result_free(&r);
}

static void narrow_table(void **state)
{
	struct cb_lab_result r = made_result();
	struct cb_buf out = {0};

	cb_lab_report_table(&r, false, 60, &out);
	has(cb_buf_cstr(&out), "test         debian:5.10            debian:6.1\n"
			       "             5.10.0-35-cloud-amd64  6.1.0-37-cloud-amd64\n"
			       "execsnoop    ok 1.2s                ok 1.2s\n");
	has(cb_buf_cstr(&out), "\n\ntest         debian:7.0/arm64\n"
			       "             7.0.3-cloud-arm64\n"
			       "execsnoop    ok 1.2s\n");
	cb_buf_free(&out);
	cb_lab_result_free(&r);
}

/* Those that are skipped for one reason on the same kernels share a line. */
static void skips_together(void **state)
{
	struct cb_lab_result r = made_result();
	char *text;

	for (size_t i = 0; i < 4; i++)
		for (size_t k = 0; k < 3; k++) {
			cb_lab_cell_clear(cb_lab_cell_at(&r, i, k));
			if (k == 2 || i == 3)
				cb_lab_cell_skip(cb_lab_cell_at(&r, i, k), k == 2 ? "no program" : "other");
		}
	text = report(plain_table, &r);
	has(text, "\n\nskip execsnoop, tcp & <udp>, panics, test_attach on debian:7.0/arm64: no program\n"
		  "skip test_attach on debian:5.10, debian:6.1: other\n\n");
	free(text);
	cb_lab_result_free(&r);
}

static void colours(void **state)
{
	struct cb_lab_result r = made_result();
	struct cb_buf out = {0};

	r.interrupted = true;
	cb_lab_report_table(&r, true, 0, &out);
	has(cb_buf_cstr(&out), "\033[32mok 1.2s\033[0m");
	has(cb_buf_cstr(&out), "\033[31mFAIL crash\033[0m");
	has(cb_buf_cstr(&out), "; interrupted\n");
	cb_buf_free(&out);
	cb_lab_result_free(&r);
}

static void tap(void **state)
{
	struct cb_lab_result r = made_result();
	char *text;

	made_inner(cb_lab_cell_at(&r, 3, 0), "one # 1", true, NULL);
	made_inner(cb_lab_cell_at(&r, 3, 0), "two", true, "no disk");
	made_inner(cb_lab_cell_at(&r, 3, 1), "three", false, NULL);
	cb_lab_cell_at(&r, 3, 1)->verdict = CB_LAB_OPEN;
	cb_lab_cell_fail(cb_lab_cell_at(&r, 3, 1), CB_LAB_WHY_NOT_OK, "1 of 1: three");
	made_inner(cb_lab_cell_at(&r, 3, 2), "four", true, NULL);
	cb_lab_cell_at(&r, 3, 2)->verdict = CB_LAB_OPEN;
	cb_lab_cell_fail(cb_lab_cell_at(&r, 3, 2), CB_LAB_WHY_LEFT, "2 programs");
	text = report(cb_lab_report_tap, &r);
	has(text, "TAP version 13\n1..14\nok 1 - execsnoop on debian:5.10\n");
	has(text, "\nnot ok 2 - tcp & <udp> on debian:5.10\n#   no event: expect event comm");
	has(text, "\n#     \\x1b[31mred\\xff ]]> \t#\\x01\n");
	has(text,
	    "\nok 4 - test_attach on debian:5.10: one \\# 1\nok 5 - test_attach on debian:5.10: two # SKIP no disk\n");
	has(text, " - tcp & <udp> on debian:6.1 # SKIP no fprobe <here> & there\n");
	has(text, "\nnot ok 9 - test_attach on debian:6.1: three\n#   not ok: 1 of 1: three\n");
	has(text, " # SKIP not run: interrupted\n");
	has(text, "\nok 13 - test_attach on debian:7.0/arm64: four\nnot ok 14 - test_attach on debian:7.0/arm64\n");
	has(text, "\n# boots: 5, retried: 1");
	free(text);
	cb_lab_result_free(&r);
}

static void json(void **state)
{
	struct cb_lab_result r = made_result();
	char *text;
	json_t *j, *result;
	json_error_t e;

	made_inner(cb_lab_cell_at(&r, 3, 0), "two", true, "no disk");
	text = report(cb_lab_report_json, &r);
	j = json_loads(text, 0, &e);
	if (!j)
		fail_msg("%s: %s", e.text, text);
	assert_int_equal(json_integer_value(json_object_get(j, "failed")), 2);
	assert_int_equal(json_integer_value(json_object_get(j, "not_run")), 1);
	assert_int_equal(json_array_size(json_object_get(j, "kernels")), 3);
	assert_int_equal(json_array_size(json_object_get(j, "tests")), 4);
	assert_int_equal(json_array_size(json_object_get(j, "results")), 12);
	assert_true(json_is_null(json_object_get(json_array_get(json_object_get(j, "kernels"), 0), "package")));
	result = json_array_get(json_object_get(j, "results"), 3);
	assert_string_equal(json_string_value(json_object_get(result, "verdict")), "fail");
	assert_string_equal(json_string_value(json_object_get(result, "failure")), "no event");
	assert_int_equal(json_array_size(json_object_get(result, "notes")), 2);
	result = json_array_get(json_object_get(j, "results"), 9);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(json_object_get(result, "inner"), 0), "verdict")),
		"skip");
	json_decref(j);
	free(text);
	cb_lab_result_free(&r);
}

/* Through another's parser; 0 or its exit status. */
static int parse_with(const char *command, const char *text)
{
	FILE *to = popen(command, "w");

	assert_non_null(to);
	fputs(text, to);
	return pclose(to);
}

static void junit(void **state)
{
	struct cb_lab_result r = made_result();
	char *text = report(cb_lab_report_junit, &r);

	has(text, "<testsuites name=\"coolbpf lab\" tests=\"12\" failures=\"2\" errors=\"0\" time=\"75.200\">");
	has(text,
	    "<testsuite name=\"debian:5.10\" tests=\"4\" failures=\"1\" errors=\"0\" skipped=\"0\" time=\"5.536\" "
	    "timestamp=\"2026-11-27T11:58:49\">");
	has(text, "<testcase name=\"tcp &amp; &lt;udp&gt;\" classname=\"debian:5.10\"");
	has(text, "<failure type=\"no event\" message=\"expect event comm == &quot;a&lt;b&gt;&quot; &amp;&amp; x: no "
		  "event came\">");
	has(text, "<skipped message=\"no fprobe &lt;here&gt; &amp; there\"/>");
	has(text, "\xef\xbf\xbd[31mred\xef\xbf\xbd ]]&gt;");
	if (system("command -v xmllint >/dev/null"))
		skip_because("xmllint is not installed");
	assert_int_equal(parse_with("xmllint --noout -", text), 0);
	free(text);
	cb_lab_result_free(&r);
}

static void html(void **state)
{
	struct cb_lab_result r = made_result();
	char *text = report(cb_lab_report_html, &r);

	has(text, "<!DOCTYPE html>");
	has(text, "<h1>4 tests on 3 kernels</h1>");
	has(text, "<a class=\"fail\" href=\"#f1-0\">no event");
	has(text, "<details class=\"fail\" id=\"f1-0\"><summary><b>tcp &amp; &lt;udp&gt;</b> on <b>debian:5.10</b>");
	has(text, "prefers-color-scheme: dark");
	assert_null(strstr(text, "<b>\" "));
	assert_null(strstr(text, "http"));
	assert_null(strstr(text, "\x1b"));
	if (getenv("LAB_HTML")) { /* for eyes */
		FILE *f = fopen(getenv("LAB_HTML"), "w");

		fputs(text, f);
		fclose(f);
	}
	free(text);
	cb_lab_result_free(&r);
}

static void nothing(void **state)
{
	struct cb_lab_result r;

	assert_int_equal(cb_lab_result_init(&r, 0, 0), 0);
	for (size_t i = 0; i < N_FORMS; i++)
		free(report(forms[i], &r));
	cb_lab_result_free(&r);
}

/* Whatever a guest or a file's name says, no report makes a terminal or a browser do something. */
static void hostile_texts_are_harmless(void **state)
{
	static const char bad[] = "<script>x\x1b]0;y\x07\x7f\xc2\x9b\x9b#\r\b\n";
	struct cb_lab_result r = made_result();

	for (size_t i = 0; i < r.n_rows; i++) {
		free(r.rows[i].name);
		free(r.rows[i].about);
		free(r.rows[i].path);
		r.rows[i] = (struct cb_lab_row){.name = strdup(bad), .about = strdup(bad), .path = strdup(bad)};
	}
	for (size_t k = 0; k < r.n_columns; k++) {
		struct cb_lab_column *c = &r.columns[k];

		free(c->name);
		free(c->why);
		c->name = strdup(bad);
		c->why = strdup(bad);
		c->retried = 1;
	}
	for (size_t i = 0; i < r.n_rows * r.n_columns; i++) {
		struct cb_lab_cell *c = &r.cells[i];

		free(c->reason);
		c->reason = c->verdict == CB_LAB_FAIL || c->verdict == CB_LAB_SKIP ? strdup(bad) : NULL;
		if (c->verdict == CB_LAB_FAIL)
			made_note(c, "console", bad);
		made_inner(c, bad, c->verdict == CB_LAB_PASS, i % 2 ? bad : NULL);
	}
	for (size_t i = 0; i < N_FORMS; i++) {
		char *text = report(forms[i], &r);

		for (const char *p = text; *p; p++)
			if (((unsigned char)*p < ' ' && *p != '\n' && *p != '\t') || *p == 0x7f ||
			    (!cb_utf8(p, strlen(p)) && (*p & 0xc0) != 0x80) ||
			    (!strncmp(p, "\xc2", 1) && (unsigned char)p[1] < 0xa0))
				if (forms[i] != cb_lab_report_json || *p != 0x7f)
					fail_msg("form %zu has it raw: %.40s", i, p);
		if (forms[i] == cb_lab_report_html || forms[i] == cb_lab_report_junit)
			assert_null(strstr(text, "<script>x"));
		free(text);
	}
	cb_lab_result_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),	cmocka_unit_test(skips_together),
		cmocka_unit_test(narrow_table), cmocka_unit_test(colours),
		cmocka_unit_test(tap),		cmocka_unit_test(json),
		cmocka_unit_test(junit),	cmocka_unit_test(html),
		cmocka_unit_test(nothing),	cmocka_unit_test(hostile_texts_are_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
