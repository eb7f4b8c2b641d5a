// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_kept.c - the cache of objects: what is compiled once only, and what makes it compile again. */
#include "check.h"

#include "fixture.h"

static const char source[] =
	"#include \"vmlinux.h\"\n#include \"part.h\"\n#warning careful\n"
	"__attribute__((section(\"socket\"))) int p(struct __sk_buff *s) { return s->len + PART + FLAG; }\n";

/* A clang that counts how often it is run. */
static void counting_clang(void)
{
	write_script("counting", "#!/bin/sh\n[ $1 = --version ] || echo >> runs\nexec clang \"$@\"\n");
}

static long runs(void)
{
	struct stat st;

	return stat("runs", &st) ? 0 : (long)st.st_size;
}

static int compile(struct fixture *f, const char *name, const char *const *cflags, bool *from_cache)
{
	struct cb_log log = {.level = CB_INFO, .say = fixture_say, .ctx = f};
	struct cb_compile_request rq = {
		.path = name, .cflags = cflags, .clang = "./counting", .cached = true, .log = &log};
	struct cb_compile_answer a;
	int err = cb_compile_full(&rq, &a, &f->err);

	free(f->object);
	f->object = a.object;
	f->size = a.size;
	*from_cache = a.from_cache;
	f->said.len = 0;
	cb_diags_print(&a.diags, &f->said);
	a.object = NULL;
	cb_compile_answer_free(&a);
	return err;
}

static void assert_runs(struct fixture *f, const char *name, const char *const *cflags, long more)
{
	long before = runs();
	bool from_cache;

	if (compile(f, name, cflags, &from_cache))
		fail_msg("%s", f->err.text);
	assert_int_equal(runs() - before, more);
	assert_int_equal(from_cache, !more);
}

static const char *const one[] = {"-DFLAG=1", NULL}, *const two[] = {"-DFLAG=2", NULL};

static void need_btf(void)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		skip_because("this kernel has no BTF to make vmlinux.h of");
}

static void once(void **state)
{
	struct fixture *f = *state;
	struct cb_buf warned = {0};
	void *first;
	size_t size;

	need_btf();
	counting_clang();
	write_text("x.bpf.c", source);
	write_text("part.h", "#define PART 3\n");
	assert_runs(f, "x.bpf.c", one, 1);
	first = f->object;
	size = f->size;
	f->object = NULL;
	cb_buf_add(&warned, f->said.data, f->said.len);
	assert_non_null(strstr(cb_buf_cstr(&warned), "x.bpf.c:3:2: warning: careful"));
	assert_runs(f, "x.bpf.c", one, 0);
	assert_int_equal(f->size, size);
	assert_memory_equal(f->object, first, size);
	assert_string_equal(cb_buf_cstr(&f->said), cb_buf_cstr(&warned));
	free(first);
	cb_buf_free(&warned);
}

static void again(void **state)
{
	struct fixture *f = *state;

	need_btf();
	assert_runs(f, "x.bpf.c", two, 1);
	write_text("part.h", "#define PART 4\n");
	assert_runs(f, "x.bpf.c", one, 1);
	assert_runs(f, "x.bpf.c", one, 0);
	write_text("other.bpf.c", source); /* the name is in the object */
	assert_runs(f, "other.bpf.c", one, 1);
	counting_clang(); /* another compiler, for all that is known */
	assert_runs(f, "x.bpf.c", one, 1);
	assert_runs(f, "x.bpf.c", one, 0);
}

/* What went in is not known, or is another at the next time. */
static void never(void **state)
{
	static const char *const texts[] = {"const char *when = __DATE__ __TIME__;\n",
					    "#define H \"part.h\"\n#include H\n",
					    "#if __has_include(\"part.h\")\nint x;\n#endif\n"};
	static const char *const forced[] = {"-include", "part.h", NULL};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		write_text("never.bpf.c", texts[i]);
		assert_runs(f, "never.bpf.c", NULL, 1);
		assert_runs(f, "never.bpf.c", NULL, 1);
	}
	write_text("never.bpf.c", "int x = PART;\n");
	assert_runs(f, "never.bpf.c", forced, 1);
	assert_runs(f, "never.bpf.c", forced, 1);
}

/* A source that does not compile is not kept. */
static void failures(void **state)
{
	struct fixture *f = *state;
	long before = runs();
	bool from_cache;

	write_text("bad.bpf.c", "int f(void) { return nosuch; }\n");
	assert_int_equal(compile(f, "bad.bpf.c", NULL, &from_cache), -EINVAL);
	assert_int_equal(compile(f, "bad.bpf.c", NULL, &from_cache), -EINVAL);
	assert_int_equal(runs() - before, 2);
}

static void damaged(void **state)
{
	struct fixture *f = *state;

	write_text("d.bpf.c", "int damaged_here;\n");
	assert_runs(f, "d.bpf.c", NULL, 1);
	assert_int_equal(system("for f in $(grep -rl damaged_here cache/objects); do printf x | dd of=$f bs=1 seek=150 "
				"conv=notrunc 2>/dev/null; done"),
			 0);
	assert_runs(f, "d.bpf.c", NULL, 1);
	assert_runs(f, "d.bpf.c", NULL, 0);
	assert_true(holds(f, "damaged_here"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(once),	    cmocka_unit_test(again),   cmocka_unit_test(never),
		cmocka_unit_test(failures), cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, fixture_make, fixture_remove);
}
