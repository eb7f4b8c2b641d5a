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
#include "compile/cache.h"
#include "compile/clang.h"
#include "compile/headers.h"
#include "compile/key.h"
#include "compile/names.h"
#include "compile/order.h"
#include "compile/sections.h"
#include "compile/strip.h"
#include "compile/vmlinux.h"
#include "compile/workdir.h"
#include "compile/zygote.h"

enum { MESSAGES_MAX = 16 << 20 };

/* Of the objects that are kept: some 10,000. */
static const uint64_t CACHE_MAX = 256 << 20;

/* Of an isolated compile. The largest tools take a tenth of a second and 150 MB, and are 3 MB with DWARF. */
enum { CPU_SECONDS = 10, WALL_MS = 20000, OUTPUT_MAX = 16 << 20 };
static const size_t MEMORY_MAX = (size_t)2 << 30; /* address space: the compiler's own code is 300 MB of it */

struct job {
	const struct cb_compile_request *rq;
	struct cb_compile_answer *a;
	char clang[PATH_MAX];
	char clang_headers[PATH_MAX]; /* of an isolated compile */
	struct cb_headers headers;
	struct cb_workdir workdir, ours; /* the user's headers, lbc.h: when they are not files of this machine */
	struct cb_names names;
	char *text; /* of the source: malloc'd unless it is the request's */
	size_t len;
	struct cb_vmlinux vmlinux;
	bool sliced;
	struct cb_buf messages; /* clang's, with the names that the user knows */
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

static int read_source(struct job *j)
{
	j->text = (char *)j->rq->text;
	j->len = j->rq->text_len;
	if (j->text && j->len > CB_SOURCE_MAX)
		return cb_fail(j->e, E2BIG, "%s has %zu bytes; a source may have %d", j->rq->path, j->len,
			       CB_SOURCE_MAX);
	return j->text ? 0 : cb_file_read(j->rq->path, CB_SOURCE_MAX, &j->text, &j->len, j->e);
}

/* Give clang its source. */
static int fill_source(const struct job *j)
{
	int err = cb_write_all(j->fds[CB_FD_SOURCE], j->text, j->len);

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

/* Another user's clang may not see this user's cache. */
static int open_our_dir(struct job *j)
{
	int err;

	if (!j->rq->isolated)
		return open_dir(j, j->headers.lbc);
	err = cb_headers_workdir(&j->ours, j->e);
	return err ? err : move_up(j, j->ours.fd);
}

static int open_headers(struct job *j)
{
	j->fds[CB_FD_DIR] = open_user_dir(j);
	if (j->fds[CB_FD_DIR] < 0)
		return j->fds[CB_FD_DIR];
	j->fds[CB_FD_LBC] = open_our_dir(j);
	return j->fds[CB_FD_LBC] < 0 ? j->fds[CB_FD_LBC] : 0;
}

/* ---- The kernel's types ------------------------------------------------------------------------------------------- */

/* Takes fd over. */
static int set_kernel(struct job *j, int fd)
{
	int up;

	if (fd < 0)
		return fd;
	up = move_up(j, fd);
	close(fd);
	if (j->fds[CB_FD_KERNEL] >= 0)
		close(j->fds[CB_FD_KERNEL]);
	j->fds[CB_FD_KERNEL] = up;
	return up < 0 ? up : 0;
}

/* With all that the kernel has. Of BTF that strangers may send there are too many to keep a header of some MB for each. */
static int whole_kernel(struct job *j)
{
	const char *path = j->vmlinux.btf_path;
	bool keep = !j->rq->isolated || cb_btf_kernel_is_running(path);

	return set_kernel(j, cb_headers_whole(path, keep, j->rq->log, j->e));
}

static int slice_kernel(struct job *j)
{
	uint64_t start = now_ns();
	int err = set_kernel(j, cb_vmlinux_slice(&j->vmlinux, j->rq, j->text, j->len, &j->a->slice_size, j->e));

	j->a->slice_ns = now_ns() - start;
	j->sliced = !err;
	return err;
}

/* Without BTF there is no vmlinux.h, which is no error yet: what includes it may be left out by an #if. */
static int find_kernel(struct job *j)
{
	char cache[PATH_MAX - 128];
	int err = cb_vmlinux_open(&j->vmlinux, j->rq, j->text, j->len, j->fds[CB_FD_DIR], j->e);

	cb_cache_dir(cache, sizeof(cache));
	return err || !j->vmlinux.included ? err : cb_vmlinux_index(&j->vmlinux, cache, j->e);
}

static int open_kernel(struct job *j)
{
	if (!j->vmlinux.indexed) {
		j->fds[CB_FD_KERNEL] = move_up(j, j->fds[CB_FD_SOURCE]);
		return j->fds[CB_FD_KERNEL] < 0 ? j->fds[CB_FD_KERNEL] : 0;
	}
	if (j->rq->whole_header)
		return whole_kernel(j);
	return slice_kernel(j);
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
	/* one that waits has shown that it is a clang; to ask it takes longer than a small compile */
	int err = j->rq->zygote ? 0 : cb_clang_check(j->clang, &j->old_mask, version, sizeof(version), &why);

	if (err)
		return cb_fail(j->e, -err, "%s", why.text);
	if (strstr(messages, "'vmlinux.h' file not found") && *j->vmlinux.no_btf.text)
		return cb_fail(j->e, ENOENT, "%s needs vmlinux.h: %s", j->rq->path, j->vmlinux.no_btf.text);
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

/* A limit, or a crash. */
static int killed(struct job *j, const struct cb_job_end *end)
{
	if (end->timed_out)
		return cb_fail(j->e, ETIMEDOUT,
			       "%s takes too long to compile: more than %d s of CPU time or %d s in all", j->rq->path,
			       CPU_SECONDS, WALL_MS / 1000);
	if (end->out_of_memory)
		return cb_fail(j->e, EDQUOT, "%s takes more than %zu MB of memory to compile", j->rq->path,
			       MEMORY_MAX >> 20);
	if (end->output_full)
		return cb_fail(j->e, EDQUOT, "what %s compiles to is larger than %d MB", j->rq->path, OUTPUT_MAX >> 20);
	if (!end->signal)
		return cb_fail(j->e, EIO, "the compiler crashed on %s", j->rq->path);
	if (j->rq->isolated)
		return cb_fail(j->e, EIO, "the compiler crashed on %s (%s)", j->rq->path, strsignal(end->signal));
	return cb_job_killed(&(struct cb_job){.clang = j->clang}, end, j->e);
}

/* clang has caught its own crash, and tells of it: where it was loaded, and how it was called. */
static bool told_of_crash(const struct job *j)
{
	const char *messages = cb_buf_cstr((struct cb_buf *)&j->messages);

	return strstr(messages, "PLEASE submit a bug report") || strstr(messages, "\nStack dump:");
}

static int run_once(struct job *j, const struct cb_args *args)
{
	const char *const readable[] = {CB_LIBBPF_INCLUDE, "/usr/include", "/usr/local/include", j->clang_headers,
					NULL};
	struct cb_sandbox sandbox = {.readable = readable,
				     .cpu_seconds = CPU_SECONDS,
				     .wall_ms = WALL_MS,
				     .memory = MEMORY_MAX,
				     .output = OUTPUT_MAX};
	struct cb_job job = {.clang = j->clang,
			     .argv = args->v,
			     .fds = j->fds,
			     .n = CB_FDS,
			     .mask = &j->old_mask,
			     .sandbox = j->rq->isolated ? &sandbox : NULL};
	struct cb_job_end end;
	uint64_t start = now_ns();
	int err = cb_job_run(j->rq->zygote, &job, &end, j->e);

	j->a->clang_ns += now_ns() - start;
	if (!err && (end.signal || end.timed_out || end.out_of_memory || end.output_full))
		err = killed(j, &end);
	if (err)
		return cb_fail_in(j->e, err, "cannot compile %s", j->rq->path);
	err = read_messages(j);
	if (!err && end.status && j->rq->isolated && told_of_crash(j)) {
		cb_diags_free(&j->a->diags);
		return killed(j, &end);
	}
	return err || (!end.status && wrote_object(j)) ? err : refused(j);
}

/* Once more, with all that the kernel has. */
static int run_whole(struct job *j, const struct cb_args *args)
{
	int err = whole_kernel(j);

	for (int i = CB_FD_SOURCE; i <= CB_FD_MESSAGES && !err; i++)
		if ((i != CB_FD_SOURCE && ftruncate(j->fds[i], 0)) || lseek(j->fds[i], 0, SEEK_SET) < 0)
			err = cb_fail(j->e, errno, "cannot empty a temporary file: %s", strerror(errno));
	if (err)
		return err;
	cb_diags_free(&j->a->diags);
	j->a->fell_back = true;
	j->sliced = false;
	cb_say(j->rq->log, CB_INFO,
	       "%s needs more of the kernel's types than was found in it: compiling with all of them", j->rq->path);
	return run_once(j, args);
}

static int run_clang(struct job *j)
{
	struct cb_args args = {0};
	struct utsname u;
	int err;

	uname(&u);
	cb_args_build(&args, &(struct cb_args_wanted){.clang = j->clang,
						      .arch = j->rq->arch ? j->rq->arch : u.machine,
						      .cflags = j->rq->cflags,
						      .source = j->names.source,
						      .base = j->names.path + j->names.dir_len,
						      .isolated = j->rq->isolated,
						      .kernel = j->vmlinux.indexed});
	if (args.failed) {
		cb_args_free(&args);
		return cb_fail(j->e, ENOMEM, "out of memory");
	}
	say_command(j, &args);
	err = run_once(j, &args);
	if (err == -EINVAL && j->sliced && cb_vmlinux_lacks(&j->vmlinux, &j->a->diags))
		err = run_whole(j, &args);
	cb_args_free(&args);
	return err;
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

static int make_object(struct job *j)
{
	int err = open_kernel(j);

	if (!err)
		err = run_clang(j);
	if (err)
		return err;
	make_reproducible(j);
	return cb_strip(j->fds[CB_FD_OBJECT], &j->a->object, &j->a->size, j->e);
}

/* ---- The cache of objects ----------------------------------------------------------------------------------------- */

/* An entry: the length of the warnings, the warnings as text, the object. */
static bool read_entry(struct job *j, struct cb_buf *entry)
{
	char *text = entry->data + sizeof(uint64_t);
	uint64_t len;

	if (entry->len < sizeof(len) + 1)
		return false;
	memcpy(&len, entry->data, sizeof(len));
	if (len >= entry->len - sizeof(len) || text[len] != '\0')
		return false;
	j->a->size = entry->len - sizeof(len) - len - 1;
	j->a->object = malloc(j->a->size);
	if (!j->a->object || cb_diags_parse(&j->a->diags, text))
		return false;
	memcpy(j->a->object, text + len + 1, j->a->size);
	j->a->from_cache = true;
	return true;
}

static void write_entry(const struct job *j, struct cb_cache *cache, const char *key)
{
	struct cb_buf entry = {0}, text = {0};
	struct cb_err why = {0};
	uint64_t len;

	cb_diags_print(&j->a->diags, &text);
	len = text.len;
	cb_buf_add(&entry, &len, sizeof(len));
	cb_buf_add(&entry, text.data, text.len);
	cb_buf_ch(&entry, '\0');
	cb_buf_add(&entry, j->a->object, j->a->size);
	if (!entry.failed && !text.failed && cb_cache_put(cache, key, entry.data, entry.len, &why))
		cb_say(j->rq->log, CB_INFO, "the object is not kept: %s", why.text);
	cb_buf_free(&entry);
	cb_buf_free(&text);
}

static int make_or_find(struct job *j)
{
	struct cb_cache cache = {.max_bytes = CACHE_MAX};
	struct cb_buf entry = {0};
	char key[CB_SHA256_HEX];
	int err;

	if (!j->rq->cached ||
	    !cb_compile_key(j->rq, &j->vmlinux, j->clang, j->names.path + j->names.dir_len, j->text, j->len, key))
		return make_object(j);
	cb_cache_dir(cache.dir, sizeof(cache.dir) - sizeof("/objects"));
	strcat(cache.dir, "/objects");
	if (!cb_cache_get(&cache, key, &entry, NULL) && read_entry(j, &entry)) {
		err = 0;
	} else {
		cb_compile_answer_free(j->a);
		err = make_object(j);
		if (!err)
			write_entry(j, &cache, key);
	}
	cb_buf_free(&entry);
	return err;
}

/* ---- All of it ---------------------------------------------------------------------------------------------------- */

static int prepare_headers(struct job *j)
{
	if (!j->rq->isolated)
		return cb_headers_prepare(&j->headers, j->rq->log, j->e);
	if (!j->rq->clang_headers)
		return cb_clang_headers(j->clang, j->clang_headers, j->e);
	snprintf(j->clang_headers, sizeof(j->clang_headers), "%s", j->rq->clang_headers);
	return 0;
}

static int compile(struct job *j)
{
	int err = read_source(j);

	if (!err)
		err = open_files(j);
	if (!err)
		err = fill_source(j);
	if (!err)
		err = cb_clang_find(j->rq->clang, j->clang, sizeof(j->clang), j->e);
	if (!err)
		err = prepare_headers(j);
	if (!err)
		err = cb_names_init(&j->names, j->rq->path, j->headers.lbc, j->e);
	if (!err)
		err = open_headers(j);
	if (!err)
		err = find_kernel(j);
	if (!err)
		err = make_or_find(j);
	cb_vmlinux_close(&j->vmlinux);
	cb_headers_release(&j->headers);
	cb_workdir_remove(&j->workdir);
	cb_workdir_remove(&j->ours);
	for (int i = 0; i < CB_FDS; i++)
		if (j->fds[i] >= 0)
			close(j->fds[i]);
	cb_buf_free(&j->messages);
	if (j->text != j->rq->text)
		free(j->text);
	return err;
}

int cb_compile_full(const struct cb_compile_request *rq, struct cb_compile_answer *a, struct cb_err *e)
{
	struct job j = {.rq = rq, .a = a, .workdir.fd = -1, .ours.fd = -1, .fds = {-1, -1, -1, -1, -1, -1}, .e = e};
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
