// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * param.c - parameters of a tool: from text to the bytes in .rodata and back, by their BTF type.
 *
 * A parameter of type lbc_ns_t (or _us_t, _ms_t) takes durations with a unit; every other integer takes numbers. The text
 * that cb_param_format() writes is one that coolbpf_param_set() reads back to the same bytes.
 */
#include "runtime/runtime.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ints.h"
#include "base/units.h"
#include "btf/type.h"

static const struct {
	const char *type;
	uint64_t ns;
	const char *unit;
} duration_types[] = {
	{"lbc_ns_t", 1, "ns"},
	{"lbc_us_t", 1000, "us"},
	{"lbc_ms_t", 1000000, "ms"},
};

/* Index in duration_types, or -1. */
static int duration_type(const struct coolbpf *cb, uint32_t type_id)
{
	const char *display = cb_btf_display(cb->btf, type_id);

	for (int i = 0; i < 3; i++)
		if (!strcmp(display, duration_types[i].type))
			return i;
	return -1;
}

static const struct btf_type *basic_type(const struct coolbpf *cb, const struct cb_param *p)
{
	return btf__type_by_id(cb->btf, cb_btf_resolve(cb->btf, p->type_id));
}

/* An array of one-byte integers: text. */
static bool is_text(const struct coolbpf *cb, const struct btf_type *t)
{
	const struct btf_type *elem;

	if (!btf_is_array(t))
		return false;
	elem = btf__type_by_id(cb->btf, cb_btf_resolve(cb->btf, btf_array(t)->type));
	return elem && btf_is_int(elem) && elem->size == 1;
}

static bool is_bool(const struct btf_type *t)
{
	return btf_is_int(t) && (btf_int_encoding(t) & BTF_INT_BOOL);
}

static bool is_signed(const struct btf_type *t)
{
	return btf_is_int(t) ? btf_int_encoding(t) & BTF_INT_SIGNED : btf_kflag(t);
}

static bool is_enum(const struct btf_type *t)
{
	return btf_is_any_enum(t);
}

static int64_t enum_value(const struct btf_type *t, int i, const char **name, const struct btf *btf)
{
	if (btf_is_enum64(t)) {
		const struct btf_enum64 *e = btf_enum64(t) + i;

		*name = btf__name_by_offset(btf, e->name_off);
		return (int64_t)btf_enum64_value(e);
	}
	*name = btf__name_by_offset(btf, btf_enum(t)[i].name_off);
	return btf_kflag(t) ? btf_enum(t)[i].val : (int64_t)(uint32_t)btf_enum(t)[i].val;
}

static int64_t load_int(const void *p, size_t size, bool sign)
{
	uint64_t v = cb_load_uint(p, size);

	if (sign && size < 8 && v >> (8 * size - 1))
		v |= ~0ULL << 8 * size;
	return (int64_t)v;
}

static void list_enum(struct coolbpf *cb, const struct btf_type *t)
{
	for (int i = 0; i < btf_vlen(t) && i < 64; i++) {
		const char *name;

		enum_value(t, i, &name, cb->btf);
		cb_fail_more(&cb->err, 0, "%s %s", i ? "," : "", name);
	}
}

static int bad_value(struct coolbpf *cb, const struct cb_param *p, const char *text, const char *want)
{
	return cb_fail(&cb->err, EINVAL, "parameter %s: \"%s\" is not %s", p->name, text, want);
}

static int store_number(struct coolbpf *cb, const struct cb_param *p, const struct btf_type *t, const char *text,
			const struct cb_number *n)
{
	unsigned bits = t->size * 8;
	/* clang before 15 does not say of an enum that it is signed: such a one takes both */
	bool sign = is_signed(t), negative = sign || is_enum(t), fits;
	uint64_t max = bits == 64 ? UINT64_MAX : (1ULL << bits) - 1;

	if (sign)
		max >>= 1;
	if (n->negative)
		fits = !n->magnitude || (negative && n->magnitude <= 1ULL << (bits - 1));
	else
		fits = n->magnitude <= max;
	if (!fits) {
		if (sign)
			return cb_fail(&cb->err, ERANGE, "parameter %s: %s does not fit %s, which takes -%llu to %llu",
				       p->name, text, p->type, (unsigned long long)max + 1, (unsigned long long)max);
		return cb_fail(&cb->err, ERANGE, "parameter %s: %s does not fit %s, which takes 0 to %llu", p->name,
			       text, p->type, (unsigned long long)max);
	}
	cb_store_uint(cb->rodata + p->offset, t->size, n->negative ? 0 - n->magnitude : n->magnitude);
	return 0;
}

