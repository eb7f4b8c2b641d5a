// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * plan.c - from a BTF type to a flat list of fields; see plan.h for what that list looks like.
 *
 * The walk goes down the type once and keeps, for each list it builds, the JSON text that has gathered since the last
 * field (`lead`): opening a struct adds its key and brace there, closing it adds a brace, and the next field takes it.
 *
 * BTF comes from files that anybody may have written. So the walk trusts nothing: names may be missing, chains and
 * structs may be circles, offsets may point outside. Depth, members, values and bytes are bounded (the enum in plan.h),
 * and no field is accepted that reaches beyond its record; then formatting needs no checks.
 *
 * Decisions about types:
 *  - all members of a union print, each as its own reading of the same bytes; unions look like structs;
 *  - members without size (flexible arrays, empty arrays) do not print: they hold nothing;
 *  - "char" in all its signednesses but spelled "char" is text; "unsigned char" (u8) and "signed char" (s8) are numbers;
 *  - a display typedef counts wherever it stands in the chain of typedefs, if the size fits; if not it is not ours.
 */
#include "output/plan.h"

#include <errno.h>
#include <stdlib.h>

#include "btf/type.h"
#include "output/digits.h"

/* A list while it is built. */
struct list {
	struct cb_field *fields;
	size_t n, cap;
	struct cb_buf lead;
	bool comma;	 /* a value stands in front at this level */
	uint64_t limit;	 /* bytes of the record or element */
	uint64_t values; /* in one record, array elements counted */
};

struct walk {
	const struct btf *btf;
	struct cb_plan *plan;
	struct cb_err *e;
	unsigned members; /* seen so far */
	struct known_enum {
		const struct btf_type *type;
		uint8_t load;
		const struct cb_enum *table;
		struct known_enum *next;
	} * enums; /* an enum of a thousand names may be the type of a thousand members */
};

/* One step of the walk. */
struct place {
	uint32_t type;	  /* id */
	uint64_t off;	  /* bytes from the start of the list's record */
	unsigned bit;	  /* and bits */
	unsigned bits;	  /* width of a bitfield, or 0 */
	const char *path; /* full name, "outer.inner" */
	const char *key;  /* JSON key, or NULL for a bare value */
	int depth;
};

/* ---- Memory: everything of a plan is freed at once --------------------------------------------------------------- */

struct chunk {
	struct chunk *next;
	_Alignas(16) char data[];
};

static void *take(struct walk *w, size_t size)
{
	struct chunk *c = calloc(1, sizeof(*c) + size);

	if (!c) {
		cb_fail(w->e, ENOMEM, "out of memory");
		return NULL;
	}
	c->next = w->plan->memory;
	w->plan->memory = c;
	return c->data;
}

static char *keep(struct walk *w, const void *text, size_t len)
{
	/* a zero behind it, and room for copies in whole steps */
	char *p = take(w, len + 1 + CB_LEAD_STEP);

	if (p && len)
		memcpy(p, text, len);
	return p;
}

/* ---- Types ----------------------------------------------------------------------------------------------------- */

static const char *name_of(const struct walk *w, const struct btf_type *t)
{
	const char *name = btf__name_by_offset(w->btf, t->name_off);

	return name ? name : "";
}

/* Bytes of a resolved type; -1 for what has no size, is broken or too large. */
static int64_t size_of(const struct walk *w, uint32_t id, int depth)
{
	const struct btf_type *t = btf__type_by_id(w->btf, cb_btf_resolve(w->btf, id));
	int64_t size;

	if (!t || depth > CB_PLAN_MAX_DEPTH)
		return -1;
	switch (btf_kind(t)) {
	case BTF_KIND_PTR:
		return 8; /* BPF's pointers, whatever the machine's are */
	case BTF_KIND_ARRAY:
		size = size_of(w, btf_array(t)->type, depth + 1);
		if (size < 0 || __builtin_mul_overflow(size, btf_array(t)->nelems, &size) || size > CB_PLAN_MAX_BYTES)
			return -1;
		return size;
	case BTF_KIND_INT:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_FLOAT:
		return t->size > CB_PLAN_MAX_BYTES ? -1 : (int64_t)t->size;
	default:
		return -1;
	}
}

static uint8_t load_for(uint32_t size, bool is_signed)
{
	switch (size) {
	case 1:
		return is_signed ? CB_LOAD_S8 : CB_LOAD_U8;
	case 2:
		return is_signed ? CB_LOAD_S16 : CB_LOAD_U16;
	case 4:
		return is_signed ? CB_LOAD_S32 : CB_LOAD_U32;
	case 8:
		return is_signed ? CB_LOAD_S64 : CB_LOAD_U64;
	default:
		return CB_LOAD_NONE;
	}
}

