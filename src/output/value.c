// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * value.c - one field of a record as text, for people and for programs; its order and its width in a table.
 *
 * JSON's fast cases are in json.c; it comes here for the rest.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "output/digits.h"
#include "output/plan.h"

/* ---- Reading --------------------------------------------------------------------------------------------------- */

/* A bitfield spans at most nine bytes. Bits count from the least significant on little-endian machines, from the most
 * significant on others. */
uint64_t cb_load_bits(const struct cb_field *f, const void *record)
{
	const uint8_t *at = (const uint8_t *)record + f->off;
	unsigned bytes = (f->bit + f->bits + 7u) / 8;
	unsigned __int128 all = 0;
	uint64_t v;

	for (unsigned i = 0; i < bytes; i++) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		all |= (unsigned __int128)at[i] << 8 * i;
	}
	v = (uint64_t)(all >> f->bit);
#else
		all = all << 8 | at[i];
	}
	v = (uint64_t)(all >> (bytes * 8 - f->bit - f->bits));
#endif
	v <<= 64 - f->bits;
	return f->load == CB_LOAD_SBITS ? (uint64_t)((int64_t)v >> (64 - f->bits)) : v >> (64 - f->bits);
}

size_t cb_field_text_len(const struct cb_field *f, const void *record)
{
	return strnlen((const char *)record + f->off, f->size);
}

const struct cb_enumerator *cb_enum_find(const struct cb_enum *e, int64_t value)
{
	size_t low = 0, high = e->n;

	if (e->dense) {
		uint64_t i = (uint64_t)value - (uint64_t)e->base;

		return i < e->n && e->list[i].name ? &e->list[i] : NULL;
	}
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (e->list[mid].value < value)
			low = mid + 1;
		else
			high = mid;
	}
	return low < e->n && e->list[low].value == value ? &e->list[low] : NULL;
}

/* ---- Names ----------------------------------------------------------------------------------------------------- */

static void put_hex(uint64_t v, struct cb_buf *out)
{
	char text[CB_HEX_DIGITS];

	cb_buf_add(out, text, (size_t)(cb_put_hex(text, v) - text));
}

static void put_ipv4(const uint8_t *a, struct cb_buf *out)
{
	char text[16], *p = text;

	for (int i = 0; i < 4; i++) {
		p = cb_put_u32(p, a[i]);
		*p++ = '.';
	}
	cb_buf_add(out, text, (size_t)(p - 1 - text));
}

static void put_ipv6(const uint8_t *a, struct cb_buf *out)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	char text[INET6_ADDRSTRLEN];

	if (!memcmp(a, mapped, sizeof(mapped)))
		put_ipv4(a + 12, out);
	else if (inet_ntop(AF_INET6, a, text, sizeof(text)))
		cb_buf_str(out, text);
}

static bool put_ksym(const struct cb_plan *p, uint64_t addr, struct cb_buf *out)
{
	size_t len = out->len;

	if (!p->resolver.ksym || p->resolver.ksym(p->resolver.ctx, addr, out) < 0) {
		out->len = len;
		put_hex(addr, out);
	}
	return true;
}

static void put_dev(const struct cb_plan *p, uint32_t dev, struct cb_buf *out)
{
	const char *name = cb_places_dev(p->places, dev);

	if (name) {
		cb_buf_str(out, name);
		return;
	}
	cb_buf_u64(out, dev >> 20);
	cb_buf_ch(out, ':');
	cb_buf_u64(out, dev & 0xfffff);
}

/* A negative error of the kernel's as "-ENOENT". */
static const char *ret_name(uint64_t v)
{
	int64_t ret = (int64_t)v;

	return ret < 0 && ret >= -4095 ? cb_errno_name((uint64_t)-ret) : NULL;
}

