// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * kernel_types.c - see kernel_types.h.
 *
 * A struct is shown flat: the members of a nested struct or union without a name are members with their own names and their
 * offsets in the whole; those of a nested one that has a name as a member, but no type name, have both names, with a dot.
 */
#include "service/kernel_types.h"

#include <bpf/btf.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "btf/type.h"
#include "service/json.h"

enum { NESTING_MAX = 32, CELLS_MAX = 20000, DECL_MAX = 4096, DUMP_MAX = 4 << 20 };

/* ---- Types as text ---------------------------------------------------------------------------------------------- */

struct text {
	struct btf_dump *dump;
	struct cb_buf out;
	size_t max; /* what is longer is cut off */
};

static void on_print(void *ctx, const char *fmt, va_list ap)
{
	struct text *t = ctx;
	char *piece;
	int len = vasprintf(&piece, fmt, ap);

	if (len < 0) {
		t->out.failed = true;
		return;
	}
	if (t->out.len < t->max)
		cb_buf_add(&t->out, piece, (size_t)len < t->max - t->out.len ? (size_t)len : t->max - t->out.len);
	free(piece);
}

static bool text_open(struct text *t, const struct btf *btf)
{
	*t = (struct text){0};
	t->dump = btf_dump__new(btf, on_print, t, NULL);
	return t->dump;
}

static void text_close(struct text *t)
{
	btf_dump__free(t->dump);
	cb_buf_free(&t->out);
}

/* "struct sock *", "char[16]", "void (*)(struct callback_head *)"; until the next call. */
static const char *type_text(struct text *t, __u32 id)
{
	const struct btf_dump_emit_type_decl_opts opts = {.sz = sizeof(opts), .field_name = ""};

	if (!id)
		return "void";
	t->out.len = 0;
	t->max = DECL_MAX;
	btf_dump__emit_type_decl(t->dump, id, &opts);
	while (t->out.len && t->out.data[t->out.len - 1] == ' ')
		t->out.len--;
	return cb_buf_cstr(&t->out);
}

/* The definition with all that it needs, as C. */
static json_t *definition(const struct btf *btf, __u32 id)
{
	struct text t;
	json_t *value;

	if (!text_open(&t, btf))
		return NULL;
	t.max = DUMP_MAX;
	btf_dump__dump_type(t.dump, id);
	value = cb_json_string(cb_buf_cstr(&t.out));
	text_close(&t);
	return value;
}

/* ---- Names ------------------------------------------------------------------------------------------------------ */

static const char *name_of(const struct btf *btf, const struct btf_type *t)
{
	const char *name = btf__name_by_offset(btf, t->name_off);

	return name ? name : "";
}

static const char *kind_name(const struct btf_type *t)
{
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		return "int";
	case BTF_KIND_FLOAT:
		return "float";
	case BTF_KIND_STRUCT:
		return "struct";
	case BTF_KIND_UNION:
		return "union";
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return "enum";
	case BTF_KIND_TYPEDEF:
		return "typedef";
	case BTF_KIND_FWD:
		return btf_kflag(t) ? "union" : "struct";
	default:
		return NULL;
	}
}

/* Take the first of these words that the name begins with off; the word, or NULL. */
static const char *take_word(const char **name, const char *const *words)
{
	for (; *words; words++) {
		size_t n = strlen(*words);

		if (!strncmp(*name, *words, n) && (*name)[n] == ' ') {
			*name += n + 1;
			return *words;
		}
	}
	return NULL;
}

static const char *keyword(const char **name)
{
	static const char *const words[] = {"struct", "union", "enum", NULL};

	return take_word(name, words);
}

/* The older clients ask for a member's type by the text that the member has it in. */
static const char *unqualified(const char *name)
{
	static const char *const words[] = {"const", "volatile", NULL};

	while (take_word(&name, words))
		;
	return name;
}

