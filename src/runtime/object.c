// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * object.c - the handle: made, filled from a file, from memory or from a source, freed.
 *
 * libbpf reports through one process-wide print function. Ours finds the handle that is at work in a variable of the
 * calling thread, so that two threads with two handles do not mix their messages; what no handle listens to goes to the
 * function that the program had set before.
 */
#include "runtime/runtime.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "btf/elf.h"
#include "btf/bytes.h"
#include "btf/kernel.h"
#include "btf/minimise.h"
#include "btf/check.h"
#include "service/api.h"

enum {
	OBJECT_MAX = 64 << 20, /* a BPF object is far smaller; anything larger is not one */
	SAID_MAX = 256 << 10,  /* of libbpf's warnings, verifier logs included */
};

static __thread struct coolbpf *listening;

/* What the process had libbpf print with before; everything that is not ours goes there. */
static _Atomic(libbpf_print_fn_t) others_print;

static int on_libbpf_print(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	struct coolbpf *cb = listening;
	char line[16384];
	va_list again;
	int n;

	if (!cb) {
		libbpf_print_fn_t print = others_print;

		return print ? print(level, fmt, ap) : 0;
	}
	if (level != LIBBPF_WARN && cb->log.level < CB_DEBUG)
		return 0;
	va_copy(again, ap);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	if (level == LIBBPF_WARN && n > 0 && cb->libbpf_said.len < SAID_MAX) {
		if ((size_t)n < sizeof(line)) {
			cb_buf_add(&cb->libbpf_said, line, (size_t)n);
		} else if (cb_buf_reserve(&cb->libbpf_said, (size_t)n + 1)) {
			vsnprintf(cb->libbpf_said.data + cb->libbpf_said.len, (size_t)n + 1, fmt, again);
			cb->libbpf_said.len += (size_t)n;
		}
	}
	va_end(again);
	if (n > 0 && cb->log.level >= CB_DEBUG) {
		if ((size_t)n >= sizeof(line))
			n = sizeof(line) - 1;
		while (n > 0 && line[n - 1] == '\n')
			line[--n] = '\0';
		cb_say(&cb->log, CB_DEBUG, "%s", line);
	}
	return 0;
}

void cb_listen(struct coolbpf *cb)
{
	libbpf_print_fn_t print;

	if (cb) {
		cb->libbpf_said.len = 0;
		print = libbpf_set_print(on_libbpf_print);
		if (print != on_libbpf_print)
			others_print = print;
	}
	listening = cb;
}

const char *coolbpf_version(void)
{
	return COOLBPF_VERSION;
}

/* text may be NULL, and stays so. */
static int copy(char **to, const char *text)
{
	*to = text ? strdup(text) : NULL;
	return text && !*to ? -ENOMEM : 0;
}

static char **copy_strings(const char *const *list)
{
	size_t n = 0;
	char **copy;

	while (list[n])
		n++;
	copy = calloc(n + 1, sizeof(*copy));
	for (size_t i = 0; copy && i < n; i++) {
		copy[i] = strdup(list[i]);
		if (!copy[i]) {
			while (i)
				free(copy[--i]);
			free(copy);
			return NULL;
		}
	}
	return copy;
}

