/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* sections.h - the sections .BTF and .BTF.ext of an object file, to be changed in place. */
#ifndef CB_COMPILE_SECTIONS_H
#define CB_COMPILE_SECTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct cb_sections {
	void *map;
	size_t size;
	void *btf, *ext; /* in map, aligned to 4 */
	size_t btf_size, ext_size;
};

/* False, and nothing is open, when the file is not an object that has both. */
bool cb_sections_open(struct cb_sections *s, int fd);
void cb_sections_close(struct cb_sections *s);

#endif
