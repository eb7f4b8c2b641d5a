// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_cond.c - which records a condition of a .lab file lets through, and what is said of wrong ones. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "lab/cond.h"

static const char event[] =
	"{\"time\":1795780729408705112,\"latency\":1500000,\"ret\":\"-ENOENT\",\"err\":\"EACCES\",\"ok\":16,"
	"\"flags\":\"0x8000\",\"big\":18446744073709551615,\"neg\":-5,\"comm\":\"cat\",\"path\":\"/tmp/a "
	"b\",\"digits\":\"10\","
	"\"sig\":\"SIGTERM\",\"addr\":\"10.0.0.1\",\"addr6\":\"::1\",\"flag\":true,\"off\":false,\"load\":0.5,\"none\":"
	"null,"
	"\"empty\":\"\",\"zero\":0,\"stack\":[\"do_sys_open\",\"entry\"],\"list\":[1,2,3],\"in\":{\"x\":7,\"y\":{\"z\":"
	"\"deep\"}},"
	"\"same\":16,\"mode\":\"MODE_A\",\"text\":\"cat\"}";

static const char histogram[] = "{\"map\":\"sizes\",\"unit\":\"bytes\",\"buckets\":[{\"from\":0,\"to\":1,\"count\":10},"
				"{\"from\":2,\"to\":3,\"count\":0},{\"from\":4,\"to\":7,\"count\":45}]}";

static const char truths_text[] =
	"pid=42\nfile=/tmp/a b\nnoise\nbad name=1\n9x=1\nret=-ENOENT\npid=43\nempty=\nms=1500000\r\n";

static bool matches_in(const char *json, const char *text)
{
	struct cb_err e = {0};
	struct cb_lab_truths truths;
	struct cb_lab_cond *c = cb_lab_cond_new(text, &e);
	json_t *record = cb_lab_record(json, strlen(json), &e);
	bool match;

	if (!c || !record)
		fail_msg("%s: %s", text, e.text);
	assert_int_equal(cb_lab_truths_read(&truths, truths_text, strlen(truths_text)), 0);
	assert_null(cb_lab_cond_lacks(c, &truths));
	match = cb_lab_cond_match(c, record, &truths);
	cb_lab_truths_free(&truths);
	cb_lab_cond_free(c);
	json_decref(record);
	return match;
}

static void let_through(void **state)
{
	static const char *const yes[] = {
		"comm == cat",
		"comm = cat",
		"comm==\"cat\"",
		"comm != dog",
		"comm ~ c*t",
		"comm !~ d*",
		"comm < dog",
		"path == '/tmp/a b'",
		"path ~ \"*a b\"",
		"path ~ \"/tmp/[a-c] ?\"",
		"latency == 1.5ms",
		"latency > 1ms && latency < 2ms",
		"latency >= 1500us",
		"latency == 1500000",
		"time > 1795780729408705111 && time < 1795780729408705113",
		"ret == -ENOENT",
		"ret == ENOENT",
		"ret == -2",
		"ret < 0",
		"ret != 0",
		"err == EACCES",
		"err == 13",
		"ok >= 0",
		"ok == 0x10",
		"flags == 0x8000",
		"flags == 32768",
		"big == 18446744073709551615",
		"big > 18446744073709551614",
		"neg < 0 && neg == -5",
		"digits == 10",
		"sig == TERM",
		"sig == SIGTERM",
		"sig == 15",
		"addr == ::ffff:10.0.0.1",
		"addr6 == 0:0::1",
		"flag",
		"flag == true && flag == 1",
		"!off && off == false && off == 0",
		"load == 0.5 && load < 1",
		"load ~ 0.5",
		"!none",
		"!(none == 0) && !(none != 0)",
		"!empty",
		"empty == \"\"",
		"!zero",
		"stack ~ do_sys_open;entry",
		"stack ~ *entry*",
		"stack == entry",
		"list == 2",
		"list.0 == 1 && list.2 == 3",
		"list ~ 1;2;3",
		"in.x == 7",
		"in.y.z == deep",
		"ok == same",
		"comm == text",
		"mode == MODE_A",
		"comm == cat || comm == dog && pid",
		"(comm == dog || comm == cat) && flag",
		"path == $file",
		"ret == $ret",
		"latency == $ms",
		"empty == $empty",
		"neg < $pid",
	};

	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		if (!matches_in(event, yes[i]))
			fail_msg("does not match: %s", yes[i]);
}

static void held_back(void **state)
{
	static const char *const no[] = {
		"comm == dog",	  "comm == ca",	     "comm ~ ca",	 "comm ~ $pid",
		"latency == 1.5", "latency > 2ms",   "ret == EACCES",	 "ret >= 0",
		"ret == EPERM",	  "flags == 0x8001", "big == 1",	 "digits == \"11\"",
		"ok == \"16\"",	  "sig == KILL",     "addr == 10.0.0.2", "absent",
		"absent == 1",	  "absent != 1",     "in.absent != 1",	 "comm.x == 1",
		"none",		  "none == 0",	     "none != 0",	 "load == abc",
		"in == 7",	  "list == 4",	     "list.3 == 1",	 "stack ~ entry",
		"path == $pid",	  "flag == 2",	     "in ~ *",		 "comm == cat && off",
		"!(comm == cat)", "list.x == 1",     "mode == MODE_B",	 "comm == \"text\"",
		"zero",		  "neg > 0",	     "text != comm",
	};

	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		if (matches_in(event, no[i]))
			fail_msg("matches: %s", no[i]);
}

