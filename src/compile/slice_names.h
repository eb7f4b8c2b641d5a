/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* slice_names.h - which names the texts of a program use, and for what. */
#ifndef CB_COMPILE_SLICE_NAMES_H
#define CB_COMPILE_SLICE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "compile/slice.h"

/* What a name may stand for, where the compiler will meet it. */
enum {
	CB_USE_FIELD = 1,	/* a member of a struct */
	CB_USE_PLAIN = 2,	/* a typedef or an enumerator */
	CB_USE_POINTER_TAG = 4, /* "struct NAME *" */
	CB_USE_TAG = 8,		/* "struct NAME" in any other way: a value, sizeof, a definition */
	CB_USE_DECLARED =
		16, /* only in a prototype of a library that is not called: as PLAIN, but nobody looks inside */
};

struct cb_slice_name {
	const char *text;
	uint32_t len, hash;
	uint8_t uses;	/* 0: only in parts of libraries that nobody uses */
	uint32_t parts; /* of libraries, that declare this name: the first one's number + 1, or 0 */
};

struct cb_slice_part; /* a macro, or a declaration, of a library */

struct cb_slice_names {
	struct cb_slice_name *names; /* in the order in which they were met */
	uint32_t count, cap;
	uint32_t *slots; /* number + 1, by hash */
	uint32_t nslots;
	/* Names may be glued together from parts that are not seen here, or relocations ask about whole types: every type
	 * that the program can reach is to be as it is in the kernel. */
	bool exact;
	/* Tags may come without their "struct", as an argument of a macro that puts it there. */
	bool tags_anywhere;
	bool failed; /* no memory */
	/* private */
	struct cb_slice_part *part;
	uint32_t nparts, parts_cap;
	uint32_t *due; /* parts whose text is still to be read */
	uint32_t ndue, due_cap;
};

/* -ENOMEM. cb_slice_names_free() after any. The texts must outlive it. */
int cb_slice_names_of(const struct cb_slice_text *texts, size_t n, struct cb_slice_names *names, struct cb_err *e);
void cb_slice_names_free(struct cb_slice_names *names);

/* What this name is used for; 0 when it is not there. */
uint8_t cb_slice_uses(const struct cb_slice_names *names, const char *text, size_t len);

#endif
