// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * compile.c - see compile.h.
 *
 *   the source -> (a nameless file as clang's standard input) -> clang -> (its standard output, another) -> strip
 *
 * so that nothing with a name is left behind, whoever is killed when. clang reads its source as /proc/self/fd/0 and not
 * as "-", because for "-" it would search #include "..." in the present directory first.
 */
#include "compile/compile.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "btf/kernel.h"
#include "compile/args.h"
#include "compile/clang.h"
#include "compile/headers.h"
#include "compile/names.h"
#include "compile/order.h"
#include "compile/sections.h"
#include "compile/strip.h"
#include "compile/workdir.h"

enum { MESSAGES_MAX = 16 << 20 };

struct job {
	const struct cb_compile_request *rq;
	struct cb_compile_answer *a;
	char clang[PATH_MAX];
	struct cb_headers headers;
	struct cb_workdir workdir;
	struct cb_names names;
	struct cb_buf messages; /* clang's, with the names that the user knows */
	struct cb_err no_btf;	/* why there is no vmlinux.h, or "" */
	int fds[CB_FDS];	/* clang's: three nameless files, and where headers come from */
	sigset_t old_mask;	/* of this thread before */
	struct cb_err *e;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ---- The source --------------------------------------------------------------------------------------------------- */

/* Give clang its source. */
static int fill_source(const struct job *j)
{
	const char *text = j->rq->text;
	size_t len = j->rq->text_len;
	char *data = NULL;
	int err = 0;

	if (text && len > CB_SOURCE_MAX)
		return cb_fail(j->e, E2BIG, "%s has %zu bytes; a source may have %d", j->rq->path, len, CB_SOURCE_MAX);
	if (!text)
		err = cb_file_read(j->rq->path, CB_SOURCE_MAX, &data, &len, j->e);
	if (err)
		return err;
	err = cb_write_all(j->fds[CB_FD_SOURCE], text ? text : data, len);
	free(data);
	return err ? cb_fail(j->e, -err, "cannot keep the source for clang: %s", strerror(-err)) : 0;
}

/* ---- The files that clang gets ------------------------------------------------------------------------------------ */

static int open_files(struct job *j)
{
	static const char *const names[] = {"coolbpf-source", "clang-object", "clang-messages"};

	for (int i = 0; i < 3; i++) {
		j->fds[i] = cb_file_nameless(names[i]);
		if (j->fds[i] < 0)
			return cb_fail(j->e, -j->fds[i], "cannot make a temporary file: %s", strerror(-j->fds[i]));
	}
	return 0;
}

/* Above those that clang gets it as, so that none is overwritten before it is copied. */
static int move_up(struct job *j, int low)
{
	int fd = fcntl(low, F_DUPFD_CLOEXEC, CB_FDS + 1);

	return fd >= 0 ? fd : cb_fail(j->e, errno, "cannot compile %s: %s", j->rq->path, strerror(errno));
}

/* A directory that is not there (of a source in memory) becomes a file, in which clang finds nothing. */
static int open_dir(struct job *j, const char *path)
{
	int low = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = move_up(j, low >= 0 ? low : j->fds[CB_FD_SOURCE]);

	if (low >= 0)
		close(low);
	return fd;
}

/* Where the user's own headers are. */
static int open_user_dir(struct job *j)
{
	char *dir;
	int err;

	if (j->rq->isolated || j->rq->nheaders) {
		err = cb_workdir_make(&j->workdir, j->rq->headers, j->rq->nheaders, j->e);
		return err ? err : move_up(j, j->workdir.fd);
	}
	dir = j->names.dir_len ? strndup(j->rq->path, (size_t)j->names.dir_len) : strdup(".");
	if (!dir)
		return cb_fail(j->e, ENOMEM, "out of memory");
	err = open_dir(j, dir);
	free(dir);
	return err;
}

/* The kernel's types. Without BTF there is none, which is no error yet: a source may bring its own, or do without. */
static int open_kernel(struct job *j)
{
	int fd = cb_headers_whole(cb_btf_kernel_path(j->rq->btf_path), j->rq->log, j->e), up;

	if (fd == -ENOENT) {
		j->no_btf = *j->e;
		return move_up(j, j->fds[CB_FD_SOURCE]);
	}
	if (fd < 0)
		return fd;
	up = move_up(j, fd);
	close(fd);
	return up;
}

static int open_headers(struct job *j)
{
	int (*const open_one[])(struct job *) = {open_user_dir, open_kernel};

	for (int i = 0; i < 2; i++) {
		j->fds[CB_FD_DIR + i] = open_one[i](j);
		if (j->fds[CB_FD_DIR + i] < 0)
			return j->fds[CB_FD_DIR + i];
	}
	j->fds[CB_FD_LBC] = open_dir(j, j->headers.lbc);
	return j->fds[CB_FD_LBC] < 0 ? j->fds[CB_FD_LBC] : 0;
}

/* ---- clang -------------------------------------------------------------------------------------------------------- */

static void say_command(const struct job *j, const struct cb_args *a)
{
	struct cb_buf line = {0};

	if (!j->rq->log || j->rq->log->level < CB_DEBUG)
		return;
	for (size_t i = 0; i < a->n; i++)
		cb_buf_printf(&line, "%s%s", i ? " " : "", a->v[i]);
	cb_say(j->rq->log, CB_DEBUG, "compiling: %s", cb_buf_cstr(&line));
	cb_buf_free(&line);
}

static int read_messages(struct job *j)
{
	struct cb_buf *out = &j->messages;
	char path[32], *text;
	size_t len;
	int err;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", j->fds[CB_FD_MESSAGES]);
	err = cb_file_read(path, MESSAGES_MAX, &text, &len, j->e);
	if (err)
		return err;
	out->len = 0;
	cb_names_message(&j->names, text, out);
	free(text);
	err = cb_diags_parse(&j->a->diags, cb_buf_cstr(out));
	while (out->len && out->data[out->len - 1] == '\n')
		out->len--;
	return out->failed || err ? cb_fail(j->e, ENOMEM, "out of memory") : 0;
}

/* Why clang refused: what is missing on this machine, or else the source. */
static int refused(struct job *j)
{
	const char *messages = cb_buf_cstr(&j->messages);
	struct cb_err why = {0};
	char version[256];
	int err = cb_clang_check(j->clang, &j->old_mask, version, sizeof(version), &why);

	if (err)
		return cb_fail(j->e, -err, "%s", why.text);
	if (strstr(messages, "'vmlinux.h' file not found") && *j->no_btf.text)
		return cb_fail(j->e, ENOENT, "%s needs vmlinux.h: %s", j->rq->path, j->no_btf.text);
	if (strstr(messages, "fatal error: 'bpf/") && strstr(messages, "file not found"))
		return cb_fail(j->e, ENOENT,
			       "%s needs libbpf's headers; install them (apt-get install libbpf-dev, dnf install "
			       "libbpf-devel)\n%s",
			       j->rq->path, messages);
	cb_fail(j->e, EINVAL, "%s does not compile:\n%s", j->rq->path,
		*messages ? messages : "clang says nothing and writes no object");
	/* what every newcomer meets: a struct key, event or writer of one's own */
	if (strstr(messages, "redefinition of") && strstr(messages, "vmlinux.h:"))
		cb_fail_more(j->e, 0, "\nThe kernel has a type of that name already (vmlinux.h): give yours another.");
	return -EINVAL;
}

static bool wrote_object(const struct job *j)
{
	char magic[SELFMAG];

	return pread(j->fds[CB_FD_OBJECT], magic, sizeof(magic), 0) == sizeof(magic) && !memcmp(magic, ELFMAG, SELFMAG);
}

static int run_clang(struct job *j)
{
	struct cb_args args = {0};
	struct utsname u;
	uint64_t start;
	int status, err;

	uname(&u);
	cb_args_build(&args, &(struct cb_args_wanted){.clang = j->clang,
						      .arch = j->rq->arch ? j->rq->arch : u.machine,
						      .cflags = j->rq->cflags,
						      .source = j->names.source,
						      .base = j->names.path + j->names.dir_len,
						      .kernel = !*j->no_btf.text});
	if (args.failed) {
		cb_args_free(&args);
		return cb_fail(j->e, ENOMEM, "out of memory");
	}
	say_command(j, &args);
	start = now_ns();
	status = cb_clang_run(j->clang, args.v, j->fds, CB_FDS, &j->old_mask, j->e);
	j->a->clang_ns += now_ns() - start;
	cb_args_free(&args);
	if (status < 0)
		return cb_fail_in(j->e, status, "cannot compile %s", j->rq->path);
	err = read_messages(j);
	return err || (!status && wrote_object(j)) ? err : refused(j);
}

/* ---- The object --------------------------------------------------------------------------------------------------- */

static void make_reproducible(const struct job *j)
{
	struct cb_sections s;

	if (!cb_sections_open(&s, j->fds[CB_FD_OBJECT]))
		return; /* a source without functions */
	cb_names_btf(&j->names, s.btf, s.btf_size);
	cb_order_types(s.btf, s.btf_size, s.ext, s.ext_size);
	cb_sections_close(&s);
}

static int compile(struct job *j)
{
	int err = open_files(j);

	if (!err)
		err = fill_source(j);
	if (!err)
		err = cb_clang_find(j->rq->clang, j->clang, sizeof(j->clang), j->e);
	if (!err)
		err = cb_headers_prepare(&j->headers, j->rq->log, j->e);
	if (!err)
		err = cb_names_init(&j->names, j->rq->path, j->headers.lbc, j->e);
	if (!err)
		err = open_headers(j);
	if (!err)
		err = run_clang(j);
	cb_headers_release(&j->headers);
	cb_workdir_remove(&j->workdir);
	if (!err) {
		make_reproducible(j);
		err = cb_strip(j->fds[CB_FD_OBJECT], &j->a->object, &j->a->size, j->e);
	}
	for (int i = 0; i < CB_FDS; i++)
		if (j->fds[i] >= 0)
			close(j->fds[i]);
	cb_buf_free(&j->messages);
	return err;
}

int cb_compile_full(const struct cb_compile_request *rq, struct cb_compile_answer *a, struct cb_err *e)
{
	struct job j = {.rq = rq, .a = a, .workdir.fd = -1, .fds = {-1, -1, -1, -1, -1, -1}, .e = e};
	sigset_t wait;
	int err;

	*a = (struct cb_compile_answer){0};
	/* Signals that end us wait until the temporary directory is gone. clang, in the same process group, gets the
	 * terminal's at once, so that the wait is short. */
	sigemptyset(&wait);
	sigaddset(&wait, SIGINT);
	sigaddset(&wait, SIGTERM);
	sigaddset(&wait, SIGHUP);
	sigaddset(&wait, SIGQUIT);
	pthread_sigmask(SIG_BLOCK, &wait, &j.old_mask);
	err = compile(&j);
	pthread_sigmask(SIG_SETMASK, &j.old_mask, NULL);
	return err;
}

void cb_compile_answer_free(struct cb_compile_answer *a)
{
	free(a->object);
	cb_diags_free(&a->diags);
	*a = (struct cb_compile_answer){0};
}

static void say_lines(const struct cb_log *log, const char *text)
{
	while (*text) {
		int len = (int)strcspn(text, "\n");

		cb_say(log, CB_WARN, "%.*s", len, text);
		text += len + (text[len] == '\n');
	}
}

int cb_compile(const struct cb_compile_request *rq, void **object, size_t *size, struct cb_err *e)
{
	struct cb_buf warnings = {0};
	struct cb_compile_answer a;
	int err = cb_compile_full(rq, &a, e);

	if (!err) {
		cb_diags_print(&a.diags, &warnings);
		say_lines(rq->log, cb_buf_cstr(&warnings));
		cb_buf_free(&warnings);
		*object = a.object;
		*size = a.size;
		a.object = NULL;
	}
	cb_compile_answer_free(&a);
	return err;
}
