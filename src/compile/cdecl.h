/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * cdecl.h - BTF types as C declarations for Python's cffi.
 *
 * cffi lays structures out by itself, as gcc does, knows no attributes, and tells its users the types of members by
 * name. So the text holds only what clients (pylcc's CffiTrans) can turn into Python's values: integers by their own C
 * names, without typedefs; numbers for enums, pointers and bool; char arrays. And the layout is made right without
 * attributes: nameless bit fields and arrays fill gaps, and what stands where its type may not (in a packed structure) is
 * an array of bytes.
 */
#ifndef CB_COMPILE_CDECL_H
#define CB_COMPILE_CDECL_H

#include <bpf/btf.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hmap.h"

struct cb_cdecl {
	const struct btf *btf; /* from cb_btf_parse() */
	struct cb_buf text;    /* the declarations, in an order in which they may stand */
	struct cb_hmap names;  /* "struct x" -> id; an id -> what is known of it */
	unsigned int budget;   /* members that may still be written: types from outside may unfold without end */
	struct cb_err *err;
};

void cb_cdecl_init(struct cb_cdecl *d, const struct btf *btf, struct cb_err *e);
void cb_cdecl_free(struct cb_cdecl *d);

/* Declare the type, and append to name what cffi knows it by: "unsigned int", "struct data", "char[16]". A structure without a
 * name gets that of its typedef, else the given tag. -EINVAL: a type without a size, or no C; -E2BIG; -ENOMEM. */
int cb_cdecl_type(struct cb_cdecl *d, __u32 id, const char *tag, struct cb_buf *name);

#endif