static void free_strings(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

/* The public levels are the internal ones by another name. */
_Static_assert((int)COOLBPF_LOG_WARN == (int)CB_WARN && (int)COOLBPF_LOG_DEBUG == (int)CB_DEBUG, "log levels differ");

/* What a handle knows of an object when there is none. */
static void set_unopened(struct coolbpf *cb)
{
	cb->name = cb->data = cb->rodata = NULL;
	cb->size = cb->rodata_size = 0;
	cb->obj = NULL;
	cb->btf = NULL;
	cb->about = "";
	cb->mini_btf_fd = -1;
	cb->btf_err = 0;
	cb->has_ringbuf_type = true;
	cb->params = NULL;
	cb->progs = NULL;
	cb->maps = NULL;
	cb->evmaps = NULL;
	cb->nparams = cb->nprogs = cb->nmaps = cb->nevmaps = 0;
	cb->epoll_fd = -1;
}

struct coolbpf *coolbpf_new(const struct coolbpf_opts *opts)
{
	struct coolbpf_opts o = {.sz = sizeof(o)};
	struct coolbpf *cb;

	if (opts) {
		if (opts->sz < sizeof(size_t)) {
			errno = EINVAL;
			return NULL;
		}
		memcpy(&o, opts, opts->sz < sizeof(o) ? opts->sz : sizeof(o));
	}
	cb = calloc(1, sizeof(*cb));
	if (!cb)
		return NULL;
	set_unopened(cb);
	cb->log = (struct cb_log){
		.level = (enum cb_log_level)o.log_level,
		.say = (void (*)(void *, enum cb_log_level, const char *))o.log,
		.ctx = o.log_ctx,
	};
	if (copy(&cb->btf_path, o.btf_path) || copy(&cb->clang, o.clang) || copy(&cb->server, o.server) ||
	    copy(&cb->token_file, o.token_file) || copy(&cb->public_key, o.public_key) ||
	    copy(&cb->ca_file, o.ca_file) || copy(&cb->arch, o.arch) ||
	    (o.cflags && !(cb->cflags = copy_strings(o.cflags)))) {
		coolbpf_free(cb);
		errno = ENOMEM;
		return NULL;
	}
	return cb;
}

/* Everything that opening gave the handle; it may open something else then. */
static void close_object(struct coolbpf *cb)
{
	cb_listen(cb);
	cb_events_close(cb);
	bpf_object__close(cb->obj);
	cb_listen(NULL);
	for (size_t i = 0; i < cb->nprogs; i++) {
		free(cb->progs[i].given);
		free(cb->progs[i].hook);
		free(cb->progs[i].reason);
	}
	for (size_t i = 0; i < cb->nparams; i++)
		free(cb->params[i].type);
	if (cb->mini_btf_fd >= 0)
		close(cb->mini_btf_fd);
	free(cb->progs);
	free(cb->params);
	free(cb->maps);
	free(cb->evmaps);
	free(cb->data);
	free(cb->name);
	set_unopened(cb);
}

void coolbpf_free(struct coolbpf *cb)
{
	if (!cb)
		return;
	coolbpf_detach(cb);
	close_object(cb);
	cb_hooks_free(cb->hooks);
	free(cb->links);
	free(cb->btf_path);
	free(cb->clang);
	free(cb->server);
	free(cb->token_file);
	free(cb->public_key);
	free(cb->ca_file);
	free(cb->arch);
	free_strings(cb->cflags);
	cb_buf_free(&cb->text);
	cb_buf_free(&cb->libbpf_said);
	free(cb);
}

const char *coolbpf_errmsg(const struct coolbpf *cb)
{
	return cb->err.text;
}

const char *coolbpf_name(const struct coolbpf *cb)
{
	return cb->name ? cb->name : "";
}

const char *coolbpf_about(const struct coolbpf *cb)
{
	return cb->about;
}

const void *coolbpf_object_data(const struct coolbpf *cb, size_t *size)
{
	*size = cb->size;
	return cb->data;
}

struct bpf_object *coolbpf_bpf_object(const struct coolbpf *cb)
{
	return cb->obj;
}

const struct btf *coolbpf_btf(const struct coolbpf *cb)
{
	return cb->btf;
}

/* "dir/tool.bpf.c" -> "tool" */
char *cb_tool_name(const char *path)
{
	static const char *const ends[] = {".bpf.c", ".bpf.o", ".c", ".o"};
	const char *base = strrchr(path, '/');
	size_t n;

	base = base ? base + 1 : path;
	n = strlen(base);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		size_t m = strlen(ends[i]);

		if (n > m && !strcmp(base + n - m, ends[i])) {
			n -= m;
			break;
		}
	}
	return strndup(base, n);
}

/* What kind of file it is, before libbpf calls everything a bad ELF. */
static int check_elf(struct coolbpf *cb, const char *name)
{
	const Elf64_Ehdr *h = (const void *)cb->data;
	unsigned char order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
	int err;

	if (cb->size < sizeof(*h) || memcmp(h->e_ident, ELFMAG, SELFMAG))
		return cb_fail(&cb->err, ENOEXEC, "%s is not an ELF object; a source must end in .c", name);
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != order)
		return cb_fail(&cb->err, EINVAL,
			       "%s is an object for another byte order or word size than this machine's", name);
	if (h->e_type != ET_REL || h->e_machine != EM_BPF)
		return cb_fail(
			&cb->err, EINVAL,
			"%s is an ELF file for machine %u, not a BPF object (%u); compile it with clang -target bpf",
			name, h->e_machine, EM_BPF);
	err = cb_elf_check(cb->data, cb->size, &cb->err);
	return err ? cb_fail_in(&cb->err, err, "%s", name) : 0;
}

