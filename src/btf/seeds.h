/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* seeds.h - the kernel types that an object's CO-RE relocations name. */
#ifndef CB_BTF_SEEDS_H
#define CB_BTF_SEEDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct cb_btf_seed {
	char *name; /* what is before the flavour: "task_struct" for task_struct___old */
	size_t len;
	int kind;   /* BTF_KIND_*, with ENUM for ENUM64 too */
	bool found; /* for the user of the list */
	int next;   /* the seed after this one whose name begins with the same byte, or -1 */
};

struct cb_btf_seeds {
	struct cb_btf_seed *list;
	size_t n;
	int first[256]; /* by the first byte of the name, or -1 */
};

/* From the bytes of an ELF object. 0, and n is 0 when it has no CO-RE relocations; -ENOTSUP when one of them cannot be
 * answered from the types of these names alone (e says why); -EINVAL, -ENOMEM. cb_btf_seeds_free() after any of them. */
int cb_btf_seeds_of(const void *object, size_t size, struct cb_btf_seeds *s, struct cb_err *e);
void cb_btf_seeds_free(struct cb_btf_seeds *s);

/* The seed that a kernel type of this kind and name (not empty) answers, or NULL. */
struct cb_btf_seed *cb_btf_seeds_find(const struct cb_btf_seeds *s, int kind, const char *name);

#endif
