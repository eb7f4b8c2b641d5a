// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * fuzz_stacks.c - stacks of random names and weights: folded text keeps its form, and the flame graph is well-formed XML
 * (as far as the small reader here knows XML: tags, attributes, references, CDATA, characters).
 *
 * The input is a list of stacks: names end with a byte of zero, stacks with an empty name; the byte before a stack picks
 * its weight.
 */
#include <stdlib.h>
#include <string.h>

#include "output/output.h"
#include "output/plan.h"

enum { FRAMES_MAX = 64 };

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* "a;b 42\n", no other control characters, valid UTF-8, sorted. */
static void check_folded(const char *text, size_t len, size_t count)
{
	const char *before = NULL;
	size_t lines = 0;

	for (size_t i = 0; i < len;) {
		const char *line = text + i, *end = memchr(line, '\n', len - i), *blank;

		check(end && end > line);
		blank = memrchr(line, ' ', (size_t)(end - line));
		check(blank && blank > line && blank + 1 < end);
		for (const char *p = blank + 1; p < end; p++)
			check(*p >= '0' && *p <= '9');
		check(*line != ';' && blank[-1] != ';' && !memmem(line, (size_t)(blank - line), ";;", 2));
		for (const char *p = line; p < end;) {
			size_t n = cb_utf8(p, (size_t)(end - p));

			check(n && (unsigned char)*p >= 0x20 && *p != 0x7f);
			p += n;
		}
		if (before)
			check(strncmp(before, line, (size_t)(blank - line)) <= 0);
		before = line;
		lines++;
		i += (size_t)(end - line) + 1;
	}
	check(lines == count);
}

static const char *check_reference(const char *p)
{
	static const char *const all[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!strncmp(p, all[i], strlen(all[i])))
			return p + strlen(all[i]);
	abort();
}

static void check_xml(const char *p)
{
	unsigned depth = 0;

	check(!strncmp(p, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", 39));
	p += 39;
	while (*p) {
		if (!strncmp(p, "<![CDATA[", 9)) {
			p = strstr(p, "]]>");
			check(p);
			p += 3;
		} else if (!strncmp(p, "</", 2)) {
			check(depth-- > 0);
			p = strchr(p, '>');
			check(p);
			p++;
		} else if (*p == '<') {
			check(p[1] >= 'a' && p[1] <= 'z');
			for (p++; *p && *p != '>' && strncmp(p, "/>", 2);) {
				if (*p++ != '"')
					continue;
				while (*p && *p != '"') {
					check(*p != '<');
					p = *p == '&' ? check_reference(p) : p + 1;
				}
				check(*p++ == '"');
			}
			check(*p);
			depth += *p == '>';
			p += *p == '>' ? 1 : 2;
		} else if (*p == '&') {
			p = check_reference(p);
		} else {
			size_t n = cb_utf8(p, strlen(p));

			check(n && ((unsigned char)*p >= 0x20 || *p == '\n' || *p == '\t') && *p != 0x7f);
			check(strncmp(p, "]]>", 3) && strncmp(p, "\xef\xbf\xbe", 3) && strncmp(p, "\xef\xbf\xbf", 3));
			p += n;
		}
	}
	check(!depth);
}

static uint64_t weight_of(uint8_t byte)
{
	if (byte == 0xff)
		return UINT64_MAX - 1;
	return byte < 0x80 ? byte : 1ULL << (byte & 0x3f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const units[] = {"samples", "ns", "us", "ms", "bytes", "<&\"'>", ""};
	struct cb_stacks *s = cb_stacks_new();
	char *text = malloc(size + 1);
	struct cb_buf out = {0};
	const char *p = text;

	check(s && text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	while (p < text + size) {
		uint64_t weight = weight_of((uint8_t)*p++);
		const char *frames[FRAMES_MAX];
		size_t n = 0;

		for (; p < text + size && *p && n < FRAMES_MAX; p += strlen(p) + 1)
			frames[n++] = p;
		if (p < text + size && !*p)
			p++;
		check(!cb_stacks_add(s, frames, n, weight));
	}
	cb_stacks_folded(s, &out);
	check(!out.failed);
	check_folded(out.data, out.len, cb_stacks_count(s));
	out.len = 0;
	check(!cb_stacks_svg(s, text, units[size % (sizeof(units) / sizeof(units[0]))], &out));
	check_xml(cb_buf_cstr(&out));
	cb_buf_free(&out);
	cb_stacks_free(s);
	free(text);
	return 0;
}