/* SQL's LIKE with % alone; '_' is a letter of names here. */
static bool is_like(const char *pattern, const char *text)
{
	const char *star = NULL, *retry = NULL;

	while (*text) {
		if (*pattern == '%') {
			star = pattern++;
			retry = text;
		} else if (*pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star + 1;
			text = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '%')
		pattern++;
	return !*pattern;
}

/* ---- Members ---------------------------------------------------------------------------------------------------- */

struct cells {
	const struct btf *btf;
	struct text text;
	json_t *list;
	bool lbc; /* the older clients' shape */
	unsigned n;
};

/* The type behind arrays, with their sizes appended to name: "char" and "comm[16]". */
static __u32 take_brackets(const struct btf *btf, __u32 id, struct cb_buf *name)
{
	for (;;) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		if (!t || !btf_is_array(t))
			return id;
		cb_buf_printf(name, "[%u]", btf_array(t)->nelems);
		id = btf_array(t)->type;
	}
}

static void add_cell(struct cells *c, const char *prefix, const char *name, __u32 id, unsigned bit, unsigned width)
{
	struct cb_buf full = {0};
	long long size = btf__resolve_size(c->btf, id);
	unsigned at = bit / 8, first = 0;
	json_t *cell;

	size = size < 0 ? 0 : size;
	cb_buf_printf(&full, "%s%s", prefix, name);
	if (c->lbc)
		id = take_brackets(c->btf, id, &full);
	if (width && size) {
		at = bit / (unsigned)(size * 8) * (unsigned)size;
		first = bit - at * 8;
	}
	cell = json_pack("{s:o, s:o, s:i, s:I}", "type", cb_json_string(type_text(&c->text, id)), "name",
			 cb_json_string(cb_buf_cstr(&full)), "offset", (int)at, "size", (json_int_t)size);
	if (width || c->lbc) {
		char bits[32] = "";

		if (width)
			snprintf(bits, sizeof(bits), "%u:%u", first, width);
		json_object_set_new(cell, "bits", json_string(bits));
	}
	json_array_append_new(c->list, cell);
	cb_buf_free(&full);
}

static void add_cells(struct cells *c, const struct btf_type *t, const char *prefix, unsigned base, unsigned depth)
{
	const struct btf_member *m = btf_members(t);

	/* every member counts, so that empty structs in empty structs come to an end */
	for (__u16 i = 0; i < btf_vlen(t) && c->n++ < CELLS_MAX; i++) {
		__u32 id = cb_btf_skip_modifiers(c->btf, m[i].type);
		const struct btf_type *inner = btf__type_by_id(c->btf, id);
		const char *name = btf__name_by_offset(c->btf, m[i].name_off);
		unsigned bit = base + btf_member_bit_offset(t, i);
		char longer[256];

		if (inner && btf_is_composite(inner) && !inner->name_off && depth < NESTING_MAX) {
			snprintf(longer, sizeof(longer), name && *name ? "%s%s." : "%s", prefix, name);
			add_cells(c, inner, longer, bit, depth + 1);
			continue;
		}
		add_cell(c, prefix, name ? name : "", m[i].type, bit, btf_member_bitfield_size(t, i));
	}
}

static json_t *cells(const struct btf *btf, const struct btf_type *t, bool lbc)
{
	struct cells c = {.btf = btf, .lbc = lbc};

	if (!text_open(&c.text, btf))
		return NULL;
	c.list = json_array();
	add_cells(&c, t, "", 0, 0);
	text_close(&c.text);
	return c.list;
}

/* ---- The API's ------------------------------------------------------------------------------------------------- */

static json_t *enumerators(const struct btf *btf, const struct btf_type *t)
{
	json_t *list = json_array();

	for (__u16 i = 0; i < btf_vlen(t); i++) {
		const bool wide = btf_is_enum64(t);
		__u32 name = wide ? btf_enum64(t)[i].name_off : btf_enum(t)[i].name_off;
		json_int_t value = wide ? (json_int_t)btf_enum64_value(&btf_enum64(t)[i]) : btf_enum(t)[i].val;

		json_array_append_new(list, json_pack("{s:o, s:I}", "name",
						      cb_json_string(btf__name_by_offset(btf, name)), "value", value));
	}
	return list;
}