static int by_value(const void *a, const void *b)
{
	const struct cb_enumerator *x = a, *y = b;

	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name; /* BTF's order of names, which follows the source */
}

/* Lay a sorted table out so that a value is an index, if that costs not much more room. */
static int make_dense(struct walk *w, struct cb_enum *en)
{
	struct cb_enumerator *list;
	uint64_t span;

	if (!en->n)
		return 0;
	span = (uint64_t)en->list[en->n - 1].value - (uint64_t)en->list[0].value;
	if (span >= en->n * 4 + 16)
		return 0;
	list = take(w, (span + 1) * sizeof(*list));
	if (!list)
		return -ENOMEM;
	en->base = en->list[0].value;
	for (size_t i = en->n; i-- > 0;) /* backwards: of several names for one value the first in the source stays */
		list[en->list[i].value - en->base] = en->list[i];
	en->list = list;
	en->n = span + 1;
	en->dense = true;
	return 0;
}

static int add_enumerator(struct walk *w, struct cb_enum *en, int64_t value, uint32_t name_off)
{
	const char *name = btf__name_by_offset(w->btf, name_off);
	struct cb_enumerator *m = &en->list[en->n];
	struct cb_buf quoted = {0};

	if (!name || !*name || strlen(name) > CB_PLAN_MAX_NAME)
		return 0; /* its number prints */
	cb_json_quote(name, strlen(name), &quoted);
	*m = (struct cb_enumerator){value, name, NULL, (uint32_t)strlen(name), (uint32_t)quoted.len};
	m->quoted = quoted.failed ? NULL : keep(w, quoted.data, quoted.len);
	cb_buf_free(&quoted);
	if (!m->quoted)
		return cb_fail(w->e, ENOMEM, "out of memory");
	if (m->quoted_len > en->longest)
		en->longest = m->quoted_len;
	en->n++;
	return 0;
}

static struct known_enum *make_enum(struct walk *w, const struct btf_type *t)
{
	bool is_signed = btf_kflag(t);
	struct known_enum *known = take(w, sizeof(*known));
	struct cb_enum *en = take(w, sizeof(*en));

	if (!known || !en || !(en->list = take(w, btf_vlen(t) * sizeof(*en->list))))
		return NULL;
	for (unsigned i = 0; i < btf_vlen(t); i++) {
		const struct btf_enum *e32 = btf_enum(t) + i;
		const struct btf_enum64 *e64 = btf_enum64(t) + i;
		int err;

		if (btf_is_enum(t)) {
			/* compilers before LLVM 15 do not set the flag */
			is_signed |= e32->val < 0;
			err = add_enumerator(w, en, e32->val, e32->name_off);
		} else {
			err = add_enumerator(w, en, (int64_t)btf_enum64_value(e64), e64->name_off);
		}
		if (err)
			return NULL;
	}
	/* unsigned ones of 64 bits are sorted as if signed, and looked up in the same way */
	qsort(en->list, en->n, sizeof(*en->list), by_value);
	if (make_dense(w, en))
		return NULL;
	*known = (struct known_enum){t, load_for(t->size, is_signed), en, w->enums};
	w->enums = known;
	return known;
}

static int set_enum(struct walk *w, const struct btf_type *t, struct cb_field *f)
{
	struct known_enum *known = w->enums;

	while (known && known->type != t)
		known = known->next;
	if (!known)
		known = make_enum(w, t);
	if (!known)
		return -ENOMEM;
	f->as = CB_AS_ENUM;
	f->load = known->load;
	f->enumeration = known->table;
	return 0;
}

/* ---- Display types --------------------------------------------------------------------------------------------- */

