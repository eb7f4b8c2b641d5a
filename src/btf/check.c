// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * check.c - see check.h.
 *
 *   pass 1   where each record stands; that it is whole is cb_btf_next()'s part
 *   pass 2   ids and names that one record holds
 *   pass 3   what the declaration of a type contains, depth first: it ends, its members have sizes and are inside it,
 *            how it is aligned
 *   pass 4   variables
 */
#include "btf/check.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/ints.h"

/* What stands in the declaration of a type. */
struct nest {
	uint32_t weight; /* types, each as often as it stands there; 0: not known yet */
	uint16_t height; /* of them inside each other; without a weight, 1: being found out */
	/* behind typedefs, modifiers, arrays: */
	bool sized; /* it has a size, if perhaps 0: void, functions and what is only declared have none */
	bool pointer;
};

struct checker {
	const struct cb_btf_view *v;
	struct cb_btf_table *table;
	struct nest *nests; /* two for each type: itself, and as what is pointed to */
	struct cb_err *e;
};

static const struct nest *nest_of(struct checker *c, uint32_t id, bool pointed, int depth);

static const struct btf_type *type_of(const struct checker *c, uint32_t id)
{
	return (const void *)(c->v->types + c->table->offsets[id]);
}

static int bad_reference(const struct checker *c, uint32_t id)
{
	return cb_fail(c->e, EINVAL, "corrupt BTF: type %u refers to what is not there, or to itself", id);
}

static int too_large(const struct checker *c, uint32_t id)
{
	return cb_fail(c->e, EINVAL, "corrupt BTF: the declaration of type %u is too large", id);
}

/* ---- Records ---------------------------------------------------------------------------------------------------- */

static int find_records(struct checker *c)
{
	size_t most = c->v->types_len / sizeof(struct btf_type) + 1, at = 0;
	struct cb_btf_table *table = c->table;

	if (most > CB_BTF_TYPES_MAX) {
		cb_fail(c->e, EINVAL, "corrupt BTF: more than %d types", CB_BTF_TYPES_MAX);
		return -EINVAL;
	}
	table->offsets = malloc(most * sizeof(*table->offsets));
	table->aligns = calloc(most, 1);
	c->nests = calloc(most, 2 * sizeof(*c->nests));
	if (!table->offsets || !table->aligns || !c->nests) {
		cb_fail(c->e, ENOMEM, "out of memory");
		return -ENOMEM;
	}
	table->offsets[0] = 0;
	table->count = 1;
	for (size_t here = 0; cb_btf_next(c->v, &at); here = at)
		table->offsets[table->count++] = (uint32_t)here;
	if (at != c->v->types_len)
		return cb_fail(c->e, EINVAL, "corrupt BTF: type %u is cut, or of an unknown kind", table->count);
	return 0;
}

static bool is_name(const struct checker *c, uint32_t offset)
{
	return offset < c->v->strs_len;
}

/* May this type be that of a member, an element, a parameter? Not a function, a variable, a section, a tag. */
static bool is_value(const struct checker *c, uint32_t id)
{
	if (!id)
		return true;
	if (id >= c->table->count)
		return false;
	switch (btf_kind(type_of(c, id))) {
	case BTF_KIND_FUNC:
	case BTF_KIND_VAR:
	case BTF_KIND_DATASEC:
	case BTF_KIND_DECL_TAG:
		return false;
	default:
		return true;
	}
}

static bool record_holds(const struct checker *c, const struct btf_type *t)
{
	uint16_t vlen = btf_vlen(t);
	bool ok = is_name(c, t->name_off);

	switch (btf_kind(t)) {
	case BTF_KIND_INT:
	case BTF_KIND_FLOAT:
		return ok && t->size && t->size <= 16;
	case BTF_KIND_FWD:
		return ok;
	case BTF_KIND_ARRAY:
		return ok && btf_array(t)->type && is_value(c, btf_array(t)->type) &&
		       is_value(c, btf_array(t)->index_type);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		for (uint16_t i = 0; i < vlen && ok; i++)
			ok = is_name(c, btf_members(t)[i].name_off) && btf_members(t)[i].type &&
			     is_value(c, btf_members(t)[i].type);
		return ok;
	case BTF_KIND_ENUM:
		for (uint16_t i = 0; i < vlen && ok; i++)
			ok = is_name(c, btf_enum(t)[i].name_off);
		return ok && t->size && t->size <= 8 && !(t->size & (t->size - 1));
	case BTF_KIND_ENUM64:
		for (uint16_t i = 0; i < vlen && ok; i++)
			ok = is_name(c, btf_enum64(t)[i].name_off);
		return ok && t->size && t->size <= 8 && !(t->size & (t->size - 1));
	case BTF_KIND_FUNC_PROTO:
		for (uint16_t i = 0; i < vlen && ok; i++)
			ok = is_name(c, btf_params(t)[i].name_off) && is_value(c, btf_params(t)[i].type);
		return ok && is_value(c, t->type);
	case BTF_KIND_DATASEC:
		for (uint16_t i = 0; i < vlen && ok; i++)
			ok = btf_var_secinfos(t)[i].type < c->table->count;
		return ok;
	case BTF_KIND_FUNC:
	case BTF_KIND_DECL_TAG:
		return ok && t->type < c->table->count;
	default: /* pointers, modifiers, typedefs, variables */
		return ok && is_value(c, t->type);
	}
}

