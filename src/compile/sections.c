// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* sections.c - see sections.h. The file is mapped, so that what is changed is the file. */
#include "compile/sections.h"

#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "btf/elf.h"

bool cb_sections_open(struct cb_sections *s, int fd)
{
	const void *btf, *ext;
	struct stat st;

	*s = (struct cb_sections){0};
	if (fstat(fd, &st) || !st.st_size)
		return false;
	s->size = (size_t)st.st_size;
	s->map = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (s->map == MAP_FAILED)
		return false;
	if (!cb_elf_section(s->map, s->size, ".BTF", &btf, &s->btf_size) &&
	    !cb_elf_section(s->map, s->size, ".BTF.ext", &ext, &s->ext_size) && (uintptr_t)btf % 4 == 0 &&
	    (uintptr_t)ext % 4 == 0) {
		s->btf = (void *)btf;
		s->ext = (void *)ext;
		return true;
	}
	cb_sections_close(s);
	return false;
}

void cb_sections_close(struct cb_sections *s)
{
	munmap(s->map, s->size);
	*s = (struct cb_sections){0};
}
