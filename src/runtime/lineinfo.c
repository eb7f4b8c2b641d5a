// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * lineinfo.c - see lineinfo.h.
 *
 * Layout of .BTF.ext (Documentation/bpf/btf.rst of the kernel): a header with offset and length of the line part; that
 * begins with the size of a record; then, per ELF section, its name, the number of records, and the records: instruction
 * offset, file name, line text, and line << 10 | column. Each word is 4 bytes; names are offsets in .BTF's strings.
 */
#include "runtime/lineinfo.h"

#include <ctype.h>
#include <errno.h>
#include <gelf.h>
#include <stdio.h>
#include <string.h>

struct ext_header {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t hdr_len, func_off, func_len, line_off, line_len;
};

struct line_record {
	uint32_t insn_off, file_off, text_off, line_col;
};

int cb_elf_section(const struct coolbpf *cb, const char *name, const char **data, size_t *size)
{
	Elf_Scn *scn = NULL;
	size_t strings;
	int err = -ENOENT;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_memory(cb->data, cb->size);
	if (!elf || elf_getshdrstrndx(elf, &strings))
		err = -EINVAL;
	while (err == -ENOENT && (scn = elf_nextscn(elf, scn))) {
		GElf_Shdr h;
		const char *n = gelf_getshdr(scn, &h) ? elf_strptr(elf, strings, h.sh_name) : NULL;

		if (!n || strcmp(n, name))
			continue;
		/* taken from the file's bytes: libelf would not promise their alignment */
		if (h.sh_type == SHT_NOBITS || h.sh_offset % 4 || h.sh_offset > cb->size ||
		    h.sh_size > cb->size - h.sh_offset) {
			err = -EINVAL;
			break;
		}
		*data = cb->data + h.sh_offset;
		*size = h.sh_size;
		err = 0;
	}
	elf_end(elf);
	return err;
}

static const char *skip_blanks(const char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

static int scan(const struct coolbpf *cb, const char *data, size_t size, const char *text, char *out, size_t out_size)
{
	struct ext_header h;
	uint32_t record_size;
	const char *p, *end;

	if (size < sizeof(h))
		return -EINVAL;
	memcpy(&h, data, sizeof(h));
	if (h.hdr_len > size || h.line_off > size - h.hdr_len || h.line_len > size - h.hdr_len - h.line_off ||
	    h.line_len < sizeof(record_size))
		return -EINVAL;
	p = data + h.hdr_len + h.line_off;
	end = p + h.line_len;
	memcpy(&record_size, p, sizeof(record_size));
	p += sizeof(record_size);
	if (record_size < sizeof(struct line_record))
		return -EINVAL;
	while ((size_t)(end - p) >= 8) {
		uint32_t count;

		memcpy(&count, p + 4, sizeof(count));
		p += 8;
		for (; count && (size_t)(end - p) >= record_size; count--, p += record_size) {
			struct line_record r;
			const char *line, *file;

			memcpy(&r, p, sizeof(r));
			line = btf__str_by_offset(cb->btf, r.text_off);
			if (!line || strcmp(skip_blanks(line), text))
				continue;
			file = btf__str_by_offset(cb->btf, r.file_off);
			snprintf(out, out_size, "%s:%u", file ? file : "?", r.line_col >> 10);
			return 0;
		}
		if (count)
			return -EINVAL;
	}
	return -ENOENT;
}

int cb_lineinfo_find(const struct coolbpf *cb, const char *text, char *out, size_t size)
{
	const char *data;
	size_t len;

	if (cb_elf_section(cb, ".BTF.ext", &data, &len))
		return -EINVAL;
	return scan(cb, data, len, skip_blanks(text), out, size);
}
