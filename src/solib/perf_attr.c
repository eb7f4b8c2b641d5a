// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * perf_attr.c - struct perf_event_attr from a flat JSON object: {"type": "1", "config": 0, "sample_freq": "99"}.
 *
 * Numbers come as texts, because they have 64 bits; plain ones are taken too. "size" is ignored: clients give that of a
 * structure that they do not send, and the kernel wants the one that it gets.
 */
#include <ctype.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>

#include "loader.h"

enum { NUMBER_MAX = 32, KEY_MAX = 32 };

struct field {
	const char *name;
	size_t offset, size;
};

#define FIELD(f)                                                                                                       \
	{                                                                                                              \
#f, offsetof(struct perf_event_attr, f), sizeof(((struct perf_event_attr *)0)->f)                      \
	}

static const struct field fields[] = {
	FIELD(type),
	FIELD(config),
	FIELD(sample_period),
	FIELD(sample_freq),
	FIELD(sample_type),
	FIELD(read_format),
	FIELD(wakeup_events),
	FIELD(wakeup_watermark),
	FIELD(bp_type),
	FIELD(bp_addr),
	FIELD(bp_len),
	FIELD(config1),
	FIELD(config2),
	FIELD(branch_sample_type),
	FIELD(sample_regs_user),
	FIELD(sample_stack_user),
};

/* Bit fields, which have no address. */
#define BITS(X)                                                                                                        \
	X(disabled)                                                                                                    \
	X(inherit)                                                                                                     \
	X(pinned)                                                                                                      \
	X(exclusive)                                                                                                   \
	X(exclude_user)                                                                                                \
	X(exclude_kernel)                                                                                              \
	X(exclude_hv)                                                                                                  \
	X(exclude_idle)                                                                                                \
	X(mmap)                                                                                                        \
	X(comm)                                                                                                        \
	X(freq)                                                                                                        \
	X(inherit_stat)                                                                                                \
	X(enable_on_exec)                                                                                              \
	X(task)                                                                                                        \
	X(watermark)                                                                                                   \
	X(precise_ip)                                                                                                  \
	X(mmap_data)                                                                                                   \
	X(sample_id_all)                                                                                               \
	X(exclude_host)                                                                                                \
	X(exclude_guest)                                                                                               \
	X(exclude_callchain_kernel)                                                                                    \
	X(exclude_callchain_user)

static bool set_bits(struct perf_event_attr *attr, const char *name, unsigned long long value)
{
#define SET(f)                                                                                                         \
	if (!strcmp(name, #f)) {                                                                                       \
		attr->f = value;                                                                                       \
		return attr->f == value;                                                                               \
	}
	BITS(SET)
#undef SET
	return false;
}

static bool set(struct perf_event_attr *attr, const char *name, unsigned long long value)
{
	if (!strcmp(name, "size"))
		return true;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const struct field *f = &fields[i];

		if (strcmp(name, f->name))
			continue;
		if (f->size < sizeof(value) && value >> 8 * f->size)
			return false;
		memcpy((char *)attr + f->offset, &value, f->size); /* little-endian, both architectures */
		/* the same member: which of the two is meant says another */
		if (!strcmp(name, "sample_freq"))
			attr->freq = 1;
		return true;
	}
	return set_bits(attr, name, value);
}

/* ---- The text ---------------------------------------------------------------------------------------------------- */

static const char *blanks(const char *s)
{
	while (*s == ' ' || *s == '\t' || *s == '\n' || *s == '\r')
		s++;
	return s;
}

/* A text without escapes, between quotes; NULL when it is none. */
static const char *quoted(const char *s, char *out, size_t size)
{
	size_t n = 0;

	if (*s++ != '"')
		return NULL;
	for (; *s != '"'; s++) {
		if (!*s || *s == '\\' || n + 1 >= size)
			return NULL;
		out[n++] = *s;
	}
	out[n] = '\0';
	return s + 1;
}

/* true, false, or an integer, in quotes or not; NULL when it is none. Negative ones are taken as C takes them. */
static const char *number(const char *s, unsigned long long *value)
{
	char text[NUMBER_MAX], *end;
	size_t n = 0;

	if (*s == '"') {
		s = quoted(s, text, sizeof(text));
		if (!s)
			return NULL;
	} else {
		for (; isalnum((unsigned char)*s) || *s == '-' || *s == '+'; s++) {
			if (n + 1 >= sizeof(text))
				return NULL;
			text[n++] = *s;
		}
		text[n] = '\0';
	}
	if (!strcmp(text, "true") || !strcmp(text, "false")) {
		*value = text[0] == 't';
		return s;
	}
	errno = 0;
	*value = strtoull(text, &end, 0);
	return end == text || *end || errno ? NULL : s;
}

static int member(const char **at, struct perf_event_attr *attr)
{
	const char *start = *at, *s;
	unsigned long long value;
	char key[KEY_MAX];

	s = quoted(start, key, sizeof(key));
	if (!s || *(s = blanks(s)) != ':')
		return lbc_fail(EINVAL, "lbc_attach_perf_event: no member of a JSON object: %.64s", start);
	s = number(blanks(s + 1), &value);
	if (!s)
		return lbc_fail(EINVAL, "lbc_attach_perf_event: \"%s\" is given no integer", key);
	if (!set(attr, key, value))
		return lbc_fail(EINVAL, "lbc_attach_perf_event: struct perf_event_attr has no \"%s\" that can be %llu",
				key, value);
	*at = blanks(s);
	return 0;
}

int lbc_perf_attr(const char *json, struct perf_event_attr *attr)
{
	const char *s = blanks(json ? json : "");
	int err;

	if (*s != '{')
		return lbc_fail(EINVAL, "lbc_attach_perf_event: not a JSON object: %.64s", s);
	s = blanks(s + 1);
	while (*s != '}') {
		err = member(&s, attr);
		if (err)
			return err;
		if (*s == ',' && *blanks(s + 1) != '}')
			s = blanks(s + 1);
		else if (*s != '}')
			return lbc_fail(EINVAL, "lbc_attach_perf_event: the JSON object does not go on: %.64s", s);
	}
	return *blanks(s + 1) ? lbc_fail(EINVAL, "lbc_attach_perf_event: something follows the JSON object") : 0;
}