static int set_bool(struct coolbpf *cb, const struct cb_param *p, const char *text)
{
	static const char *const words[][2] = {{"false", "true"}, {"off", "on"}, {"no", "yes"}, {"0", "1"}};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		for (int v = 0; v < 2; v++)
			if (!strcasecmp(text, words[i][v])) {
				cb->rodata[p->offset] = (char)v;
				return 0;
			}
	return bad_value(cb, p, text, "true or false (on, off, yes, no, 1, 0)");
}

static int set_enum(struct coolbpf *cb, const struct cb_param *p, const struct btf_type *t, const char *text)
{
	struct cb_number n;

	for (int i = 0; i < btf_vlen(t); i++) {
		const char *name;
		int64_t v = enum_value(t, i, &name, cb->btf);

		if (!strcasecmp(text, name)) {
			cb_store_uint(cb->rodata + p->offset, t->size, (uint64_t)v);
			return 0;
		}
	}
	if (cb_parse_number(text, &n)) {
		bad_value(cb, p, text, "a number or one of");
		list_enum(cb, t);
		return -EINVAL;
	}
	return store_number(cb, p, t, text, &n);
}

static int set_duration(struct coolbpf *cb, const struct cb_param *p, const struct btf_type *t, const char *text, int d)
{
	struct cb_number n = {0};
	int err = cb_parse_duration(text, duration_types[d].ns, &n.magnitude);

	if (err == -ERANGE)
		return cb_fail(&cb->err, ERANGE, "parameter %s: %s is longer than 64 bits of nanoseconds", p->name,
			       text);
	if (err)
		return bad_value(cb, p, text, "a duration such as 500us, 1.5ms or 2s");
	if (n.magnitude % duration_types[d].ns) {
		char want[32];

		snprintf(want, sizeof(want), "a whole number of %s", duration_types[d].unit);
		return bad_value(cb, p, text, want);
	}
	n.magnitude /= duration_types[d].ns;
	return store_number(cb, p, t, text, &n);
}

static int set_int(struct coolbpf *cb, const struct cb_param *p, const struct btf_type *t, const char *text)
{
	struct cb_number n;
	uint64_t ns;
	int err = cb_parse_number(text, &n);

	if (err == -ERANGE)
		return cb_fail(&cb->err, ERANGE, "parameter %s: %s is larger than 64 bits", p->name, text);
	if (err && !cb_parse_duration(text, 0, &ns))
		return bad_value(cb, p, text, "a plain number, and this parameter has no unit of time");
	if (err)
		return bad_value(cb, p, text, "a number such as 10, 0x1f or 4K");
	return store_number(cb, p, t, text, &n);
}

static int set_text(struct coolbpf *cb, const struct cb_param *p, const char *text)
{
	size_t n = strlen(text);

	if (n >= p->size)
		return cb_fail(&cb->err, ERANGE, "parameter %s: \"%s\" has %zu bytes, at most %u fit", p->name, text, n,
			       p->size - 1);
	memset(cb->rodata + p->offset, 0, p->size);
	memcpy(cb->rodata + p->offset, text, n);
	return 0;
}

struct cb_param *cb_param_find(struct coolbpf *cb, const char *name)
{
	for (size_t i = 0; i < cb->nparams; i++)
		if (!strcmp(cb->params[i].name, name))
			return &cb->params[i];
	if (!cb->nparams) {
		cb_fail(&cb->err, ENOENT, "there is no parameter %s; %s has none", name, coolbpf_name(cb));
		return NULL;
	}
	cb_fail(&cb->err, ENOENT, "there is no parameter %s; %s has", name, coolbpf_name(cb));
	for (size_t i = 0; i < cb->nparams; i++)
		cb_fail_more(&cb->err, 0, "%s %s", i ? "," : "", cb->params[i].name);
	return NULL;
}