static const struct display {
	const char *name;
	uint8_t as;
	uint8_t size; /* that it must have, or 0: any integer */
	uint64_t unit;
} displays[] = {
	{"lbc_ns_t", CB_AS_DURATION, 0, 1},	  {"lbc_us_t", CB_AS_DURATION, 0, 1000},
	{"lbc_ms_t", CB_AS_DURATION, 0, 1000000}, {"lbc_time_t", CB_AS_TIME, 8, 0},
	{"lbc_bytes_t", CB_AS_BYTES, 0, 0},	  {"lbc_hex_t", CB_AS_HEX, 0, 0},
	{"lbc_ksym_t", CB_AS_KSYM, 8, 0},	  {"lbc_cgroup_t", CB_AS_CGROUP, 8, 0},
	{"lbc_errno_t", CB_AS_ERRNO, 0, 0},	  {"lbc_ret_t", CB_AS_RET, 0, 0},
	{"lbc_syscall_t", CB_AS_SYSCALL, 0, 0},	  {"lbc_signal_t", CB_AS_SIGNAL, 0, 0},
	{"lbc_dev_t", CB_AS_DEV, 4, 0},		  {"lbc_ipv4_t", CB_AS_IPV4, 4, 0},
	{"lbc_kstack_t", CB_AS_KSTACK, 0, 0},	  {"lbc_ustack_t", CB_AS_USTACK, 0, 0},
};

static void apply_display(const char *name, struct cb_field *f)
{
	for (size_t i = 0; *name && i < sizeof(displays) / sizeof(*displays); i++) {
		const struct display *d = &displays[i];

		if (strcmp(d->name, name) || (d->size && d->size != f->size))
			continue;
		f->as = d->as;
		if (d->as == CB_AS_DURATION)
			f->unit = d->unit;
	}
	f->is_tgid = !strcmp(name, "lbc_pid_t");
}

/* ---- The walk -------------------------------------------------------------------------------------------------- */

static int walk_value(struct walk *w, struct list *l, const struct place *at);

static void open_value(struct list *l, const char *key)
{
	if (l->comma)
		cb_buf_ch(&l->lead, ',');
	l->comma = true;
	if (key) {
		cb_json_quote(key, strlen(key), &l->lead);
		cb_buf_ch(&l->lead, ':');
	}
}

static struct cb_field *add_field(struct walk *w, struct list *l, const struct place *at)
{
	char type[256];
	struct cb_field *f;

	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 8;
		struct cb_field *fields = realloc(l->fields, cap * sizeof(*fields));

		if (!fields) {
			cb_fail(w->e, ENOMEM, "out of memory");
			return NULL;
		}
		l->fields = fields;
		l->cap = cap;
	}
	open_value(l, at->key);
	if (l->lead.failed) {
		cb_fail(w->e, ENOMEM, "out of memory");
		return NULL;
	}
	f = &l->fields[l->n];
	*f = (struct cb_field){.off = (uint32_t)at->off, .lead_len = (uint32_t)l->lead.len};
	f->lead = keep(w, l->lead.data, l->lead.len);
	f->name = keep(w, at->path, strlen(at->path));
	cb_btf_type_name(w->btf, at->type, type, sizeof(type));
	f->type = keep(w, type, strlen(type));
	l->lead.len = 0;
	if (!f->lead || !f->name || !f->type)
		return NULL;
	l->n++;
	return f;
}

/* Seal a list: its fields into the plan's memory, what has gathered becomes the tail. */
static int finish_list(struct walk *w, struct list *l, struct cb_list *out)
{
	out->n = l->n;
	out->fields = take(w, l->n * sizeof(*l->fields) + 1);
	out->tail_len = (uint32_t)l->lead.len;
	out->tail = keep(w, l->lead.data, l->lead.len);
	if (!out->fields || !out->tail || l->lead.failed)
		return cb_fail(w->e, ENOMEM, "out of memory");
	if (l->n)
		memcpy(out->fields, l->fields, l->n * sizeof(*l->fields));
	return 0;
}

static void free_list(struct list *l)
{
	free(l->fields);
	cb_buf_free(&l->lead);
}

static int check_room(struct walk *w, const struct list *l, const struct place *at, uint64_t bytes)
{
	if (at->off > l->limit || bytes > l->limit - at->off)
		return cb_fail(w->e, EINVAL, "corrupt BTF: %s reaches beyond the end of its record",
			       *at->path ? at->path : "a value");
	return 0;
}

static int add_array(struct walk *w, struct list *l, const struct place *at, const struct btf_array *a,
		     struct cb_field *f)
{
	int64_t stride = size_of(w, a->type, 0);
	struct list inner = {.limit = (uint64_t)stride};
	struct cb_list *elem = take(w, sizeof(*elem));
	struct place place = {.type = a->type, .path = "", .depth = at->depth + 1};
	int err;

	if (!elem)
		return -ENOMEM;
	err = walk_value(w, &inner, &place);
	if (!err)
		err = finish_list(w, &inner, elem);
	free_list(&inner);
	if (err)
		return err;
	f->as = CB_AS_ARRAY;
	f->count = f->size ? a->nelems : 0;
	f->stride = (uint32_t)stride;
	f->elem = elem;
	l->values += inner.values * a->nelems;
	return 0;
}

