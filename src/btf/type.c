// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* type.c - see type.h. Chains are followed at most CHAIN_MAX links: corrupt BTF may hold circles. */
#include "btf/type.h"

#include <stdio.h>
#include <string.h>

enum { CHAIN_MAX = 64 };

__u32 cb_btf_skip_modifiers(const struct btf *btf, __u32 id)
{
	for (int i = 0; i < CHAIN_MAX; i++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		if (!t)
			return 0;
		if (!btf_is_mod(t) && !btf_is_type_tag(t))
			return id;
		id = t->type;
	}
	return 0;
}

__u32 cb_btf_resolve(const struct btf *btf, __u32 id)
{
	for (int i = 0; i < CHAIN_MAX; i++) {
		const struct btf_type *t;

		id = cb_btf_skip_modifiers(btf, id);
		t = btf__type_by_id(btf, id);
		if (!t || !btf_is_typedef(t))
			return id;
		id = t->type;
	}
	return 0;
}

const char *cb_btf_display(const struct btf *btf, __u32 id)
{
	for (int i = 0; i < CHAIN_MAX; i++) {
		const struct btf_type *t;
		const char *name;

		id = cb_btf_skip_modifiers(btf, id);
		t = btf__type_by_id(btf, id);
		if (!t || !btf_is_typedef(t))
			return "";
		name = btf__name_by_offset(btf, t->name_off);
		if (name && !strncmp(name, "lbc_", 4))
			return name;
		id = t->type;
	}
	return "";
}

static void type_name(const struct btf *btf, __u32 id, char *out, size_t size, int depth)
{
	const struct btf_type *t;
	const char *name;
	size_t n;

	id = cb_btf_skip_modifiers(btf, id);
	t = btf__type_by_id(btf, id);
	name = t ? btf__name_by_offset(btf, t->name_off) : NULL;
	if (!name) /* corrupt */
		name = "";
	if (!id || !t || depth > CHAIN_MAX) {
		snprintf(out, size, "void");
		return;
	}
	switch (btf_kind(t)) {
	case BTF_KIND_PTR:
		type_name(btf, t->type, out, size, depth + 1);
		n = strlen(out);
		snprintf(out + n, size - n, n && out[n - 1] == '*' ? "*" : " *");
		return;
	case BTF_KIND_ARRAY:
		type_name(btf, btf_array(t)->type, out, size, depth + 1);
		n = strlen(out);
		snprintf(out + n, size - n, "[%u]", btf_array(t)->nelems);
		return;
	case BTF_KIND_STRUCT:
		snprintf(out, size, "struct %s", *name ? name : "(anonymous)");
		return;
	case BTF_KIND_UNION:
		snprintf(out, size, "union %s", *name ? name : "(anonymous)");
		return;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		snprintf(out, size, "enum %s", *name ? name : "(anonymous)");
		return;
	case BTF_KIND_FUNC_PROTO:
		snprintf(out, size, "function");
		return;
	default:
		snprintf(out, size, "%s", *name ? name : "?");
	}
}

const char *cb_btf_type_name(const struct btf *btf, __u32 id, char *out, size_t size)
{
	type_name(btf, id, out, size, 0);
	return out;
}
