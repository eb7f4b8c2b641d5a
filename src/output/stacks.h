/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* stacks.h - the tree of calls that stacks.c grows and svg.c draws; for this room only. */
#ifndef CB_OUTPUT_STACKS_H
#define CB_OUTPUT_STACKS_H

#include "base/hmap.h"
#include "output/output.h"

/* A frame's name, once for all places where it stands: UTF-8 without ';' and control characters. */
struct cb_frame_name {
	size_t len;
	char text[]; /* and a zero */
};

/* A function, called the way that leads from the root to it. */
struct cb_call {
	const struct cb_frame_name *name; /* NULL: the root */
	uint64_t weight;		  /* of the stacks that end here */
	uint32_t parent;		  /* stands before its children in the list */
	uint32_t hash;			  /* of parent and name */
};

struct cb_stacks {
	struct cb_call *calls; /* the root is at 0 */
	uint32_t n, cap;
	uint32_t *index;      /* of calls, by their hash, linear probing; 0: free */
	size_t index_cap;     /* a power of two; at most half of it is used */
	size_t ends;	      /* calls with a weight */
	uint64_t total;	      /* of all weights */
	struct cb_hmap names; /* text -> struct cb_frame_name */
	struct cb_buf clean;  /* a name that had to be changed */
};

/* The next frame inwards from a call (0: the outermost). Returns the call, or -ENOMEM. */
int64_t cb_stacks_step(struct cb_stacks *s, uint32_t from, const char *name, size_t len);
/* A stack ends at this call, which is not the root. */
void cb_stacks_end(struct cb_stacks *s, uint32_t call, uint64_t weight);

#endif
