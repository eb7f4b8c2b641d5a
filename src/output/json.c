// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * json.c - records as JSON (RFC 8259), fast.
 *
 * The loop over a list reserves room for the whole record once (cb_list.bound), then writes through a plain pointer:
 * for each field the text in front of it, copied in steps of 16 bytes that may run past its end, and the value. Only
 * what asks others for names (CB_JSON_OTHER) goes through the buffer, and the room is reserved again behind it.
 *
 * What becomes what:
 *  - integers, durations, sizes: exact decimal numbers of up to 64 bits, in the unit of their type;
 *  - times (lbc_time_t): nanoseconds since 1970-01-01 UTC, as exact numbers; 0 stays 0;
 *  - bool: true, false; float: a number, null for what JSON has no number for (NaN, infinities);
 *  - addresses, pointers, lbc_hex_t, 128-bit numbers, names of all kinds: strings. An enum, error, signal or system call
 *    that has no name is its number;
 *  - char and char arrays: strings up to the first NUL. A byte that is not part of valid UTF-8 becomes U+FFFD, so that
 *    the line stays valid and a reader sees that something was there;
 *  - stacks: arrays of frame names, innermost first.
 */
#include <math.h>

#include "output/digits.h"
#include "output/plan.h"

/* ---- Strings --------------------------------------------------------------------------------------------------- */

/* One character that cannot stand as it is; returns the bytes it takes at s. */
static size_t put_escaped(const char *s, size_t n, char **out)
{
	static const char letters[32] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
	unsigned char c = (unsigned char)*s;
	size_t len = cb_utf8(s, n);
	char *p = *out;

	if (!len) {
		memcpy(p, "\xef\xbf\xbd", 3);
		*out = p + 3;
		return 1;
	}
	if (c == '"' || c == '\\') {
		*p++ = '\\';
		*p++ = (char)c;
	} else if (c < 0x20 && letters[c]) {
		*p++ = '\\';
		*p++ = letters[c];
	} else if (c < 0x20) {
		memcpy(p, "\\u00", 4);
		p[4] = "0123456789abcdef"[c >> 4];
		p[5] = "0123456789abcdef"[c & 15];
		p += 6;
	} else if (c == 0xc2 && (unsigned char)s[1] < 0xa0) { /* some terminals obey these, too */
		memcpy(p, "\\u00", 4);
		p[4] = "0123456789abcdef"[(unsigned char)s[1] >> 4];
		p[5] = "0123456789abcdef"[s[1] & 15];
		p += 6;
	} else {
		memcpy(p, s, len);
		p += len;
	}
	*out = p;
	return len;
}

#define EACH_BYTE(x) (0x0101010101010101ULL * (x))

/* The bytes of v that are NUL, control, quote, backslash or not ASCII have their highest bit set in the result; a
 * byte above such a one may have it set without cause, so only the lowest is to be trusted. */
static inline uint64_t special_bytes(uint64_t v)
{
	uint64_t quote = v ^ EACH_BYTE('"'), backslash = v ^ EACH_BYTE('\\');

	return (v | (v - EACH_BYTE(0x20)) | (quote - EACH_BYTE(1)) | (backslash - EACH_BYTE(1))) & EACH_BYTE(0x80);
}

/* Text of at most n bytes up to its first NUL. Writes at most 6 * n bytes, and touches up to 7 more. */
static inline char *put_chars(char *out, const char *s, size_t n)
{
	size_t i = 0;

	for (;;) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		while (n - i >= 8) {
			uint64_t v, special;

			memcpy(&v, s + i, 8);
			memcpy(out, &v, 8);
			special = special_bytes(v);
			if (special) {
				unsigned clean = (unsigned)__builtin_ctzll(special) / 8;

				out += clean;
				i += clean;
				break;
			}
			out += 8;
			i += 8;
		}
#endif
		if (i == n || !s[i])
			return out;
		if ((unsigned char)s[i] >= 0x20 && (unsigned char)s[i] < 0x80 && s[i] != '"' && s[i] != '\\')
			*out++ = s[i++];
		else
			i += put_escaped(s + i, n - i, &out);
	}
}

