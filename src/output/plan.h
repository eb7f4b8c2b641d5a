/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * plan.h - what a plan is made of; for this room only.
 *
 * A list of fields (struct cb_list) is a type whose structs have been dissolved. For
 *
 *	struct event { u64 ts; struct { u32 pid; char comm[16]; } task; int ret; };
 *
 * it holds four fields, and the braces of JSON stand in the text in front of each (`lead`) and behind the last (`tail`):
 *
 *	{"ts":      at 0, u64
 *	,"task":{"pid":     at 8, u32
 *	,"comm":    at 12, text of 16
 *	},"ret":    at 28, s32
 *	}
 *
 * Only arrays have lists of their own below, for their elements.
 */
#ifndef CB_OUTPUT_PLAN_H
#define CB_OUTPUT_PLAN_H

#include <time.h>

#include "output/output.h"
#include "output/places.h"

/* How a field prints. */
enum cb_as {
	CB_AS_INT,
	CB_AS_BOOL,
	CB_AS_CHAR,
	CB_AS_ENUM,
	CB_AS_TEXT,  /* char array up to its first NUL */
	CB_AS_ARRAY, /* elements */
	CB_AS_HEX,
	CB_AS_WIDE, /* 16 bytes: a number in hexadecimal */
	CB_AS_FLOAT,
	CB_AS_DOUBLE,
	CB_AS_DURATION, /* unit: nanoseconds in one */
	CB_AS_TIME,
	CB_AS_BYTES,
	CB_AS_KSYM,
	CB_AS_CGROUP,
	CB_AS_ERRNO,
	CB_AS_RET,
	CB_AS_SYSCALL,
	CB_AS_SIGNAL,
	CB_AS_DEV,
	CB_AS_IPV4,
	CB_AS_IPV6,
	CB_AS_KSTACK,
	CB_AS_USTACK,
};

/* How its bits become a number. */
enum cb_load {
	CB_LOAD_NONE,
	CB_LOAD_U8,
	CB_LOAD_U16,
	CB_LOAD_U32,
	CB_LOAD_U64,
	CB_LOAD_S8,
	CB_LOAD_S16,
	CB_LOAD_S32,
	CB_LOAD_S64,
	CB_LOAD_UBITS,
	CB_LOAD_SBITS
};

/* What the JSON loop does: the two above folded into one switch, the frequent cases each with their own. */
enum cb_json_op {
	CB_JSON_U8,
	CB_JSON_U16,
	CB_JSON_U32,
	CB_JSON_U64,
	CB_JSON_INT,
	CB_JSON_TEXT,
	CB_JSON_ENUM,
	CB_JSON_BOOL,
	CB_JSON_HEX,
	CB_JSON_TIME,
	CB_JSON_IPV4,
	CB_JSON_OTHER
};

struct cb_enumerator {
	int64_t value;
	const char *name;
	const char *quoted; /* as JSON, padded like cb_field.lead */
	uint32_t len, quoted_len;
};

struct cb_enum {
	bool dense; /* the i-th has the value base + i; gaps have name NULL. Otherwise sorted by value */
	int64_t base;
	uint32_t longest; /* quoted name */
	size_t n;
	struct cb_enumerator *list;
};

struct cb_list;

struct cb_field {
	uint8_t json;	   /* enum cb_json_op */
	uint8_t as;	   /* enum cb_as */
	uint8_t load;	   /* enum cb_load */
	uint8_t bits, bit; /* a bitfield's width and its first bit, counted from the byte at off */
	bool is_tgid;	   /* lbc_pid_t */
	uint32_t off, size;
	uint32_t lead_len;
	const char *lead; /* JSON in front; readable to the next multiple of CB_LEAD_STEP */
	union {
		const struct cb_enum *enumeration; /* CB_AS_ENUM */
		const struct cb_list *elem;	   /* CB_AS_ARRAY */
		uint64_t unit;			   /* CB_AS_DURATION */
	};
	uint32_t count, stride; /* CB_AS_ARRAY */
	const char *name, *type;
};

enum {
	CB_LEAD_STEP = 16,
	CB_PLAN_MAX_DEPTH = 32,	      /* structs and arrays in each other */
	CB_PLAN_MAX_FIELDS = 1 << 14, /* members looked at in one type */
	CB_PLAN_MAX_VALUES = 1 << 22, /* values in one record, array elements counted */
	CB_PLAN_MAX_BYTES = 1 << 26,  /* the largest record */
	CB_PLAN_MAX_NAME = 1024,      /* bytes of "outer.inner" */
	CB_TEXT_FAST = 1024,	      /* longer char arrays reserve their room by themselves */
};

struct cb_list {
	struct cb_field *fields;
	size_t n;
	const char *tail;
	uint32_t tail_len;
	size_t bound; /* bytes that JSON takes at most, without fields of CB_JSON_OTHER */
};

