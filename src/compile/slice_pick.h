/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* slice_pick.h - which of a kernel's types a program needs, and how much of each. */
#ifndef CB_COMPILE_SLICE_PICK_H
#define CB_COMPILE_SLICE_PICK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "btf/index.h"
#include "compile/slice_names.h"

/* How much of a type is needed. */
enum cb_need {
	CB_NEED_NAME,	 /* that it is declared */
	CB_NEED_REACHED, /* a struct or union that is reached through pointers only, and is too large to be a value: of the
			  * members that the program has no name for, their places */
	CB_NEED_WHOLE,
};

enum {
	CB_BPF_STACK = 512,  /* bytes: no program has a larger value in a variable */
	CB_SLICE_NESTED = 64 /* levels of what has no name and stands inside each other, and of functions' parameters */
};

struct cb_picked {
	uint32_t id;
	uint8_t need;
	uint8_t state; /* the writer's */
};

struct cb_picks {
	const struct cb_btf_index *ix;
	const struct cb_slice_names *names;
	struct cb_picked *list; /* in the order of discovery */
	uint32_t count, cap;
	uint32_t *slots; /* number + 1, by id */
	uint32_t nslots;
	/* private */
	uint32_t *due;
	uint32_t ndue, due_cap;
	bool failed;
};

/* -ENOMEM; -EINVAL the BTF is corrupt there. cb_picks_free() after any. */
int cb_picks_of(const struct cb_btf_index *ix, const struct cb_slice_names *names, struct cb_picks *p,
		struct cb_err *e);
void cb_picks_free(struct cb_picks *p);

/* The struct, union, enum, typedef (or prototype) of this id; NULL when it was not picked. */
struct cb_picked *cb_picks_find(const struct cb_picks *p, uint32_t id);

/* Is there a struct or union to be defined? */
bool cb_picks_any_record(const struct cb_picks *p);

/* Does the program have a name for this member? */
bool cb_picks_field(const struct cb_picks *p, const struct btf_member *m);

#endif
