// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * cdecl.c - see cdecl.h.
 *
 * Every aggregate is written under a cap, the largest alignment that it may have: it divides the aggregate's size and the
 * place where it stands. A member that wants more is written as bytes, an aggregate that wants more is written anew,
 * without its name, under the smaller cap. So the text has no attribute and yet every offset and size of the BTF:
 *
 *   struct __attribute__((packed)) { __u8 a; __u32 b; }      struct x { unsigned char a; unsigned char b[4]; };
 *   struct { __u8 a; __u32 b __attribute__((aligned(8))); }  struct x { unsigned char a; unsigned char :8; ... x 7;
 *                                                                       unsigned int b; unsigned char :8; ... x 4; };
 */
#include "compile/cdecl.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btf/type.h"

enum {
	DEPTH_MAX = 32,
	MEMBERS_MAX = 1 << 16,
	ALIGN_MAX = 8,
	NAMELESS_MAX = 8, /* bytes of padding that are nameless bit fields; more is an array, which clients see */
};

/* What is known of an aggregate that was declared by a name. */
struct declared {
	char *name;	    /* "struct data"; NULL while its members are being written */
	unsigned int align; /* in cffi's layout */
};

/* A type as a member's declaration has it: "BASE name DIMS;" */
struct spelling {
	struct cb_buf base, dims;
	unsigned int align;
	uint64_t size;
};

static int aggregate(struct cb_cdecl *d, __u32 id, unsigned int cap, int depth, struct cb_buf *out,
		     unsigned int *align);
static int spell(struct cb_cdecl *d, __u32 id, unsigned int cap, int depth, struct spelling *s);

void cb_cdecl_init(struct cb_cdecl *d, const struct btf *btf, struct cb_err *e)
{
	*d = (struct cb_cdecl){.btf = btf, .budget = MEMBERS_MAX, .err = e};
}

void cb_cdecl_free(struct cb_cdecl *d)
{
	size_t pos = 0, len;
	const void *key;
	void *value;

	while ((value = cb_hmap_next(&d->names, &pos, &key, &len))) {
		if (len != sizeof(__u32)) /* a name: its value is borrowed */
			continue;
		free(((struct declared *)value)->name);
		free(value);
	}
	cb_hmap_free(&d->names);
	cb_buf_free(&d->text);
}

static int no_memory(struct cb_cdecl *d)
{
	cb_fail(d->err, ENOMEM, "out of memory");
	return -ENOMEM;
}

static void spelling_free(struct spelling *s)
{
	cb_buf_free(&s->base);
	cb_buf_free(&s->dims);
}

/* The largest power of two that divides n, at most ALIGN_MAX; 0 is divided by all. */
static unsigned int divides(uint64_t n)
{
	unsigned int p = ALIGN_MAX;

	while (n & (p - 1))
		p /= 2;
	return p;
}

/* to is a power of two. */
static uint64_t round_up(uint64_t n, unsigned int to)
{
	return (n + to - 1) & ~(uint64_t)(to - 1);
}

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* ---- Names -------------------------------------------------------------------------------------------------------- */

static bool is_identifier(const char *s)
{
	if (!isalpha((unsigned char)*s) && *s != '_')
		return false;
	while (isalnum((unsigned char)*s) || *s == '_')
		s++;
	return !*s;
}

static const char *name_of(const struct cb_cdecl *d, __u32 offset)
{
	const char *s = btf__name_by_offset(d->btf, offset);

	return s ? s : "";
}

/* A member's name, or one that says so where pycparser takes it for a keyword. -EINVAL for what is no identifier. */
static int member_name(struct cb_cdecl *d, const char *name, struct cb_buf *out)
{
	if (!is_identifier(name))
		return cb_fail(d->err, EINVAL, "'%s' is not a member's name in C", name);
	cb_buf_printf(out, "%s%s", name, strcmp(name, "offsetof") ? "" : "_");
	return 0;
}

/* ---- Types without members ---------------------------------------------------------------------------------------- */

static const char *integer(uint64_t size, bool is_signed)
{
	switch (size) {
	case 1:
		return is_signed ? "signed char" : "unsigned char";
	case 2:
		return is_signed ? "short" : "unsigned short";
	case 4:
		return is_signed ? "int" : "unsigned int";
	case 8:
		return is_signed ? "long long" : "unsigned long long";
	}
	return NULL;
}

static void spell_bytes(struct spelling *s)
{
	s->base.len = s->dims.len = 0;
	cb_buf_str(&s->base, "unsigned char");
	cb_buf_printf(&s->dims, "[%llu]", (unsigned long long)s->size);
	s->align = 1;
}