bool cb_field_name(const struct cb_plan *p, const struct cb_field *f, const void *record, struct cb_buf *out)
{
	uint64_t v = cb_field_load(f, record);
	const struct cb_enumerator *m;
	const char *name = NULL;
	char text[16];

	switch (f->as) {
	case CB_AS_ENUM:
		m = cb_enum_find(f->enumeration, (int64_t)v);
		name = m ? m->name : NULL;
		break;
	case CB_AS_KSYM:
		return put_ksym(p, v, out);
	case CB_AS_CGROUP:
		name = cb_places_cgroup(p->places, v);
		break;
	case CB_AS_ERRNO:
		name = cb_errno_name(cb_load_signed(f->load) && (int64_t)v < 0 ? 0 - v : v);
		break;
	case CB_AS_RET:
		name = ret_name(v);
		if (name)
			cb_buf_ch(out, '-');
		break;
	case CB_AS_SYSCALL:
		name = cb_syscall_name(v);
		break;
	case CB_AS_SIGNAL:
		name = cb_signal_name(v, text);
		break;
	case CB_AS_DEV:
		put_dev(p, (uint32_t)v, out);
		return true;
	case CB_AS_IPV4:
		put_ipv4((const uint8_t *)record + f->off, out);
		return true;
	case CB_AS_IPV6:
		put_ipv6((const uint8_t *)record + f->off, out);
		return true;
	}
	if (name)
		cb_buf_str(out, name);
	return name;
}

/* ---- Stacks ---------------------------------------------------------------------------------------------------- */

static uint32_t record_tgid(const struct cb_plan *p, const void *record)
{
	return p->tgid ? (uint32_t)cb_field_load(p->tgid, record) : 0;
}

void cb_field_frames(const struct cb_plan *p, const struct cb_field *f, const void *record, struct cb_buf *out)
{
	int32_t id = (int32_t)cb_field_load(f, record);
	size_t len = out->len;
	const char *name;

	/* there is none: a kernel thread has no user stack, user code no kernel stack; -1: the tool did not take it */
	if (id == -EFAULT || id == -1)
		return;
	if (id < 0) {
		name = cb_errno_name((uint64_t) - (int64_t)id);
		cb_buf_str(out, "[no stack: ");
		if (name)
			cb_buf_str(out, name);
		else
			cb_buf_s64(out, id);
		cb_buf_add(out, "]", 2);
		return;
	}
	if (p->resolver.stack &&
	    p->resolver.stack(p->resolver.ctx, f->as == CB_AS_USTACK, id, record_tgid(p, record), f->name, out) >= 0)
		return;
	out->len = len;
	cb_buf_str(out, "[stack ");
	cb_buf_s64(out, id);
	cb_buf_add(out, "]", 2);
}

static void put_frames(const struct cb_plan *p, const struct cb_field *f, const void *record, struct cb_buf *out)
{
	size_t start = out->len;

	cb_field_frames(p, f, record, out);
	if (out->len > start)
		out->len--; /* the last zero */
	for (size_t i = start; i < out->len; i++)
		if (!out->data[i])
			out->data[i] = ';';
}

/* ---- Values ---------------------------------------------------------------------------------------------------- */

/* hours, minutes, seconds, milliseconds of the local day */
static void put_time_of_day(uint64_t ns, struct cb_buf *out)
{
	time_t seconds = (time_t)(ns / 1000000000);
	unsigned ms = (unsigned)(ns / 1000000 % 1000);
	char text[12], *p = text;
	struct tm tm = {0};

	localtime_r(&seconds, &tm);
	p = cb_put_pair(p, (uint32_t)tm.tm_hour);
	*p++ = ':';
	p = cb_put_pair(p, (uint32_t)tm.tm_min);
	*p++ = ':';
	p = cb_put_pair(p, (uint32_t)tm.tm_sec);
	*p++ = '.';
	*p++ = (char)('0' + ms / 100);
	p = cb_put_pair(p, ms % 100);
	cb_buf_add(out, text, (size_t)(p - text));
}

