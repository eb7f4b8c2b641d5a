// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * slice_write.c - see slice_write.h.
 *
 * What comes out is laid out in memory as the BTF says: bit fields without a name fill the holes that a compiler would
 * not leave by itself, and what lies closer than a compiler would put it is packed. Names are those that libbpf gives
 * when it writes the whole kernel: the second type of a name is called NAME___2.
 *
 * A struct that is only reached (see slice_pick.h) keeps all its members, for relocations count them, with their names and
 * places. But of those that the program has no name for only numbers keep their type; pointers become void *, and what it
 * contains by value an array of the same size and alignment: so what they would need is not needed.
 */
#include "compile/slice_write.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile/lex.h"
#include "compile/slice_padding.h"

/* Of cb_picked.state. */
enum { FORWARDED = 1, BUSY = 2, DONE = 4 };

enum { DEPTH_MAX = 512, CHAIN_MAX = 128 };

struct writer {
	struct cb_picks *p;
	const struct cb_btf_index *ix;
	struct cb_buf *out;
	size_t start; /* of what we write, in out */
	int depth;
	int indent;
	struct cb_err *e;
};

/* Names of members that one struct has so far. */
struct scope {
	uint32_t *slots; /* where the names stand in the BTF */
	uint32_t used, cap;
};

/* A declaration is read from its name outwards: *, [n], (params). */
struct declarator {
	enum { POINTER, ARRAY, FUNCTION } kind;
	unsigned cv;		  /* of a pointer */
	const struct btf_type *t; /* of the others */
};

enum { CONST = 1, VOLATILE = 2, RESTRICT = 4 };

static const struct btf_type *type_of(const struct writer *w, uint32_t id)
{
	return cb_btf_index_type(w->ix, id);
}

static const char *str(const struct writer *w, uint32_t offset)
{
	return w->ix->view.strs + offset;
}

static int corrupt(const struct writer *w, uint32_t id)
{
	return cb_fail(w->e, EINVAL, "corrupt BTF: type %u cannot be written as C", id);
}

/* ---- Names ------------------------------------------------------------------------------------------------------ */

static bool is_identifier(const char *name)
{
	struct cb_lex lx = cb_lex_of(name, strlen(name));

	return cb_lex_next(&lx) == CB_WORD_NAME && lx.at == lx.end;
}

static int put_name(struct writer *w, uint32_t offset)
{
	const char *name = str(w, offset);

	if (!is_identifier(name))
		return cb_fail(w->e, EINVAL, "corrupt BTF: '%.64s' is not a name", name);
	cb_buf_str(w->out, name);
	return 0;
}

/* The second and following types of a name have their number behind it. */
static void number_of(const struct writer *w, uint32_t id, uint32_t name, enum cb_btf_space space, char suffix[16])
{
	uint32_t before = cb_btf_index_before(w->ix, str(w, name), space, id);

	if (before)
		snprintf(suffix, 16, "___%u", before + 1);
}

static int put_type_name(struct writer *w, uint32_t id, enum cb_btf_space space)
{
	uint32_t name = type_of(w, id)->name_off;
	char suffix[16] = "";
	int err = put_name(w, name);

	if (w->ix->marks[id] & CB_BTF_NOT_FIRST)
		number_of(w, id, name, space, suffix);
	cb_buf_str(w->out, suffix);
	return err;
}

/* "long unsigned int". Some of arm64's are called by the names of aliases that no compiler for BPF knows. */
static int put_number_type(struct writer *w, uint32_t id)
{
	static const char *const aliases[][2] = {
		{"__Poly8_t", "unsigned char"},
		{"__Poly16_t", "unsigned short"},
		{"__Poly64_t", "unsigned long long"},
		{"__Poly128_t", "unsigned __int128"},
	};
	const char *name = str(w, type_of(w, id)->name_off);

	for (size_t i = 0; i < sizeof(aliases) / sizeof(*aliases); i++)
		if (!strcmp(name, aliases[i][0]))
			name = aliases[i][1];
	for (const char *c = name; *c; c++)
		if (*c != ' ' && *c != '_' && !(*c >= 'a' && *c <= 'z') && !(*c >= 'A' && *c <= 'Z') &&
		    !(*c >= '0' && *c <= '9'))
			return corrupt(w, id);
	if (!*name)
		return corrupt(w, id);
	cb_buf_str(w->out, name);
	return 0;
}

