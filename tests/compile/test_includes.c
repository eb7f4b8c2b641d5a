// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_includes.c - which headers are found, in which of several places, and what is not followed. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "compile/includes.h"

static char dir[64];

static int make_dir(void **state)
{
	strcpy(dir, "/tmp/coolbpf-test-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static void write_header(const char *name, const char *text)
{
	char path[256], *slash;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	slash = strrchr(path, '/');
	*slash = '\0';
	assert_int_equal(cb_mkdirs(path, NULL), 0);
	*slash = '/';
	assert_int_equal(cb_file_write(path, text, strlen(text), 0644, NULL), 0);
}

/* Headers in memory: {name, text, name, text, NULL} */
static const char *in_memory(void *ctx, const char *name, size_t *len)
{
	for (const char *const *h = ctx; *h; h += 2)
		if (!strcmp(h[0], name)) {
			*len = strlen(h[1]);
			return h[1];
		}
	return NULL;
}

static struct cb_include_place memory(const char *const *headers)
{
	return (struct cb_include_place){.find = in_memory, .ctx = (void *)headers, .dir = -1};
}

/* What was found: "a.h b.h". */
static const char *found(const struct cb_includes *in)
{
	static char names[512];

	*names = '\0';
	for (size_t i = 0; i < in->n; i++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", i ? " " : "", in->list[i].name);
	return names;
}

static int scan(const char *text, int base, const struct cb_include_place *places, size_t n, struct cb_includes *in)
{
	return cb_includes_of(text, strlen(text), base, places, n, in, NULL);
}

static void assert_finds(const char *text, const char *const *headers, const char *names)
{
	struct cb_include_place place = memory(headers);
	struct cb_includes in;

	assert_int_equal(scan(text, 0, &place, 1, &in), 0);
	assert_string_equal(found(&in), names);
	cb_includes_free(&in);
}

static void syntax(void **state)
{
	static const char *const headers[] = {"a.h", "", "b.h", "", "c//d.h", "", NULL};

	assert_finds("#include \"a.h\"\n#include <b.h>\n", headers, "a.h b.h");
	assert_finds("  #  include/* */\"a.h\" // x\n", headers, "a.h");
	assert_finds("#include \\\n \"a.h\"", headers, "a.h");
	assert_finds("%:include <a.h>\n", headers, "a.h");
	assert_finds("#import <a.h>\n#include_next <b.h>\n", headers, "a.h b.h");
	assert_finds("/* \n#include \"a.h\"\n*/ // \\\n#include \"b.h\"\n", headers, "");
	assert_finds("char *s = \"\\\n#include <a.h>\";\n#include <b.h>\n", headers, "b.h");
	assert_finds("x #include \"a.h\"\n", headers, "");
	assert_finds("#if 0\n#include \"a.h\"\n#endif\n", headers, "a.h");
	assert_finds("#include \"a.h", headers, "");
	assert_finds("#include <a.h\n>\n#include <>\n#include\n", headers, "");
	assert_finds("#include \"a.h\"\n#include \"./a.h\"\n#include \"x/../a.h\"\n", headers, "a.h");
}

static void beside_includer(void **state)
{
	static const char *const headers[] = {
		"net/tcp.h", "#include \"ip.h\"\n#include <ip.h>\n#include \"../top.h\"\n",
		"net/ip.h",  "",
		"ip.h",	     "",
		"top.h",     "#include \"../outside.h\"\n",
		"outside.h", "",
		NULL};

	assert_finds("#include \"net/tcp.h\"\n", headers, "net/tcp.h net/ip.h ip.h top.h");
}

static void order_of_places(void **state)
{
	static const char *const mine[] = {"a.h", "mine", NULL}, *const theirs[] = {"a.h", "theirs", "b.h", "", NULL};
	struct cb_include_place places[] = {memory(mine), memory(theirs)};
	struct cb_includes in;

	places[0].quoted = true;
	places[1].library = true;
	assert_int_equal(scan("#include <a.h>\n#include \"a.h\"\n#include \"b.h\"\n", 0, places, 2, &in), 0);
	assert_string_equal(found(&in), "a.h a.h b.h");
	assert_string_equal(in.list[0].text, "theirs");
	assert_true(in.list[0].library);
	assert_string_equal(in.list[1].text, "mine");
	assert_false(in.list[1].library);
	cb_includes_free(&in);
}

static void missing(void **state)
{
	static const char *const headers[] = {"a.h", "#include \"vmlinux.h\"\n#include MACRO\n", NULL};
	struct cb_include_place place = memory(headers);
	struct cb_includes in;

	assert_int_equal(scan("#include \"a.h\"\n#include \"vmlinux.h\"\n", 0, &place, 1, &in), 0);
	assert_int_equal(in.nmissing, 1);
	assert_true(cb_includes_misses(&in, "vmlinux.h"));
	assert_false(cb_includes_misses(&in, "a.h"));
	assert_true(in.unknown);
	cb_includes_free(&in);
}

static void files(void **state)
{
	struct cb_include_place place = {.dir = open(dir, O_PATH | O_DIRECTORY)};
	struct cb_includes in;
	char path[128];

	write_header("a.h", "#include \"sub/b.h\"\n#include <pipe.h>\n#include <sub>\n");
	write_header("sub/b.h", "#include \"../a.h\"\n#include \"c.h\"\n#include \"link.h\"\n");
	write_header("sub/c.h", "last");
	snprintf(path, sizeof(path), "%s/pipe.h", dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(path, sizeof(path), "%s/sub/link.h", dir);
	assert_int_equal(symlink("c.h", path), 0);
	assert_int_equal(scan("#include \"a.h\"\n", 0, &place, 1, &in), 0);
	assert_string_equal(found(&in), "a.h sub/b.h sub/c.h");
	assert_memory_equal(in.list[2].text, "last", 4);
	assert_true(cb_includes_misses(&in, "pipe.h"));
	cb_includes_free(&in);
	close(place.dir);
}

/* Each includes the next one. */
static const char *endless(void *ctx, const char *name, size_t *len)
{
	static char text[64];

	*len = (size_t)snprintf(text, sizeof(text), "#include \"%d.h\"\n", atoi(name) + 1);
	return text;
}

static const char *large(void *ctx, const char *name, size_t *len)
{
	*len = CB_INCLUDES_BYTES / 2 + 1;
	return ctx;
}

/* Of a stranger's text no name leads out of a place, in whatever way it tries. */
static void inside(void **state)
{
	static const char text[] = "#include \"in.h\"\n#include \"sub/up.h\"\n#include \"sub/../in2.h\"\n"
				   "#include \"../place2/out.h\"\n#include <../place2/out.h>\n"
				   "#include \"sub/../../place2/out.h\"\n#include \"./.././place2/out.h\"\n";
	struct cb_include_place place = {0};
	char path[80], more[1024];
	struct cb_includes in;

	write_header("place/in.h", "");
	write_header("place/in2.h", "");
	write_header("place/sub/up.h", "#include \"../in.h\"\n#include \"../../place2/out.h\"\n");
	write_header("place2/out.h", "");
	snprintf(path, sizeof(path), "%s/place", dir);
	snprintf(more, sizeof(more), "%s#include \"%s2/out.h\"\n#include <%s2/out.h>\n#include </%s2/out.h>\n", text,
		 path, path, path);
	place.dir = open(path, O_PATH | O_DIRECTORY);
	assert_int_equal(scan(more, 0, &place, 1, &in), 0);
	assert_non_null(strstr(found(&in), "out.h"));
	cb_includes_free(&in);
	place.inside = true;
	assert_int_equal(scan(more, 0, &place, 1, &in), 0);
	assert_string_equal(found(&in), "in.h sub/up.h in2.h");
	assert_true(cb_includes_misses(&in, "../place2/out.h"));
	cb_includes_free(&in);
	close(place.dir);
}

static void limits(void **state)
{
	struct cb_include_place place = {.find = endless, .dir = -1};
	struct cb_includes in;
	struct cb_buf text = {0};
	char *spaces = malloc(CB_INCLUDES_BYTES);

	assert_int_equal(scan("#include \"0.h\"\n", 0, &place, 1, &in), -E2BIG);
	assert_int_equal(in.n, CB_INCLUDES_DEPTH);
	cb_includes_free(&in);
	memset(spaces, ' ', CB_INCLUDES_BYTES);
	place = (struct cb_include_place){.find = large, .ctx = spaces, .dir = -1};
	assert_int_equal(scan("#include \"a.h\"\n", 0, &place, 1, &in), 0);
	cb_includes_free(&in);
	assert_int_equal(scan("#include \"a.h\"\n#include \"b.h\"\n", 0, &place, 1, &in), -E2BIG);
	cb_includes_free(&in);
	free(spaces);
	for (int i = 0; i <= CB_INCLUDES_MAX; i++)
		cb_buf_printf(&text, "#include \"%d.h\"\n", i);
	assert_int_equal(scan(cb_buf_cstr(&text), -1, NULL, 0, &in), -E2BIG);
	cb_includes_free(&in);
	cb_buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(syntax),
		cmocka_unit_test(beside_includer),
		cmocka_unit_test(order_of_places),
		cmocka_unit_test(missing),
		cmocka_unit_test_setup_teardown(files, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(inside, make_dir, remove_dir),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