static json_t *describe_type(const struct btf *btf, __u32 id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);
	long long size = btf__resolve_size(btf, id);
	json_t *one = json_pack("{s:s, s:o, s:I, s:o}", "kind", kind_name(t), "name", cb_json_string(name_of(btf, t)),
				"size", (json_int_t)(size < 0 ? 0 : size), "c", definition(btf, id));

	if (btf_is_composite(t))
		json_object_set_new(one, "members", cells(btf, t, false));
	else if (btf_is_any_enum(t))
		json_object_set_new(one, "enumerators", enumerators(btf, t));
	return one;
}

json_t *cb_types_named(const struct btf *btf, const char *name)
{
	const char *bare = name, *word = keyword(&bare);
	json_t *list = json_array();

	for (__u32 id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const char *kind = kind_name(t);

		if (kind && t->name_off && !strcmp(name_of(btf, t), bare) && (!word || !strcmp(word, kind)))
			json_array_append_new(list, describe_type(btf, id));
	}
	if (!json_array_size(list)) {
		json_decref(list);
		return json_null();
	}
	return json_pack("{s:o, s:o}", "name", cb_json_string(name), "types", list);
}

static const struct btf_type *prototype(const struct btf *btf, const struct btf_type *func)
{
	const struct btf_type *t = btf__type_by_id(btf, func->type);

	return t && btf_is_func_proto(t) ? t : NULL;
}

static json_t *describe_function(struct text *text, const struct btf *btf, const struct btf_type *func)
{
	const struct btf_type *proto = prototype(btf, func);
	const struct btf_param *p = btf_params(proto);
	json_t *args = json_array();

	for (__u16 i = 0; i < btf_vlen(proto); i++) {
		const bool rest = !p[i].type; /* the "..." of a function with any number of arguments */

		json_array_append_new(args,
				      json_pack("{s:o, s:o}", "name",
						cb_json_string(rest ? "..." : btf__name_by_offset(btf, p[i].name_off)),
						"type", cb_json_string(rest ? "..." : type_text(text, p[i].type))));
	}
	return json_pack("{s:o, s:o, s:o}", "name", cb_json_string(name_of(btf, func)), "returns",
			 cb_json_string(type_text(text, proto->type)), "args", args);
}

json_t *cb_functions(const struct btf *btf, const char *glob)
{
	json_t *list = json_array();
	bool more = false;
	struct text text;

	if (!text_open(&text, btf)) {
		json_decref(list);
		return NULL;
	}
	for (__u32 id = 1; id < btf__type_cnt(btf) && !more; id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		if (!btf_is_func(t) || !prototype(btf, t) || fnmatch(glob, name_of(btf, t), 0))
			continue;
		more = json_array_size(list) == CB_FUNCS_MAX;
		if (!more)
			json_array_append_new(list, describe_function(&text, btf, t));
	}
	text_close(&text);
	return json_pack("{s:o, s:b}", "functions", list, "more", more);
}

/* ---- The older clients' ---------------------------------------------------------------------------------------- */

static json_t *lbc_one_struct(const struct btf *btf, const struct btf_type *t, bool whole)
{
	json_t *list = cells(btf, t, true), *one;
	char *name;

	if (!list || asprintf(&name, "%s %s", kind_name(t), name_of(btf, t)) < 0)
		return NULL;
	one = json_pack("{s:o, s:i, s:I}", "name", cb_json_string(name), "members", (int)json_array_size(list), "size",
			(json_int_t)t->size);
	if (whole)
		json_object_set(one, "cell", list);
	json_decref(list);
	free(name);
	return one;
}

json_t *cb_lbc_struct(const struct btf *btf, const char *like)
{
	const bool many = strchr(like, '%');
	const char *bare = unqualified(like), *word = keyword(&bare);
	json_t *list = many ? json_array() : NULL;

	for (__u32 id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);

		if (!btf_is_composite(t) || !t->name_off || (word && strcmp(word, kind_name(t))) ||
		    !is_like(bare, name_of(btf, t)))
			continue;
		if (!many)
			return lbc_one_struct(btf, t, true);
		json_array_append_new(list, lbc_one_struct(btf, t, false));
		if (json_array_size(list) == CB_LBC_STRUCTS_MAX)
			break;
	}
	return many ? list : json_null();
}