static void put_line(struct writer *w)
{
	cb_buf_ch(w->out, '\n');
	for (int i = 0; i < w->indent; i++)
		cb_buf_ch(w->out, '\t');
}

/* ---- Enums ------------------------------------------------------------------------------------------------------ */

static int put_enumerator(struct writer *w, uint32_t id, uint32_t name)
{
	char suffix[16] = "";
	int err = put_name(w, name);

	if (w->ix->marks[id] & CB_BTF_VALUE_TWICE)
		number_of(w, id, name, CB_BTF_IDENTS, suffix);
	cb_buf_str(w->out, suffix);
	return err;
}

/* One of a size of its own gets it by an attribute, unless a value needs a word anyway. */
static void put_enum_size(struct writer *w, const struct btf_type *t)
{
	bool word = t->size == 8;

	for (uint16_t i = 0; word && btf_is_enum64(t) && i < btf_vlen(t); i++)
		word = !btf_enum64(t)[i].val_hi32;
	if (t->size == 1)
		cb_buf_str(w->out, " __attribute__((mode(byte)))");
	else if (word)
		cb_buf_str(w->out, " __attribute__((mode(word)))");
}

static int put_enum_body(struct writer *w, uint32_t id)
{
	const struct btf_type *t = type_of(w, id);
	int err = 0;

	cb_buf_str(w->out, " {");
	for (uint16_t i = 0; i < btf_vlen(t) && !err; i++) {
		const struct btf_enum64 *v = &btf_enum64(t)[i];

		put_line(w);
		cb_buf_ch(w->out, '\t');
		err = put_enumerator(w, id, btf_is_enum(t) ? btf_enum(t)[i].name_off : v->name_off);
		cb_buf_str(w->out, " = ");
		if (btf_is_enum(t) && btf_kflag(t))
			cb_buf_s64(w->out, btf_enum(t)[i].val);
		else if (btf_is_enum(t))
			cb_buf_u64(w->out, (uint32_t)btf_enum(t)[i].val);
		else if (btf_kflag(t))
			cb_buf_printf(w->out, "%lldLL", (long long)btf_enum64_value(v));
		else
			cb_buf_printf(w->out, "%lluULL", (unsigned long long)btf_enum64_value(v));
		cb_buf_ch(w->out, ',');
	}
	put_line(w);
	cb_buf_ch(w->out, '}');
	put_enum_size(w, t);
	return err;
}

/* An integer like it. */
static const char *number_like(const struct btf_type *enumeration)
{
	bool is_signed = btf_kflag(enumeration);

	switch (enumeration->size) {
	case 1:
		return is_signed ? "signed char" : "unsigned char";
	case 8:
		return is_signed ? "long" : "unsigned long";
	default:
		return is_signed ? "int" : "unsigned int";
	}
}

/* An enum without a name is written where it is met first; its values can be defined once only. */
static int put_enum(struct writer *w, uint32_t id)
{
	const struct btf_type *t = type_of(w, id);
	struct cb_picked *picked = cb_picks_find(w->p, id);

	if (t->name_off) {
		cb_buf_str(w->out, "enum ");
		return put_type_name(w, id, CB_BTF_TAGS);
	}
	if (!picked || picked->state & DONE || !btf_vlen(t)) {
		cb_buf_str(w->out, number_like(t));
		return 0;
	}
	picked->state |= DONE;
	cb_buf_str(w->out, "enum");
	return put_enum_body(w, id);
}

/* ---- Declarations ----------------------------------------------------------------------------------------------- */

static int put_composite_body(struct writer *w, uint32_t id, struct scope *scope);
static int put_declaration(struct writer *w, uint32_t id, uint32_t name, const char *suffix);

static int put_base(struct writer *w, uint32_t id)
{
	const struct btf_type *t = type_of(w, id);
	struct scope scope = {0};
	int err;

	switch (btf_kind(t)) {
	case BTF_KIND_UNKN:
		cb_buf_str(w->out, "void");
		return 0;
	case BTF_KIND_INT:
	case BTF_KIND_FLOAT:
		return put_number_type(w, id);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return put_enum(w, id);
	case BTF_KIND_TYPEDEF:
		return put_type_name(w, id, CB_BTF_IDENTS);
	case BTF_KIND_FWD:
		cb_buf_str(w->out, btf_kflag(t) ? "union " : "struct ");
		return put_name(w, t->name_off);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		cb_buf_str(w->out, btf_is_union(t) ? "union" : "struct");
		if (t->name_off) {
			cb_buf_ch(w->out, ' ');
			return put_type_name(w, id, CB_BTF_TAGS);
		}
		err = put_composite_body(w, id, &scope);
		free(scope.slots);
		return err;
	default:
		return corrupt(w, id);
	}
}