/* 128 bits in hexadecimal, whatever they mean */
static void put_wide(const void *at, struct cb_buf *out)
{
	unsigned __int128 v;
	char text[34] = "0x";
	int digits = 1;

	memcpy(&v, at, sizeof(v));
	for (unsigned __int128 rest = v >> 4; rest; rest >>= 4)
		digits++;
	for (int i = digits + 1; i >= 2; i--, v >>= 4)
		text[i] = "0123456789abcdef"[(unsigned)v & 15];
	cb_buf_add(out, text, (size_t)digits + 2);
}

/* The fewest digits that read back as the same value, six for people. The decimal point is one whatever the locale. */
static void put_float(const struct cb_field *f, const void *record, enum cb_style style, struct cb_buf *out)
{
	bool is_double = f->as == CB_AS_DOUBLE;
	char text[32];
	double v;
	float v32;

	if (is_double) {
		memcpy(&v, (const char *)record + f->off, sizeof(v));
	} else {
		memcpy(&v32, (const char *)record + f->off, sizeof(v32));
		v = (double)v32;
	}
	for (int digits = 6; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (style == CB_FOR_PEOPLE || (is_double ? strtod(text, NULL) == v : strtof(text, NULL) == v32))
			break;
	}
	for (char *p = text; *p; p++)
		*p = *p == ',' ? '.' : *p;
	cb_buf_str(out, text);
}

static void put_array(const struct cb_plan *p, const struct cb_field *f, const void *record, struct cb_buf *out)
{
	const char *at = (const char *)record + f->off;

	cb_buf_ch(out, '[');
	for (uint32_t i = 0; i < f->count; i++, at += f->stride) {
		bool object = *f->elem->tail || f->elem->n != 1;

		if (i)
			cb_buf_ch(out, ',');
		if (object)
			cb_buf_ch(out, '{');
		for (size_t k = 0; k < f->elem->n; k++) {
			const struct cb_field *inner = &f->elem->fields[k];

			if (k)
				cb_buf_ch(out, ' ');
			if (*inner->name) {
				cb_buf_str(out, inner->name);
				cb_buf_ch(out, '=');
			}
			cb_field_put(p, inner, at, CB_FOR_PEOPLE, out);
		}
		if (object)
			cb_buf_ch(out, '}');
	}
	cb_buf_ch(out, ']');
}

static void put_text(const char *s, size_t len, enum cb_style style, struct cb_buf *out)
{
	if (style == CB_FOR_PEOPLE)
		cb_text_people(s, len, out);
	else
		cb_text_programs(s, len, out);
}

static void put_number(const struct cb_field *f, uint64_t v, struct cb_buf *out)
{
	if (cb_load_signed(f->load))
		cb_buf_s64(out, (int64_t)v);
	else
		cb_buf_u64(out, v);
}

void cb_field_put(const struct cb_plan *p, const struct cb_field *f, const void *record, enum cb_style style,
		  struct cb_buf *out)
{
	const char *at = (const char *)record + f->off;
	bool people = style == CB_FOR_PEOPLE;
	uint64_t v = cb_field_load(f, record);
	size_t start = out->len;

