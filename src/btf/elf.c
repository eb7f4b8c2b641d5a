// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * elf.c - see elf.h.
 *
 * The file header says where the table of sections is and which section holds their names. A symbol table names, by
 * sh_link, the section of its names, and each symbol the section that it stands in; a relocation table names its symbol
 * table by sh_link, and by sh_info the section that it changes. Offsets and indexes come from outside: none is used
 * before it was compared with what it must be inside of, and nothing needs to be aligned.
 */
#include "btf/elf.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* More than any object has in a section without bytes (.bss); libbpf counts its size in 32 bits. */
enum { NOBITS_MAX = 1 << 30 };

struct elf {
	const char *data;
	size_t size;
	Elf64_Ehdr head;
	Elf64_Shdr names; /* the section of the sections' names */
};

static bool inside(uint64_t offset, uint64_t len, uint64_t size)
{
	return offset <= size && len <= size - offset;
}

static Elf64_Shdr section_at(const struct elf *f, size_t i)
{
	Elf64_Shdr s;

	memcpy(&s, f->data + f->head.e_shoff + i * sizeof(s), sizeof(s));
	return s;
}

/* Its bytes are in the file, and it holds texts that end. */
static bool is_strings(const struct elf *f, const Elf64_Shdr *s)
{
	return s->sh_type == SHT_STRTAB && s->sh_size && inside(s->sh_offset, s->sh_size, f->size) &&
	       !f->data[s->sh_offset + s->sh_size - 1];
}

static int open_elf(struct elf *f, const void *object, size_t size)
{
	const unsigned char order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;

	*f = (struct elf){.data = object, .size = size};
	if (size < EI_NIDENT || memcmp(object, ELFMAG, SELFMAG))
		return -EINVAL;
	if (f->data[EI_CLASS] != ELFCLASS64 || f->data[EI_DATA] != order)
		return -ENOTSUP;
	if (size < sizeof(f->head))
		return -EINVAL;
	memcpy(&f->head, object, sizeof(f->head));
	if (f->head.e_shentsize != sizeof(Elf64_Shdr) || f->head.e_shstrndx >= f->head.e_shnum ||
	    !inside(f->head.e_shoff, (uint64_t)f->head.e_shnum * sizeof(Elf64_Shdr), size))
		return -EINVAL;
	f->names = section_at(f, f->head.e_shstrndx);
	return is_strings(f, &f->names) ? 0 : -EINVAL;
}

static bool is_named(const struct elf *f, const Elf64_Shdr *s, const char *name)
{
	return s->sh_name < f->names.sh_size && !strcmp(f->data + f->names.sh_offset + s->sh_name, name);
}

int cb_elf_section(const void *object, size_t size, const char *name, const void **data, size_t *len)
{
	struct elf f;
	int err = open_elf(&f, object, size);
	bool found = false;

	if (err)
		return err;
	for (size_t i = 1; i < f.head.e_shnum; i++) {
		Elf64_Shdr s = section_at(&f, i);

		if (!is_named(&f, &s, name))
			continue;
		if (found || s.sh_type == SHT_NOBITS || !inside(s.sh_offset, s.sh_size, size))
			return -EINVAL;
		found = true;
		*data = f.data + s.sh_offset;
		*len = s.sh_size;
	}
	return found ? 0 : -ENOENT;
}

bool cb_elf_is_code(const void *object, size_t size, const char *name)
{
	bool found = false;
	struct elf f;

	if (open_elf(&f, object, size))
		return false;
	for (size_t i = 1; i < f.head.e_shnum; i++) {
		Elf64_Shdr s = section_at(&f, i);

		if (!is_named(&f, &s, name))
			continue;
		if (s.sh_type != SHT_PROGBITS || !(s.sh_flags & SHF_EXECINSTR) || !s.sh_size)
			return false;
		found = true;
	}
	return found;
}

static bool section_is_inside(const struct elf *f, const Elf64_Shdr *s)
{
	if (s->sh_name >= f->names.sh_size)
		return false;
	if (s->sh_type == SHT_STRTAB)
		return is_strings(f, s);
	return s->sh_type == SHT_NOBITS ? s->sh_size <= NOBITS_MAX : inside(s->sh_offset, s->sh_size, f->size);
}

/* Each symbol has its name among the names, and its place and size in the section where it stands. */
static bool symbols_are_inside(const struct elf *f, const Elf64_Shdr *table)
{
	Elf64_Shdr names;

	if (table->sh_entsize != sizeof(Elf64_Sym) || table->sh_link >= f->head.e_shnum)
		return false;
	names = section_at(f, table->sh_link);
	for (uint64_t at = 0; at + sizeof(Elf64_Sym) <= table->sh_size; at += sizeof(Elf64_Sym)) {
		Elf64_Sym sym;
		Elf64_Shdr s;

		memcpy(&sym, f->data + table->sh_offset + at, sizeof(sym));
		if (names.sh_type != SHT_STRTAB || sym.st_name >= names.sh_size)
			return false;
		if (sym.st_shndx == SHN_UNDEF || sym.st_shndx >= SHN_LORESERVE)
			continue;
		if (sym.st_shndx >= f->head.e_shnum)
			return false;
		s = section_at(f, sym.st_shndx);
		if (!inside(sym.st_value, sym.st_size, s.sh_size))
			return false;
	}
	return true;
}

/* Each relocation is about a symbol that is there, and a place in the section that it changes. */
static bool relocations_are_inside(const struct elf *f, const Elf64_Shdr *table)
{
	Elf64_Shdr symbols, target;

	if (table->sh_entsize != sizeof(Elf64_Rel) || table->sh_link >= f->head.e_shnum ||
	    table->sh_info >= f->head.e_shnum)
		return false;
	symbols = section_at(f, table->sh_link);
	target = section_at(f, table->sh_info);
	for (uint64_t at = 0; at + sizeof(Elf64_Rel) <= table->sh_size; at += sizeof(Elf64_Rel)) {
		Elf64_Rel rel;

		memcpy(&rel, f->data + table->sh_offset + at, sizeof(rel));
		if (symbols.sh_type != SHT_SYMTAB || ELF64_R_SYM(rel.r_info) >= symbols.sh_size / sizeof(Elf64_Sym) ||
		    rel.r_offset >= target.sh_size)
			return false;
	}
	return true;
}

int cb_elf_check(const void *object, size_t size, struct cb_err *e)
{
	struct elf f;
	int err = open_elf(&f, object, size);

	if (err)
		return cb_fail(e, -err, "not a complete ELF file of this machine's word size and byte order");
	for (size_t i = 1; i < f.head.e_shnum; i++) {
		Elf64_Shdr s = section_at(&f, i);

		if (s.sh_type == SHT_NULL)
			continue;
		if (!section_is_inside(&f, &s))
			return cb_fail(e, EINVAL, "not a complete ELF file: its section %zu is not inside", i);
		if (s.sh_type == SHT_SYMTAB && !symbols_are_inside(&f, &s))
			return cb_fail(e, EINVAL, "a corrupt ELF file: a symbol of its section %zu is nowhere", i);
		if (s.sh_type == SHT_REL && !relocations_are_inside(&f, &s))
			return cb_fail(e, EINVAL, "a corrupt ELF file: a relocation of its section %zu is nowhere", i);
	}
	return 0;
}
