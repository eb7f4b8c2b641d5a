// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_compile_bad.c - sources and machines with something wrong: what is said, and that nothing is left behind. */
#include "check.h"

#include <signal.h>
#include <sys/wait.h>

#include "compile/clang.h"
#include "fixture.h"

static void syntax_error(void **state)
{
	struct fixture *f = *state;

	mkdir("src", 0700);
	write_text("src/bad.bpf.c", "int x;\nint f(void)\n{\n	return nosuch;\n}\n");
	assert_int_equal(compile_with(f, "src/bad.bpf.c", NULL, NULL, NULL), -EINVAL);
	assert_ptr_equal(strstr(f->err.text, "src/bad.bpf.c does not compile:\n"
					     "src/bad.bpf.c:4:9: error: use of undeclared identifier 'nosuch'\n"),
			 f->err.text);
	assert_says(f, "return nosuch;\n");
	assert_null(strstr(f->err.text, "/proc"));
	assert_null(f->object);
}

static void syntax_error_in_memory(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(compile_with(f, "not/a/file.bpf.c", "int f(void)\n{ return nosuch; }\n", NULL, NULL), -EINVAL);
	assert_says(f, "not/a/file.bpf.c does not compile:\nnot/a/file.bpf.c:2:10: error: use of undeclared");
}

static void error_in_a_header(void **state)
{
	struct fixture *f = *state;

	write_text("src/part.h", "\n\nint g(void) { return nosuch; }\n");
	assert_int_equal(compile_with(f, "src/x.bpf.c", "\n#include \"part.h\"\n", NULL, NULL), -EINVAL);
	assert_says(f, "In file included from src/x.bpf.c:2:\nsrc/part.h:3:22: error: use of undeclared");
}

static void missing_include(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(compile_with(f, "x.bpf.c", "#include \"nowhere.h\"\n", NULL, NULL), -EINVAL);
	assert_says(f, "x.bpf.c:1:10: fatal error: 'nowhere.h' file not found");
}

static void name_of_the_kernels(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
		compile_with(f, "x.bpf.c", "#include \"vmlinux.h\"\nstruct task_struct { int x; };\n", NULL, NULL),
		-EINVAL);
	assert_says(f, "x.bpf.c:2:8: error: redefinition of 'task_struct'");
	assert_says(f, "The kernel has a type of that name already");
}

static void missing_libbpf_headers(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(compile_with(f, "x.bpf.c", "#include <bpf/nowhere.h>\n", NULL, NULL), -ENOENT);
	assert_says(f, "apt-get install libbpf-dev");
	assert_says(f, "x.bpf.c:1:10: fatal error: 'bpf/nowhere.h' file not found");
}

static void no_kernel_btf(void **state)
{
	struct fixture *f = *state;

	setenv("BPF_CUSTOM_BTF", "/nonexistent", 1);
	assert_int_equal(compile_with(f, "x.bpf.c", "#include <coolbpf/lbc.h>\n", NULL, NULL), -ENOENT);
	assert_says(f, "x.bpf.c needs vmlinux.h: cannot open the BTF file /nonexistent: No such file");
	assert_int_equal(compile_with(f, "x.bpf.c", "int needs_none;\n", NULL, NULL), 0);
	unsetenv("BPF_CUSTOM_BTF");
}

static void corrupt_kernel_btf(void **state)
{
	struct fixture *f = *state;

	setenv("BPF_CUSTOM_BTF", "/etc/passwd", 1);
	assert_int_equal(compile_with(f, "x.bpf.c", "#include \"vmlinux.h\"\n", NULL, NULL), -EINVAL);
	assert_says(f, "/etc/passwd is not BTF");
	unsetenv("BPF_CUSTOM_BTF");
}

static void no_source(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(compile_with(f, "absent.bpf.c", NULL, NULL, NULL), -ENOENT);
	assert_string_equal(f->err.text, "cannot open absent.bpf.c: No such file or directory");
	assert_int_equal(compile_with(f, "src", NULL, NULL, NULL), -EISDIR);
	assert_says(f, "src: Is a directory");
}

static void unknown_flag(void **state)
{
	struct fixture *f = *state;
	const char *flags[] = {"--no-such-flag", NULL};

	assert_int_equal(compile_with(f, "x.bpf.c", "int x;\n", flags, NULL), -EINVAL);
	assert_says(f, "--no-such-flag");
}

static void no_object(void **state)
{
	struct fixture *f = *state;
	const char *flags[] = {"-fsyntax-only", NULL};

	assert_int_equal(compile_with(f, "x.bpf.c", "int x;\n", flags, NULL), -EINVAL);
	assert_string_equal(f->err.text, "x.bpf.c does not compile:\nclang says nothing and writes no object");
}

static void no_clang(void **state)
{
	struct fixture *f = *state;
	char *path = strdup(getenv("PATH"));

	setenv("PATH", "/nonexistent::/tmp", 1);
	assert_int_equal(compile_with(f, "x.bpf.c", "int x;\n", NULL, NULL), -ENOENT);
	assert_says(f, "cannot find clang; install it (apt-get install clang");
	setenv("PATH", path, 1);
	free(path);
	assert_int_equal(compile_with(f, "x.bpf.c", "int x;\n", NULL, "/nonexistent/clang"), -ENOENT);
	assert_says(f, "/nonexistent/clang: no such program");
	setenv("CLANG", "no-such-clang", 1);
	assert_int_equal(compile_with(f, "x.bpf.c", "int x;\n", NULL, NULL), -ENOENT);
	assert_says(f, "no-such-clang: no such program in $PATH");
	unsetenv("CLANG");
}