/* base is NULL where C, as cffi reads it, has no such type. */
static void spell_scalar(struct spelling *s, const char *base, unsigned int cap)
{
	if (!base || s->size > cap) {
		spell_bytes(s);
		return;
	}
	cb_buf_str(&s->base, base);
	s->align = (unsigned int)s->size;
}

static const char *floating(uint64_t size)
{
	return size == 4 ? "float" : size == 8 ? "double" : NULL;
}

static bool is_number(const struct btf_type *t)
{
	return t && (btf_is_int(t) || btf_is_any_enum(t));
}

/* Of an enum, clang says that since 15 only; before, a negative value does. */
static bool is_signed(const struct btf_type *t)
{
	if (btf_is_int(t))
		return btf_int_encoding(t) & BTF_INT_SIGNED;
	for (int i = 0; btf_is_enum(t) && i < btf_vlen(t); i++)
		if (btf_enum(t)[i].val < 0)
			return true;
	return btf_kflag(t);
}

/* ---- Arrays ------------------------------------------------------------------------------------------------------- */

/* char is text only in an array; alone, clients cannot read it, and it is a small number. */
static bool is_char(const struct cb_cdecl *d, __u32 id)
{
	const struct btf_type *t = btf__type_by_id(d->btf, cb_btf_resolve(d->btf, id));

	return t && btf_is_int(t) && t->size == 1 && !strcmp(name_of(d, t->name_off), "char");
}

static int spell_array(struct cb_cdecl *d, const struct btf_type *t, unsigned int cap, int depth, struct spelling *s)
{
	struct spelling of = {0};
	int err = spell(d, btf_array(t)->type, cap, depth + 1, &of);

	if (!err && of.align > divides(of.size)) /* cffi's element would be larger than BTF's */
		err = cb_fail(d->err, EINVAL, "an array of types that do not fill their alignment");
	if (!err) {
		if (is_char(d, btf_array(t)->type))
			cb_buf_str(&s->base, "char");
		else
			cb_buf_add(&s->base, of.base.data, of.base.len);
		cb_buf_printf(&s->dims, "[%u]", btf_array(t)->nelems);
		cb_buf_add(&s->dims, of.dims.data, of.dims.len);
		s->align = of.align;
		err = of.base.failed || of.dims.failed ? no_memory(d) : 0;
	}
	spelling_free(&of);
	return err;
}

/* ---- Aggregates by name ------------------------------------------------------------------------------------------- */

static const char *keyword(const struct btf_type *t)
{
	return btf_is_union(t) ? "union" : "struct";
}

/* The name that the text gives this aggregate: its own, or one with its id where another type has that already. */
static int choose_name(struct cb_cdecl *d, __u32 id, const char *tag, struct cb_buf *name)
{
	const struct btf_type *t = btf__type_by_id(d->btf, id);

	if (!is_identifier(tag))
		return cb_fail(d->err, EINVAL, "'%s' is not a type's name in C", tag);
	cb_buf_printf(name, "%s %s", keyword(t), tag);
	if (!name->failed && cb_hmap_get(&d->names, name->data, name->len))
		cb_buf_printf(name, "__%u", id);
	return name->failed ? no_memory(d) : 0;
}

static int remember(struct cb_cdecl *d, __u32 id, const struct cb_buf *name, struct declared **out)
{
	struct declared *known = calloc(1, sizeof(*known));

	if (!known || cb_hmap_put(&d->names, &id, sizeof(id), known)) {
		free(known);
		return no_memory(d);
	}
	if (cb_hmap_put(&d->names, name->data, name->len, known))
		return no_memory(d);
	*out = known;
	return 0;
}

/* Declare an aggregate once. tag is its name, not empty. *out is NULL when that fails. */
static int declare(struct cb_cdecl *d, __u32 id, const char *tag, int depth, struct declared **out)
{
	const struct btf_type *t = btf__type_by_id(d->btf, id);
	struct declared *known = cb_hmap_get(&d->names, &id, sizeof(id));
	struct cb_buf name = {0}, body = {0};
	int err;

	*out = known && known->name ? known : NULL;
	if (known)
		return *out ? 0 : cb_fail(d->err, EINVAL, "%s %s holds itself", keyword(t), tag);
	err = choose_name(d, id, tag, &name);
	if (!err)
		err = remember(d, id, &name, &known);
	if (!err)
		err = aggregate(d, id, divides(t->size), depth + 1, &body, &known->align);
	if (!err) {
		cb_buf_printf(&d->text, "%s {\n", cb_buf_cstr(&name));
		cb_buf_add(&d->text, body.data, body.len);
		cb_buf_str(&d->text, "};\n");
		known->name = strdup(cb_buf_cstr(&name));
		err = !known->name || name.failed || body.failed || d->text.failed ? no_memory(d) : 0;
	}
	cb_buf_free(&name);
	cb_buf_free(&body);
	*out = err ? NULL : known;
	return err;
}

