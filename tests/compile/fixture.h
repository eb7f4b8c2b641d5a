/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* fixture.h - a directory of their own for the tests of this room: sources, cache, temporary files. */
#ifndef CB_TESTS_COMPILE_FIXTURE_H
#define CB_TESTS_COMPILE_FIXTURE_H

#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "compile/compile.h"

/* The room's directory and what is in it; main() makes it the present directory. */
struct fixture {
	char dir[64];
	struct cb_err err;
	struct cb_buf said; /* by the log, lines */
	void *object;
	size_t size;
};

static inline int fixture_quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return 0;
}

static inline int fixture_make(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char path[128];

	strcpy(f->dir, "/tmp/coolbpf-test-XXXXXX");
	if (!mkdtemp(f->dir) || chdir(f->dir))
		return -1;
	snprintf(path, sizeof(path), "%s/cache", f->dir);
	setenv("COOLBPF_CACHE", path, 1);
	snprintf(path, sizeof(path), "%s/tmp", f->dir);
	mkdir(path, 0700);
	setenv("TMPDIR", path, 1);
	unsetenv("CLANG");
	unsetenv("BPF_CUSTOM_BTF");
	libbpf_set_print(fixture_quiet);
	*state = f;
	return 0;
}

static inline int fixture_remove(void **state)
{
	struct fixture *f = *state;
	char command[128];
	int err;

	snprintf(command, sizeof(command), "rm -rf %s", f->dir);
	err = chdir("/") || system(command);
	free(f->object);
	cb_buf_free(&f->said);
	free(f);
	return err;
}

static inline void fixture_say(void *ctx, enum cb_log_level level, const char *text)
{
	struct fixture *f = ctx;

	cb_buf_printf(&f->said, "%s\n", text);
}

static inline void write_text(const char *path, const char *text)
{
	assert_int_equal(cb_file_write(path, text, strlen(text), 0644, NULL), 0);
}

static inline void write_script(const char *path, const char *text)
{
	assert_int_equal(cb_file_write(path, text, strlen(text), 0755, NULL), 0);
}

/* What comes out is in f: object, err, said. */
static inline int compile_with(struct fixture *f, const char *path, const char *text, const char *const *cflags,
			       const char *clang)
{
	struct cb_log log = {.level = CB_INFO, .say = fixture_say, .ctx = f};
	struct cb_compile_request rq = {.path = path,
					.text = text,
					.text_len = text ? strlen(text) : 0,
					.cflags = cflags,
					.clang = clang,
					.log = &log};

	free(f->object);
	f->object = NULL;
	f->err.text[0] = '\0';
	f->said.len = 0;
	return cb_compile(&rq, &f->object, &f->size, &f->err);
}

static inline void assert_compiles(struct fixture *f, const char *path, const char *text)
{
	if (compile_with(f, path, text, NULL, NULL))
		fail_msg("%s", f->err.text);
	assert_non_null(f->object);
}

static inline void assert_says(const struct fixture *f, const char *words)
{
	if (!strstr(f->err.text, words))
		fail_msg("'%s' does not say '%s'", f->err.text, words);
}

static inline bool holds(const struct fixture *f, const char *text)
{
	return memmem(f->object, f->size, text, strlen(text));
}

/* The number of entries. */
static inline int entries(const char *dir)
{
	DIR *d = opendir(dir);
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n - 2;
}

#endif