static void put_cv(struct writer *w, unsigned cv)
{
	if (cv & CONST)
		cb_buf_str(w->out, "const ");
	if (cv & VOLATILE)
		cb_buf_str(w->out, "volatile ");
	if (cv & RESTRICT)
		cb_buf_str(w->out, "restrict ");
}

/* The declarators of a type from the name outwards, and the type that they end at. */
static int unfold(const struct writer *w, uint32_t id, struct declarator *d, int *n, uint32_t *base, unsigned *cv)
{
	*n = 0;
	*cv = 0;
	for (int steps = 0; steps < CHAIN_MAX; steps++) {
		const struct btf_type *t = type_of(w, id);

		switch (btf_kind(t)) {
		case BTF_KIND_CONST:
			*cv |= CONST;
			break;
		case BTF_KIND_VOLATILE:
			*cv |= VOLATILE;
			break;
		case BTF_KIND_RESTRICT:
			*cv |= RESTRICT;
			break;
		case BTF_KIND_TYPE_TAG:
			break;
		case BTF_KIND_PTR:
			d[(*n)++] = (struct declarator){.kind = POINTER, .cv = *cv};
			*cv = 0;
			break;
		case BTF_KIND_ARRAY: /* one that is const has const elements */
			d[(*n)++] = (struct declarator){.kind = ARRAY, .t = t};
			id = btf_array(t)->type;
			continue;
		case BTF_KIND_FUNC_PROTO:
			d[(*n)++] = (struct declarator){.kind = FUNCTION, .t = t};
			*cv = 0;
			break;
		default:
			*base = id;
			*cv &= ~RESTRICT;
			return 0;
		}
		id = t->type;
	}
	return corrupt(w, id);
}

static int put_params(struct writer *w, const struct btf_type *proto)
{
	uint16_t vlen = btf_vlen(proto);
	int err = 0;

	cb_buf_ch(w->out, '(');
	/* "(...)" is not C; without parameters it is one that says nothing about them */
	for (uint16_t i = 0; i < vlen && !err; i++) {
		uint32_t type = btf_params(proto)[i].type;

		if (!type && i == vlen - 1 && !i)
			break;
		cb_buf_str(w->out, i ? ", " : "");
		if (type)
			err = put_declaration(w, type, 0, "");
		else
			cb_buf_str(w->out, "...");
	}
	cb_buf_str(w->out, vlen ? ")" : "void)");
	return err;
}

/* "const char *(*name[3])(int)". name 0: none. suffix goes behind the name. */
static int put_declaration(struct writer *w, uint32_t id, uint32_t name, const char *suffix)
{
	struct declarator d[CHAIN_MAX];
	uint32_t base = 0;
	unsigned cv;
	int n, err;

	if (++w->depth > CB_SLICE_NESTED || w->out->len - w->start > CB_SLICE_MAX)
		return corrupt(w, id);
	err = unfold(w, id, d, &n, &base, &cv);
	if (err)
		return err;
	put_cv(w, cv);
	err = put_base(w, base);
	cb_buf_ch(w->out, ' ');
	for (int i = n; i-- > 0;)
		if (d[i].kind == POINTER) {
			cb_buf_str(w->out, i + 1 < n && d[i + 1].kind != POINTER ? "(*" : "*");
			put_cv(w, d[i].cv);
		}
	if (name && !err)
		err = put_name(w, name);
	cb_buf_str(w->out, suffix);
	for (int i = 0; i < n && !err; i++) {
		if (d[i].kind == ARRAY)
			cb_buf_printf(w->out, "[%u]", btf_array(d[i].t)->nelems);
		else if (d[i].kind == FUNCTION)
			err = put_params(w, d[i].t);
		else if (i + 1 < n && d[i + 1].kind != POINTER)
			cb_buf_ch(w->out, ')');
	}
	w->depth--;
	return err;
}

/* ---- Members ---------------------------------------------------------------------------------------------------- */

