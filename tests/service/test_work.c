// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_work.c - frames: what is written is read, and nothing that is cut, longer or changed is taken for one. */
#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "service/work.h"

static const struct cb_header headers[] = {{"a.h", "int a;", 6}, {"b/c.h", "zero \0 inside", 13}};
static const char *const flags[] = {"-DX=1", "-O1", NULL};

static const struct cb_work compile = {
	.kind = CB_WORK_COMPILE,
	.btf = "/sys/kernel/btf/vmlinux",
	.digest = "d",
	.cache_key = "k",
	.hash = "h",
	.kernel_version = "6.1",
	.rq = {.source = "int x;",
	       .source_len = 6,
	       .name = "x.bpf.c",
	       .headers = headers,
	       .nheaders = 2,
	       .flags = flags,
	       .arch = "x86_64",
	       .kernel = "6.1",
	       .format = CB_FORMAT_SO},
};

static void work_is_read_as_written(void **state)
{
	struct cb_buf b = {0};
	struct cb_work w;

	cb_work_write(&b, &compile);
	assert_int_equal(cb_work_read(&w, b.data, b.len), 0);
	assert_int_equal(w.kind, CB_WORK_COMPILE);
	assert_string_equal(w.btf, "/sys/kernel/btf/vmlinux");
	assert_string_equal(w.kernel_version, "6.1");
	assert_string_equal(w.pattern, "");
	assert_int_equal(w.rq.nheaders, 2);
	assert_string_equal(w.rq.headers[1].name, "b/c.h");
	assert_int_equal(w.rq.headers[1].len, 13);
	assert_memory_equal(w.rq.headers[1].text, "zero \0 inside", 14);
	assert_string_equal(w.rq.flags[1], "-O1");
	assert_null(w.rq.flags[2]);
	assert_int_equal(w.rq.format, CB_FORMAT_SO);
	cb_work_free(&w);
	cb_buf_free(&b);
}

static void work_that_is_cut_or_longer_is_none(void **state)
{
	struct cb_buf b = {0};
	struct cb_work w;

	cb_work_write(&b, &compile);
	for (size_t len = 0; len < b.len; len++) {
		char *copy = malloc(len ? len : 1); /* a read behind its end is seen by the sanitizer */

		memcpy(copy, b.data, len);
		assert_int_equal(cb_work_read(&w, copy, len), -EINVAL);
		cb_work_free(&w);
		free(copy);
	}
	cb_buf_ch(&b, 'x');
	assert_int_equal(cb_work_read(&w, b.data, b.len), -EINVAL);
	cb_work_free(&w);
	cb_buf_free(&b);
}

static void an_outcome_is_read_as_written(void **state)
{
	const struct cb_outcome in = {.err = EINVAL,
				      .message = "m",
				      .bytes = "\0\1\2",
				      .len = 3,
				      .json = "{}",
				      .diagnostics = "[]",
				      .fell_back = true,
				      .slice_ns = 1,
				      .clang_ns = 1ULL << 40,
				      .evicted = 7};
	struct cb_outcome out;
	struct cb_buf b = {0};

	cb_outcome_write(&b, &in);
	assert_int_equal(cb_outcome_read(&out, b.data, b.len), 0);
	assert_int_equal(out.err, EINVAL);
	assert_string_equal(out.message, "m");
	assert_int_equal(out.len, 3);
	assert_memory_equal(out.bytes, "\0\1\2", 3);
	assert_string_equal(out.json, "{}");
	assert_string_equal(out.diagnostics, "[]");
	assert_true(out.fell_back);
	assert_int_equal(out.clang_ns, 1ULL << 40);
	assert_int_equal(out.evicted, 7);
	for (size_t len = 0; len < b.len; len++)
		assert_int_equal(cb_outcome_read(&out, b.data, len), -EINVAL);
	b.data[0] ^= 2; /* another version */
	assert_int_equal(cb_outcome_read(&out, b.data, b.len), -EINVAL);
	cb_buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(work_is_read_as_written),
		cmocka_unit_test(work_that_is_cut_or_longer_is_none),
		cmocka_unit_test(an_outcome_is_read_as_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