	switch (f->as) {
	case CB_AS_TEXT:
		put_text(at, cb_field_text_len(f, record), style, out);
		return;
	case CB_AS_CHAR:
		put_text(&(char){(char)v}, v ? 1 : 0, style, out);
		return;
	case CB_AS_BOOL:
		cb_buf_str(out, v ? "true" : "false");
		return;
	case CB_AS_ARRAY:
		if (people)
			put_array(p, f, record, out);
		else
			cb_json_value(p, f, record, out);
		return;
	case CB_AS_HEX:
		put_hex(v, out);
		return;
	case CB_AS_WIDE:
		put_wide(at, out);
		return;
	case CB_AS_FLOAT:
	case CB_AS_DOUBLE:
		put_float(f, record, style, out);
		return;
	case CB_AS_DURATION:
		if (people)
			cb_put_duration(v, f->unit, out);
		else
			cb_buf_u64(out, v);
		return;
	case CB_AS_BYTES:
		if (people)
			cb_put_bytes(v, out);
		else
			cb_buf_u64(out, v);
		return;
	case CB_AS_TIME:
		v = cb_field_epoch(p, f, record);
		if (people && v)
			put_time_of_day(v, out);
		else if (people)
			cb_buf_ch(out, '-');
		else
			cb_buf_u64(out, v);
		return;
	case CB_AS_KSTACK:
	case CB_AS_USTACK:
		put_frames(p, f, record, out);
		break;
	default:
		if (!cb_field_name(p, f, record, out))
			put_number(f, v, out);
	}
	if (out->failed || out->len == start)
		return;
	/* names of symbols and control groups come from outside: clean them like text */
	for (size_t i = start; i < out->len; i++) {
		unsigned char c = (unsigned char)out->data[i];

		if (c < 0x20 || c > 0x7e) {
			struct cb_buf raw = {0};

			cb_buf_add(&raw, out->data + start, out->len - start);
			out->len = start;
			out->failed |= raw.failed;
			put_text(raw.data, raw.len, style, out);
			cb_buf_free(&raw);
			return;
		}
	}
}

/* ---- Order and columns ----------------------------------------------------------------------------------------- */

bool cb_field_is_number(const struct cb_field *f)
{
	return f->load != CB_LOAD_NONE &&
	       (f->as == CB_AS_INT || f->as == CB_AS_DURATION || f->as == CB_AS_BYTES || f->as == CB_AS_RET);
}

int cb_field_compare(const struct cb_field *f, const void *a, const void *b)
{
	uint64_t x, y;

	if (f->as == CB_AS_TEXT)
		return strncmp((const char *)a + f->off, (const char *)b + f->off, f->size);
	if (f->load == CB_LOAD_NONE || f->as == CB_AS_IPV4)
		return memcmp((const char *)a + f->off, (const char *)b + f->off, f->size);
	x = cb_field_load(f, a);
	y = cb_field_load(f, b);
	if (x == y)
		return 0;
	if (cb_load_signed(f->load))
		return (int64_t)x < (int64_t)y ? -1 : 1;
	return x < y ? -1 : 1;
}

bool cb_field_right(const struct cb_field *f)
{
	return f->as == CB_AS_INT || f->as == CB_AS_DURATION || f->as == CB_AS_BYTES || f->as == CB_AS_RET ||
	       f->as == CB_AS_FLOAT || f->as == CB_AS_DOUBLE;
}

unsigned cb_field_width(const struct cb_field *f)
{
	unsigned width = 0;

	switch (f->as) {
	case CB_AS_INT:
		/* full 64-bit numbers are rare; a larger one widens its column */
		return f->size == 1 ? 4 : f->size == 2 ? 5 : f->size == 4 ? 7 : 10;
	case CB_AS_BOOL:
		return 5;
	case CB_AS_ENUM:
		for (size_t i = 0; i < f->enumeration->n; i++)
			if (f->enumeration->list[i].name && f->enumeration->list[i].len > width)
				width = f->enumeration->list[i].len;
		return width < 24 ? width : 24;
	case CB_AS_TEXT:
		return f->size <= 1 ? 1 : f->size <= 32 ? f->size - 1 : 32;
	case CB_AS_HEX:
		return f->size == 8 ? 18 : f->size * 2 + 2;
	case CB_AS_DURATION:
		return 7;
	case CB_AS_TIME:
	case CB_AS_ERRNO:
	case CB_AS_RET:
		return 12;
	case CB_AS_BYTES:
		return 6;
	case CB_AS_KSYM:
	case CB_AS_CGROUP:
		return 32;
	case CB_AS_SYSCALL:
	case CB_AS_IPV4:
	case CB_AS_IPV6: /* most are mapped IPv4 addresses */
		return 15;
	case CB_AS_SIGNAL:
		return 9;
	case CB_AS_DEV:
		return 8;
	default:
		return f->as == CB_AS_CHAR ? 1 : 12;
	}
}