/* Add a name to those of this scope: true when it was there already. RHEL 7's BTF has such structs (see dump.c). */
static bool said_before(struct writer *w, struct scope *s, uint32_t name)
{
	uint32_t at;

	if (s->used >= s->cap / 2) {
		uint32_t cap = s->cap ? s->cap * 2 : 64;
		uint32_t *slots = calloc(cap, sizeof(*slots));

		if (!slots) {
			w->out->failed = true;
			return false;
		}
		for (uint32_t i = 0; i < s->cap; i++) {
			for (at = s->slots[i] * 2654435769U; slots[at & (cap - 1)]; at++)
				;
			slots[at & (cap - 1)] = s->slots[i];
		}
		free(s->slots);
		s->slots = slots;
		s->cap = cap;
	}
	for (at = name * 2654435769U; s->slots[at & (s->cap - 1)]; at++)
		if (s->slots[at & (s->cap - 1)] == name)
			return true;
	s->slots[at & (s->cap - 1)] = name;
	s->used++;
	return false;
}

static const struct btf_type *resolve(const struct writer *w, uint32_t *id)
{
	const struct btf_type *t = type_of(w, *id);

	while (btf_is_mod(t) || btf_is_typedef(t)) {
		*id = t->type;
		t = type_of(w, *id);
	}
	return t;
}

/* A member that the program has no name for. */
static int put_hidden(struct writer *w, const struct btf_member *m, const char *suffix)
{
	static const char *const units[] = {[1] = "char", [2] = "short", [4] = "int", [8] = "long"};
	uint32_t id = m->type;
	const struct btf_type *t = resolve(w, &id);
	unsigned align = cb_btf_index_align(w->ix, id);
	bool array = false;
	int err = 0;

	if (btf_is_int(t) || btf_is_float(t)) {
		err = put_number_type(w, id);
	} else if (btf_is_any_enum(t)) {
		cb_buf_str(w->out, number_like(t));
	} else if (btf_is_ptr(t)) {
		cb_buf_str(w->out, "void *");
	} else {
		cb_buf_str(w->out, units[align]);
		array = true;
	}
	if (!btf_is_ptr(t))
		cb_buf_ch(w->out, ' ');
	if (!err)
		err = put_name(w, m->name_off);
	cb_buf_str(w->out, suffix);
	if (array) {
		cb_buf_ch(w->out, '[');
		cb_buf_u64(w->out, cb_btf_index_size(w->ix, id) / align);
		cb_buf_ch(w->out, ']');
	}
	return err;
}

static bool is_nameless_composite(const struct writer *w, const struct btf_member *m)
{
	const struct btf_type *t = type_of(w, m->type);

	return !m->name_off && btf_is_composite(t) && !t->name_off;
}

static int put_member(struct writer *w, const struct btf_type *t, uint16_t i, bool whole, struct scope *scope,
		      uint32_t owner)
{
	const struct btf_member *m = &btf_members(t)[i];
	uint32_t bits = btf_member_bitfield_size(t, i);
	char suffix[16] = "";
	int err;

	put_line(w);
	if (is_nameless_composite(w, m)) {
		if (++w->depth > CB_SLICE_NESTED)
			return corrupt(w, owner);
		cb_buf_str(w->out, btf_is_union(type_of(w, m->type)) ? "union" : "struct");
		err = put_composite_body(w, m->type, scope);
		w->depth--;
	} else {
		if (m->name_off && said_before(w, scope, m->name_off))
			snprintf(suffix, sizeof(suffix), "__%u", owner);
		err = whole || !m->name_off || cb_picks_field(w->p, m)
			      ? put_declaration(w, m->type, m->name_off, suffix)
			      : put_hidden(w, m, suffix);
	}
	if (bits)
		cb_buf_printf(w->out, ": %u", bits);
	cb_buf_ch(w->out, ';');
	return err;
}

/* Its members, and what lies between and behind them. */
static int put_members(struct writer *w, uint32_t id, bool whole, bool packed, struct scope *scope)
{
	const struct btf_type *t = type_of(w, id);
	bool bit_field_before = false;
	uint64_t at = 0; /* the bit behind the last member */
	int err = 0;

	for (uint16_t i = 0; i < btf_vlen(t) && !err; i++) {
		uint32_t bits = btf_member_bitfield_size(t, i), type = btf_members(t)[i].type;
		uint64_t place = btf_member_bit_offset(t, i);

		if (btf_is_struct(t))
			cb_slice_padding(w->out, w->indent, at, place, packed ? 1 : cb_btf_index_align(w->ix, type),
					 bits && bit_field_before);
		err = put_member(w, t, i, whole, scope, id);
		at = place + (bits ? bits : 8 * cb_btf_index_size(w->ix, type));
		bit_field_before = bits;
		if (w->out->len - w->start > CB_SLICE_MAX)
			err = corrupt(w, id);
	}
	if (btf_is_struct(t))
		cb_slice_padding(w->out, w->indent, at, 8ULL * t->size, cb_btf_index_align(w->ix, id), false);
	return err;
}

