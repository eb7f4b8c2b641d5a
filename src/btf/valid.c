// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * valid.c - see valid.h.
 *
 * libbpf 1.1 believes the ids and offsets inside BTF: a type that refers to one that is not there makes it crash later,
 * and a typedef of itself makes it loop for ever. So the whole is checked here once, in one pass that costs a fraction
 * of what libbpf's own parsing does. What libbpf's parsing has checked already: that each record and the strings are
 * inside, and, by turning it, BTF in the byte order of another machine.
 */
#include "btf/valid.h"

#include <errno.h>
#include <stdint.h>

/* Corrupt names are offsets outside the strings. */
static bool has_name(const struct btf *btf, uint32_t offset)
{
	return btf__name_by_offset(btf, offset);
}

/* What one type may refer to, as far as ids and names go. */
static bool references_inside(const struct btf *btf, const struct btf_type *t, uint32_t count)
{
	const struct btf_member *m = btf_members(t);
	const struct btf_enum *en = btf_enum(t);
	const struct btf_enum64 *en64 = btf_enum64(t);
	const struct btf_param *p = btf_params(t);
	const struct btf_var_secinfo *s = btf_var_secinfos(t);
	uint16_t vlen = btf_vlen(t);
	bool ok = has_name(btf, t->name_off);

	switch (btf_kind(t)) {
	case BTF_KIND_ARRAY:
		return ok && btf_array(t)->type < count && btf_array(t)->index_type < count;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		for (uint16_t i = 0; i < vlen; i++)
			ok = ok && has_name(btf, m[i].name_off) && m[i].type < count;
		return ok;
	case BTF_KIND_ENUM:
		for (uint16_t i = 0; i < vlen; i++)
			ok = ok && has_name(btf, en[i].name_off);
		return ok;
	case BTF_KIND_ENUM64:
		for (uint16_t i = 0; i < vlen; i++)
			ok = ok && has_name(btf, en64[i].name_off);
		return ok;
	case BTF_KIND_FUNC_PROTO:
		for (uint16_t i = 0; i < vlen; i++)
			ok = ok && has_name(btf, p[i].name_off) && p[i].type < count;
		return ok && t->type < count;
	case BTF_KIND_DATASEC:
		for (uint16_t i = 0; i < vlen; i++)
			ok = ok && s[i].type < count;
		return ok;
	case BTF_KIND_INT:
	case BTF_KIND_FLOAT:
	case BTF_KIND_FWD:
		return ok;
	default:
		return ok && t->type < count;
	}
}

/* Chains of typedefs, modifiers, arrays and pointers end: at a type of another kind, at void, or at a named type that a
 * pointer on the way makes a legal one (struct). A chain that is longer than any compiler makes is a circle. */
static bool chain_ends(const struct btf *btf, uint32_t id)
{
	for (int steps = 0; steps < 64; steps++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		if (!t)
			return false;
		if (btf_is_array(t))
			id = btf_array(t)->type;
		else if (btf_is_ptr(t) || btf_is_typedef(t) || btf_is_mod(t))
			id = t->type;
		else
			return true;
	}
	return false;
}

/* libbpf keeps the size of a variable in an int, and takes a negative one for an error. (The BTF of some old kernels has
 * structs of 4 GB, which nobody uses.) */
static bool variable_fits(const struct btf *btf, uint32_t id)
{
	return !btf_is_var(btf__type_by_id(btf, id)) || btf__resolve_size(btf, id) <= INT32_MAX;
}

static int check(const struct btf *btf, struct cb_err *e)
{
	uint32_t count = btf__type_cnt(btf);

	for (uint32_t id = 1; id < count; id++)
		if (!references_inside(btf, btf__type_by_id(btf, id), count) || !chain_ends(btf, id))
			return cb_fail(e, EINVAL, "corrupt BTF: type %u refers to what is not there, or to itself", id);
	for (uint32_t id = 1; id < count; id++)
		if (!variable_fits(btf, id))
			return cb_fail(e, EINVAL, "corrupt BTF: the variable %u is larger than any memory", id);
	return 0;
}

struct btf *cb_btf_parse(const void *data, size_t size, struct cb_err *e)
{
	struct btf *btf = size > UINT32_MAX ? NULL : btf__new(data, (uint32_t)size);
	int err;

	if (!btf) {
		err = errno == ENOMEM ? ENOMEM : EINVAL;
		cb_fail(e, err, err == ENOMEM ? "out of memory" : "corrupt BTF");
	} else {
		err = -check(btf, e);
	}
	if (err) {
		btf__free(btf);
		errno = err;
		return NULL;
	}
	return btf;
}
