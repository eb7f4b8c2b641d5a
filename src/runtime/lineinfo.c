// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * lineinfo.c - see lineinfo.h.
 *
 * A record of the lines in .BTF.ext holds an instruction's offset, the file's name, the line's text, and
 * line << 10 | column, 4 bytes each; the names are offsets in .BTF's strings.
 */
#include "runtime/lineinfo.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "btf/elf.h"
#include "btf/ext.h"

enum { FOUND = 1 };

struct record {
	uint32_t insn_off, file_off, text_off, line_col;
};

struct search {
	const struct btf *btf;
	const char *text; /* without its leading blanks */
	char *out;
	size_t size;
};

static const char *skip_blanks(const char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

static int compare(void *ctx, unsigned char *record)
{
	const struct search *s = ctx;
	const char *line, *file;
	struct record r;

	memcpy(&r, record, sizeof(r));
	line = btf__str_by_offset(s->btf, r.text_off);
	if (!line || strcmp(skip_blanks(line), s->text))
		return 0;
	file = btf__str_by_offset(s->btf, r.file_off);
	snprintf(s->out, s->size, "%s:%u", file ? file : "?", r.line_col >> 10);
	return FOUND;
}

int cb_lineinfo_find(const struct coolbpf *cb, const char *text, char *out, size_t size)
{
	struct search s = {.btf = cb->btf, .text = skip_blanks(text), .out = out, .size = size};
	const void *data;
	size_t len;

	if (cb_elf_section(cb->data, cb->size, ".BTF.ext", &data, &len))
		return -EINVAL;
	switch (cb_btf_ext_each((void *)data, len, CB_EXT_LINES, sizeof(struct record), compare, &s, NULL)) {
	case FOUND:
		return 0;
	case 0:
		return -ENOENT;
	default:
		return -EINVAL;
	}
}