/* Its alignment by its members, which is what a compiler gives it, is larger than the one that it has. (libbpf leaves
 * unions as they are, and what contains them in wrong places, which relocations put right; so do we.) */
static bool is_packed(const struct writer *w, uint32_t id)
{
	const struct btf_type *t = type_of(w, id);

	if (btf_is_union(t) || cb_btf_index_align(w->ix, id) > 1)
		return false;
	for (uint16_t i = 0; i < btf_vlen(t); i++)
		if (cb_btf_index_align(w->ix, btf_members(t)[i].type) > 1)
			return true;
	return false;
}

/* " { ... } attributes". The members of one without a name that is a member itself share the scope it stands in. */
static int put_composite_body(struct writer *w, uint32_t id, struct scope *scope)
{
	const struct cb_picked *picked = cb_picks_find(w->p, id);
	bool whole = !picked || picked->need == CB_NEED_WHOLE;
	bool packed = is_packed(w, id);
	int err;

	cb_buf_str(w->out, " {");
	w->indent++;
	err = put_members(w, id, whole, packed, scope);
	w->indent--;
	put_line(w);
	cb_buf_ch(w->out, '}');
	if (packed)
		cb_buf_str(w->out, " __attribute__((packed))");
	return err;
}

/* ---- Definitions ------------------------------------------------------------------------------------------------ */

static int define(struct writer *w, uint32_t id);

/* Write what must stand before something that refers to this type. value: one of it is there. */
static int prepare(struct writer *w, uint32_t id, bool value)
{
	int err = 0;

	while (id && !err) {
		const struct btf_type *t = type_of(w, id);

		switch (btf_kind(t)) {
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
			return value || !t->name_off ? define(w, id) : 0;
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
			return t->name_off ? define(w, id) : 0;
		case BTF_KIND_FUNC_PROTO:
			return define(w, id);
		case BTF_KIND_TYPEDEF:
			err = define(w, id);
			id = t->type;
			break;
		case BTF_KIND_ARRAY:
			value = true;
			id = btf_array(t)->type;
			break;
		case BTF_KIND_PTR:
			value = false;
			id = t->type;
			break;
		case BTF_KIND_VOLATILE:
		case BTF_KIND_CONST:
		case BTF_KIND_RESTRICT:
		case BTF_KIND_TYPE_TAG:
			id = t->type;
			break;
		default:
			return 0;
		}
	}
	return err;
}

static int prepare_members(struct writer *w, const struct btf_type *t, bool whole)
{
	int err = 0;

	for (uint16_t i = 0; i < btf_vlen(t) && !err; i++) {
		const struct btf_member *m = &btf_members(t)[i];

		if (whole || !m->name_off || cb_picks_field(w->p, m))
			err = prepare(w, m->type, true);
	}
	return err;
}

/* Declare a struct, once, unless it is defined already. */
static int forward(struct writer *w, uint32_t id, struct cb_picked *picked)
{
	const struct btf_type *t = type_of(w, id);
	int err;

	if (picked->state & (FORWARDED | DONE))
		return 0;
	picked->state |= FORWARDED;
	cb_buf_str(w->out, btf_is_union(t) || (btf_is_fwd(t) && btf_kflag(t)) ? "union " : "struct ");
	err = put_type_name(w, id, CB_BTF_TAGS);
	cb_buf_str(w->out, ";\n\n");
	return err;
}

/* A function's parameters belong to it alone, unless their structs have been declared before. */
static int prepare_params(struct writer *w, const struct btf_type *proto)
{
	int err = 0;

	for (int i = -1; i < btf_vlen(proto) && !err; i++) {
		uint32_t id = i < 0 ? proto->type : btf_params(proto)[i].type;
		struct cb_picked *picked;
		const struct btf_type *t;

		err = prepare(w, id, false);
		while (t = resolve(w, &id), btf_is_ptr(t))
			id = t->type;
		picked = cb_picks_find(w->p, id);
		if (!err && picked && t->name_off && (btf_is_composite(t) || btf_is_fwd(t)))
			err = forward(w, id, picked);
	}
	return err;
}

