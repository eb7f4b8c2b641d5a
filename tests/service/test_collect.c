// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_collect.c - which headers go to a server, under which names, and the way back. */
#include "check.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "service/collect.h"

static char dir[] = "/tmp/coolbpf-collect-test.XXXXXX";

/* A directory for each test. */
static int enter(void **state)
{
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	return !mkdtemp(dir) || chdir(dir);
}

static int leave(void **state)
{
	char command[64 + sizeof(dir)];

	snprintf(command, sizeof(command), "rm -r '%s'", dir);
	return chdir("/") || system(command);
}

static void write_file(const char *path, const char *text)
{
	char parent[PATH_MAX];
	char *slash;

	snprintf(parent, sizeof(parent), "%s", path);
	slash = strrchr(parent, '/');
	if (slash) {
		*slash = '\0';
		assert_int_equal(cb_mkdirs(parent, NULL), 0);
	}
	assert_int_equal(cb_file_write(path, text, strlen(text), 0600, NULL), 0);
}

/* What is collected, as "name=text name=text flag flag". */
static const char *collected(const char *path, const char *source, const char *const *flags)
{
	static char out[CB_ERR_TEXT];
	struct cb_err e = {0};
	struct cb_collected c;
	size_t n = 0;

	*out = '\0';
	if (cb_collect(&c, path, source, strlen(source), flags, &e))
		snprintf(out, sizeof(out), "%s", e.text);
	else
		for (size_t i = 0; i < c.nheaders; i++)
			n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%s=%.*s", n ? " " : "", c.headers[i].name,
					      (int)strcspn(c.headers[i].text, "\n"), c.headers[i].text);
	for (size_t i = 0; *e.text == '\0' && c.flags && c.flags[i]; i++)
		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%s", n ? " " : "", c.flags[i]);
	cb_collected_free(&c);
	return out;
}

#define NONE	   ((const char *const[]){NULL})
#define FLAGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void headers_beside_the_source(void **state)
{
	write_file("a.h", "A");
	write_file("net/b.h", "#include \"c.h\"");
	write_file("net/c.h", "#include \"a.h\"\n#include \"../d.h\"");
	write_file("d.h", "D");
	assert_string_equal(collected("t.bpf.c", "#include \"a.h\"\n # include\t\"net/b.h\"", NONE),
			    "a.h=A d.h=D net/b.h=#include \"c.h\" net/c.h=#include \"a.h\"");
	/* from anywhere the same */
	write_file("x/y/t.bpf.c", "");
	write_file("x/y/a.h", "A");
	assert_string_equal(collected("x/y/t.bpf.c", "#include \"./a.h\"", NONE), "a.h=A");
	assert_string_equal(collected("./x/../x/y/t.bpf.c", "#include \"a.h\"", NONE), "a.h=A");
	/* <a.h> is not searched beside the source, and what is not there is the server's */
	assert_string_equal(
		collected("t.bpf.c", "#include <a.h>\n#include \"lbc.h\"\n#include \"/etc/hostname\"", NONE), "");
	assert_string_equal(collected("t.bpf.c", "/* #include \"a.h\" */ // #include \"d.h\"", NONE), "");
}

static void what_is_no_file_is_not_there(void **state)
{
	assert_int_equal(mkdir("a.h", 0700), 0);
	assert_int_equal(mkfifo("b.h", 0600), 0);
	assert_int_equal(symlink("/dev/zero", "c.h"), 0);
	assert_string_equal(collected("t.bpf.c", "#include \"a.h\"\n#include \"b.h\"\n#include \"c.h\"", NONE), "");
}

static void directories_of_I(void **state)
{
	char inside[PATH_MAX];

	write_file("src/t.bpf.c", "");
	write_file("src/inc/a.h", "A");
	write_file("out/b.h", "B");
	write_file("more/c.h", "#include <a.h>");
	assert_string_equal(collected("src/t.bpf.c", "#include <a.h>", FLAGS("-Isrc/inc")), "inc/a.h=A -Iinc");
	snprintf(inside, sizeof(inside), "%s/src/inc/", dir);
	assert_string_equal(collected("src/t.bpf.c", "#include <a.h>", FLAGS("-I", inside)), "inc/a.h=A -Iinc");
	assert_string_equal(
		collected("src/t.bpf.c", "#include \"b.h\"\n#include <c.h>", FLAGS("-Iout", "-I", "more", "-Isrc/inc")),
		"_I1/b.h=B _I2/c.h=#include <a.h> inc/a.h=A -I_I1 -I_I2 -Iinc");
	/* the source's own */
	assert_string_equal(collected("src/t.bpf.c", "#include <inc/a.h>", FLAGS("-Isrc")), "inc/a.h=A -I.");
	/* found in two ways, sent once */
	assert_string_equal(collected("src/t.bpf.c", "#include \"inc/a.h\"\n#include <a.h>", FLAGS("-Isrc/inc")),
			    "inc/a.h=A -Iinc");
	/* the first that has it, as the compiler takes it */
	write_file("out/a.h", "OTHER");
	assert_string_equal(collected("src/t.bpf.c", "#include <a.h>", FLAGS("-Iout", "-Isrc/inc")),
			    "_I1/a.h=OTHER -I_I1 -Iinc");
	assert_string_equal(collected("src/t.bpf.c", "#include <a.h>", FLAGS("-Iabsent", "-Isrc/inc")),
			    "inc/a.h=A -I_I1 -Iinc");
}