static bool is_char(const struct walk *w, uint32_t id)
{
	const struct btf_type *t = btf__type_by_id(w->btf, cb_btf_resolve(w->btf, id));

	return t && btf_is_int(t) && t->size == 1 && !strcmp(name_of(w, t), "char");
}

static void set_bitfield(struct cb_field *f, const struct place *at, unsigned bit, unsigned bits)
{
	f->load = cb_load_signed(f->load) ? CB_LOAD_SBITS : CB_LOAD_UBITS;
	f->off = (uint32_t)(at->off + bit / 8);
	f->bit = bit % 8;
	f->bits = (uint8_t)bits;
}

/* Integers, enums, floats, pointers. */
static int set_scalar(struct walk *w, struct list *l, const struct place *at, const struct btf_type *t,
		      struct cb_field *f)
{
	unsigned bit = at->bit, bits = at->bits;
	int err = 0;

	switch (btf_kind(t)) {
	case BTF_KIND_PTR:
		f->as = CB_AS_HEX;
		f->load = CB_LOAD_U64;
		break;
	case BTF_KIND_FLOAT:
		f->as = t->size == 4 ? CB_AS_FLOAT : t->size == 8 ? CB_AS_DOUBLE : t->size == 16 ? CB_AS_WIDE : 0;
		if (!f->as)
			return cb_fail(w->e, EINVAL, "%s: a floating-point number of %u bytes cannot be printed",
				       at->path, t->size);
		break;
	case BTF_KIND_INT:
		f->load = load_for(t->size, btf_int_encoding(t) & BTF_INT_SIGNED);
		if (t->size == 16)
			f->as = CB_AS_WIDE;
		else if (btf_int_encoding(t) & BTF_INT_BOOL)
			f->as = CB_AS_BOOL;
		else if (is_char(w, at->type))
			f->as = CB_AS_CHAR;
		else
			f->as = CB_AS_INT;
		/* before kflag structs, an integer type said by itself that it is a bitfield */
		if (!bits && (btf_int_offset(t) || btf_int_bits(t) != t->size * 8)) {
			bits = btf_int_bits(t);
			bit += btf_int_offset(t);
		}
		break;
	default:
		err = set_enum(w, t, f);
	}
	if (!err && f->load == CB_LOAD_NONE && f->as < CB_AS_WIDE)
		err = cb_fail(w->e, EINVAL, "%s: a number of %u bytes cannot be printed", at->path, f->size);
	if (!err && f->load != CB_LOAD_NONE)
		apply_display(cb_btf_display(w->btf, at->type), f);
	if (err || (!bits && !bit))
		return err;
	if (!bits)
		bits = f->size * 8;
	if (bits > 64 || f->load == CB_LOAD_NONE)
		return cb_fail(w->e, EINVAL, "corrupt BTF: %s is a bitfield of %u bits", at->path, bits);
	set_bitfield(f, at, bit, bits);
	return check_room(w, l, at, (bit + bits + 7) / 8);
}

static int walk_leaf(struct walk *w, struct list *l, const struct place *at, const struct btf_type *t, int64_t size)
{
	bool bitfield = at->bit || at->bits;
	/* a bitfield checks its own bits: its type may be wider than what is left of a packed record */
	int err = at->bits ? 0 : check_room(w, l, at, (uint64_t)size);
	struct cb_field *f;
	uint64_t values = l->values;

	if (err)
		return err;
	if (bitfield && !btf_is_int(t) && !btf_is_any_enum(t))
		return cb_fail(w->e, EINVAL, "corrupt BTF: %s is a bitfield, but neither a number nor an enum",
			       at->path);
	f = add_field(w, l, at);
	if (!f)
		return -ENOMEM;
	f->size = (uint32_t)size;
	if (size == 16 && !strcmp(cb_btf_display(w->btf, at->type), "lbc_ipv6_t"))
		f->as = CB_AS_IPV6;
	else if (btf_is_array(t) && is_char(w, btf_array(t)->type))
		f->as = CB_AS_TEXT;
	else if (btf_is_array(t))
		err = add_array(w, l, at, btf_array(t), f);
	else
		err = set_scalar(w, l, at, t, f);
	if (!err && l->values == values)
		l->values++;
	if (!err && l->values > CB_PLAN_MAX_VALUES)
		err = cb_fail(w->e, E2BIG, "%s: a record of more than %d values cannot be printed", at->path,
			      CB_PLAN_MAX_VALUES);
	return err;
}