static int define_composite(struct writer *w, uint32_t id, struct cb_picked *picked)
{
	const struct btf_type *t = type_of(w, id);
	struct scope scope = {0};
	int err;

	if (picked->need == CB_NEED_NAME)
		return forward(w, id, picked);
	err = prepare_members(w, t, picked->need == CB_NEED_WHOLE);
	if (err || !t->name_off)
		return err;
	cb_buf_str(w->out, btf_is_union(t) ? "union " : "struct ");
	err = put_type_name(w, id, CB_BTF_TAGS);
	if (!err)
		err = put_composite_body(w, id, &scope);
	free(scope.slots);
	cb_buf_str(w->out, ";\n\n");
	return err;
}

static int define_typedef(struct writer *w, uint32_t id)
{
	const struct btf_type *t = type_of(w, id);
	char suffix[16] = "";
	int err = prepare(w, t->type, false);

	/* the compiler's own; and one that old compilers describe as void */
	if (err || !strcmp(str(w, t->name_off), "__builtin_va_list"))
		return err;
	if (!t->type && !strcmp(str(w, t->name_off), "__gnuc_va_list")) {
		cb_buf_str(w->out, "typedef __builtin_va_list __gnuc_va_list;\n\n");
		return 0;
	}
	if (w->ix->marks[id] & CB_BTF_NOT_FIRST)
		number_of(w, id, t->name_off, CB_BTF_IDENTS, suffix);
	cb_buf_str(w->out, "typedef ");
	err = put_declaration(w, t->type, t->name_off, suffix);
	cb_buf_str(w->out, ";\n\n");
	return err;
}

static int define_enum(struct writer *w, uint32_t id)
{
	int err;

	cb_buf_str(w->out, "enum");
	if (type_of(w, id)->name_off) {
		cb_buf_ch(w->out, ' ');
		err = put_type_name(w, id, CB_BTF_TAGS);
		if (err)
			return err;
	}
	err = btf_vlen(type_of(w, id)) ? put_enum_body(w, id) : 0;
	cb_buf_str(w->out, ";\n\n");
	return err;
}

static int define_kind(struct writer *w, uint32_t id, struct cb_picked *picked)
{
	switch (btf_kind(type_of(w, id))) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return define_composite(w, id, picked);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return define_enum(w, id);
	case BTF_KIND_TYPEDEF:
		return define_typedef(w, id);
	case BTF_KIND_FWD:
		return forward(w, id, picked);
	default:
		return prepare_params(w, type_of(w, id));
	}
}

/* Once; a type that needs itself to be there before it is none of C's. */
static int define(struct writer *w, uint32_t id)
{
	struct cb_picked *picked = cb_picks_find(w->p, id);
	int err;

	if (!picked || picked->state & DONE)
		return 0;
	if (picked->state & BUSY) {
		bool nameless = !type_of(w, id)->name_off; /* reached by a pointer inside itself, or a prototype */

		return nameless ? 0 : corrupt(w, id);
	}
	if (++w->depth > DEPTH_MAX)
		return corrupt(w, id);
	picked->state |= BUSY;
	err = define_kind(w, id, picked);
	picked->state |= DONE;
	w->depth--;
	return err;
}

static int by_id(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Enums without a name come last: before, some struct or typedef may be the place where one is written. */
static int define_all(struct writer *w, const uint32_t *ids, uint32_t n)
{
	int err = 0;

	for (int nameless = 0; nameless < 2; nameless++)
		for (uint32_t i = 0; i < n && !err; i++) {
			const struct btf_type *t = type_of(w, ids[i]);

			if ((btf_is_any_enum(t) && !t->name_off) == nameless)
				err = define(w, ids[i]);
		}
	return err;
}

int cb_slice_write(struct cb_picks *p, struct cb_buf *out, struct cb_err *e)
{
	struct writer w = {.p = p, .ix = p->ix, .out = out, .start = out->len, .e = e};
	uint32_t *ids = calloc(p->count + 1, sizeof(*ids));
	int err;

	if (!ids)
		return cb_fail(e, ENOMEM, "out of memory");
	for (uint32_t i = 0; i < p->count; i++)
		ids[i] = p->list[i].id;
	qsort(ids, p->count, sizeof(*ids), by_id);
	err = define_all(&w, ids, p->count);
	free(ids);
	if (!err && out->len - w.start > CB_SLICE_MAX)
		err = cb_fail(e, EINVAL, "corrupt BTF: the types of one program have more than %d bytes", CB_SLICE_MAX);
	return out->failed ? cb_fail(e, ENOMEM, "out of memory") : err;
}
