// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* hot.c - see hot.h. As preload.c it is linked with nothing. */
#include "hot.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	PAGE = 4096, /* entries of pagemap are for pages of this size; where they are larger nothing is found */
	PAGES = CB_HOT_BLOCK / PAGE,
	LARGE = 2 *
		CB_HOT_BLOCK, /* mappings below are not worth it, among them our own and libc's, which are at work here */
	ENOUGH = PAGES / 4    /* pages present in a block that is worth its copy */
};

/* ---- which */

static uint64_t hexadecimal(const char **p)
{
	uint64_t v = 0;

	for (;; (*p)++) {
		char c = **p;

		if (c >= '0' && c <= '9')
			v = v << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (uint64_t)(c - 'a' + 10);
		else
			return v;
	}
}

static unsigned present(int pagemap, uint64_t block)
{
	uint64_t entries[PAGES];
	unsigned n = 0;

	if (pread(pagemap, entries, sizeof(entries), (off_t)(block / PAGE * sizeof(*entries))) != sizeof(entries))
		return 0;
	for (int i = 0; i < PAGES; i++)
		n += entries[i] >> 63; /* bit 63: present (the kernel's Documentation/admin-guide/mm/pagemap.rst) */
	return n;
}

/* line: "START-END rwxp ...", of /proc/self/maps */
static void find_in(struct cb_hot *hot, const char *line, int pagemap)
{
	uint64_t start = hexadecimal(&line), end, prot;

	line++;
	end = hexadecimal(&line);
	/* private, and only read or run */
	if (end - start < LARGE || line[1] != 'r' || line[2] != '-' || line[4] != 'p')
		return;
	prot = PROT_READ | (line[3] == 'x' ? PROT_EXEC : 0);
	for (uint64_t at = (start + CB_HOT_BLOCK - 1) & -(uint64_t)CB_HOT_BLOCK; at + CB_HOT_BLOCK <= end;
	     at += CB_HOT_BLOCK)
		if (hot->n < CB_HOT_MAX && present(pagemap, at) >= ENOUGH)
			hot->blocks[hot->n++] = at | prot;
}

void cb_hot_find(struct cb_hot *hot)
{
	int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC),
	    pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	char line[64];
	size_t len = 0;
	bool whole = false; /* the line's beginning is there, the rest is left out */
	char part[4096];
	ssize_t n;

	while (maps >= 0 && pagemap >= 0 && (n = read(maps, part, sizeof(part))) > 0)
		for (ssize_t i = 0; i < n; i++) {
			if (part[i] == '\n') {
				len = 0;
				whole = false;
			} else if (!whole) {
				line[len++] = part[i];
				whole = len == sizeof(line);
				if (whole)
					find_in(hot, line, pagemap);
			}
		}
	close(maps);
	close(pagemap);
}

/* ---- to where */

static bool move(uint64_t at, int prot)
{
	char *room = mmap(NULL, 2 * CB_HOT_BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *copy, *end = room + 2 * CB_HOT_BLOCK;
	bool moved;

	if (room == MAP_FAILED)
		return false;
	copy = (char *)(((uint64_t)room + CB_HOT_BLOCK - 1) & -(uint64_t)CB_HOT_BLOCK);
	madvise(copy, CB_HOT_BLOCK, MADV_HUGEPAGE);
	memcpy(copy, (const void *)at, CB_HOT_BLOCK);
	moved = !mprotect(copy, CB_HOT_BLOCK, prot) &&
		mremap(copy, CB_HOT_BLOCK, CB_HOT_BLOCK, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)at) == (void *)at;
	if (copy > room)
		munmap(room, (size_t)(copy - room));
	if (!moved)
		munmap(copy, CB_HOT_BLOCK);
	if (end > copy + CB_HOT_BLOCK)
		munmap(copy + CB_HOT_BLOCK, (size_t)(end - copy - CB_HOT_BLOCK));
	return moved;
}

void cb_hot_move(const struct cb_hot *hot)
{
	for (uint32_t i = 0; i < hot->n; i++)
		if (!move(hot->blocks[i] & -(uint64_t)PAGE, (int)(hot->blocks[i] & (PAGE - 1))))
			return;
}
