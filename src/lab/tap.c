// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * tap.c - see tap.h.
 *
 *	1..3				a plan; of a program with several groups there are several
 *	ok 1 - name
 *	not ok 2 - name
 *	ok 3 # skip reason		or: ok 3 - name # SKIP reason; cmocka: not ok 3 # SKIP name, the reason ("# skip: ")
 *					on a line in front of it
 */
#include "lab/tap.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { RESULTS_MAX = 100000 };

static char *trimmed(const char *s, const char *end)
{
	while (s < end && isspace((unsigned char)*s))
		s++;
	while (end > s && isspace((unsigned char)end[-1]))
		end--;
	return strndup(s, (size_t)(end - s));
}

/* The "#" of a directive (skip, todo) behind the name; NULL: there is none. */
static const char *directive(const char *s, const char *end)
{
	for (; s < end; s++) {
		const char *word = s + 1;

		if (*s != '#')
			continue;
		while (word < end && *word == ' ')
			word++;
		if (end - word >= 4 && (!strncasecmp(word, "skip", 4) || !strncasecmp(word, "todo", 4)))
			return s;
	}
	return NULL;
}

static const char *behind_word(const char *s, const char *end)
{
	s++;
	while (s < end && *s == ' ')
		s++;
	while (s < end && isalpha((unsigned char)*s))
		s++;
	return s < end && *s == ':' ? s + 1 : s;
}

static int add_result(struct cb_lab_tap *tap, bool ok, const char *s, const char *end, const char *reason,
		      size_t reason_len)
{
	struct cb_lab_inner *more = realloc(tap->results, (tap->n + 1) * sizeof(*more)), *r;
	const char *hash;

	if (!more)
		return -ENOMEM;
	tap->results = more;
	r = &more[tap->n++];
	*r = (struct cb_lab_inner){.ok = ok};
	while (s < end && (isdigit((unsigned char)*s) || *s == ' '))
		s++;
	if (end - s >= 2 && s[0] == '-' && s[1] == ' ')
		s += 2;
	hash = directive(s, end);
	r->name = trimmed(s, hash ? hash : end);
	if (hash) {
		r->skip = true;
		r->why = trimmed(behind_word(hash, end), end);
		if (r->name && r->why && !*r->name && reason_len) { /* cmocka */
			free(r->name);
			r->name = r->why;
			r->why = strndup(reason, reason_len);
		}
	}
	tap->bad += !ok && !r->skip;
	return r->name && (r->why || !hash) ? 0 : -ENOMEM;
}

static bool starts(const char *line, size_t len, const char *with)
{
	size_t n = strlen(with);

	return len >= n && !memcmp(line, with, n);
}

static bool is_result(const char *line, size_t len, size_t word)
{
	return len == word || line[word] == ' ';
}

/* A number of at most some digits; the line need not end with a zero. */
static unsigned long plan_of(const char *s, const char *end)
{
	unsigned long n = 0;

	while (s < end && isdigit((unsigned char)*s) && n < RESULTS_MAX)
		n = n * 10 + (unsigned long)(*s++ - '0');
	return n;
}

static void free_results(struct cb_lab_tap *tap)
{
	for (size_t i = 0; i < tap->n; i++) {
		free(tap->results[i].name);
		free(tap->results[i].why);
	}
	free(tap->results);
	*tap = (struct cb_lab_tap){0};
}

int cb_lab_tap_read(struct cb_lab_tap *tap, const char *text, size_t len)
{
	static const char skip[] = "# skip: ";
	const char *reason = NULL;
	size_t reason_len = 0;
	int err = 0;

	*tap = (struct cb_lab_tap){0};
	for (size_t at = 0; !err && at < len && tap->n < RESULTS_MAX;) {
		const char *line = text + at, *stop = memchr(line, '\n', len - at);
		size_t n = stop ? (size_t)(stop - line) : len - at;

		at += n + 1;
		if (starts(line, n, skip)) {
			reason = line + sizeof(skip) - 1;
			reason_len = n - (sizeof(skip) - 1);
			continue;
		}
		if (starts(line, n, "1..")) {
			tap->has_plan = true;
			tap->planned += plan_of(line + 3, line + n);
			continue;
		}
		if (starts(line, n, "ok") && is_result(line, n, 2))
			err = add_result(tap, true, line + 2, line + n, reason, reason_len);
		else if (starts(line, n, "not ok") && is_result(line, n, 6))
			err = add_result(tap, false, line + 6, line + n, reason, reason_len);
		else
			continue;
		reason_len = 0;
	}
	if (err)
		free_results(tap);
	return err;
}