/* ---- Sizes ------------------------------------------------------------------------------------------------------ */

uint64_t cb_btf_size(const struct cb_btf_view *v, const uint32_t *offsets, uint32_t id)
{
	unsigned __int128 n = 1;

	for (int steps = 0; id && steps < CB_BTF_NEST_MAX; steps++) {
		const struct btf_type *t = (const void *)(v->types + offsets[id]);

		switch (btf_kind(t)) {
		case BTF_KIND_ARRAY:
			n *= btf_array(t)->nelems;
			if (n > UINT64_MAX >> 32)
				return UINT64_MAX;
			id = btf_array(t)->type;
			break;
		case BTF_KIND_TYPEDEF:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_CONST:
		case BTF_KIND_RESTRICT:
		case BTF_KIND_TYPE_TAG:
			id = t->type;
			break;
		case BTF_KIND_PTR:
			return (uint64_t)n * 8;
		case BTF_KIND_FWD:
		case BTF_KIND_FUNC_PROTO:
			return 0;
		default:
			return (uint64_t)n * t->size;
		}
	}
	return 0;
}

/* ---- Nesting ---------------------------------------------------------------------------------------------------- */

static int add(struct checker *c, struct nest *to, uint32_t id, bool pointed, int depth)
{
	const struct nest *n = nest_of(c, id, pointed, depth);

	if (!n)
		return -EINVAL;
	to->height = n->height >= to->height ? n->height + 1 : to->height;
	to->weight += n->weight;
	to->sized = n->sized;
	to->pointer = n->pointer;
	return to->weight > CB_BTF_NEST_TYPES ? too_large(c, id) : 0;
}

static bool is_inside(const struct checker *c, const struct btf_type *t, uint16_t i, bool pointer)
{
	uint64_t at = btf_member_bit_offset(t, i), end = t->size * UINT64_C(8), size;

	if (btf_member_bitfield_size(t, i))
		return at + btf_member_bitfield_size(t, i) <= end;
	size = cb_btf_size(c->v, c->table->offsets, btf_members(t)[i].type);
	if (pointer) /* to cb_btf_size() of 8 bytes; of 4 in a 32-bit kernel */
		size /= 2;
	return size <= t->size && at + size * 8 <= end;
}

/* The kernel refuses members without a size, or outside of their struct, in a program's BTF, too. libbpf 1.1 divides by the
 * alignment of the first, which it takes for 0, and fills the gap before the others. */
static int add_members(struct checker *c, struct nest *to, uint32_t id, int depth)
{
	const struct btf_type *t = type_of(c, id);
	int err = 0;

	for (uint16_t i = 0; i < btf_vlen(t) && !err; i++) {
		err = add(c, to, btf_members(t)[i].type, false, depth);
		if (!err && !to->sized)
			err = cb_fail(c->e, EINVAL, "corrupt BTF: type %u has a member without a size", id);
		else if (!err && !is_inside(c, t, i, to->pointer))
			err = cb_fail(c->e, EINVAL, "corrupt BTF: type %u has a member outside of it", id);
	}
	return err;
}

/* All that stands in the declaration of a type. pointed: it is for a pointer, for which the name of a struct will do. */
static int add_parts(struct checker *c, struct nest *to, uint32_t id, bool pointed, int depth)
{
	const struct btf_type *t = type_of(c, id);
	int err;

	switch (btf_kind(t)) {
	case BTF_KIND_PTR:
		return add(c, to, t->type, true, depth);
	case BTF_KIND_ARRAY:
		return add(c, to, btf_array(t)->type, false, depth);
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		return add(c, to, t->type, pointed, depth);
	case BTF_KIND_FUNC_PROTO:
		err = add(c, to, t->type, pointed, depth);
		for (uint16_t i = 0; i < btf_vlen(t) && !err; i++)
			err = add(c, to, btf_params(t)[i].type, pointed, depth);
		return err;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return pointed && t->name_off ? 0 : add_members(c, to, id, depth);
	default:
		return 0;
	}
}

