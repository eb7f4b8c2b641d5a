/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * compile.h - from a .bpf.c to an object.
 *
 * The one entry of this room: coolbpf run calls it in its own process, a compile server in its workers.
 *
 *   source, headers --slice--> its own vmlinux.h --clang (a program, or a fork of a warm one)--> names, order, strip --> object
 */
#ifndef CB_COMPILE_H
#define CB_COMPILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "compile/diag.h"

struct cb_zygote;

/* A header that comes as data: "maps.h", "net/tcp.h". The name is checked: no empty, "." or ".." part, no leading or double
 * slash, no control character, at most 255 bytes. */
struct cb_header {
	const char *name;
	const char *text;
	size_t len;
};

enum {
	CB_SOURCE_MAX = 16 << 20, /* bytes of a source, and of all its headers */
	CB_HEADERS_MAX = 512
};

struct cb_compile_request {
	const char *path; /* the source file; with text, only its name in messages and its directory for includes */
	const char *text; /* the source itself (text_len bytes), or NULL to read path */
	size_t text_len;
	/* With headers (or isolated): #include "..." finds these and nothing beside path. */
	const struct cb_header *headers;
	size_t nheaders;
	/* The source is a stranger's: it sees the given headers, lbc.h, libbpf's and the kernel's, and no other file; it
	 * has no network, and limits on time, memory and output. -EPERM when this machine cannot do that. */
	bool isolated;
	const char *btf_path;	   /* as coolbpf_opts.btf_path */
	const char *arch;	   /* "x86_64", "aarch64"; NULL: this machine's */
	const char *const *cflags; /* NULL, or arguments for clang ending with NULL; the caller has checked them */
	const char *clang;	   /* NULL: $CLANG, else found in $PATH */
	const char *clang_headers; /* of an isolated compile: what cb_clang_headers() found; NULL: find them now */
	struct cb_zygote *zygote;  /* NULL: clang is started anew */
	bool cached;		   /* look into this user's cache of objects, and keep the result there */
	bool whole_header;	   /* compile against the whole vmlinux.h: for comparison */
	const struct cb_log *log;
};

struct cb_compile_answer {
	void *object; /* malloc'd; NULL unless 0 came back. Debug sections other than .BTF and .BTF.ext are gone. */
	size_t size;
	struct cb_diags diags; /* also of a compile that failed */
	/* The source needed more than its slice and was compiled against the whole vmlinux.h: a defect of slicing. */
	bool fell_back;
	bool from_cache;
	size_t slice_size;
	uint64_t slice_ns, clang_ns; /* wall time */
};

/* On failure the sentence holds clang's diagnostics against the user's own file and lines. -EINVAL the source does not
 * compile (or is not to be: a header's name); -ENOENT no source, no clang, no libbpf headers (the sentence says what to
 * install); -E2BIG source or headers too large; -ETIMEDOUT, -EDQUOT a limit of an isolated compile; -EIO clang crashed.
 * cb_compile_answer_free() after any. */
int cb_compile_full(const struct cb_compile_request *rq, struct cb_compile_answer *a, struct cb_err *e);
void cb_compile_answer_free(struct cb_compile_answer *a);

/* The same for who wants the object alone (malloc'd): warnings go to the log. */
int cb_compile(const struct cb_compile_request *rq, void **object, size_t *size, struct cb_err *e);

#endif
