/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * work.h - what the server gives its workers to do and what they give back, as bytes.
 *
 * A frame on the socket between them is a struct cb_frame_head and so many bytes. An outcome in these bytes is also what the
 * caches keep, which other servers read: so numbers are little-endian, and reading trusts nothing.
 */
#ifndef CB_SERVICE_WORK_H
#define CB_SERVICE_WORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "service/api.h"

enum { CB_FRAME_MAGIC = 0x6b724f57, CB_FRAME_MAX = 256 << 20 };

struct cb_frame_head {
	uint32_t magic, len;
};

enum cb_work_kind {
	CB_WORK_COMPILE,
	CB_WORK_TYPE,	/* a type of a kernel by its name */
	CB_WORK_FUNCS,	/* functions of a kernel by a pattern */
	CB_WORK_STRUCT, /* the same two and a third in the older clients' shape, see api_lbc.c */
	CB_WORK_LBC_TYPE,
	CB_WORK_LBC_FUNC,
	CB_WORK_BTF,   /* a kernel's BTF as it is, compressed or not */
	CB_WORK_STORE, /* check a BTF that a client has sent, and keep it */
	CB_WORK_INDEX  /* the archive's index, as it is */
};

struct cb_work {
	enum cb_work_kind kind;
	const char *btf;	  /* path of the kernel's raw BTF; "": none */
	const char *digest;	  /* of it, or what it is to be */
	const char *fetch;	  /* the kernel's arch: get it from the archive if it is not there; "": it is there */
	const char *cache_key;	  /* under which the worker is to keep what comes out; "": it is not to */
	struct cb_api_request rq; /* CB_WORK_COMPILE */
	/* what a .so says of itself: see compile/so.h */
	const char *hash, *kernel_version;
	/* what is looked for; ret and arg: of functions with these types */
	const char *pattern, *ret, *arg;
	bool compressed;  /* CB_WORK_BTF */
	const void *data; /* CB_WORK_STORE */
	size_t len;
	/* private: what cb_work_read() allocates */
	struct cb_header *headers;
	const char **flags;
};

void cb_work_write(struct cb_buf *out, const struct cb_work *w);
/* Its texts point into data, each with a zero behind it. -EINVAL; -ENOMEM. cb_work_free() after any. */
int cb_work_read(struct cb_work *w, const void *data, size_t len);
void cb_work_free(struct cb_work *w);

/* An outcome's error: the kernel's BTF could not be had from the archive, for now. */
enum { CB_ERR_NO_KERNEL = 1101 };

struct cb_outcome {
	int err;	     /* 0 or a positive errno, as cb_compile_full() says */
	const char *message; /* the sentence, or "" */
	const void *bytes;   /* object, .so, header, BTF */
	size_t len;
	const char *json;	 /* of an object: its description; of a question: the answer; or "" */
	const char *diagnostics; /* a JSON array, or "" */
	bool fell_back;
	uint64_t slice_ns, clang_ns;
	uint64_t evicted; /* entries that the worker's cache has dropped with this one */
};

void cb_outcome_write(struct cb_buf *out, const struct cb_outcome *o);
/* As cb_work_read(), but nothing is allocated. */
int cb_outcome_read(struct cb_outcome *o, const void *data, size_t len);

/* The first thing that a worker says. */
struct cb_hello {
	int err; /* why it cannot work */
	const char *message;
	const char *compiler; /* clang's version */
	bool isolated, zygote;
};

void cb_hello_write(struct cb_buf *out, const struct cb_hello *h);
int cb_hello_read(struct cb_hello *h, const void *data, size_t len);

#endif