/* libbpf would believe it. */
static int check_btf(struct coolbpf *cb, const char *name)
{
	const void *data;
	size_t size;
	struct btf *btf;
	int err = cb_elf_section(cb->data, cb->size, ".BTF", &data, &size);

	if (err == -ENOENT)
		return cb_fail(&cb->err, EINVAL, "%s has no BTF; compile it with clang -g -target bpf", name);
	if (err)
		return cb_fail(&cb->err, EINVAL, "%s has two sections .BTF, or one without bytes", name);
	btf = cb_btf_parse(data, size, &cb->err);
	if (!btf)
		return cb_fail_in(&cb->err, -errno, "%s", name);
	btf__free(btf);
	return 0;
}

/* The last thing that libbpf said, without its own name in front. */
static void add_libbpf_reason(struct coolbpf *cb)
{
	char *said = (char *)cb_buf_cstr(&cb->libbpf_said);
	char *p;

	while ((p = strrchr(said, '\n')) && !p[1])
		*p = '\0';
	p = strrchr(said, '\n');
	said = p ? p + 1 : said;
	if (!strncmp(said, "libbpf: ", 8))
		said += 8;
	if (*said)
		cb_fail_more(&cb->err, 0, " (%s)", said);
}

/* libbpf takes BTF by path: a file that only this process sees. */
static int memory_file(const void *data, size_t size, struct cb_err *e)
{
	int fd = cb_file_nameless("btf");
	int err = fd < 0 ? fd : cb_write_all(fd, data, size);

	if (!err)
		return fd;
	if (fd >= 0)
		close(fd);
	return cb_fail(e, -err, "cannot keep the kernel's BTF in memory: %s", strerror(-err));
}

static bool has_ringbuf(struct btf *btf)
{
	bool yes = btf && btf__find_by_name_kind(btf, "bpf_ringbuf", BTF_KIND_STRUCT) > 0;

	btf__free(btf);
	return yes;
}

/* Bytes of BTF in a memory file, by a name that libbpf can open. */
static int give_btf(struct coolbpf *cb, const void *btf, size_t btf_size, char *path, size_t size, const char **custom)
{
	int fd = memory_file(btf, btf_size, &cb->btf_why);

	if (fd < 0)
		return fd;
	cb->mini_btf_fd = fd;
	snprintf(path, size, "/proc/self/fd/%d", fd);
	*custom = path;
	return 0;
}

/* All of it: the file itself, or what is inside a kernel image. */
static int give_whole_btf(struct coolbpf *cb, const char *kernel, char *path, size_t size, const char **custom)
{
	struct cb_btf_bytes b;
	int err = cb_btf_bytes_open(kernel, &b, &cb->btf_why);

	if (err)
		return err;
	if (b.unpacked)
		err = give_btf(cb, b.data, b.size, path, size, custom);
	else
		*custom = kernel;
	cb_btf_bytes_close(&b);
	cb->has_ringbuf_type = has_ringbuf(cb_btf_kernel_load(kernel, NULL));
	return err;
}

/* Give libbpf the part of the kernel's BTF that this object asks about: it would read and copy the whole otherwise. What
 * goes wrong here is said at load: an object can be looked at on a machine whose kernel has no BTF. */
static void choose_btf(struct coolbpf *cb, char *path, size_t size, const char **custom)
{
	const char *kernel = cb_btf_kernel_path(cb->btf_path);
	void *btf = NULL;
	size_t btf_size = 0;
	int err = cb_btf_minimise(cb->data, cb->size, kernel, &btf, &btf_size, &cb->btf_why);

	/* an empty root has no name for a memory file */
	if (!err && btf && access("/proc/self/fd", F_OK))
		err = cb_fail(&cb->btf_why, ENOTSUP, "/proc is not mounted");
	if (err == -ENOTSUP) {
		cb_say(&cb->log, CB_INFO, "the whole BTF of the kernel is used: %s", cb->btf_why.text);
		err = 0;
		if (!cb_btf_kernel_is_running(kernel))
			err = give_whole_btf(cb, kernel, path, size, custom);
	} else if (!err && btf) {
		err = give_btf(cb, btf, btf_size, path, size, custom);
		if (!err) {
			cb->has_ringbuf_type = has_ringbuf(btf__new(btf, (__u32)btf_size));
			cb_say(&cb->log, CB_DEBUG, "%zu bytes of the kernel's BTF are used", btf_size);
		}
	}
	cb->btf_err = err;
	free(btf);
}