static uint8_t align_of_composite(const struct checker *c, const struct btf_type *t)
{
	uint8_t most = 1;
	bool packed = false;

	for (uint16_t i = 0; i < btf_vlen(t); i++) {
		uint8_t align = c->table->aligns[btf_members(t)[i].type];

		if (!btf_member_bitfield_size(t, i) && btf_member_bit_offset(t, i) % (8U * align))
			packed = true;
		most = align > most ? align : most;
	}
	return packed || t->size % most ? 1 : most;
}

/* Of a type whose parts have theirs. */
static uint8_t align_of(const struct checker *c, const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
	case BTF_KIND_FLOAT:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return t->size & (t->size - 1) ? 1 : t->size > 8 ? 8 : (uint8_t)t->size;
	case BTF_KIND_PTR:
		return 8;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return align_of_composite(c, t);
	case BTF_KIND_ARRAY:
		return c->table->aligns[btf_array(t)->type];
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		return c->table->aligns[t->type];
	default:
		return 1;
	}
}

/* NULL: an error, which has been told. */
static const struct nest *nest_of(struct checker *c, uint32_t id, bool pointed, int depth)
{
	struct nest *known = &c->nests[2 * (size_t)id + pointed], n = {.weight = 1};
	const struct btf_type *t;

	if (known->weight)
		return known;
	if (known->height) {
		bad_reference(c, id);
		return NULL;
	}
	if (depth > CB_BTF_NEST_MAX) {
		too_large(c, id);
		return NULL;
	}
	known->height = 1; /* it is being looked at */
	if (add_parts(c, &n, id, pointed, depth + 1) || (n.height > CB_BTF_NEST_MAX && too_large(c, id)))
		return NULL;
	t = type_of(c, id);
	if (!btf_is_array(t) && !btf_is_typedef(t) && !btf_is_mod(t)) {
		n.sized = !btf_is_fwd(t) && !btf_is_func_proto(t);
		n.pointer = btf_is_ptr(t);
	}
	*known = n;
	if (!pointed)
		c->table->aligns[id] = align_of(c, t);
	return known;
}

static int find_nests(struct checker *c)
{
	int err = 0;

	c->nests[0] = c->nests[1] = (struct nest){.weight = 1}; /* void */
	c->table->aligns[0] = 1;
	for (uint32_t id = 1; id < c->table->count && !err; id++)
		err = nest_of(c, id, false, 0) ? 0 : -EINVAL;
	return err;
}

/* ---- All of it -------------------------------------------------------------------------------------------------- */

int cb_btf_check(const struct cb_btf_view *v, struct cb_btf_table *table, struct cb_err *e)
{
	struct checker c = {.v = v, .table = table, .e = e};
	int err;

	*table = (struct cb_btf_table){0};
	err = find_records(&c);
	for (uint32_t id = 1; !err && id < table->count; id++)
		if (!record_holds(&c, type_of(&c, id)))
			err = bad_reference(&c, id);
	if (!err)
		err = find_nests(&c);
	free(c.nests);
	/* libbpf keeps a variable's size in an int, and takes a negative one for an error; structs of 4 GB, which nobody uses, are in
	 * the BTF of some old kernels */
	for (uint32_t id = 1; !err && id < table->count; id++)
		if (btf_is_var(type_of(&c, id)) && cb_btf_size(v, table->offsets, type_of(&c, id)->type) > INT32_MAX)
			err = cb_fail(e, EINVAL, "corrupt BTF: the variable %u is larger than any memory", id);
	return err;
}

void cb_btf_table_free(struct cb_btf_table *table)
{
	free(table->offsets);
	free(table->aligns);
	*table = (struct cb_btf_table){0};
}

/* ---- For libbpf ------------------------------------------------------------------------------------------------- */

/* As libbpf has it, in this machine's byte order: from the other one libbpf has turned it. */
static int check_parsed(struct btf *btf, struct cb_err *e)
{
	struct cb_btf_table table = {0};
	struct cb_btf_view v;
	const void *raw;
	__u32 size;
	int err;

	err = btf__set_endianness(btf, CB_BIG_ENDIAN ? BTF_BIG_ENDIAN : BTF_LITTLE_ENDIAN);
	raw = err ? NULL : btf__raw_data(btf, &size);
	if (!raw)
		return cb_fail(e, ENOMEM, "out of memory");
	err = cb_btf_view(raw, size, &v, e);
	if (!err)
		err = cb_btf_check(&v, &table, e);
	cb_btf_table_free(&table);
	return err;
}

struct btf *cb_btf_parse(const void *data, size_t size, struct cb_err *e)
{
	struct btf *btf = size > UINT32_MAX ? NULL : btf__new(data, (uint32_t)size);
	int err;

	if (!btf)
		err = errno == ENOMEM ? cb_fail(e, ENOMEM, "out of memory") : cb_fail(e, EINVAL, "corrupt BTF");
	else
		err = check_parsed(btf, e);
	if (!err)
		return btf;
	btf__free(btf);
	errno = -err;
	return NULL;
}
