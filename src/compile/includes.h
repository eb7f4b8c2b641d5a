/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * includes.h - the headers that a source includes, and those that they include.
 *
 * Found as a compiler would find them, by a text that is only skimmed: both sides of an #if are followed, so that there may
 * be more than a compiler reads, and what a macro names is not known.
 */
#ifndef CB_COMPILE_INCLUDES_H
#define CB_COMPILE_INCLUDES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum {
	CB_INCLUDES_MAX = 1024,	      /* files */
	CB_INCLUDES_DEPTH = 64,	      /* of files that include each other */
	CB_INCLUDES_BYTES = 32 << 20, /* of all files */
	CB_INCLUDES_PLACES = 16
};

/* Where headers are looked for, in this order. */
struct cb_include_place {
	/* The text of a header, or NULL: "net/tcp.h". It belongs to the place and is used until cb_includes_free(). */
	const char *(*find)(void *ctx, const char *name, size_t *len);
	void *ctx;
	int dir;      /* without find: a directory; -1: nothing */
	bool inside;  /* the text is a stranger's: no name may lead out of dir, be it absolute or by ".." */
	bool quoted;  /* only #include "..." looks here */
	bool library; /* not written for this program: see slice.h */
};

struct cb_included {
	char *name; /* in its place */
	const char *text;
	size_t len;
	bool library;
	/* private */
	char *owned;
	int place, depth;
	unsigned long long device, inode;
};

struct cb_includes {
	struct cb_included *list; /* each file once, in the order of discovery */
	size_t n;
	/* Names that were found nowhere: for another compiler, or another machine; or an error that the compiler will
	 * report. Each once. */
	char **missing;
	size_t nmissing;
	bool unknown; /* some #include names its file by a macro */
	/* private */
	size_t bytes;
};

/* Of the source text. base: the place of its own directory, an index of places, or -1. -E2BIG past one of the limits;
 * -ENOMEM. cb_includes_free() after any. A file that cannot be read is not there. */
int cb_includes_of(const char *text, size_t len, int base, const struct cb_include_place *places, size_t nplaces,
		   struct cb_includes *out, struct cb_err *e);
void cb_includes_free(struct cb_includes *in);

bool cb_includes_misses(const struct cb_includes *in, const char *name);

#endif
