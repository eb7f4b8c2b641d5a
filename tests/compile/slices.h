/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * slices.h - for tests that compile against the whole vmlinux.h of a kernel and against slices of it: the kernels, their
 * two kinds of headers, and plain clang.
 *
 *   DIR/whole/vmlinux.h   by libbpf
 *   DIR/slice/vmlinux.h   of the program that is being compiled
 *   DIR/program.bpf.c     and what becomes of it: DIR/whole/out, DIR/slice/out
 */
#ifndef CB_TESTS_COMPILE_SLICES_H
#define CB_TESTS_COMPILE_SLICES_H

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "btf/index.h"
#include "compile/dump.h"
#include "compile/includes.h"
#include "compile/slice.h"

#ifndef __x86_64__
#define SLICES_ARCH    "arm64"
#define SLICES_MACHINE "aarch64"
#else
#define SLICES_ARCH    "x86"
#define SLICES_MACHINE "x86_64"
#endif

struct slices {
	char dir[64];
	char name[64]; /* of the kernel */
	char arch[16]; /* as libbpf's headers call it */
	struct cb_btf_index ix;
};

static inline char *slices_path(const struct slices *s, const char *file)
{
	static char path[4][PATH_MAX];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], PATH_MAX, "%s/%s", s->dir, file);
	return path[turn];
}

static inline void slices_write(const struct slices *s, const char *file, const void *data, size_t len)
{
	assert_int_equal(cb_file_write(slices_path(s, file), data, len, 0644, NULL), 0);
}

/* Does this shell command succeed? */
static inline bool slices_run(const char *fmt, ...)
{
	char command[8 * PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	return system(command) == 0;
}

static inline void slices_begin(struct slices *s)
{
	*s = (struct slices){.dir = "/tmp/coolbpf-test-XXXXXX"};
	assert_non_null(mkdtemp(s->dir));
	mkdir(slices_path(s, "whole"), 0755);
	mkdir(slices_path(s, "slice"), 0755);
}

static inline void slices_end(struct slices *s)
{
	cb_btf_index_close(&s->ix);
	slices_run("rm -rf %s", s->dir);
}

/* The kernel whose BTF is at path: its index and its whole header. */
static inline void slices_kernel(struct slices *s, const char *path, const char *name)
{
	struct cb_err e = {0};
	char *text;
	size_t len;

	cb_btf_index_close(&s->ix);
	if (cb_btf_index_open(path, s->dir, &s->ix, &e) || cb_dump_vmlinux_h(path, &text, &len, &e))
		fail_msg("%s: %s", name, e.text);
	slices_write(s, "whole/vmlinux.h", text, len);
	free(text);
	snprintf(s->name, sizeof(s->name), "%s", name);
	snprintf(s->arch, sizeof(s->arch), "%s",
		 strstr(name, "aarch64")  ? "arm64"
		 : strstr(name, "x86_64") ? "x86"
					  : SLICES_ARCH);
}

/* Of this program: DIR/slice/vmlinux.h. The size of the slice. */
static inline size_t slices_slice(struct slices *s, const char *text, size_t len)
{
	const char *src = getenv("SRC");
	char lbc[PATH_MAX], include[PATH_MAX];
	struct cb_include_place places[] = {
		{.dir = -1, .library = true}, {.dir = -1, .library = true}, {.dir = -1, .library = true}};
	struct cb_slice_text texts[CB_INCLUDES_MAX + 1] = {{.text = text, .len = len}};
	struct cb_includes in;
	struct cb_buf out = {0};
	struct cb_err e = {0};
	size_t size;

	snprintf(lbc, sizeof(lbc), "%s/include/coolbpf", src);
	snprintf(include, sizeof(include), "%s/include", src);
	places[0].dir = open(lbc, O_PATH | O_CLOEXEC);
	places[1].dir = open(include, O_PATH | O_CLOEXEC);
	places[2].dir = open(CB_LIBBPF_INCLUDE, O_PATH | O_CLOEXEC);
	assert_int_equal(cb_includes_of(text, len, -1, places, 3, &in, &e), 0);
	for (size_t i = 0; i < in.n; i++)
		texts[i + 1] = (struct cb_slice_text){
			.text = in.list[i].text, .len = in.list[i].len, .library = in.list[i].library};
	if (cb_slice(&s->ix, texts, in.n + 1, &out, &e))
		fail_msg("%s: %s", s->name, e.text);
	slices_write(s, "slice/vmlinux.h", out.data, out.len);
	size = out.len;
	cb_buf_free(&out);
	cb_includes_free(&in);
	for (int i = 0; i < 3; i++)
		close(places[i].dir);
	return size;
}

/* clang of DIR/program.bpf.c against DIR/KIND/vmlinux.h into DIR/KIND/out; what it says is in DIR/KIND/log. */
static inline bool slices_compile(const struct slices *s, const char *kind, const char *flags)
{
	unlink(slices_path(s, kind[0] == 'w' ? "whole/out" : "slice/out"));
	return slices_run(
		"cd %s && clang -g -O2 -target bpf -mcpu=v2 -D__TARGET_ARCH_%s -I%s -I%s/include/coolbpf -I%s/include "
		"-idirafter " CB_LIBBPF_INCLUDE " -idirafter /usr/include/" SLICES_MACHINE
		"-linux-gnu %s program.bpf.c -o %s/out >%s/log 2>&1",
		s->dir, s->arch, kind, getenv("SRC"), getenv("SRC"), flags, kind, kind);
}

/* Old kernels' BTF beside the source tree, unpacked one after the other. 0 when there are none. */
static inline size_t slices_old_kernels(struct slices *s, void (*each)(struct slices *s))
{
	char pattern[PATH_MAX];
	glob_t files;
	size_t n;

	snprintf(pattern, sizeof(pattern), "%s/../shared/data/btf/*.btf.zst", getenv("SRC"));
	if (glob(pattern, 0, NULL, &files))
		return 0;
	for (size_t i = 0; i < files.gl_pathc; i++) {
		const char *slash = strrchr(files.gl_pathv[i], '/');

		assert_true(slices_run("zstd -dqfc '%s' > %s/old.btf", files.gl_pathv[i], s->dir));
		slices_kernel(s, slices_path(s, "old.btf"), slash + 1);
		each(s);
	}
	n = files.gl_pathc;
	globfree(&files);
	return n;
}

#endif