static int walk_members(struct walk *w, struct list *l, const struct place *at, const struct btf_type *t)
{
	struct cb_buf path = {0};
	int err = 0;

	for (unsigned i = 0; i < btf_vlen(t) && !err; i++) {
		const struct btf_member *m = btf_members(t) + i;
		const char *name = btf__name_by_offset(w->btf, m->name_off);
		const struct btf_type *mt = btf__type_by_id(w->btf, cb_btf_resolve(w->btf, m->type));
		uint32_t bit = btf_member_bit_offset(t, i);
		struct place place = {
			.type = m->type,
			.off = at->off + bit / 8,
			.bit = bit % 8,
			.bits = btf_member_bitfield_size(t, i),
			.depth = at->depth + 1,
		};

		if (++w->members > CB_PLAN_MAX_FIELDS) {
			err = cb_fail(w->e, E2BIG, "a type with more than %d members cannot be printed",
				      CB_PLAN_MAX_FIELDS);
			break;
		}
		if (!name || !*name) {
			/* padding has no name either, and nothing to print */
			if (mt && btf_is_composite(mt) && place.depth <= CB_PLAN_MAX_DEPTH) {
				place.path = at->path;
				err = walk_members(w, l, &place, mt);
			}
			continue;
		}
		path.len = 0;
		if (*at->path) {
			cb_buf_str(&path, at->path);
			cb_buf_ch(&path, '.');
		}
		cb_buf_str(&path, name);
		place.path = cb_buf_cstr(&path);
		place.key = name;
		if (path.len > CB_PLAN_MAX_NAME)
			err = cb_fail(w->e, E2BIG, "corrupt BTF: a name of %zu bytes", path.len);
		else
			err = path.failed ? cb_fail(w->e, ENOMEM, "out of memory") : walk_value(w, l, &place);
	}
	cb_buf_free(&path);
	return err;
}

static int walk_value(struct walk *w, struct list *l, const struct place *at)
{
	const struct btf_type *t = btf__type_by_id(w->btf, cb_btf_resolve(w->btf, at->type));
	int64_t size = size_of(w, at->type, 0);
	char type[256];
	int err;

	if (at->depth > CB_PLAN_MAX_DEPTH)
		return cb_fail(w->e, E2BIG, "%s: types nested more than %d deep cannot be printed", at->path,
			       CB_PLAN_MAX_DEPTH);
	if (!t || size < 0)
		return cb_fail(w->e, EINVAL, "%s: a value of type %s cannot be printed",
			       *at->path ? at->path : "the record",
			       cb_btf_type_name(w->btf, at->type, type, sizeof(type)));
	if (!size && at->depth) /* nothing in it */
		return 0;
	if (!btf_is_composite(t) || (size == 16 && !strcmp(cb_btf_display(w->btf, at->type), "lbc_ipv6_t")))
		return walk_leaf(w, l, at, t, size);
	open_value(l, at->key);
	cb_buf_ch(&l->lead, '{');
	l->comma = false;
	err = walk_members(w, l, at, t);
	cb_buf_ch(&l->lead, '}');
	l->comma = true;
	return err;
}

/* ---- After the walk -------------------------------------------------------------------------------------------- */

static uint8_t json_op(const struct cb_field *f)
{
	switch (f->as) {
	case CB_AS_INT:
	case CB_AS_DURATION:
	case CB_AS_BYTES:
		return f->load >= CB_LOAD_U8 && f->load <= CB_LOAD_U64 ? CB_JSON_U8 + (f->load - CB_LOAD_U8)
								       : CB_JSON_INT;
	case CB_AS_TEXT:
		return f->size <= CB_TEXT_FAST ? CB_JSON_TEXT : CB_JSON_OTHER;
	case CB_AS_ENUM:
		return CB_JSON_ENUM;
	case CB_AS_BOOL:
		return CB_JSON_BOOL;
	case CB_AS_HEX:
		return CB_JSON_HEX;
	case CB_AS_TIME:
		return CB_JSON_TIME;
	case CB_AS_IPV4:
		return CB_JSON_IPV4;
	default:
		return CB_JSON_OTHER;
	}
}

