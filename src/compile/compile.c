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
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "compile/clang.h"
#include "compile/headers.h"
#include "compile/names.h"
#include "compile/order.h"
#include "compile/sections.h"
#include "compile/strip.h"

enum { SOURCE_MAX = 16 << 20, MESSAGES_MAX = 16 << 20 };

struct job {
	const struct cb_compile_request *rq;
	char clang[PATH_MAX];
	struct cb_headers headers;
	struct cb_names names;
	int fds[CB_FDS];   /* clang's: three nameless files, three directories */
	sigset_t old_mask; /* of this thread before */
	struct cb_err *e;
};

/* Arguments for clang. */
struct args {
	char **v; /* ends with NULL */
	size_t n;
	bool failed;
};

static void add(struct args *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct args *a, const char *fmt, ...)
{
	char **v = reallocarray(a->v, a->n + 2, sizeof(*v));
	va_list ap;

	if (!v) {
		a->failed = true;
		return;
	}
	a->v = v;
	va_start(ap, fmt);
	if (vasprintf(&v[a->n], fmt, ap) < 0) {
		v[a->n] = NULL;
		a->failed = true;
	} else {
		a->n++;
	}
	va_end(ap);
	v[a->n] = NULL;
}

static void free_args(struct args *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->v[i]);
	free(a->v);
}

