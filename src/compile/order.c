// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * order.c - see order.h.
 *
 * LLVM numbers some types in the order of their addresses in the compiler's memory, which changes with the lengths of
 * file names (seen with LLVM 19). So they are numbered anew, each at the first time that somebody comes to it who goes
 *
 *   through the variables, functions and sections, then the types that CO-RE relocations name, in their order, which is
 *   the source's; and from each type, before going on, into all that it refers to, in the order of its members
 *
 * and then the tags of what has been numbered, and what nobody has come to. Only ids change: the records keep their
 * sizes and the names their places.
 */
#include "compile/order.h"

#include <bpf/btf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "btf/bytes.h"
#include "btf/ext.h"

struct order {
	struct cb_btf_view v;
	size_t *offset;	  /* of a type, by id; one more for the end */
	uint32_t *new_id; /* by id; 0: not numbered yet */
	uint32_t *ids;	  /* by new id - 1 */
	uint32_t *stack;  /* ids to go into */
	uint32_t count;	  /* of types, with void */
	uint32_t numbered;
};

static struct btf_type *type_of(const struct order *o, uint32_t id)
{
	return (struct btf_type *)(o->v.types + o->offset[id]);
}

/* The i-th id in a record, or NULL behind the last. */
static uint32_t *reference(struct btf_type *t, size_t i)
{
	size_t vlen = btf_vlen(t);

	switch (btf_kind(t)) {
	case BTF_KIND_PTR:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
	case BTF_KIND_FUNC:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return i ? NULL : &t->type;
	case BTF_KIND_ARRAY:
		return i == 0 ? &btf_array(t)->type : i == 1 ? &btf_array(t)->index_type : NULL;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return i < vlen ? &btf_members(t)[i].type : NULL;
	case BTF_KIND_FUNC_PROTO:
		return i == 0 ? &t->type : i <= vlen ? &btf_params(t)[i - 1].type : NULL;
	case BTF_KIND_DATASEC:
		return i < vlen ? &btf_var_secinfos(t)[i].type : NULL;
	default:
		return NULL;
	}
}

static void number(struct order *o, uint32_t id)
{
	o->new_id[id] = ++o->numbered;
	o->ids[o->numbered - 1] = id;
}

/* Number this type and what can be reached from it. The stack has room: it holds each reference at most once. */
static void go_into(struct order *o, uint32_t id)
{
	size_t depth = 0;

	o->stack[depth++] = id;
	while (depth) {
		struct btf_type *t;
		size_t n = 0;

		id = o->stack[--depth];
		if (!id || o->new_id[id])
			continue;
		number(o, id);
		t = type_of(o, id);
		while (reference(t, n))
			n++;
		while (n--)
			o->stack[depth++] = *reference(t, n);
	}
}

/* Of a function or a relocation: behind the offset of an instruction. */
static uint32_t record_id(const unsigned char *record)
{
	uint32_t id;

	memcpy(&id, record + sizeof(uint32_t), sizeof(id));
	return id;
}

static int go_into_record(void *ctx, unsigned char *record)
{
	struct order *o = ctx;
	uint32_t id = record_id(record);

	if (id >= o->count)
		return -1;
	go_into(o, id);
	return 0;
}

static int renumber_record(void *ctx, unsigned char *record)
{
	const struct order *o = ctx;

	memcpy(record + sizeof(uint32_t), &o->new_id[record_id(record)], sizeof(uint32_t));
	return 0;
}

/* Tags follow the order of what they are on; several on one thing are in the source's order already. One that has been come
 * to has its number: no compiler refers to a tag, but who writes BTF by hand can. */
static bool number_tags(struct order *o)
{
	uint32_t *first = calloc(2 * (size_t)o->count, sizeof(*first)), *next = first ? first + o->count : NULL;
	uint32_t numbered = o->numbered;

	if (!first)
		return false;
	for (uint32_t id = o->count; id-- > 1;) {
		uint32_t on = type_of(o, id)->type;

		if (!btf_is_decl_tag(type_of(o, id)) || o->new_id[id])
			continue;
		next[id] = first[on];
		first[on] = id;
	}
	for (uint32_t i = 0; i < numbered; i++)
		for (uint32_t id = first[o->ids[i]]; id; id = next[id])
			number(o, id);
	free(first);
	return true;
}

static bool number_all(struct order *o, void *ext, size_t ext_size)
{
	for (uint32_t id = 1; id < o->count; id++)
		if (btf_is_var(type_of(o, id)) || btf_is_func(type_of(o, id)) || btf_is_datasec(type_of(o, id)))
			go_into(o, id);
	if (cb_btf_ext_each(ext, ext_size, CB_EXT_FUNCTIONS, 8, go_into_record, o, NULL) ||
	    cb_btf_ext_each(ext, ext_size, CB_EXT_RELOCATIONS, 8, go_into_record, o, NULL))
		return false;
	if (!number_tags(o))
		return false;
	for (uint32_t id = 1; id < o->count; id++)
		go_into(o, id);
	return true;
}

/* Find the types, and room for as many references as there are. */
static bool read_types(struct order *o)
{
	size_t most = o->v.types_len / sizeof(struct btf_type) + 2, at = 0, references = 1;

	o->offset = calloc(most, sizeof(*o->offset));
	o->new_id = calloc(most, sizeof(*o->new_id));
	o->ids = calloc(most, sizeof(*o->ids));
	if (!o->offset || !o->new_id || !o->ids)
		return false;
	o->count = 1;
	for (size_t here = 0; cb_btf_next(&o->v, &at); here = at)
		o->offset[o->count++] = here;
	o->offset[o->count] = at;
	if (at != o->v.types_len)
		return false;
	for (uint32_t id = 1; id < o->count; id++)
		for (size_t i = 0; reference(type_of(o, id), i); i++, references++)
			if (*reference(type_of(o, id), i) >= o->count)
				return false;
	o->stack = calloc(references, sizeof(*o->stack));
	return o->stack;
}

static bool write_types(struct order *o)
{
	unsigned char *types = malloc(o->v.types_len + 1), *p = types;

	if (!types)
		return false;
	for (uint32_t i = 0; i < o->numbered; i++) {
		uint32_t id = o->ids[i], *to;
		size_t len = o->offset[id + 1] - o->offset[id];

		memcpy(p, type_of(o, id), len);
		for (size_t k = 0; (to = reference((struct btf_type *)p, k)); k++)
			*to = o->new_id[*to];
		p += len;
	}
	memcpy((void *)o->v.types, types, o->v.types_len);
	free(types);
	return true;
}

void cb_order_types(void *btf, size_t btf_size, void *ext, size_t ext_size)
{
	struct order o = {0};

	if (!cb_btf_view(btf, btf_size, &o.v, NULL) && read_types(&o) && number_all(&o, ext, ext_size) &&
	    write_types(&o)) {
		/* number_all() has seen that these are right */
		cb_btf_ext_each(ext, ext_size, CB_EXT_FUNCTIONS, 8, renumber_record, &o, NULL);
		cb_btf_ext_each(ext, ext_size, CB_EXT_RELOCATIONS, 8, renumber_record, &o, NULL);
	}
	free(o.offset);
	free(o.new_id);
	free(o.ids);
	free(o.stack);
}
