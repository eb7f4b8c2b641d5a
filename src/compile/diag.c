// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * diag.c - see diag.h.
 *
 * clang prints a diagnostic as
 *
 *	In file included from tool.bpf.c:2:			(any number of these)
 *	part.h:3:22: error: use of undeclared identifier 'x'
 *	int g(void) { return x; }				(the excerpt: all lines that are neither of the two)
 *	                     ^
 *
 * and some without a place ("error: unknown argument: '-fx'"; "clang: error: ..." of the driver). In what it prints for
 * machines (-fdiagnostics-format=sarif) the excerpts are missing, and clang 14 does not have it.
 */
#include "compile/diag.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char *const severities[] = {"note", "warning", "error", "fatal error"};

enum { SEVERITIES = sizeof(severities) / sizeof(*severities) };

/* A piece of the text: not terminated. */
struct piece {
	const char *p;
	size_t len;
};

const char *cb_severity_name(enum cb_severity s)
{
	return severities[s];
}

int cb_severity_of(const char *name)
{
	for (int i = 0; i < SEVERITIES; i++)
		if (!strcmp(severities[i], name))
			return i;
	return -1;
}

/* Does the line go on at p with "error: "? Then what stands behind it, or NULL. */
static const char *after_severity(const char *p, const char *end, enum cb_severity *severity)
{
	for (int i = 0; i < SEVERITIES; i++) {
		size_t len = strlen(severities[i]);

		if ((size_t)(end - p) >= len + 2 && !memcmp(p, severities[i], len) && !memcmp(p + len, ": ", 2)) {
			*severity = (enum cb_severity)i;
			return p + len + 2;
		}
	}
	return NULL;
}

/* The number that ends before *end, which moves to the colon in front of it; 0: there is none. */
static unsigned number_before(const char *start, const char **end)
{
	const char *p = *end;
	unsigned long n;

	while (p > start && isdigit((unsigned char)p[-1]))
		p--;
	if (p == *end || p - start < 2 || p[-1] != ':')
		return 0;
	n = strtoul(p, NULL, 10);
	*end = p - 1;
	return n < UINT_MAX ? (unsigned)n : 0;
}

/* "FILE:LINE:COLUMN" or "FILE:LINE", ending at end. A name may hold colons. */
static void read_place(const char *start, const char *end, struct cb_diag *d, struct piece *file)
{
	unsigned last = number_before(start, &end), before = last ? number_before(start, &end) : 0;

	d->line = before ? before : last;
	d->column = before ? last : 0;
	*file = (struct piece){start, (size_t)(end - start)};
}

/* "clang", "clang-14" */
static bool is_driver(const char *start, const char *end)
{
	return end - start >= 5 && !memcmp(start, "clang", 5) && !memchr(start, ':', (size_t)(end - start));
}

/* Is this line the head of a diagnostic? The first ": error: " in it that follows a place counts. */
static bool read_head(const char *line, const char *end, struct cb_diag *d, struct piece *file, struct piece *text)
{
	const char *rest = after_severity(line, end, &d->severity), *p = line;

	*file = (struct piece){line, 0};
	d->line = 0;
	d->column = 0;
	while (!rest && (p = memmem(p, (size_t)(end - p), ": ", 2))) {
		rest = after_severity(p + 2, end, &d->severity);
		if (rest && !is_driver(line, p)) {
			read_place(line, p, d, file);
			if (!d->line)
				rest = NULL; /* a source line that looks like it */
		}
		p += 2;
	}
	if (rest)
		*text = (struct piece){rest, (size_t)(end - rest)};
	return rest;
}

/* Bytes of text that is no UTF-8 become '?': what comes out goes into JSON. */
static char *copy(const char *p, size_t len)
{
	char *out = malloc(len + 1);

	if (!out)
		return NULL;
	memcpy(out, p, len);
	out[len] = '\0';
	for (size_t i = 0; i < len;) {
		unsigned char c = (unsigned char)out[i];
		size_t more = c < 0x80		      ? 0
			      : c >= 0xc2 && c < 0xe0 ? 1
			      : c >= 0xe0 && c < 0xf0 ? 2
			      : c >= 0xf0 && c < 0xf5 ? 3
						      : 9,
		       k;

		for (k = 1; k <= more && i + k < len && ((unsigned char)out[i + k] & 0xc0) == 0x80; k++)
			;
		/* overlong forms, surrogates, and what is above U+10FFFF are told by the second byte */
		if (k <= more || !c || (c == 0xe0 && (unsigned char)out[i + 1] < 0xa0) ||
		    (c == 0xed && (unsigned char)out[i + 1] > 0x9f) ||
		    (c == 0xf0 && (unsigned char)out[i + 1] < 0x90) ||
		    (c == 0xf4 && (unsigned char)out[i + 1] > 0x8f)) {
			out[i++] = '?';
			continue;
		}
		i += more + 1;
	}
	return out;
}