/* What libbpf's bpf_tracing.h calls this machine. */
static const char *target_arch(const char *machine)
{
	static const struct {
		const char *prefix, *arch;
	} known[] = {
		{"x86_64", "x86"},    {"i", "x86"},
		{"aarch64", "arm64"}, {"arm", "arm"},
		{"s390", "s390"},     {"ppc", "powerpc"},
		{"mips", "mips"},     {"riscv", "riscv"},
		{"sparc", "sparc"},   {"loongarch", "loongarch"},
		{"arc", "arc"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strncmp(machine, known[i].prefix, strlen(known[i].prefix)))
			return known[i].arch;
	return machine;
}

static void add_all(struct args *a, const char *const *flags)
{
	while (flags && *flags)
		add(a, "%s", *flags++);
}

static void build_args(const struct job *j, struct args *a)
{
	static const char *const always[] = {"-g",
					     "-O2",
					     "-target",
					     "bpf",
					     "-mcpu=v2", /* Linux 4.14; clang 20's default needs 5.1 */
					     "-fno-color-diagnostics",
					     "-fno-crash-diagnostics", /* which are files in /tmp */
					     "-fno-stack-protector",   /* some distributions' default */
					     NULL};
	static const char *const places[] = {"-iquote" CB_NAME_DIR,
					     "-isystem" CB_NAME_KERNEL,
					     "-isystem" CB_NAME_LBC,
					     "-isystem" CB_NAME_LBC "/coolbpf",
					     "-idirafter" CB_LIBBPF_INCLUDE,
					     "-fdebug-compilation-dir=" CB_NAME_PRESENT,
					     "-fmacro-prefix-map=" CB_NAME_DIR "/=", /* __FILE__ */
					     NULL};
	static const char *const in_out[] = {"-x", "c", "-c", "-o", "-", NULL};
	const struct cb_names *n = &j->names;
	struct utsname u;

	uname(&u);
	add(a, "%s", j->clang);
	add_all(a, always);
	add(a, "-D__TARGET_ARCH_%s", target_arch(u.machine));
	add_all(a, j->rq->cflags);
	add_all(a, places);
	/* the machine's own part of what <linux/...> includes */
	add(a, "-idirafter/usr/include/%s-linux-gnu", u.machine);
	add(a, "-fmacro-prefix-map=%s=%s", n->source, n->path + n->dir_len);
	add_all(a, in_out);
	add(a, "%s", n->source);
}

static void say_command(const struct job *j, const struct args *a)
{
	struct cb_buf line = {0};

	if (!j->rq->log || j->rq->log->level < CB_DEBUG)
		return;
	for (size_t i = 0; i < a->n; i++)
		cb_buf_printf(&line, "%s%s", i ? " " : "", a->v[i]);
	cb_say(j->rq->log, CB_DEBUG, "compiling: %s", cb_buf_cstr(&line));
	cb_buf_free(&line);
}

/* Give clang its source. */
static int fill_source(const struct job *j)
{
	char *data = NULL;
	size_t len;
	int err;

	if (j->rq->text) {
		err = cb_write_all(j->fds[CB_FD_SOURCE], j->rq->text, strlen(j->rq->text));
	} else {
		err = cb_file_read(j->rq->path, SOURCE_MAX, &data, &len, j->e);
		if (err)
			return err;
		err = cb_write_all(j->fds[CB_FD_SOURCE], data, len);
		free(data);
	}
	return err ? cb_fail(j->e, -err, "cannot keep the source for clang: %s", strerror(-err)) : 0;
}

/* What clang said, with the names that the user knows. */
static int read_messages(const struct job *j, struct cb_buf *out)
{
	char path[32], *text;
	size_t len;
	int err;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", j->fds[CB_FD_MESSAGES]);
	err = cb_file_read(path, MESSAGES_MAX, &text, &len, j->e);
	if (err)
		return err;
	cb_names_message(&j->names, text, out);
	while (out->len && out->data[out->len - 1] == '\n')
		out->len--;
	free(text);
	return out->failed ? cb_fail(j->e, ENOMEM, "out of memory") : 0;
}

static void say_warnings(const struct job *j, const char *text)
{
	while (*text) {
		int len = (int)strcspn(text, "\n");

		cb_say(j->rq->log, CB_WARN, "%.*s", len, text);
		text += len + (text[len] == '\n');
	}
}

/* Why clang refused: what is missing on this machine, or else the source. */
static int refused(const struct job *j, const char *messages)
{
	struct cb_err why = {0};
	char version[256];
	int err = cb_clang_check(j->clang, &j->old_mask, version, sizeof(version), &why);

	if (err)
		return cb_fail(j->e, -err, "%s", why.text);
	if (strstr(messages, "'vmlinux.h' file not found") && !*j->headers.kernel)
		return cb_fail(j->e, ENOENT, "%s needs vmlinux.h: %s", j->rq->path, j->headers.no_btf.text);
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

static int run_clang(const struct job *j)
{
	struct cb_buf messages = {0};
	struct args a = {0};
	int status, err;

	build_args(j, &a);
	if (a.failed) {
		free_args(&a);
		return cb_fail(j->e, ENOMEM, "out of memory");
	}
	say_command(j, &a);
	status = cb_clang_run(j->clang, a.v, j->fds, CB_FDS, &j->old_mask, j->e);
	free_args(&a);
	if (status < 0)
		return cb_fail_in(j->e, status, "cannot compile %s", j->rq->path);
	err = read_messages(j, &messages);
	if (!err && (status || !wrote_object(j)))
		err = refused(j, cb_buf_cstr(&messages));
	else if (!err)
		say_warnings(j, cb_buf_cstr(&messages));
	cb_buf_free(&messages);
	return err;
}

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

/* A directory that is not there (of a source in memory; of vmlinux.h without BTF) becomes a file, in which clang finds
 * nothing. */
static int open_dir(const struct job *j, const char *path)
{
	int low = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = fcntl(low >= 0 ? low : j->fds[CB_FD_SOURCE], F_DUPFD_CLOEXEC, CB_FDS + 1);

	if (low >= 0)
		close(low);
	return fd >= 0 ? fd : cb_fail(j->e, errno, "cannot compile %s: %s", j->rq->path, strerror(errno));
}

static int open_dirs(struct job *j)
{
	char *dir = j->names.dir_len ? strndup(j->rq->path, (size_t)j->names.dir_len) : strdup(".");
	const char *paths[] = {dir, j->headers.kernel, j->headers.lbc};
	int err = 0;

	if (!dir)
		return cb_fail(j->e, ENOMEM, "out of memory");
	for (int i = 0; i < 3 && !err; i++) {
		j->fds[CB_FD_DIR + i] = open_dir(j, paths[i]);
		err = j->fds[CB_FD_DIR + i] < 0 ? j->fds[CB_FD_DIR + i] : 0;
	}
	free(dir);
	return err;
}

static void make_reproducible(const struct job *j)
{
	struct cb_sections s;

	if (!cb_sections_open(&s, j->fds[CB_FD_OBJECT]))
		return; /* a source without functions */
	cb_names_btf(&j->names, s.btf, s.btf_size);
	cb_order_types(s.btf, s.btf_size, s.ext, s.ext_size);
	cb_sections_close(&s);
}

static int compile(struct job *j, void **object, size_t *size)
{
	int err = open_files(j);

	if (!err)
		err = fill_source(j);
	if (!err)
		err = cb_clang_find(j->rq->clang, j->clang, sizeof(j->clang), j->e);
	if (!err)
		err = cb_headers_prepare(&j->headers, j->rq->btf_path, j->rq->log, j->e);
	if (!err)
		err = cb_names_init(&j->names, j->rq->path, j->headers.kernel, j->headers.lbc, j->e);
	if (!err)
		err = open_dirs(j);
	if (!err)
		err = run_clang(j);
	cb_headers_release(&j->headers);
	if (!err) {
		make_reproducible(j);
		err = cb_strip(j->fds[CB_FD_OBJECT], object, size, j->e);
	}
	for (int i = 0; i < CB_FDS; i++)
		if (j->fds[i] >= 0)
			close(j->fds[i]);
	return err;
}

int cb_compile(const struct cb_compile_request *rq, void **object, size_t *size, struct cb_err *e)
{
	struct job j = {.rq = rq, .fds = {-1, -1, -1, -1, -1, -1}, .e = e};
	sigset_t wait;
	int err;

	/* Signals that end us wait until the temporary directory is gone. clang, in the same process group, gets the
	 * terminal's at once, so that the wait is short. */
	sigemptyset(&wait);
	sigaddset(&wait, SIGINT);
	sigaddset(&wait, SIGTERM);
	sigaddset(&wait, SIGHUP);
	sigaddset(&wait, SIGQUIT);
	pthread_sigmask(SIG_BLOCK, &wait, &j.old_mask);
	err = compile(&j, object, size);
	pthread_sigmask(SIG_SETMASK, &j.old_mask, NULL);
	return err;
}
