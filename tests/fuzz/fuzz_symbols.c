// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * fuzz_symbols.c - what symbols are read from, with anything in it.
 *
 * The first byte chooses the parser: /proc/kallsyms, /proc/PID/maps, /tmp/perf-PID.map, or a mangled name. Tables must
 * come out in order, and a lookup must give what covers the address.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/symbols.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool ok)
{
	if (!ok)
		abort();
}

/* In two pieces, as when the end of the first read cuts a line. */
static void kallsyms(const char *text, size_t len)
{
	struct cb_ksyms k = {0};
	size_t first = 0, rest = 0;

	expect(!cb_ksyms_add(&k, text, len / 2, &first));
	expect(!cb_ksyms_add(&k, text + first, len - first, &rest));
	expect(first + rest <= len);
	cb_ksyms_sort(&k);
	for (size_t i = 0; i < k.count; i++) {
		expect(!i || k.syms[i - 1].addr < k.syms[i].addr);
		expect(cb_ksyms_find(&k, k.syms[i].addr) == &k.syms[i]);
		expect(k.syms[i].name < k.names.len && k.syms[i].module < k.names.len);
	}
	cb_ksyms_free(&k);
}

static void maps(const char *text, size_t len)
{
	char *copy = malloc(len + 1);
	struct cb_maps m;

	memcpy(copy, text, len);
	copy[len] = '\0';
	expect(!cb_maps_parse(copy, len, &m));
	for (size_t i = 0; i < m.count; i++) {
		expect(m.v[i].start < m.v[i].end && (!i || m.v[i - 1].end <= m.v[i].start));
		expect(cb_maps_find(&m, m.v[i].end - 1) == &m.v[i]);
		expect(strlen(m.v[i].path) <= len);
	}
	cb_maps_free(&m);
}

static void perfmap(const char *text, size_t len)
{
	struct cb_perfmap p = {0};
	size_t first = 0, rest = 0;

	expect(!cb_perfmap_add(&p, text, len / 2, &first) && !cb_perfmap_settle(&p));
	expect(!cb_perfmap_add(&p, text + first, len - first, &rest) && !cb_perfmap_settle(&p));
	for (size_t i = 0; i < p.count; i++) {
		expect(p.v[i].start < p.v[i].end && (!i || p.v[i - 1].end <= p.v[i].start));
		expect(cb_perfmap_find(&p, p.v[i].start) == &p.v[i]);
		expect(p.v[i].name < p.names.len);
	}
	cb_perfmap_free(&p);
}

static void name(const char *text, size_t len)
{
	char *copy = malloc(len + 1);
	struct cb_buf out = {0};

	memcpy(copy, text, len);
	copy[len] = '\0';
	expect(cb_demangle(copy, &out) || !out.len);
	expect(out.len <= 16384);
	cb_buf_free(&out);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const parsers[])(const char *, size_t) = {kallsyms, maps, perfmap, name};

	if (size)
		parsers[data[0] % 4]((const char *)data + 1, size - 1);
	return 0;
}