void cb_json_quote(const char *text, size_t len, struct cb_buf *out)
{
	cb_buf_ch(out, '"');
	/* piece by piece, so that a long text does not reserve six times its length */
	while (len) {
		size_t n = len;

		if (n > CB_TEXT_FAST) {
			n = CB_TEXT_FAST;
			/* not within a character, which has at most three bytes of this kind */
			for (int k = 0; k < 3 && (text[n] & 0xc0) == 0x80; k++)
				n--;
		}
		if (!cb_buf_reserve(out, n * 6 + CB_LEAD_STEP))
			return;
		out->len = (size_t)(put_chars(out->data + out->len, text, n) - out->data);
		text += n;
		len -= n;
	}
	cb_buf_ch(out, '"');
}

/* ---- Values ---------------------------------------------------------------------------------------------------- */

static void json_list(const struct cb_plan *p, const struct cb_list *l, const char *record, struct cb_buf *out);

/* What is already at out->data + start becomes a string. */
static void quote_from(size_t start, struct cb_buf *out)
{
	struct cb_buf raw = {0};

	cb_buf_add(&raw, out->data + start, out->len - start);
	out->len = start;
	out->failed |= raw.failed;
	cb_json_quote(raw.data, raw.len, out);
	cb_buf_free(&raw);
}

static void put_frames(const struct cb_plan *p, const struct cb_field *f, const void *record, struct cb_buf *out)
{
	struct cb_buf frames = {0};
	size_t at = 0;

	cb_field_frames(p, f, record, &frames);
	cb_buf_ch(out, '[');
	while (at < frames.len) {
		size_t len = strnlen(frames.data + at, frames.len - at);

		if (at)
			cb_buf_ch(out, ',');
		cb_json_quote(frames.data + at, len, out);
		at += len + 1;
	}
	cb_buf_ch(out, ']');
	out->failed |= frames.failed;
	cb_buf_free(&frames);
}

static bool is_finite(const struct cb_field *f, const char *at)
{
	double v;
	float v32;

	if (f->as == CB_AS_DOUBLE) {
		memcpy(&v, at, sizeof(v));
		return isfinite(v);
	}
	memcpy(&v32, at, sizeof(v32));
	return isfinite(v32);
}

static void json_array(const struct cb_plan *p, const struct cb_field *f, const char *at, struct cb_buf *out)
{
	cb_buf_ch(out, '[');
	for (uint32_t i = 0; i < f->count && !out->failed; i++, at += f->stride) {
		if (i)
			cb_buf_ch(out, ',');
		json_list(p, f->elem, at, out);
	}
	cb_buf_ch(out, ']');
}

static void json_other(const struct cb_plan *p, const struct cb_field *f, const char *record, struct cb_buf *out)
{
	const char *at = record + f->off;
	size_t start = out->len;

	switch (f->as) {
	case CB_AS_TEXT:
		cb_json_quote(at, cb_field_text_len(f, record), out);
		return;
	case CB_AS_CHAR:
		cb_json_quote(&(char){(char)cb_field_load(f, record)}, cb_field_load(f, record) ? 1 : 0, out);
		return;
	case CB_AS_ARRAY:
		json_array(p, f, at, out);
		return;
	case CB_AS_WIDE:
		cb_field_put(p, f, record, CB_FOR_PROGRAMS, out);
		quote_from(start, out);
		return;
	case CB_AS_FLOAT:
	case CB_AS_DOUBLE:
		if (is_finite(f, at))
			cb_field_put(p, f, record, CB_FOR_PROGRAMS, out);
		else
			cb_buf_str(out, "null");
		return;
	case CB_AS_KSTACK:
	case CB_AS_USTACK:
		put_frames(p, f, record, out);
		return;
	default:
		if (cb_field_name(p, f, record, out))
			quote_from(start, out);
		else if (cb_load_signed(f->load))
			cb_buf_s64(out, (int64_t)cb_field_load(f, record));
		else
			cb_buf_u64(out, cb_field_load(f, record));
	}
}

/* ---- The loop -------------------------------------------------------------------------------------------------- */

/* Copies whole steps: both sides have the room. */
static inline char *put_lead(char *out, const char *lead, uint32_t len)
{
	uint32_t i = 0;

	do {
		memcpy(out + i, lead + i, CB_LEAD_STEP);
		i += CB_LEAD_STEP;
	} while (i < len);
	return out + len;
}