/* clang before clang-N, and of those the newest; what only looks like one is not taken. */
static void which_clang(void **state)
{
	struct fixture *f = *state;
	char *path = strdup(getenv("PATH")), found[PATH_MAX], dirs[PATH_MAX];

	mkdir("bin1", 0700);
	mkdir("bin2", 0700);
	write_script("bin1/clang-9", "#!/bin/sh\n");
	write_script("bin2/clang-14", "#!/bin/sh\n");
	write_script("bin1/clang-100x", "#!/bin/sh\n");
	write_text("bin2/clang-99", "not executable");
	snprintf(dirs, sizeof(dirs), "%s/bin1:%s/bin2", f->dir, f->dir);
	setenv("PATH", dirs, 1);
	assert_int_equal(cb_clang_find(NULL, found, sizeof(found), &f->err), 0);
	assert_string_equal(strrchr(found, '/'), "/clang-14");
	write_script("bin2/clang", "#!/bin/sh\n");
	assert_int_equal(cb_clang_find(NULL, found, sizeof(found), &f->err), 0);
	assert_string_equal(strrchr(found, '/'), "/clang");
	setenv("CLANG", "clang-9", 1);
	assert_int_equal(cb_clang_find(NULL, found, sizeof(found), &f->err), 0);
	assert_string_equal(strrchr(found, '/'), "/clang-9");
	unsetenv("CLANG");
	setenv("PATH", path, 1);
	free(path);
}

static void old_clang(void **state)
{
	struct fixture *f = *state;

	write_script("old", "#!/bin/sh\nif [ $1 = --version ]; then echo Debian clang version 11.0.1-2; exit; fi\n"
			    "echo unknown argument >&2; exit 1\n");
	assert_int_equal(compile_with(f, "x.bpf.c", "int x;\n", NULL, "./old"), -ENOENT);
	assert_string_equal(f->err.text, "./old is clang 11; coolbpf needs clang 14 or newer");
}

static void not_clang(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(compile_with(f, "x.bpf.c", "int x;\n", NULL, "/bin/true"), -ENOENT);
	assert_says(f, "/bin/true is not clang");
	write_script("garbage", "#!/no/such/interpreter\n");
	assert_int_equal(compile_with(f, "x.bpf.c", "int x;\n", NULL, "./garbage"), -ENOENT);
	assert_says(f, "cannot run ./garbage: No such file or directory");
}

static void killed_clang(void **state)
{
	struct fixture *f = *state;
	char *cache = strdup(getenv("COOLBPF_CACHE"));

	write_script("killed", "#!/bin/sh\nkill -9 $$\n");
	setenv("COOLBPF_CACHE", "/proc/nothing/can/be/made/here", 1);
	assert_int_equal(compile_with(f, "x.bpf.c", "int x;\n", NULL, "./killed"), -EIO);
	assert_says(f, "cannot compile x.bpf.c: ./killed was killed by signal 9 (Killed)");
	assert_int_equal(entries(getenv("TMPDIR")), 0);
	setenv("COOLBPF_CACHE", cache, 1);
	free(cache);
}

/* Ctrl-C in the middle, with headers in a temporary directory: we end as if nothing had held us up, and it is gone. */
static void interrupted(void **state)
{
	struct fixture *f = *state;
	int status, tries;
	pid_t pid;

	write_script("sleeping", "#!/bin/sh\ntouch started\nexec sleep 60\n");
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		setenv("COOLBPF_CACHE", "/proc/nothing/can/be/made/here", 1);
		compile_with(f, "x.bpf.c", "int x;\n", NULL, "./sleeping");
		_exit(0);
	}
	for (tries = 0; access("started", F_OK) && tries < 500; tries++)
		usleep(20000);
	assert_int_equal(entries(getenv("TMPDIR")), 1);
	kill(-pid, SIGINT);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
	assert_int_equal(entries(getenv("TMPDIR")), 0);
}

static void no_place_for_headers(void **state)
{
	struct fixture *f = *state;
	char *cache = strdup(getenv("COOLBPF_CACHE")), *tmp = strdup(getenv("TMPDIR"));

	setenv("COOLBPF_CACHE", "/proc/nothing/can/be/made/here", 1);
	setenv("TMPDIR", "/proc/nothing", 1);
	assert_int_equal(compile_with(f, "x.bpf.c", "int x;\n", NULL, NULL), -ENOENT);
	assert_says(f, "cannot make a directory for headers, /proc/nothing/coolbpf.");
	setenv("COOLBPF_CACHE", cache, 1);
	setenv("TMPDIR", tmp, 1);
	free(cache);
	free(tmp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(syntax_error),	       cmocka_unit_test(syntax_error_in_memory),
		cmocka_unit_test(error_in_a_header),   cmocka_unit_test(missing_include),
		cmocka_unit_test(name_of_the_kernels), cmocka_unit_test(missing_libbpf_headers),
		cmocka_unit_test(no_kernel_btf),       cmocka_unit_test(corrupt_kernel_btf),
		cmocka_unit_test(no_source),	       cmocka_unit_test(unknown_flag),
		cmocka_unit_test(no_object),	       cmocka_unit_test(no_clang),
		cmocka_unit_test(which_clang),	       cmocka_unit_test(old_clang),
		cmocka_unit_test(not_clang),	       cmocka_unit_test(killed_clang),
		cmocka_unit_test(interrupted),	       cmocka_unit_test(no_place_for_headers),
	};

	return cmocka_run_group_tests(tests, fixture_make, fixture_remove);
}