/* The handle owns cb->data already. */
static int open_object(struct coolbpf *cb, const char *name)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	struct bpf_map *rodata;
	char btf_path[64];
	int err = check_elf(cb, name);

	cb_listen(cb);
	if (!err)
		err = check_btf(cb, name);
	if (err)
		return err;
	opts.object_name = cb->name;
	choose_btf(cb, btf_path, sizeof(btf_path), &opts.btf_custom_path);
	cb_listen(cb);
	cb->obj = bpf_object__open_mem(cb->data, cb->size, &opts);
	cb_listen(NULL);
	if (!cb->obj) {
		err = errno;
		cb_fail(&cb->err, err, "cannot open the object %s: %s", name, strerror(err));
		add_libbpf_reason(cb);
		return err == ENOENT ? -EINVAL : -err;
	}
	if (!bpf_object__next_program(cb->obj, NULL))
		return cb_fail(&cb->err, EINVAL,
			       "%s has no BPF programs: no function stands in a section of its own, "
			       "as SEC(\"kprobe/...\") puts it",
			       name);
	cb->btf = bpf_object__btf(cb->obj);
	if (!cb->btf)
		return cb_fail(&cb->err, EINVAL,
			       "%s has no BTF, or it is corrupt; compile it with clang -g -target bpf", name);
	rodata = bpf_object__find_map_by_name(cb->obj, ".rodata");
	if (rodata) {
		/* libbpf 1.1 gives out the initial value as const; it is the one to change before load */
		size_t size = 0;

		cb->rodata = (char *)bpf_map__initial_value(rodata, &size);
		cb->rodata_size = cb->rodata ? size : 0;
	}
	return cb_meta_read(cb);
}

/* Takes over data (malloc'd). */
static int open_data(struct coolbpf *cb, char *data, size_t size, const char *name)
{
	int err;

	cb->data = data;
	cb->size = size;
	cb->name = cb_tool_name(name);
	err = cb->name ? open_object(cb, name) : cb_fail(&cb->err, ENOMEM, "cannot open %s: out of memory", name);
	if (err)
		close_object(cb);
	return err;
}

static int check_unopened(struct coolbpf *cb)
{
	return cb->data ? cb_fail(&cb->err, EBUSY, "this handle has already opened %s", cb->name) : 0;
}

int coolbpf_open_memory(struct coolbpf *cb, const void *data, size_t size, const char *name)
{
	int err = check_unopened(cb);
	char *copy;

	if (err)
		return err;
	if (size > OBJECT_MAX)
		return cb_fail(&cb->err, EFBIG, "cannot open %s: it is larger than %d bytes", name, OBJECT_MAX);
	copy = malloc(size ? size : 1);
	if (!copy)
		return cb_fail(&cb->err, ENOMEM, "cannot open %s: out of memory", name);
	memcpy(copy, data, size);
	return open_data(cb, copy, size, name);
}

static int open_source(struct coolbpf *cb, const char *text, const char *path)
{
	void *data;
	size_t size;
	int err = cb_source_compile(cb, text, path, CB_FORMAT_O, &data, &size);

	return err ? err : open_data(cb, data, size, path);
}

int coolbpf_open_source(struct coolbpf *cb, const char *text, const char *name)
{
	int err = check_unopened(cb);

	return err ? err : open_source(cb, text, name);
}

int coolbpf_open_file(struct coolbpf *cb, const char *path)
{
	int err = check_unopened(cb);
	size_t n = strlen(path), size;
	char *data;

	if (err)
		return err;
	if (n > 2 && !strcmp(path + n - 2, ".c"))
		return open_source(cb, NULL, path);
	err = cb_file_read(path, OBJECT_MAX, &data, &size, &cb->err);
	return err ? err : open_data(cb, data, size, path);
}
