/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * hot.h - the parts of clang that a compile reads, moved into huge pages.
 *
 * A child inherits no mapping of a file's pages, and takes a fault for each sixteen of them: some 700 per compile, or a tenth
 * of its time. Anonymous huge pages are inherited, one entry for 2 MB. So a first compile shows which 2 MB of code and
 * constants it needs, and the zygote replaces these by copies. That costs memory, some 100 MB for each zygote.
 */
#ifndef CB_COMPILE_HOT_H
#define CB_COMPILE_HOT_H

#include <stdbool.h>
#include <stdint.h>

enum { CB_HOT_BLOCK = 2 << 20, CB_HOT_MAX = 250 };

struct cb_hot {
	uint32_t n;
	uint64_t blocks[CB_HOT_MAX]; /* address | PROT_... of its mapping */
};

/* In a process that has compiled: the blocks that it has read. */
void cb_hot_find(struct cb_hot *hot);
/* In its parent. What cannot be moved stays. */
void cb_hot_move(const struct cb_hot *hot);

#endif
