// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* payload.c - find the object in this library; payload.h says where it is. */
#include "payload.h"

#include <elf.h>
#include <string.h>

#include "api.h"
#include "loader.h"

/* The maker (so.c) turns this note's program header into the one of the payload. */
struct note {
	Elf64_Nhdr head;
	char name[8];
	uint32_t version;
};

__attribute__((section(".note.coolbpf"), used, aligned(4))) static const struct note note = {
	.head = {.n_namesz = sizeof(LBC_PAYLOAD_MAGIC), .n_descsz = sizeof(uint32_t), .n_type = 1},
	.name = LBC_PAYLOAD_MAGIC,
	.version = LBC_PAYLOAD_VERSION,
};

/* The linker's name for the first byte of the file, which is mapped with the program headers behind it. */
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

const struct lbc_payload *lbc_payload(void)
{
	const char *start = (const char *)&__ehdr_start;
	const Elf64_Phdr *ph = (const void *)(start + __ehdr_start.e_phoff), *first = NULL, *last = NULL;
	const struct lbc_payload *p;

	for (int i = 0; i < __ehdr_start.e_phnum; i++) {
		if (ph[i].p_type != PT_LOAD)
			continue;
		if (!first)
			first = &ph[i];
		last = &ph[i];
	}
	if (!last || last == first || last->p_flags != PF_R || last->p_filesz < sizeof(*p))
		return NULL;
	p = (const void *)(start - first->p_vaddr + last->p_vaddr);
	return !memcmp(p->magic, LBC_PAYLOAD_MAGIC, sizeof(p->magic)) && p->version == LBC_PAYLOAD_VERSION ? p : NULL;
}

const char *lbc_get_map_types(void)
{
	const struct lbc_payload *p = lbc_payload();

	return p ? (const char *)p + p->types_offset : "{}";
}