int coolbpf_param_set(struct coolbpf *cb, const char *name, const char *text)
{
	const struct cb_param *p = cb_param_find(cb, name);
	const struct btf_type *t;
	int d;

	if (!p)
		return -ENOENT;
	if (cb->loaded)
		return cb_fail(&cb->err, EBUSY, "parameter %s must be set before the load", name);
	t = basic_type(cb, p);
	if (t && is_text(cb, t))
		return set_text(cb, p, text);
	if (t && (btf_is_int(t) || is_enum(t)) && t->size == p->size && p->size <= 8 && p->size) {
		d = duration_type(cb, p->type_id);
		if (is_bool(t))
			return set_bool(cb, p, text);
		if (is_enum(t))
			return set_enum(cb, p, t, text);
		return d >= 0 ? set_duration(cb, p, t, text, d) : set_int(cb, p, t, text);
	}
	return cb_fail(&cb->err, EINVAL, "parameter %s has type %s, which cannot be set from text", name, p->type);
}

int coolbpf_param_set_value(struct coolbpf *cb, const char *name, const void *value, size_t size)
{
	const struct cb_param *p = cb_param_find(cb, name);

	if (!p)
		return -ENOENT;
	if (cb->loaded)
		return cb_fail(&cb->err, EBUSY, "parameter %s must be set before the load", name);
	if (size != p->size)
		return cb_fail(&cb->err, EINVAL, "parameter %s has %u bytes, not %zu", name, p->size, size);
	memcpy(cb->rodata + p->offset, value, size);
	return 0;
}

void cb_param_format(const struct coolbpf *cb, const struct cb_param *p, const void *value, struct cb_buf *out)
{
	const struct btf_type *t = basic_type(cb, p);
	int d = duration_type(cb, p->type_id);
	int64_t v;

	if (t && is_text(cb, t)) {
		cb_buf_add(out, value, strnlen(value, p->size));
		return;
	}
	if (!t || !(btf_is_int(t) || is_enum(t)) || t->size != p->size || p->size > 8) {
		cb_buf_str(out, "?");
		return;
	}
	v = load_int(value, p->size, is_signed(t));
	for (int i = 0; is_enum(t) && i < btf_vlen(t); i++) {
		const char *name;

		if (enum_value(t, i, &name, cb->btf) == v) {
			cb_buf_str(out, name);
			return;
		}
	}
	if (is_bool(t)) {
		cb_buf_str(out, v ? "true" : "false");
	} else if (is_signed(t)) {
		cb_buf_s64(out, v);
	} else {
		/* the largest unit that leaves a whole number: 1000000 ns is 1ms */
		static const char *const units[] = {"ns", "us", "ms", "s"};
		uint64_t u = (uint64_t)v;

		for (; d >= 0 && d < 3 && u && u % 1000 == 0; d++)
			u /= 1000;
		cb_buf_u64(out, u);
		if (d >= 0 && u)
			cb_buf_str(out, units[d]);
	}
}

size_t coolbpf_param_count(const struct coolbpf *cb)
{
	return cb->nparams;
}

int coolbpf_param_get(struct coolbpf *cb, size_t i, struct coolbpf_param *out)
{
	const struct cb_param *p;

	if (i >= cb->nparams)
		return -ERANGE;
	p = &cb->params[i];
	cb_buf_free(&cb->text);
	cb_param_format(cb, p, cb->rodata + p->offset, &cb->text);
	cb_buf_ch(&cb->text, '\0');
	if (cb->text.failed)
		return cb_fail(&cb->err, ENOMEM, "out of memory");
	*out = (struct coolbpf_param){
		.name = p->name,
		.help = p->help,
		.type = p->type,
		.type_id = p->type_id,
		.size = p->size,
		.value = cb->text.data,
	};
	return 0;
}