static void through_arrays(void **state)
{
	assert_true(matches_in(histogram, "buckets.count == 45"));
	assert_true(matches_in(histogram, "buckets.from >= 4"));
	assert_false(matches_in(histogram, "buckets.count == 46"));
	assert_true(matches_in(histogram, "buckets.1.count == 0 && unit == bytes"));
	assert_false(matches_in(histogram, "buckets.3.count == 0"));
}

static void last_truth_holds(void **state)
{
	struct cb_lab_truths truths;

	assert_int_equal(cb_lab_truths_read(&truths, truths_text, strlen(truths_text)), 0);
	assert_string_equal(cb_lab_truth(&truths, "pid"), "43");
	assert_string_equal(cb_lab_truth(&truths, "ms"), "1500000");
	assert_null(cb_lab_truth(&truths, "name"));
	assert_null(cb_lab_truth(&truths, "9x"));
	cb_lab_truths_free(&truths);
	assert_int_equal(cb_lab_truths_read(&truths, NULL, 0), 0);
	assert_int_equal(truths.n, 0);
}

static void missing_truth(void **state)
{
	struct cb_lab_truths none = {0};
	struct cb_lab_cond *c = cb_lab_cond_new("a == 1 && b == $there", NULL);

	assert_string_equal(cb_lab_cond_lacks(c, &none), "there");
	assert_int_equal(cb_lab_cond_fields(c), 2);
	assert_string_equal(cb_lab_cond_field(c, 1), "b");
	cb_lab_cond_free(c);
}

static void how_near(void **state)
{
	struct cb_lab_truths none = {0};
	struct cb_lab_cond *c = cb_lab_cond_new("comm == cat && (ok == 1 || ok == 2) && flag", NULL);
	json_t *record = cb_lab_record(event, strlen(event), NULL);
	size_t of;

	assert_int_equal(cb_lab_cond_score(c, record, &none, &of), 2);
	assert_int_equal(of, 3);
	json_decref(record);
	cb_lab_cond_free(c);
}

static void wrong_ones(void **state)
{
	static const struct {
		const char *text, *says;
	} wrong[] = {
		{"", "column 1: it ends where a field's name"},
		{"comm ==", "column 8: it ends where a value is expected"},
		{"comm == \"cat", "column 9: the text that begins here has no closing quote"},
		{"comm == cat dog", "column 13: && or || or the end is expected here"},
		{"(comm", "column 6: a ) is missing here"},
		{"comm & x", "column 6: && or ||"},
		{"a == $", "column 6: behind $ a name is expected"},
		{"a == $x-1", "behind $ a name"},
		{"a == )", "column 6: a value is expected here"},
		{"== 1", "column 1: a field's name is expected here"},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct cb_err e = {0};

		assert_null(cb_lab_cond_new(wrong[i].text, &e));
		assert_int_equal(errno, EINVAL);
		if (!strstr(e.text, wrong[i].says))
			fail_msg("%s: %s", wrong[i].text, e.text);
	}
}

static void limits(void **state)
{
	char *deep = calloc(1, 5000);
	struct cb_err e = {0};

	memset(deep, '(', 100);
	strcat(deep, "a");
	assert_null(cb_lab_cond_new(deep, &e));
	assert_non_null(strstr(e.text, "too many"));
	memset(deep, 'a', 4999);
	assert_null(cb_lab_cond_new(deep, &e));
	assert_non_null(strstr(e.text, "longer than 4096"));
	free(deep);
}

static void broken_records(void **state)
{
	static const char *const broken[] = {"{\"a\":",		"[1]", "7", "", "{\"a\":01}", "{\"a\":1e999}",
					     "{\"a\":\"\xff\"}"};
	struct cb_err e = {0};
	json_t *record;

	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++)
		assert_null(cb_lab_record(broken[i], strlen(broken[i]), &e));
	/* text that looks like a number stays text, also beside one that is too large */
	record = cb_lab_record("{\"a\":\"12345678901234567890\\\"1\",\"b\":-18446744073709551615,\"c\":1.5}", 65, &e);
	assert_non_null(record);
	assert_string_equal(json_string_value(json_object_get(record, "a")), "12345678901234567890\"1");
	assert_string_equal(json_string_value(json_object_get(record, "b")), "-18446744073709551615");
	assert_true(json_is_real(json_object_get(record, "c")));
	json_decref(record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(let_through),	    cmocka_unit_test(held_back),     cmocka_unit_test(through_arrays),
		cmocka_unit_test(last_truth_holds), cmocka_unit_test(missing_truth), cmocka_unit_test(how_near),
		cmocka_unit_test(wrong_ones),	    cmocka_unit_test(limits),	     cmocka_unit_test(broken_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
