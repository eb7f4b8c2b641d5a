// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * eu_search.c - for static linking: functions that elfutils 0.192 (Debian 13) forgot in its archives.
 *
 * libelf.a and libdw.a of that version call eu_tsearch() and its kin, which stand in no archive (sourceware bug 32293,
 * mended in 0.193). They are tsearch() and its kin on a tree whose root is the first member of a struct; the lock behind
 * it exists only in thread-safe builds of elfutils, which distributions do not make. Weak: an archive that has them wins.
 */
#include <search.h>
#include <stddef.h>

struct eu_tree {
	void *root;
};

typedef int compare_fn(const void *, const void *);

void *eu_tsearch(const void *key, struct eu_tree *tree, compare_fn *compare);
void *eu_tfind(const void *key, struct eu_tree *tree, compare_fn *compare);
void *eu_tdelete(const void *key, struct eu_tree *tree, compare_fn *compare);
void eu_tdestroy(struct eu_tree *tree, void (*free_node)(void *));
void eu_search_tree_init(struct eu_tree *tree);
void eu_search_tree_fini(struct eu_tree *tree, void (*free_node)(void *));

__attribute__((weak)) void *eu_tsearch(const void *key, struct eu_tree *tree, compare_fn *compare)
{
	return tsearch(key, &tree->root, compare);
}

__attribute__((weak)) void *eu_tfind(const void *key, struct eu_tree *tree, compare_fn *compare)
{
	return tfind(key, &tree->root, compare);
}

__attribute__((weak)) void *eu_tdelete(const void *key, struct eu_tree *tree, compare_fn *compare)
{
	return tdelete(key, &tree->root, compare);
}

__attribute__((weak)) void eu_tdestroy(struct eu_tree *tree, void (*free_node)(void *))
{
	tdestroy(tree->root, free_node);
	tree->root = NULL;
}

__attribute__((weak)) void eu_search_tree_init(struct eu_tree *tree)
{
	tree->root = NULL;
}

__attribute__((weak)) void eu_search_tree_fini(struct eu_tree *tree, void (*free_node)(void *))
{
	eu_tdestroy(tree, free_node);
}
