// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* version.c - see version.h; and which kernels a choice like ">=6.1,*cloud*" means. */
#include "lab/version.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/kernel.h"

/* '~' sorts before the end, the end before letters, letters before all other characters. */
static int weight(char c)
{
	if (c == '~')
		return -1;
	if (!c || isdigit((unsigned char)c))
		return 0;
	return isalpha((unsigned char)c) ? (unsigned char)c : (unsigned char)c + 256;
}

static const char *skip_zeros(const char *p)
{
	return p + strspn(p, "0");
}

/* A version is text and numbers in turn, each compared as what it is. */
static int compare_runs(const char *a, const char *b)
{
	while (*a || *b) {
		size_t n, m;
		int order;

		while ((*a && !isdigit((unsigned char)*a)) || (*b && !isdigit((unsigned char)*b))) {
			order = weight(*a) - weight(*b);
			if (order)
				return order;
			a++;
			b++;
		}
		a = skip_zeros(a);
		b = skip_zeros(b);
		n = strspn(a, "0123456789");
		m = strspn(b, "0123456789");
		if (n != m)
			return n < m ? -1 : 1;
		order = strncmp(a, b, n);
		if (order)
			return order;
		a += n;
		b += n;
	}
	return 0;
}

int cb_lab_version_compare(const char *a, const char *b)
{
	const char *x = strchr(a, ':'), *y = strchr(b, ':');
	unsigned long i = x ? strtoul(a, NULL, 10) : 0, j = y ? strtoul(b, NULL, 10) : 0; /* epochs */

	if (i != j)
		return i < j ? -1 : 1;
	return compare_runs(x ? x + 1 : a, y ? y + 1 : b);
}

bool cb_lab_version_begins(const char *version, const char *parts)
{
	size_t n = strlen(parts);

	return n && !strncmp(version, parts, n) && (!version[n] || strchr(".-+~", version[n]));
}

enum { PARTS = 4 };

/* The numbers in front, "6.1.0-37-cloud" has 6, 1, 0. Returns how many (at most PARTS); *end is what is behind. */
static unsigned version_parts(const char *text, unsigned long parts[PARTS], const char **end)
{
	unsigned n = 0;

	*end = text;
	while (n < PARTS && isdigit((unsigned char)*text)) {
		char *behind;

		parts[n] = strtoul(text, &behind, 10);
		if (parts[n] == ULONG_MAX)
			break;
		n++;
		*end = behind;
		if (*behind != '.')
			break;
		text = behind + 1;
	}
	return n;
}

/* ---- Choosing kernels -------------------------------------------------------------------------------------------- */

/* "<5.15": as many parts as are given. */
static int compare_with(const char *release, const char *op, size_t op_len, const char *version, struct cb_err *e)
{
	unsigned long want[PARTS], have[PARTS] = {0};
	const char *end, *rest;
	unsigned n = version_parts(version, want, &end);
	int order = 0;

	if (!n || *end)
		return cb_fail(e, EINVAL, "\"%s\" is no version of a kernel (like 6.1)", version);
	version_parts(release, have, &rest);
	for (unsigned i = 0; i < n && !order; i++)
		order = have[i] < want[i] ? -1 : have[i] > want[i];
	if (*op == '=' || (op_len == 2 && !order))
		return !order;
	return *op == '<' ? order < 0 : order > 0;
}

static bool is_arch(const char *word, const char *arch)
{
	static const char *const names[][3] = {{"x86_64", "x86-64", "amd64"}, {"arm64", "aarch64", "arm64"}};

	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < 3; j++)
			if (!strcmp(word, names[i][j]))
				return !strcmp(names[i][0], arch);
	return false;
}

static int matches_word(const struct cb_lab_kernel *k, const char *word, struct cb_err *e)
{
	size_t op = strspn(word, "<>=");
	unsigned long parts[PARTS];
	const char *end;

	if (!*word)
		return cb_fail(e, EINVAL, "there is an empty word in the list of kernels");
	if (op > 2 || (op == 2 && (word[0] == '=' || word[1] != '=')))
		return cb_fail(e, EINVAL, "\"%.*s\" is no comparison; there are <, <=, =, >= and >", (int)op, word);
	if (op)
		return compare_with(k->release, word, op, word + op, e);
	if (version_parts(word, parts, &end) && !*end)
		return compare_with(k->release, "=", 1, word, e);
	return is_arch(word, k->arch) || !fnmatch(word, k->name, 0) || !fnmatch(word, k->release, 0);
}

int cb_lab_kernel_matches(const struct cb_lab_kernel *k, const char *kernels, struct cb_err *e)
{
	char word[256];
	int found = 0;

	for (const char *p = kernels;; p++) {
		size_t n = strcspn(p, ",");
		int err;

		if (n >= sizeof(word))
			return cb_fail(e, EINVAL, "\"%.40s...\" is too long for a choice of kernels", p);
		memcpy(word, p, n);
		word[n] = '\0';
		err = matches_word(k, word, e);
		if (err < 0)
			return err;
		found |= err;
		p += n;
		if (!*p)
			return found;
	}
}