/* By its name where that is possible, else with its members. */
static int spell_aggregate(struct cb_cdecl *d, __u32 id, unsigned int cap, int depth, struct spelling *s)
{
	const struct btf_type *t = btf__type_by_id(d->btf, id);
	const char *tag = name_of(d, t->name_off);
	struct declared *known = NULL;
	int err;

	if (*tag) {
		err = declare(d, id, tag, depth, &known);
		if (!known)
			return err;
		if (known->align <= cap) {
			cb_buf_str(&s->base, known->name);
			s->align = known->align;
			return 0;
		}
	}
	cb_buf_printf(&s->base, "%s {\n", keyword(t));
	err = aggregate(d, id, least(cap, divides(t->size)), depth + 1, &s->base, &s->align);
	cb_buf_str(&s->base, "}");
	return err;
}

/* ---- Any type ----------------------------------------------------------------------------------------------------- */

static int spell(struct cb_cdecl *d, __u32 id, unsigned int cap, int depth, struct spelling *s)
{
	const struct btf_type *t;
	__s64 size;

	id = cb_btf_resolve(d->btf, id);
	t = btf__type_by_id(d->btf, id);
	size = id ? btf__resolve_size(d->btf, id) : -1;
	if (!t || size < 0 || depth > DEPTH_MAX)
		return cb_fail(d->err, EINVAL, "a type that has no size, or is too deep");
	s->size = (uint64_t)size;
	if (!size) { /* cffi's structures without members have a byte */
		spell_bytes(s);
		return 0;
	}
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		spell_scalar(s, integer(s->size, is_signed(t)), cap);
		return 0;
	case BTF_KIND_PTR:
		spell_scalar(s, integer(s->size, false), cap);
		return 0;
	case BTF_KIND_FLOAT:
		spell_scalar(s, floating(s->size), cap);
		return 0;
	case BTF_KIND_ARRAY:
		return spell_array(d, t, cap, depth, s);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return spell_aggregate(d, id, cap, depth, s);
	}
	return cb_fail(d->err, EINVAL, "a type that is no value");
}

/* ---- Members ------------------------------------------------------------------------------------------------------ */

/* An aggregate while its members are written. */
struct layout {
	struct cb_cdecl *d;
	struct cb_buf *out;
	unsigned int cap, align; /* allowed; taken so far */
	uint64_t at;		 /* bits: where cffi would go on */
	unsigned int pads;
	int depth;
};

/* From l->at to the bit `to`. Fields of unsigned char do not change the alignment. */
static void pad(struct layout *l, uint64_t to)
{
	uint64_t bytes;

	if (l->at % 8 && l->at < to) {
		uint64_t n = 8 - l->at % 8 < to - l->at ? 8 - l->at % 8 : to - l->at;

		cb_buf_printf(l->out, "unsigned char :%u;\n", (unsigned int)n);
		l->at += n;
	}
	bytes = (to - l->at) / 8;
	if (bytes > NAMELESS_MAX)
		cb_buf_printf(l->out, "unsigned char __lbc_pad%u__[%llu];\n", l->pads++, (unsigned long long)bytes);
	else
		for (uint64_t i = 0; i < bytes; i++)
			cb_buf_str(l->out, "unsigned char :8;\n");
	l->at += bytes * 8;
	if (l->at < to)
		cb_buf_printf(l->out, "unsigned char :%u;\n", (unsigned int)(to - l->at));
	l->at = to;
}

/* The size of an integer that holds these bits whole and may stand there; 0: none. The declared one is preferred. */
static unsigned int bit_unit(const struct layout *l, uint64_t declared, uint64_t offset, unsigned int width)
{
	const unsigned int sizes[] = {(unsigned int)declared, 1, 2, 4, 8};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned int s = sizes[i];

		if (s && integer(s, false) && s <= l->cap && offset / (8 * s) == (offset + width - 1) / (8 * s))
			return s;
	}
	return 0;
}

static int bit_field(struct layout *l, const char *name, __u32 type, uint64_t offset, unsigned int width)
{
	const struct btf_type *t = btf__type_by_id(l->d->btf, cb_btf_resolve(l->d->btf, type));
	unsigned int unit = bit_unit(l, is_number(t) ? t->size : 0, offset, width);
	int err;

	if (!unit || !*name) /* across the border of any integer: nobody gets to see it */
		return 0;
	pad(l, offset);
	cb_buf_printf(l->out, "%s ", integer(unit, is_number(t) && is_signed(t)));
	err = member_name(l->d, name, l->out);
	cb_buf_printf(l->out, ":%u;\n", width);
	l->at = offset + width;
	if (unit > l->align)
		l->align = unit;
	return err;
}

