/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * check.h - is BTF what it should be? libbpf 1.1 believes the ids and offsets inside it: a type that refers to one that is not
 * there makes it crash later, and a typedef of itself makes it loop for ever. So does whatever here reads types.
 */
#ifndef CB_BTF_CHECK_H
#define CB_BTF_CHECK_H

#include <linux/btf.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "btf/bytes.h"

struct btf;

enum {
	/* What stands in the declaration of one type: libbpf writes it by recursion, and again for each time that it stands
	 * there. Of fourteen kernels, 3.10 to 6.18 and arm64, none has more than 34 types inside each other, nor 5500 in all. */
	CB_BTF_NEST_MAX = 256,
	CB_BTF_NEST_TYPES = 128 << 10,
	CB_BTF_TYPES_MAX = 16 << 20
};

/* What cb_btf_check() finds out. */
struct cb_btf_table {
	uint32_t *offsets; /* of each type in v->types, by id; [0] is void, which is nowhere */
	uint8_t *aligns;   /* of each type, in bytes: see cb_btf_check() */
	uint32_t count;	   /* of types, with void */
};

/* 0 when every record of v is whole and of a known kind; every name inside the strings; every id one of a type that may
 * stand there; every member inside its struct, and of a type with a size, if perhaps 0; no type is part of its own
 * declaration, nor has that too many parts (CB_BTF_NEST_MAX, CB_BTF_NEST_TYPES): what it contains by value, and what
 * pointers lead to, as far as the name of a struct or union; and no variable is larger than any memory. -EINVAL with a
 * sentence, -ENOMEM. cb_btf_table_free() after any.
 *
 * Alignments are those by which libbpf writes types as C: the natural one, at most that of a pointer (8 bytes), or 1 for a
 * struct or union whose layout contradicts that. 1 also for what has no size. */
int cb_btf_check(const struct cb_btf_view *v, struct cb_btf_table *table, struct cb_err *e);
/* The size of a type in bytes, behind typedefs, modifiers and arrays; 0 for what has none, UINT64_MAX for an array of more
 * elements than any memory holds. Of BTF that cb_btf_check() has accepted. */
uint64_t cb_btf_size(const struct cb_btf_view *v, const uint32_t *offsets, uint32_t id);
void cb_btf_table_free(struct cb_btf_table *table);

/* libbpf's view of BTF, of this machine's byte order or the other, that cb_btf_check() has accepted. NULL with errno (EINVAL,
 * ENOMEM) and a sentence without the name of the file, which the caller knows. Free with btf__free(). */
struct btf *cb_btf_parse(const void *data, size_t size, struct cb_err *e);

#endif
