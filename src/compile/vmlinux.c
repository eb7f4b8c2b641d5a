// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* vmlinux.c - see vmlinux.h. */
#include "compile/vmlinux.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "btf/kernel.h"
#include "compile/args.h"
#include "compile/headers.h"
#include "compile/slice.h"

/* ---- What the source includes ------------------------------------------------------------------------------------- */

static const char *find_lbc(void *ctx, const char *name, size_t *len)
{
	(void)ctx;
	*len = cb_lbc_h_len;
	return strcmp(name, "lbc.h") && strcmp(name, "coolbpf/lbc.h") ? NULL : (const char *)cb_lbc_h;
}

/* The directory of a flag "-I": in place, or in the next word. */
static const char *include_dir(const char *const **flag)
{
	if (strncmp(**flag, "-I", 2))
		return NULL;
	if ((**flag)[2])
		return **flag + 2;
	return (*flag)[1] ? *++*flag : NULL;
}

static int open_below(int dir, const char *path, bool isolated)
{
	return openat(isolated ? dir : AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* In clang's order; the compiler's own headers are left out, which say nothing of the kernel's types. */
int cb_vmlinux_open(struct cb_vmlinux *v, const struct cb_compile_request *rq, const char *text, size_t len, int dir,
		    struct cb_err *e)
{
	struct cb_include_place places[CB_INCLUDES_PLACES] = {{.dir = dir, .quoted = true}};
	size_t n = 1, first = 1;
	char machine[CB_MACHINE_DIRS][CB_MACHINE_DIR];
	struct utsname u;
	const char *path;
	int err, dirs;

	*v = (struct cb_vmlinux){.btf_path = cb_btf_kernel_path(rq->btf_path)};
	for (const char *const *flag = rq->cflags; flag && *flag && n < CB_INCLUDES_PLACES - 2 - CB_MACHINE_DIRS;
	     flag++)
		if ((path = include_dir(&flag)))
			places[n++].dir = open_below(dir, path, rq->isolated);
	places[n++] = (struct cb_include_place){.find = find_lbc, .dir = -1, .library = true};
	places[n++] = (struct cb_include_place){.dir = open_below(-1, CB_LIBBPF_INCLUDE, false), .library = true};
	uname(&u);
	dirs = cb_machine_dirs(rq->arch ? rq->arch : u.machine, rq->isolated, machine);
	for (int i = 0; i < dirs; i++)
		places[n++] = (struct cb_include_place){.dir = open_below(-1, machine[i], false), .library = true};
	/* this process may read what clang in its sandbox may not */
	for (size_t i = 0; i < n; i++)
		places[i].inside = rq->isolated;
	err = cb_includes_of(text, len, 0, places, n, &v->includes, e);
	for (; first < n; first++)
		if (places[first].dir >= 0)
			close(places[first].dir);
	if (err)
		return err;
	v->included = cb_includes_misses(&v->includes, "vmlinux.h") || v->includes.unknown;
	return 0;
}

int cb_vmlinux_index(struct cb_vmlinux *v, const char *cache_dir, struct cb_err *e)
{
	int err = cb_btf_index_open(v->btf_path, cache_dir, &v->index, e);

	v->indexed = !err;
	if (err != -ENOENT)
		return err;
	v->no_btf = *e;
	return 0;
}

void cb_vmlinux_close(struct cb_vmlinux *v)
{
	cb_includes_free(&v->includes);
	if (v->indexed)
		cb_btf_index_close(&v->index);
	v->indexed = false;
}

/* ---- The slice ---------------------------------------------------------------------------------------------------- */

/* Names may come by -D too. */
static void defines(const struct cb_compile_request *rq, struct cb_buf *out)
{
	for (const char *const *flag = rq->cflags; flag && *flag; flag++) {
		cb_buf_str(out, *flag);
		cb_buf_ch(out, '\n');
	}
}

static int slice(const struct cb_vmlinux *v, const struct cb_compile_request *rq, const char *text, size_t len,
		 struct cb_buf *out, struct cb_err *e)
{
	const struct cb_includes *in = &v->includes;
	struct cb_slice_text *texts = calloc(in->n + 2, sizeof(*texts));
	struct cb_buf flags = {0};
	int err = -ENOMEM;

	defines(rq, &flags);
	if (texts && !flags.failed) {
		texts[0] = (struct cb_slice_text){text, len, false};
		texts[1] = (struct cb_slice_text){cb_buf_cstr(&flags), flags.len, false};
		for (size_t i = 0; i < in->n; i++)
			texts[i + 2] = (struct cb_slice_text){in->list[i].text, in->list[i].len, in->list[i].library};
		err = cb_slice(&v->index, texts, in->n + 2, out, e);
	} else {
		cb_fail(e, ENOMEM, "out of memory");
	}
	cb_buf_free(&flags);
	free(texts);
	return err;
}

int cb_vmlinux_slice(const struct cb_vmlinux *v, const struct cb_compile_request *rq, const char *text, size_t len,
		     size_t *size, struct cb_err *e)
{
	struct cb_buf out = {0};
	int err = slice(v, rq, text, len, &out, e), fd = err;

	if (!err)
		fd = cb_headers_in_memory(out.data, out.len, e);
	*size = out.len;
	cb_buf_free(&out);
	return fd;
}

/* ---- Was it enough? ----------------------------------------------------------------------------------------------- */

/* The last name between the quotes: task_struct of 'struct task_struct'. */
static bool kernel_has(const struct cb_btf_index *ix, const char *quoted, size_t len)
{
	size_t start;

	while (len && !isalnum((unsigned char)quoted[len - 1]) && quoted[len - 1] != '_')
		len--;
	for (start = len; start && (isalnum((unsigned char)quoted[start - 1]) || quoted[start - 1] == '_'); start--)
		;
	return len > start && cb_btf_index_named(ix, quoted + start, len - start, 0);
}

bool cb_vmlinux_lacks(const struct cb_vmlinux *v, const struct cb_diags *d)
{
	static const char *const about[] = {"unknown type name '", "undeclared identifier '", "incomplete type '",
					    "incomplete definition of type '"};

	for (size_t i = 0; v->indexed && i < d->n; i++)
		for (size_t k = 0; d->list[i].severity >= CB_ERROR && k < sizeof(about) / sizeof(*about); k++) {
			const char *at = strstr(d->list[i].text, about[k]);

			at = at ? strchr(at, '\'') + 1 : NULL;
			if (at && kernel_has(&v->index, at, strcspn(at, "'")))
				return true;
		}
	return false;
}