/* Give each field its operation, and the list the room that one pass over it needs. */
static void choose_ops(struct cb_list *l)
{
	/* copies go in whole steps and may write this much behind their end */
	l->bound = l->tail_len + 2 * CB_LEAD_STEP;
	for (size_t i = 0; i < l->n; i++) {
		struct cb_field *f = &l->fields[i];
		size_t value = CB_U64_DIGITS + 2; /* every number, address and bool, quotes counted */

		f->json = json_op(f);
		if (f->json == CB_JSON_TEXT)
			value = (size_t)f->size * 6 + 2; /* all of it as \u00XX */
		if (f->json == CB_JSON_ENUM && f->enumeration->longest > value)
			value = f->enumeration->longest;
		if (f->as == CB_AS_ARRAY)
			choose_ops((struct cb_list *)f->elem);
		l->bound += f->lead_len + value + CB_LEAD_STEP;
	}
}

/* lbc_pid_t says so; otherwise a field called tgid or pid. */
static const struct cb_field *find_tgid(const struct cb_plan *p)
{
	static const char *const names[] = {"tgid", "pid"};

	for (size_t i = 0; i < p->top.n; i++)
		if (p->top.fields[i].is_tgid)
			return &p->top.fields[i];
	for (size_t k = 0; k < 2; k++) {
		for (size_t i = 0; i < p->top.n; i++) {
			const char *name = p->top.fields[i].name, *dot = strrchr(name, '.');

			if (!strcmp(dot ? dot + 1 : name, names[k]) && p->top.fields[i].as == CB_AS_INT)
				return &p->top.fields[i];
		}
	}
	return NULL;
}

static int64_t monotonic_to_epoch(void)
{
	struct timespec mono, real;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &real);
	return (int64_t)(real.tv_sec - mono.tv_sec) * 1000000000 + (real.tv_nsec - mono.tv_nsec);
}

static int make_plan(struct walk *w, uint32_t type_id, const char *name)
{
	struct cb_plan *p = w->plan;
	const struct btf_type *t = btf__type_by_id(w->btf, cb_btf_resolve(w->btf, type_id));
	int64_t size = size_of(w, type_id, 0);
	struct list l = {.limit = size < 0 ? 0 : (uint64_t)size};
	struct place at = {.type = type_id, .path = ""};
	bool object;
	int err;

	p->places = cb_places_new(NULL);
	if (!p->places)
		return cb_fail(w->e, ENOMEM, "out of memory");
	p->epoch = monotonic_to_epoch();
	p->size = l.limit;
	/* a named value that is no struct becomes an object of one member */
	object = t && *name && (!btf_is_composite(t) || !strcmp(cb_btf_display(w->btf, type_id), "lbc_ipv6_t"));
	if (object) {
		cb_buf_ch(&l.lead, '{');
		at.path = at.key = name;
	}
	err = walk_value(w, &l, &at);
	if (object)
		cb_buf_ch(&l.lead, '}');
	if (!err)
		err = finish_list(w, &l, &p->top);
	free_list(&l);
	if (err)
		return err;
	choose_ops(&p->top);
	p->tgid = find_tgid(p);
	return 0;
}

struct cb_plan *cb_plan_new(const struct btf *btf, uint32_t type_id, const char *name, const struct cb_resolver *r,
			    struct cb_err *e)
{
	struct cb_plan *p = calloc(1, sizeof(*p));
	struct walk w = {.btf = btf, .plan = p, .e = e};
	int err;

	if (!p) {
		errno = -cb_fail(e, ENOMEM, "out of memory");
		return NULL;
	}
	if (r)
		p->resolver = *r;
	err = make_plan(&w, type_id, name ? name : "");
	if (err) {
		cb_plan_free(p);
		errno = -err;
		return NULL;
	}
	return p;
}

void cb_plan_free(struct cb_plan *p)
{
	struct chunk *c, *next;

	if (!p)
		return;
	for (c = p->memory; c; c = next) {
		next = c->next;
		free(c);
	}
	cb_places_free(p->places);
	free(p);
}

size_t cb_plan_size(const struct cb_plan *p)
{
	return p->size;
}

size_t cb_plan_fields(const struct cb_plan *p)
{
	return p->top.n;
}

const char *cb_plan_field_name(const struct cb_plan *p, size_t i)
{
	return i < p->top.n ? p->top.fields[i].name : "";
}

const char *cb_plan_field_type(const struct cb_plan *p, size_t i)
{
	return i < p->top.n ? p->top.fields[i].type : "";
}

void cb_plan_text(const struct cb_plan *p, size_t i, const void *record, struct cb_buf *out)
{
	if (i < p->top.n)
		cb_field_put(p, &p->top.fields[i], record, CB_FOR_PEOPLE, out);
}
