// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * seeds.c - see seeds.h.
 *
 * CO-RE relocations stand in .BTF.ext. Each names a type of the object's own BTF (the root), and says
 * what it wants to know of the kernel's type of the same name: where a field is, how large the type is, whether it
 * exists, an enum's value. libbpf takes every kernel type of the same kind and of the same name as a candidate, where
 * the name counts up to the flavour: what follows the last "___".
 */
#include "btf/seeds.h"

#include <bpf/btf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "btf/elf.h"
#include "btf/ext.h"
#include "btf/type.h"

/* How much of a name is before its flavour: a "___" with something else than '_' on both sides. */
static size_t plain_length(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = len; i-- > 4;)
		if (name[i] != '_' && name[i - 4] != '_' && !memcmp(name + i - 3, "___", 3))
			return i - 3;
	return len;
}

struct cb_btf_seed *cb_btf_seeds_find(const struct cb_btf_seeds *s, int kind, const char *name)
{
	if (kind == BTF_KIND_ENUM64)
		kind = BTF_KIND_ENUM;
	for (int i = s->first[(unsigned char)name[0]]; i >= 0; i = s->list[i].next) {
		struct cb_btf_seed *seed = &s->list[i];

		if (seed->kind == kind && !strncmp(name, seed->name, seed->len) && plain_length(name) == seed->len)
			return seed;
	}
	return NULL;
}

/* Is the type, behind typedefs and arrays, a pointer or a function? Then libbpf compares what it points to as well. */
static bool compares_deep(const struct btf *btf, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(btf, cb_btf_resolve(btf, id));

	for (int depth = 0; t && btf_is_array(t) && depth < 64; depth++)
		t = btf__type_by_id(btf, cb_btf_resolve(btf, btf_array(t)->type));
	return !t || btf_is_ptr(t) || btf_is_func_proto(t) || btf_is_array(t);
}

static int add(struct cb_btf_seeds *s, const struct btf *btf, const struct bpf_core_relo *relo, struct cb_err *e)
{
	const struct btf_type *t = btf__type_by_id(btf, relo->type_id);
	const char *name = t ? btf__name_by_offset(btf, t->name_off) : NULL;
	struct cb_btf_seed *list;
	int kind, c;

	if (!name)
		return cb_fail(e, EINVAL, "corrupt object: a relocation names type %u, which is not there",
			       relo->type_id);
	switch (relo->kind) {
	case BPF_CORE_TYPE_ID_LOCAL:
		return 0; /* a question about the object itself */
	case BPF_CORE_TYPE_EXISTS:
	case BPF_CORE_TYPE_SIZE:
		if (compares_deep(btf, relo->type_id))
			return cb_fail(e, ENOTSUP, "a relocation compares what the type %s points to", name);
		break;
	case BPF_CORE_FIELD_BYTE_OFFSET:
	case BPF_CORE_FIELD_BYTE_SIZE:
	case BPF_CORE_FIELD_EXISTS:
	case BPF_CORE_FIELD_SIGNED:
	case BPF_CORE_FIELD_LSHIFT_U64:
	case BPF_CORE_FIELD_RSHIFT_U64:
	case BPF_CORE_ENUMVAL_EXISTS:
	case BPF_CORE_ENUMVAL_VALUE:
		break;
	default:
		return cb_fail(e, ENOTSUP, "a relocation of kind %d on %s needs the whole BTF", (int)relo->kind, name);
	}
	if (!*name)
		return cb_fail(e, ENOTSUP, "a relocation on a type without a name");
	kind = btf_kind(t) == BTF_KIND_ENUM64 ? BTF_KIND_ENUM : btf_kind(t);
	if (cb_btf_seeds_find(s, kind, name))
		return 0;
	list = reallocarray(s->list, s->n + 1, sizeof(*list));
	if (!list)
		return cb_fail(e, ENOMEM, "out of memory");
	s->list = list;
	c = (unsigned char)name[0];
	list[s->n] = (struct cb_btf_seed){.len = plain_length(name), .kind = kind, .next = s->first[c]};
	list[s->n].name = strndup(name, list[s->n].len);
	if (!list[s->n].name)
		return cb_fail(e, ENOMEM, "out of memory");
	s->first[c] = (int)s->n++;
	return 0;
}

struct adding {
	struct cb_btf_seeds *seeds;
	const struct btf *btf;
	struct cb_err *e;
};

static int add_record(void *ctx, unsigned char *record)
{
	const struct adding *a = ctx;
	struct bpf_core_relo relo;

	memcpy(&relo, record, sizeof(relo));
	return add(a->seeds, a->btf, &relo, a->e);
}

int cb_btf_seeds_of(const void *object, size_t size, struct cb_btf_seeds *s, struct cb_err *e)
{
	const void *types, *ext;
	size_t types_size, ext_size;
	struct adding a = {.seeds = s, .e = e};
	struct btf *btf;
	int err;

	*s = (struct cb_btf_seeds){0};
	memset(s->first, -1, sizeof(s->first));
	err = cb_elf_section(object, size, ".BTF", &types, &types_size);
	if (!err)
		err = cb_elf_section(object, size, ".BTF.ext", &ext, &ext_size);
	if (err == -ENOENT)
		return 0;
	if (err)
		return cb_fail(e, -err,
			       err == -ENOTSUP ? "the object is in the byte order of another machine"
					       : "the object is not an ELF file, or corrupt");
	a.btf = btf = btf__new(types, (uint32_t)types_size);
	if (!btf)
		return cb_fail(e, errno == ENOMEM ? ENOMEM : EINVAL, "corrupt object: .BTF");
	err = cb_btf_ext_each((void *)ext, ext_size, CB_EXT_RELOCATIONS, sizeof(struct bpf_core_relo), add_record, &a,
			      e);
	btf__free(btf);
	return err;
}

void cb_btf_seeds_free(struct cb_btf_seeds *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->list[i].name);
	free(s->list);
	*s = (struct cb_btf_seeds){0};
}