struct cb_plan {
	struct cb_list top;
	size_t size;
	struct cb_resolver resolver;
	int64_t epoch;		     /* CLOCK_REALTIME - CLOCK_MONOTONIC when the plan was made, in ns */
	const struct cb_field *tgid; /* of the record's user stacks, or NULL */
	struct cb_places *places;
	void *memory; /* everything else above, see take() in plan.c */
};

/* Values as people read them (table), or exact ones for programs, without JSON's quotes (CSV). */
enum cb_style { CB_FOR_PEOPLE, CB_FOR_PROGRAMS };

static inline bool cb_load_signed(uint8_t load)
{
	return load >= CB_LOAD_S8 && load != CB_LOAD_UBITS;
}

/* value.c */
uint64_t cb_load_bits(const struct cb_field *f, const void *record);

/* The number, signed ones extended to 64 bits. Fields without a number (text, arrays): 0. */
static inline uint64_t cb_field_load(const struct cb_field *f, const void *record)
{
	const char *at = (const char *)record + f->off;
	union {
		uint8_t u8;
		int8_t s8;
		uint16_t u16;
		int16_t s16;
		uint32_t u32;
		int32_t s32;
		uint64_t u64;
	} v;

	switch (f->load) {
	case CB_LOAD_U8:
		memcpy(&v.u8, at, 1);
		return v.u8;
	case CB_LOAD_U16:
		memcpy(&v.u16, at, 2);
		return v.u16;
	case CB_LOAD_U32:
		memcpy(&v.u32, at, 4);
		return v.u32;
	case CB_LOAD_S8:
		memcpy(&v.s8, at, 1);
		return (uint64_t)(int64_t)v.s8;
	case CB_LOAD_S16:
		memcpy(&v.s16, at, 2);
		return (uint64_t)(int64_t)v.s16;
	case CB_LOAD_S32:
		memcpy(&v.s32, at, 4);
		return (uint64_t)(int64_t)v.s32;
	case CB_LOAD_U64:
	case CB_LOAD_S64:
		memcpy(&v.u64, at, 8);
		return v.u64;
	case CB_LOAD_UBITS:
	case CB_LOAD_SBITS:
		return cb_load_bits(f, record);
	default:
		return 0;
	}
}

/* What a time is outside: nanoseconds since 1970. A time that was never set stays 0. */
static inline uint64_t cb_field_epoch(const struct cb_plan *p, const struct cb_field *f, const void *record)
{
	uint64_t v = cb_field_load(f, record);

	return v ? v + (uint64_t)p->epoch : 0;
}

/* The length of a char array's text. */
size_t cb_field_text_len(const struct cb_field *f, const void *record);
const struct cb_enumerator *cb_enum_find(const struct cb_enum *e, int64_t value);
/* For fields that may have a name instead of a number: append it, false when it has none. */
bool cb_field_name(const struct cb_plan *p, const struct cb_field *f, const void *record, struct cb_buf *out);
void cb_field_put(const struct cb_plan *p, const struct cb_field *f, const void *record, enum cb_style style,
		  struct cb_buf *out);
/* Order of two records by one field: numbers as numbers, text and the rest by bytes. */
int cb_field_compare(const struct cb_field *f, const void *a, const void *b);
/* True for fields whose value is a number to add up or rank by. */
bool cb_field_is_number(const struct cb_field *f);
/* The frames of a stack field, innermost first, each with a zero behind it. */
void cb_field_frames(const struct cb_plan *p, const struct cb_field *f, const void *record, struct cb_buf *out);
/* The columns that the values of this field usually take, at most, and whether they stand at the right. */
unsigned cb_field_width(const struct cb_field *f);
bool cb_field_right(const struct cb_field *f);
static inline bool cb_field_is_stack(const struct cb_field *f)
{
	return f->as == CB_AS_KSTACK || f->as == CB_AS_USTACK;
}

/* json.c. One field's value. */
void cb_json_value(const struct cb_plan *p, const struct cb_field *f, const void *record, struct cb_buf *out);

/* text.c */
/* The length of the valid UTF-8 character (RFC 3629) at s, 0 when there is none; n > 0 bytes are there. */
size_t cb_utf8(const char *s, size_t n);
/* Characters, as many as terminals take columns (wide and combining ones are counted as one). */
size_t cb_columns(const char *s, size_t n);
/* For a terminal: control characters and broken UTF-8 as \x1b. */
void cb_text_people(const char *s, size_t n, struct cb_buf *out);
/* For programs: the same text, broken bytes replaced by U+FFFD. */
void cb_text_programs(const char *s, size_t n, struct cb_buf *out);
/* A CSV cell (RFC 4180): quoted when it must be. */
void cb_csv_cell(const char *s, size_t n, struct cb_buf *out);
/* Shell pattern: * ? [a-z] [!x] and \ before a literal character. */
bool cb_glob(const char *pattern, size_t pattern_len, const char *s, size_t n);
/* "1.50ms", "4.0K" */
void cb_put_duration(uint64_t v, uint64_t unit_ns, struct cb_buf *out);
void cb_put_bytes(uint64_t v, struct cb_buf *out);

#endif
