// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_workdir.c - headers that came as data: their names, their directory, and what is left of it. */
#include "check.h"

#include <fcntl.h>

#include "compile/workdir.h"
#include "fixture.h"

static void names(void **state)
{
	static const char *const good[] = {"a.h", "net/tcp.h", "a..h", "...", ".hidden", "a/.b/c", "\xc3\xa4.h"};
	static const char *const bad[] = {"",	  ".",	   "..",    "/a.h", "a/",     "a//b",	"../a.h", "a/../b",
					  "a/..", "./a.h", "a/./b", "a\nb", "a\\b.h", "a\"b.h", "\x7f"};
	char long_name[257];

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (!cb_header_name_ok(good[i]))
			fail_msg("\"%s\" was refused", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (cb_header_name_ok(bad[i]))
			fail_msg("\"%s\" was taken", bad[i]);
	memset(long_name, 'x', 256);
	long_name[256] = '\0';
	assert_false(cb_header_name_ok(long_name));
	assert_true(cb_header_name_ok(long_name + 1));
}

static void assert_content(int dir, const char *name, const char *text)
{
	char found[64] = "";
	int fd = openat(dir, name, O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, found, sizeof(found) - 1), strlen(text));
	assert_string_equal(found, text);
	close(fd);
}

static const struct cb_header some[] = {{"a.h", "one", 3}, {"net/deep/b.h", "two", 3}, {"net/c.h", "", 0}};

static void contents(void **state)
{
	struct fixture *f = *state;
	struct cb_workdir w;

	assert_int_equal(cb_workdir_make(&w, some, 3, &f->err), 0);
	assert_content(w.fd, "a.h", "one");
	assert_content(w.fd, "net/deep/b.h", "two");
	assert_content(w.fd, "net/c.h", "");
	cb_workdir_remove(&w);
	assert_int_equal(w.fd, -1);
	assert_int_equal(entries(getenv("TMPDIR")), 0);
}

/* Who may not mount gets a directory with a name, which is removed. */
static void without_rights(void **state)
{
	struct fixture *f = *state;
	struct cb_workdir w;

	if (getuid())
		skip_because("only root can give rights up");
	assert_int_equal(chmod(f->dir, 0777), 0);
	assert_int_equal(chmod(getenv("TMPDIR"), 0777), 0);
	assert_int_equal(seteuid(65534), 0);
	assert_int_equal(cb_workdir_make(&w, some, 3, &f->err), 0);
	assert_string_not_equal(w.path, "");
	assert_int_equal(entries(getenv("TMPDIR")), 1);
	assert_content(w.fd, "net/deep/b.h", "two");
	cb_workdir_remove(&w);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(entries(getenv("TMPDIR")), 0);
}

static void refused(void **state)
{
	static const struct cb_header twice[] = {{"a.h", "", 0}, {"a.h", "", 0}},
				      inside[] = {{"a", "", 0}, {"a/b", "", 0}},
				      around[] = {{"a/b", "", 0}, {"a", "", 0}}, out[] = {{"../x.h", "", 0}},
				      large[] = {{"a.h", "", CB_SOURCE_MAX}, {"b.h", "", 1}};
	struct cb_header *many = calloc(CB_HEADERS_MAX + 1, sizeof(*many));
	struct fixture *f = *state;
	struct cb_workdir w;

	assert_int_equal(cb_workdir_make(&w, twice, 2, &f->err), -EINVAL);
	cb_workdir_remove(&w);
	assert_says(f, "two headers are called \"a.h\"");
	assert_int_equal(cb_workdir_make(&w, inside, 2, &f->err), -EINVAL);
	cb_workdir_remove(&w);
	assert_int_equal(cb_workdir_make(&w, around, 2, &f->err), -EINVAL);
	cb_workdir_remove(&w);
	assert_int_equal(cb_workdir_make(&w, out, 1, &f->err), -EINVAL);
	cb_workdir_remove(&w);
	assert_says(f, "\"../x.h\" cannot be the name of a header");
	assert_int_equal(cb_workdir_make(&w, large, 2, &f->err), -E2BIG);
	cb_workdir_remove(&w);
	assert_int_equal(cb_workdir_make(&w, many, CB_HEADERS_MAX + 1, &f->err), -E2BIG);
	cb_workdir_remove(&w);
	free(many);
}

/* A source whose headers came as data sees those and nothing beside its name. */
static void compiled_with(void **state)
{
	static const char c_h[] =
		"static __attribute__((noinline)) int inner(int *p)\n{\n	return *p; /* in c.h */\n}\n",
			  b_h[] = "#include \"c.h\"\n";
	static const struct cb_header headers[] = {{"net/b.h", b_h, sizeof(b_h) - 1},
						   {"net/c.h", c_h, sizeof(c_h) - 1}};
	static const char text[] = "#include \"net/b.h\"\n#if __has_include(\"beside.h\")\n#error beside\n#endif\n"
				   "__attribute__((section(\"socket\"))) int p(int *c) { return inner(c); }\n";
	struct cb_compile_request rq = {
		.path = "x.bpf.c", .text = text, .text_len = sizeof(text) - 1, .headers = headers, .nheaders = 2};
	struct fixture *f = *state;

	write_text("beside.h", "\n");
	if (cb_compile(&rq, &f->object, &f->size, &f->err))
		fail_msg("%s", f->err.text);
	assert_true(memmem(f->object, f->size, "\0net/c.h", 9));
	assert_true(holds(f, "	return *p; /* in c.h */"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),   cmocka_unit_test(contents),	    cmocka_unit_test(without_rights),
		cmocka_unit_test(refused), cmocka_unit_test(compiled_with),
	};

	return cmocka_run_group_tests(tests, fixture_make, fixture_remove);
}