static inline char *put_ipv4(char *out, const char *at)
{
	*out++ = '"';
	for (int i = 0; i < 4; i++) {
		out = cb_put_u32(out, (uint8_t)at[i]);
		*out++ = '.';
	}
	out[-1] = '"';
	return out;
}

static inline char *put_enum(char *out, const struct cb_field *f, const char *record)
{
	uint64_t v = cb_field_load(f, record);
	const struct cb_enumerator *m = cb_enum_find(f->enumeration, (int64_t)v);

	if (m)
		return put_lead(out, m->quoted, m->quoted_len);
	return cb_load_signed(f->load) ? cb_put_s64(out, (int64_t)v) : cb_put_u64(out, v);
}

static inline char *put_signed_or_bits(char *out, const struct cb_field *f, const char *record)
{
	uint64_t v = cb_field_load(f, record);

	return cb_load_signed(f->load) ? cb_put_s64(out, (int64_t)v) : cb_put_u64(out, v);
}

static void json_list(const struct cb_plan *p, const struct cb_list *l, const char *record, struct cb_buf *out)
{
	const struct cb_field *end = l->fields + l->n;
	char *o;

	if (!cb_buf_reserve(out, l->bound))
		return;
	o = out->data + out->len;
	for (const struct cb_field *f = l->fields; f < end; f++) {
		const char *at = record + f->off;
		union {
			uint16_t u16;
			uint32_t u32;
			uint64_t u64;
		} v;

		o = put_lead(o, f->lead, f->lead_len);
		switch ((enum cb_json_op)f->json) {
		case CB_JSON_U8:
			o = cb_put_u32(o, (uint8_t)*at);
			break;
		case CB_JSON_U16:
			memcpy(&v.u16, at, 2);
			o = cb_put_u32(o, v.u16);
			break;
		case CB_JSON_U32:
			memcpy(&v.u32, at, 4);
			o = cb_put_u32(o, v.u32);
			break;
		case CB_JSON_U64:
			memcpy(&v.u64, at, 8);
			o = cb_put_u64(o, v.u64);
			break;
		case CB_JSON_INT:
			o = put_signed_or_bits(o, f, record);
			break;
		case CB_JSON_TEXT:
			*o++ = '"';
			o = put_chars(o, at, f->size);
			*o++ = '"';
			break;
		case CB_JSON_ENUM:
			o = put_enum(o, f, record);
			break;
		case CB_JSON_BOOL:
			if (cb_field_load(f, record)) {
				memcpy(o, "true", 4);
				o += 4;
			} else {
				memcpy(o, "false", 5);
				o += 5;
			}
			break;
		case CB_JSON_HEX:
			*o++ = '"';
			o = cb_put_hex(o, cb_field_load(f, record));
			*o++ = '"';
			break;
		case CB_JSON_TIME:
			o = cb_put_u64(o, cb_field_epoch(p, f, record));
			break;
		case CB_JSON_IPV4:
			o = put_ipv4(o, at);
			break;
		case CB_JSON_OTHER:
			out->len = (size_t)(o - out->data);
			json_other(p, f, record, out);
			if (!cb_buf_reserve(out, l->bound))
				return;
			o = out->data + out->len;
			break;
		}
	}
	o = put_lead(o, l->tail, l->tail_len);
	out->len = (size_t)(o - out->data);
}

void cb_json_value(const struct cb_plan *p, const struct cb_field *f, const void *record, struct cb_buf *out)
{
	const struct cb_list one = {
		.fields = (struct cb_field[]){*f},
		.n = 1,
		.tail = (const char[CB_LEAD_STEP]){0},
		.bound = (size_t)f->size * 6 + 4 * CB_LEAD_STEP +
			 (f->json == CB_JSON_ENUM ? f->enumeration->longest : CB_U64_DIGITS),
	};

	one.fields[0].lead_len = 0;
	json_list(p, &one, record, out);
}

void cb_plan_json(const struct cb_plan *p, const void *record, struct cb_buf *out)
{
	json_list(p, &p->top, record, out);
}
