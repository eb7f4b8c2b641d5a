// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* sections.c - see sections.h. The file is mapped, so that what is changed is the file. */
#include "compile/sections.h"

#include <gelf.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static void find(struct cb_sections *s, Elf *elf)
{
	Elf_Scn *section = NULL;
	size_t names;
	GElf_Shdr sh;

	if (elf_getshdrstrndx(elf, &names))
		return;
	while ((section = elf_nextscn(elf, section))) {
		const char *name = gelf_getshdr(section, &sh) ? elf_strptr(elf, names, sh.sh_name) : NULL;
		void *data = (char *)s->map + sh.sh_offset;

		if (!name || sh.sh_offset > s->size || sh.sh_size > s->size - sh.sh_offset || sh.sh_offset % 4)
			continue;
		if (!strcmp(name, ".BTF")) {
			s->btf = data;
			s->btf_size = sh.sh_size;
		} else if (!strcmp(name, ".BTF.ext")) {
			s->ext = data;
			s->ext_size = sh.sh_size;
		}
	}
}

bool cb_sections_open(struct cb_sections *s, int fd)
{
	struct stat st;
	Elf *elf;

	*s = (struct cb_sections){0};
	if (fstat(fd, &st) || !st.st_size)
		return false;
	s->size = (size_t)st.st_size;
	s->map = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (s->map == MAP_FAILED)
		return false;
	elf_version(EV_CURRENT);
	elf = elf_memory(s->map, s->size);
	if (elf)
		find(s, elf);
	elf_end(elf);
	if (s->btf && s->ext)
		return true;
	cb_sections_close(s);
	return false;
}

void cb_sections_close(struct cb_sections *s)
{
	munmap(s->map, s->size);
	*s = (struct cb_sections){0};
}
