// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * procmaps.c - the executable mappings in /proc/PID/maps.
 *
 *	7fdd91459000-7fdd915af000 r-xp 00026000 fe:00 326269                     /usr/lib/x86_64-linux-gnu/libc.so.6
 *	start        end          perm offset   dev   inode                      path to the end of the line
 *
 * The paths stay where they are in the text, which the result keeps.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/symbols.h"

static const char deleted[] = " (deleted)";

/* A number in front of the character `until`; *p moves behind that. */
static bool number(char **p, int base, char until, uint64_t *v)
{
	char *end;

	errno = 0;
	/* strtoull would also take blanks and a sign */
	if (**p <= ' ' || **p == '-' || **p == '+')
		return false;
	*v = strtoull(*p, &end, base);
	if (end == *p || errno || *end != until)
		return false;
	*p = end + 1;
	return true;
}

/* One line, ending with a zero. True when it is an executable mapping. */
static bool parse_line(char *p, struct cb_mapping *m)
{
	uint64_t device;
	const char *perm;
	size_t len;
	char *end;

	*m = (struct cb_mapping){0};
	if (!number(&p, 16, '-', &m->start) || !number(&p, 16, ' ', &m->end) || m->end <= m->start)
		return false;
	perm = p;
	if (strnlen(p, 5) < 5 || p[4] != ' ' || perm[2] != 'x')
		return false;
	p += 5;
	if (!number(&p, 16, ' ', &m->offset) || !number(&p, 16, ':', &device) || !number(&p, 16, ' ', &device))
		return false;
	errno = 0;
	m->inode = strtoull(p, &end, 10);
	if (end == p || errno || (*end && *end != ' '))
		return false;
	p = end + strspn(end, " ");
	len = strlen(p);
	if (len >= sizeof(deleted) && !strcmp(p + len - (sizeof(deleted) - 1), deleted))
		p[len - (sizeof(deleted) - 1)] = '\0';
	m->path = p;
	return true;
}

int cb_maps_parse(char *text, size_t len, struct cb_maps *out)
{
	size_t cap = 0;

	*out = (struct cb_maps){.text = text};
	for (char *p = text, *nl; p < text + len; p = nl + 1) {
		struct cb_mapping m;

		nl = memchr(p, '\n', (size_t)(text + len - p));
		if (!nl)
			nl = text + len;
		*nl = '\0';
		/* the kernel's list is in order; one that is not does not come from there */
		if (!parse_line(p, &m) || (out->count && m.start < out->v[out->count - 1].end))
			continue;
		if (out->count == cap) {
			struct cb_mapping *v = reallocarray(out->v, cap = cap ? cap * 2 : 16, sizeof(*v));

			if (!v) {
				cb_maps_free(out);
				return -ENOMEM;
			}
			out->v = v;
		}
		out->v[out->count++] = m;
	}
	return 0;
}

struct cb_mapping *cb_maps_find(const struct cb_maps *m, uint64_t addr)
{
	size_t low = 0, high = m->count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (addr >= m->v[mid].end)
			low = mid + 1;
		else
			high = mid;
	}
	return low < m->count && addr >= m->v[low].start ? &m->v[low] : NULL;
}

void cb_maps_free(struct cb_maps *m)
{
	free(m->v);
	free(m->text);
	*m = (struct cb_maps){0};
}