static int plain_member(struct layout *l, const char *name, __u32 type, uint64_t offset)
{
	struct spelling s = {0};
	uint64_t natural;
	int err = spell(l->d, type, least(l->cap, divides(offset / 8)), l->depth, &s);

	if (!err && offset % 8)
		err = cb_fail(l->d->err, EINVAL, "the member '%s' does not begin with a byte", name);
	if (!err && (*name || (s.base.len && s.base.data[s.base.len - 1] == '}'))) {
		natural = round_up((l->at + 7) / 8, s.align);
		if (natural != offset / 8)
			pad(l, offset);
		cb_buf_add(l->out, s.base.data, s.base.len);
		if (*name) {
			cb_buf_ch(l->out, ' ');
			err = member_name(l->d, name, l->out);
		}
		cb_buf_add(l->out, s.dims.data, s.dims.len);
		cb_buf_str(l->out, ";\n");
		l->at = offset + s.size * 8;
		if (s.align > l->align)
			l->align = s.align;
	}
	if (s.base.failed || s.dims.failed)
		err = no_memory(l->d);
	spelling_free(&s);
	return err;
}

static int member(struct layout *l, const struct btf_type *t, int i)
{
	const struct btf_member *m = btf_members(t) + i;
	const char *name = name_of(l->d, m->name_off);
	uint64_t offset = btf_member_bit_offset(t, (__u32)i);
	unsigned int width = btf_member_bitfield_size(t, (__u32)i);

	if (!l->d->budget--)
		return cb_fail(l->d->err, E2BIG, "the types of the maps unfold to more than %d members", MEMBERS_MAX);
	if (btf_is_union(t))
		l->at = 0;
	if (offset < l->at || (btf_is_union(t) && offset))
		return cb_fail(l->d->err, EINVAL, "the member '%s' lies where another does", name);
	return width ? bit_field(l, name, m->type, offset, width) : plain_member(l, name, m->type, offset);
}

/* The members, one line each, and the alignment that cffi will give to them. */
static int aggregate(struct cb_cdecl *d, __u32 id, unsigned int cap, int depth, struct cb_buf *out, unsigned int *align)
{
	const struct btf_type *t = btf__type_by_id(d->btf, id);
	struct layout l = {.d = d, .out = out, .cap = cap, .align = 1, .depth = depth};
	uint64_t size = (uint64_t)t->size * 8, end = 0;
	int err = 0;

	for (int i = 0; !err && i < btf_vlen(t); i++) {
		err = member(&l, t, i);
		if (l.at > end)
			end = l.at;
	}
	if (!err && end > size)
		err = cb_fail(d->err, EINVAL, "a member lies outside of %s %s", keyword(t), name_of(d, t->name_off));
	/* cffi fills up to the alignment, as every compiler does */
	if (!err && round_up((end + 7) / 8, l.align) * 8 != size) {
		l.at = btf_is_union(t) ? 0 : end;
		if (btf_is_union(t))
			cb_buf_printf(out, "unsigned char __lbc_pad__[%u];\n", t->size);
		else
			pad(&l, size);
	}
	*align = l.align;
	return !err && out->failed ? no_memory(d) : err;
}

/* ---- The way in --------------------------------------------------------------------------------------------------- */

/* The first typedef on the way to the type, or "". */
static const char *typedef_of(const struct cb_cdecl *d, __u32 id)
{
	const struct btf_type *t = btf__type_by_id(d->btf, cb_btf_skip_modifiers(d->btf, id));

	return t && btf_is_typedef(t) ? name_of(d, t->name_off) : "";
}

/* An aggregate that has no name of its own, and is a map's key or value. */
static int declare_nameless(struct cb_cdecl *d, __u32 id, const char *tag, struct cb_buf *name)
{
	__u32 real = cb_btf_resolve(d->btf, id);
	const char *alias = typedef_of(d, id);
	struct declared *known;
	int err = declare(d, real, *alias ? alias : tag, 0, &known);

	if (known)
		cb_buf_str(name, known->name);
	return err;
}

int cb_cdecl_type(struct cb_cdecl *d, __u32 id, const char *tag, struct cb_buf *name)
{
	const struct btf_type *t = btf__type_by_id(d->btf, cb_btf_resolve(d->btf, id));
	struct spelling s = {0};
	int err;

	if (t && btf_is_composite(t) && !*name_of(d, t->name_off) && t->size)
		return declare_nameless(d, id, tag, name);
	err = spell(d, id, ALIGN_MAX, 0, &s);
	if (!err) {
		cb_buf_add(name, s.base.data, s.base.len);
		cb_buf_add(name, s.dims.data, s.dims.len);
		err = s.base.failed || s.dims.failed || name->failed ? no_memory(d) : 0;
	}
	spelling_free(&s);
	return err;
}
