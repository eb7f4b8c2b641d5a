// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_isolated.c - a stranger's source by the whole way: what it compiles to, what it may see, and what is said of it. */
#include "check.h"

#include <sys/stat.h>

#include "compile/clang.h"
#include "compile/zygote.h"
#include "fixture.h"

static struct cb_zygote *zygote;

static int isolated(struct fixture *f, bool by_zygote, const char *text, struct cb_compile_answer *a)
{
	static const struct cb_header headers[] = {{"inc/own.h", "#define OWN 7\n", 14}};
	static const char *const flags[] = {"-Iinc", NULL};
	const struct cb_compile_request rq = {.path = "x.bpf.c",
					      .text = text,
					      .text_len = strlen(text),
					      .headers = headers,
					      .nheaders = 1,
					      .cflags = flags,
					      .isolated = true,
					      .zygote = by_zygote ? zygote : NULL};

	f->err.text[0] = '\0';
	return cb_compile_full(&rq, a, &f->err);
}

static int prepare(void **state)
{
	struct cb_err e = {0};
	char clang[PATH_MAX];

	if (fixture_make(state) || cb_clang_find(NULL, clang, sizeof(clang), &e) ||
	    cb_zygote_new(clang, NULL, &zygote, &e))
		return -1;
	return 0;
}

static int end(void **state)
{
	cb_zygote_free(zygote);
	return fixture_remove(state);
}

#define need_sandbox(f)                                                                                                \
	do {                                                                                                           \
		if (cb_sandbox_check(NULL, &(f)->err))                                                                 \
			skip_because("%s", (f)->err.text);                                                             \
	} while (0)

/* The same bytes as by the way of who trusts it; lbc.h, the kernel's types, clang's and libbpf's headers, and those sent. */
static void compiles(void **state)
{
	static const char text[] =
		"#include \"lbc.h\"\n#include <stddef.h>\n#include \"own.h\"\n#include \"inc/own.h\"\n"
		"SEC(\"raw_tp/sched_process_exec\") int f(void *ctx)\n{\n"
		"	struct task_struct *t = (void *)bpf_get_current_task();\n"
		"	return BPF_CORE_READ(t, tgid) + OWN + offsetof(struct task_struct, tgid);\n}\n";
	struct fixture *f = *state;
	mode_t mask = umask(077);

	need_sandbox(f);
	mkdir("inc", 0700);
	write_text("inc/own.h", "#define OWN 7\n");
	assert_int_equal(compile_with(f, "x.bpf.c", text, (const char *[]){"-Iinc", NULL}, NULL), 0);
	for (int by_zygote = 0; by_zygote < 2; by_zygote++) {
		struct cb_compile_answer a;

		if (isolated(f, by_zygote, text, &a))
			fail_msg("%s", f->err.text);
		assert_int_equal(a.size, f->size);
		assert_memory_equal(a.object, f->object, a.size);
		assert_false(a.fell_back);
		cb_compile_answer_free(&a);
	}
	umask(mask);
}

/* The whole header must reach clang as well. */
static void falls_back(void **state)
{
	static const char text[] =
		"#include \"vmlinux.h\"\n#define GLUE(a, b) a##b\nint x = sizeof(struct GLUE(task_, struct));\n";
	struct fixture *f = *state;
	struct cb_compile_answer a;

	need_sandbox(f);
	if (isolated(f, true, text, &a))
		fail_msg("%s", f->err.text);
	assert_true(a.fell_back);
	cb_compile_answer_free(&a);
}

static void messages(void **state)
{
	static const char text[] =
		"#include \"lbc.h\"\n#include \"own.h\"\nint f(void) { return lbc_emit(nosuch, 1, 2); }\n";
	struct fixture *f = *state;
	struct cb_compile_answer a;

	need_sandbox(f);
	assert_int_equal(isolated(f, true, text, &a), -EINVAL);
	assert_true(a.diags.n > 0);
	assert_string_equal(a.diags.list[0].file, "x.bpf.c");
	assert_int_equal(a.diags.list[0].line, 3);
	assert_null(strstr(f->err.text, "/proc"));
	assert_null(strstr(f->err.text, f->dir));
	cb_compile_answer_free(&a);
}

/* What stops it is said, and the next one compiles. */
static void limits(void **state)
{
	static const struct {
		const char *text;
		int err;
		const char *says;
	} cases[] = {
		{"#pragma clang __debug crash\n", -EIO, "the compiler crashed on x.bpf.c"},
		{"#pragma clang __debug llvm_fatal_error\n", -EIO, "the compiler crashed on x.bpf.c"},
		{"char a[200 << 20] = {1};\n", -EDQUOT, "x.bpf.c"},
		{"#include \"/etc/passwd\"\n", -EINVAL, "file not found"},
		{"#include \"/etc/shadow\"\n", -EINVAL, "file not found"},
		{"#include \"/dev/zero\"\n", -EINVAL, "file not found"},
		{"__asm__(\".incbin \\\"/etc/passwd\\\"\");\n", -EINVAL, "/etc/passwd"},
	};
	struct fixture *f = *state;

	need_sandbox(f);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (int by_zygote = 0; by_zygote < 2; by_zygote++) {
			struct cb_compile_answer a;
			int err = isolated(f, by_zygote, cases[i].text, &a);

			if (err != cases[i].err || !strstr(f->err.text, cases[i].says))
				fail_msg("%s: %d, '%s'", cases[i].text, err, f->err.text);
			assert_null(strstr(f->err.text, "Stack dump"));
			assert_null(strstr(f->err.text, "root:"));
			assert_null(a.object);
			cb_compile_answer_free(&a);
			if (isolated(f, by_zygote, "int fine;\n", &a))
				fail_msg("after %s: %s", cases[i].text, f->err.text);
			cb_compile_answer_free(&a);
		}
	assert_int_equal(entries(getenv("TMPDIR")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compiles),
		cmocka_unit_test(falls_back),
		cmocka_unit_test(messages),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, prepare, end);
}