/* What C calls a type, and what BTF (as DWARF) does. */
static const char *full_name(const char *name)
{
	static const char *const names[][2] = {
		{"unsigned", "unsigned int"},
		{"short", "short int"},
		{"unsigned short", "short unsigned int"},
		{"long", "long int"},
		{"unsigned long", "long unsigned int"},
		{"long long", "long long int"},
		{"unsigned long long", "long long unsigned int"},
		{"bool", "_Bool"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(name, names[i][0]))
			return names[i][1];
	return name;
}

static json_t *lbc_type_is(const char *name, const char *type, long long size)
{
	return json_pack("{s:o, s:o, s:I}", "name", cb_json_string(name), "type", cb_json_string(type), "size",
			 (json_int_t)size);
}

json_t *cb_lbc_type(const struct btf *btf, const char *name)
{
	const char *bare = unqualified(name), *word = keyword(&bare), *other = full_name(bare);
	struct text text;

	/* how these clients ask for the size of a pointer */
	if (!strcmp(name, "_"))
		return lbc_type_is("void *", "void *", (long long)btf__pointer_size(btf));
	for (__u32 id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const char *kind = kind_name(t), *is = name_of(btf, t);
		json_t *value;

		if (!kind || !t->name_off || btf_is_fwd(t) || (word && strcmp(word, kind)) ||
		    (strcmp(is, bare) && strcmp(is, other)))
			continue;
		if (!text_open(&text, btf))
			return NULL;
		value = lbc_type_is(name, type_text(&text, cb_btf_resolve(btf, id)), btf__resolve_size(btf, id));
		text_close(&text);
		return value;
	}
	return json_null();
}

static json_t *lbc_function(struct text *text, const struct btf *btf, const struct btf_type *func)
{
	const struct btf_type *proto = prototype(btf, func);
	const struct btf_param *p = btf_params(proto);
	json_t *args = json_array();

	for (__u16 i = 0; i < btf_vlen(proto); i++)
		json_array_append_new(args, cb_json_string(p[i].type ? type_text(text, p[i].type) : "..."));
	return json_pack("{s:o, s:o, s:o, s:i, s:s}", "func", cb_json_string(name_of(btf, func)), "args", args, "ret",
			 cb_json_string(type_text(text, proto->type)), "line", 0, "file", "");
}

/* Is it one whose result or argument has this type? "static" in front of a result is no part of the type. */
static bool has_types(const json_t *function, const char *ret, const char *arg)
{
	static const char STATIC[] = "static ";
	const char *is = json_string_value(json_object_get(function, "ret"));
	const json_t *args = json_object_get(function, "args");
	size_t i;
	json_t *one;

	if (!strncmp(ret, STATIC, sizeof(STATIC) - 1))
		ret += sizeof(STATIC) - 1;
	if (*ret && (!is || strcmp(ret, is)))
		return false;
	if (!*arg)
		return true;
	json_array_foreach(args, i, one) if (!strcmp(json_string_value(one), arg)) return true;
	return false;
}

json_t *cb_lbc_functions(const struct btf *btf, const char *like, const char *ret, const char *arg)
{
	const bool by_type = *ret || *arg;
	const size_t max = by_type ? CB_LBC_BY_TYPE_MAX : CB_LBC_FUNCS_MAX;
	json_t *list = json_array();
	struct text text;

	if (!text_open(&text, btf)) {
		json_decref(list);
		return NULL;
	}
	for (__u32 id = 1; id < btf__type_cnt(btf) && json_array_size(list) < max; id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		json_t *one;

		if (!btf_is_func(t) || !prototype(btf, t) ||
		    !(by_type && !*like ? true : is_like(like, name_of(btf, t))))
			continue;
		one = lbc_function(&text, btf, t);
		if (!by_type || has_types(one, ret, arg))
			json_array_append(list, one);
		json_decref(one);
	}
	text_close(&text);
	return list;
}
