/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * collect.h - what a server must be sent of a source: the user's own headers, under names that mean the same there.
 *
 * A server knows one directory, in which a header is what its name says; here headers stand beside the source and in the
 * directories of -I:
 *
 *	here					sent as
 *	tools/maps.h, beside tools/x.bpf.c	maps.h
 *	tools/net/tcp.h				net/tcp.h
 *	-I tools/include			-Iinclude, its headers include/...
 *	-I /usr/local/include/lib		-I_I1, its headers _I1/... (the second such: _I2)
 *
 * The names depend on nothing outside, so that the same files in another place make the same request. Of what a source
 * includes is sent what there is; what there is not (bpf/bpf_helpers.h, lbc.h) the server has.
 */
#ifndef CB_SERVICE_COLLECT_H
#define CB_SERVICE_COLLECT_H

#include <stddef.h>

#include "base/err.h"
#include "compile/compile.h"

struct cb_collect_root {
	char *dir;  /* as the user named it: "" or ends with a slash */
	char *sent; /* "" or ends with a slash */
};

struct cb_collected {
	struct cb_header *headers; /* in the order of their names; they and their texts are this struct's */
	size_t nheaders;
	char **flags; /* -D, -U, -I and the rest, each in one text, checked; ends with NULL */
	/* private */
	struct cb_collect_root *roots; /* the source's directory, then those of -I */
	size_t nroots, nflags;
	const char *path;
};

/* Of the source at path, whose text this is, with these flags for clang. -EINVAL: a flag or a header's place that a server
 * cannot be given; -E2BIG; -ENOMEM; and what reading a file gives. cb_collected_free() after any. */
int cb_collect(struct cb_collected *c, const char *path, const char *text, size_t len, const char *const *cflags,
	       struct cb_err *e);
/* The user's own name (malloc'd) of a file that the server names; NULL without memory. */
char *cb_collected_name(const struct cb_collected *c, const char *sent);
void cb_collected_free(struct cb_collected *c);

#endif