static void free_diag(struct cb_diag *d)
{
	free(d->file);
	free(d->text);
	free(d->context);
	free(d->excerpt);
}

static int add(struct cb_diags *d, const struct cb_diag *place, const struct piece pieces[4])
{
	struct cb_diag *more, new = *place;

	if (d->n == CB_DIAGS_MAX) {
		d->dropped++;
		return 0;
	}
	/* grown by powers of two */
	more = d->n & (d->n - 1) ? d->list : reallocarray(d->list, d->n ? d->n * 2 : 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	d->list = more;
	new.file = copy(pieces[0].p, pieces[0].len);
	new.text = copy(pieces[1].p, pieces[1].len);
	new.context = copy(pieces[2].p, pieces[2].len);
	new.excerpt = copy(pieces[3].p, pieces[3].len);
	if (!new.file || !new.text || !new.context || !new.excerpt) {
		free_diag(&new);
		return -ENOMEM;
	}
	d->list[d->n++] = new;
	return 0;
}

int cb_diags_add(struct cb_diags *d, const struct cb_diag *diag)
{
	const struct piece pieces[4] = {{diag->file, strlen(diag->file)},
					{diag->text, strlen(diag->text)},
					{diag->context, strlen(diag->context)},
					{diag->excerpt, strlen(diag->excerpt)}};

	return add(d, diag, pieces);
}

static bool is_context(const char *line, const char *end)
{
	static const char words[] = "In file included from ";

	return (size_t)(end - line) >= sizeof(words) && !memcmp(line, words, sizeof(words) - 1);
}

/* "2 errors generated.", "1 warning and 1 error generated." */
static bool is_count(const char *line, const char *end)
{
	static const char words[] = " generated.";
	size_t len = sizeof(words) - 1;

	return isdigit((unsigned char)*line) && (size_t)(end - line) > len && !memcmp(end - len, words, len);
}

int cb_diags_parse(struct cb_diags *d, const char *text)
{
	struct piece pieces[4] = {{0}}, *excerpt = &pieces[3];
	struct cb_diag now = {0}, next = {0};
	struct piece context = {text, 0}, file, words;
	bool open = false;
	int err = 0;

	for (const char *line = text, *end; *line && !err; line = *end ? end + 1 : end) {
		const char *behind;

		end = line + strcspn(line, "\n");
		behind = *end ? end + 1 : end;
		if (is_context(line, end)) {
			if (!context.len)
				context.p = line;
			context.len = (size_t)(behind - context.p);
		} else if (read_head(line, end, &next, &file, &words)) {
			if (open)
				err = add(d, &now, pieces);
			open = true;
			now = next;
			pieces[0] = file;
			pieces[1] = words;
			pieces[2] = context;
			*excerpt = (struct piece){behind, 0};
			context.len = 0;
		} else if (open && !is_count(line, end)) {
			excerpt->len = (size_t)(behind - excerpt->p);
		}
	}
	return open && !err ? add(d, &now, pieces) : err;
}

void cb_diags_print(const struct cb_diags *d, struct cb_buf *out)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct cb_diag *g = &d->list[i];

		cb_buf_str(out, g->context);
		if (*g->file)
			cb_buf_printf(out, "%s:", g->file);
		if (g->line)
			cb_buf_printf(out, "%u:", g->line);
		if (g->column)
			cb_buf_printf(out, "%u:", g->column);
		cb_buf_printf(out, "%s%s: %s\n%s", *g->file ? " " : "", cb_severity_name(g->severity), g->text,
			      g->excerpt);
	}
	if (d->dropped)
		cb_buf_printf(out, "and %zu more\n", d->dropped);
}

void cb_diags_free(struct cb_diags *d)
{
	for (size_t i = 0; i < d->n; i++)
		free_diag(&d->list[i]);
	free(d->list);
	*d = (struct cb_diags){0};
}
