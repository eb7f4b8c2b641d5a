// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * kernel.c - see kernel.h.
 *
 * libbpf 1.1 believes the ids and offsets inside BTF: a type that refers to one that is not there makes it crash later,
 * and a typedef of itself makes it loop for ever. So the whole is checked here once, in one pass that costs a fraction
 * of what libbpf's own parsing does.
 */
#include "btf/kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btf/bytes.h"

static const char RUNNING[] = "/sys/kernel/btf/vmlinux";

const char *cb_btf_kernel_path(const char *path)
{
	const char *custom;

	if (path)
		return path;
	custom = getenv("BPF_CUSTOM_BTF");
	return custom && *custom ? custom : RUNNING;
}

bool cb_btf_kernel_is_running(const char *path)
{
	return !strcmp(path, RUNNING);
}

/* What one type may refer to, as far as ids and names go. */
static bool references_inside(const struct cb_btf_view *v, const struct btf_type *t, uint32_t count)
{
	const struct btf_member *m = btf_members(t);
	const struct btf_enum *en = btf_enum(t);
	const struct btf_enum64 *en64 = btf_enum64(t);
	const struct btf_param *p = btf_params(t);
	const struct btf_var_secinfo *s = btf_var_secinfos(t);
	uint16_t vlen = btf_vlen(t);
	bool ok = t->name_off < v->strs_len;

	switch (btf_kind(t)) {
	case BTF_KIND_ARRAY:
		return ok && btf_array(t)->type < count && btf_array(t)->index_type < count;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		for (uint16_t i = 0; i < vlen; i++)
			ok = ok && m[i].name_off < v->strs_len && m[i].type < count;
		return ok;
	case BTF_KIND_ENUM:
		for (uint16_t i = 0; i < vlen; i++)
			ok = ok && en[i].name_off < v->strs_len;
		return ok;
	case BTF_KIND_ENUM64:
		for (uint16_t i = 0; i < vlen; i++)
			ok = ok && en64[i].name_off < v->strs_len;
		return ok;
	case BTF_KIND_FUNC_PROTO:
		for (uint16_t i = 0; i < vlen; i++)
			ok = ok && p[i].name_off < v->strs_len && p[i].type < count;
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

static int check(const struct cb_btf_bytes *b, const struct btf *btf, const char *path, struct cb_err *e)
{
	uint32_t count = btf__type_cnt(btf), id = 1;
	const struct btf_type *t;
	struct cb_btf_view v;
	size_t at = 0;
	int err;

	err = cb_btf_view(b->data, b->size, &v, e);
	if (err == -ENOTSUP)
		return 0; /* libbpf has turned the byte order and looked at each type while doing so */
	if (err)
		return cb_fail_in(e, err, "%s", path);
	for (; (t = cb_btf_next(&v, &at)); id++)
		if (!references_inside(&v, t, count) || !chain_ends(btf, id))
			return cb_fail(e, EINVAL, "%s: corrupt BTF: type %u refers to what is not there, or to itself",
				       path, id);
	return 0;
}

struct btf *cb_btf_kernel_load(const char *path, struct cb_err *e)
{
	struct cb_btf_bytes b;
	struct btf *btf = NULL;
	int err;

	path = cb_btf_kernel_path(path);
	err = cb_btf_bytes_open(path, &b, e);
	if (!err) {
		btf = btf__new(b.data, (uint32_t)b.size);
		if (!btf)
			err = cb_fail(e, errno == ENOMEM ? ENOMEM : EINVAL, "%s: %s", path,
				      errno == ENOMEM ? "out of memory" : "corrupt BTF");
		else
			err = check(&b, btf, path, e);
	}
	cb_btf_bytes_close(&b);
	if (err) {
		btf__free(btf);
		errno = -err;
		return NULL;
	}
	return btf;
}