static void flags_take_one_text_each(void **state)
{
	assert_string_equal(collected("t.bpf.c", "", FLAGS("-D", "X", "-DY=1", "-U", "Z", "-Wall", "-O2")),
			    "-DX -DY=1 -UZ -Wall -O2");
	assert_non_null(strstr(collected("t.bpf.c", "", FLAGS("-D")), "\"-D\" is not allowed"));
	assert_non_null(strstr(collected("t.bpf.c", "", FLAGS("-I")), "\"-I\" is not allowed"));
	assert_non_null(strstr(collected("t.bpf.c", "", FLAGS("-Xclang", "-load")), "\"-Xclang\" is not allowed"));
	assert_non_null(strstr(collected("t.bpf.c", "", FLAGS("")), "\"\" is not allowed"));
}

static void what_is_above_the_source_cannot_be_sent(void **state)
{
	write_file("up.h", "U");
	write_file("src/t.bpf.c", "");
	write_file("src/a.h", "#include \"../up.h\"");
	assert_string_equal(
		collected("src/t.bpf.c", "#include \"../up.h\"", NONE),
		"src/t.bpf.c includes src/../up.h, which is above src/ and so cannot be sent to a server; give its "
		"directory by -I, and include it without ..");
	assert_non_null(strstr(collected("src/t.bpf.c", "#include \"a.h\"", NONE), "above src/"));
	assert_string_equal(collected("src/t.bpf.c", "#include \"../absent.h\"", NONE), "");
}

/* A link beside the source is followed only to where the user has pointed. */
static void links_to_elsewhere_are_not_sent(void **state)
{
	write_file("secret/key", "S");
	write_file("src/t.bpf.c", "");
	write_file("src/real.h", "R");
	assert_int_equal(symlink("../secret/key", "src/key.h"), 0);
	assert_int_equal(symlink("../secret", "src/dir"), 0);
	assert_int_equal(symlink("real.h", "src/alias.h"), 0);
	assert_string_equal(collected("src/t.bpf.c", "#include \"alias.h\"", NONE), "alias.h=R");
	assert_non_null(strstr(collected("src/t.bpf.c", "#include \"key.h\"", NONE), "src/key.h, which is a link"));
	assert_non_null(strstr(collected("src/t.bpf.c", "#include \"dir/key\"", NONE), "which is a link"));
	assert_null(strstr(collected("src/t.bpf.c", "#if 0\n#include \"key.h\"\n#endif", NONE), "=S"));
	assert_non_null(strstr(collected("src/t.bpf.c", "#include \"key.h\"", FLAGS("-Isecret")), "key.h=S"));
}

static void too_much(void **state)
{
	struct cb_buf source = {0};
	char name[32];

	for (int i = 0; i <= CB_HEADERS_MAX; i++) {
		snprintf(name, sizeof(name), "h%d.h", i);
		write_file(name, "");
		cb_buf_printf(&source, "#include \"%s\"\n", name);
	}
	assert_non_null(strstr(collected("t.bpf.c", cb_buf_cstr(&source), NONE),
			       "includes more than a server takes: 512 headers"));
	cb_buf_free(&source);
}

static void the_way_back(void **state)
{
	static const char source[] = "#include \"a.h\"\n#include <b.h>\n#include <c.h>";
	static const struct {
		const char *sent, *here;
	} names[] = {
		{"t.bpf.c", "src/t.bpf.c"},	{"a.h", "src/a.h"},
		{"inc/b.h", "src/inc/b.h"},	{"_I1/c.h", "out/c.h"},
		{"_I1/other.h", "_I1/other.h"}, {"/usr/include/x.h", "/usr/include/x.h"},
		{"vmlinux.h", "vmlinux.h"},
	};
	struct cb_collected c;

	write_file("src/a.h", "A");
	write_file("src/inc/b.h", "B");
	write_file("out/c.h", "C");
	assert_int_equal(cb_collect(&c, "src/t.bpf.c", source, strlen(source), FLAGS("-Isrc/inc", "-Iout"), NULL), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *here = cb_collected_name(&c, names[i].sent);

		assert_string_equal(here, names[i].here);
		free(here);
	}
	cb_collected_free(&c);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(headers_beside_the_source),
		TEST(what_is_no_file_is_not_there),
		TEST(directories_of_I),
		TEST(flags_take_one_text_each),
		TEST(what_is_above_the_source_cannot_be_sent),
		TEST(links_to_elsewhere_are_not_sent),
		TEST(too_much),
		TEST(the_way_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
