// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * ksym.c - the kernel's symbols, from /proc/kallsyms.
 *
 *	ffffffff8102a3f0 t io_serial_in
 *	ffffffffc0201000 t ftrace_trampoline	[__builtin__ftrace]
 *
 * One array of 16 bytes per symbol, sorted by address, and one pool of names: about 5 MB for the 122,000 symbols of a
 * distribution's kernel. Nearly all the time of reading goes into the kernel that writes the text (30 ms here); parsing
 * is a few. The file is read in pieces, so its text never lies in memory as a whole.
 *
 * The list has no sizes: a symbol reaches to the next one. Of several names for one address the first is taken, as the
 * kernel itself does ("%pS").
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/symbols.h"

enum {
	PIECE = 64 << 10,    /* bytes at a time; the kernel gives at most a page per read */
	REACH_MAX = 1 << 20, /* no function is larger: past that, an address lies in a hole between symbols */
};

static int add_symbol(struct cb_ksyms *k, uint64_t addr, const char *name, size_t name_len, const char *module,
		      size_t module_len)
{
	if (k->count == k->cap) {
		size_t cap = k->cap ? k->cap * 2 : 4096;
		struct cb_ksym *syms = reallocarray(k->syms, cap, sizeof(*syms));

		if (!syms)
			return -ENOMEM;
		k->syms = syms;
		k->cap = cap;
	}
	if (!k->names.len) /* offset 0 is "", the module of the kernel itself */
		cb_buf_ch(&k->names, '\0');
	/* a module's symbols come in a row, so its name is stored once per row */
	if (!module_len) {
		k->module = 0;
	} else if (!k->module || k->module_len != module_len || memcmp(k->names.data + k->module, module, module_len)) {
		k->module = (uint32_t)k->names.len;
		k->module_len = module_len;
		cb_buf_add(&k->names, module, module_len);
		cb_buf_ch(&k->names, '\0');
	}
	k->syms[k->count] = (struct cb_ksym){.addr = addr, .name = (uint32_t)k->names.len, .module = k->module};
	cb_buf_add(&k->names, name, name_len);
	cb_buf_ch(&k->names, '\0');
	if (k->names.failed)
		return -ENOMEM;
	if (k->names.len > UINT32_MAX)
		return -EFBIG;
	k->sorted = !k->count || (k->sorted && k->syms[k->count - 1].addr <= addr);
	k->count++;
	return 0;
}

/* One line without its newline. A line that makes no sense is passed over. */
static int add_line(struct cb_ksyms *k, const char *p, const char *end)
{
	const char *tab, *module = end, *start = p;
	uint64_t addr = 0;
	int digit;

	for (; p < end && (digit = cb_hex_digit(*p)) >= 0; p++)
		addr = addr << 4 | (unsigned)digit;
	if (p == start || end - p < 4 || p[0] != ' ' || p[2] != ' ')
		return 0;
	if (!addr) {
		k->hidden = k->hidden || !k->count;
		return 0;
	}
	/* absolute symbols (offsets in the per-CPU area, sizes) are no addresses */
	if (p[1] == 'a' || p[1] == 'A')
		return 0;
	p += 3;
	tab = memchr(p, '\t', (size_t)(end - p));
	if (tab && end - tab > 3 && tab[1] == '[' && end[-1] == ']')
		module = tab + 2;
	if (p == (tab ? tab : end))
		return 0;
	k->hidden = false;
	return add_symbol(k, addr, p, (size_t)((tab ? tab : end) - p), module,
			  module < end ? (size_t)(end - 1 - module) : 0);
}

int cb_ksyms_add(struct cb_ksyms *k, const char *text, size_t len, size_t *used)
{
	const char *p = text, *end = text + len, *nl;

	for (; p < end && (nl = memchr(p, '\n', (size_t)(end - p))); p = nl + 1) {
		int err = add_line(k, p, nl);

		if (err)
			return err;
	}
	*used = (size_t)(p - text);
	return 0;
}

/* Names are stored in the order of the list, which decides between those of one address. */
static int compare(const void *a, const void *b)
{
	const struct cb_ksym *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

void cb_ksyms_sort(struct cb_ksyms *k)
{
	size_t n = 0;

	if (!k->sorted && k->count)
		qsort(k->syms, k->count, sizeof(*k->syms), compare);
	for (size_t i = 0; i < k->count; i++)
		if (!n || k->syms[n - 1].addr != k->syms[i].addr)
			k->syms[n++] = k->syms[i];
	k->count = n;
	k->sorted = true;
}

static int read_list(struct cb_ksyms *k, int fd, char *piece)
{
	size_t have = 0, used;
	bool skip_line = false; /* one that is longer than a piece */

	for (;;) {
		ssize_t n = read(fd, piece + have, PIECE - have);
		int err;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		have += (size_t)n;
		/* parse full pieces, or what is left at the end with the newline that it may lack */
		if (n && have < PIECE)
			continue;
		if (!n)
			piece[have++] = '\n';
		used = 0;
		if (skip_line) {
			const char *nl = memchr(piece, '\n', have);

			used = nl ? (size_t)(nl + 1 - piece) : have;
			skip_line = !nl;
		}
		if (!skip_line) {
			size_t more;

			err = cb_ksyms_add(k, piece + used, have - used, &more);
			if (err)
				return err;
			skip_line = !used && !more;
			used = skip_line ? have : used + more;
		}
		if (!n)
			return 0;
		have -= used;
		memmove(piece, piece + used, have);
	}
}

int cb_ksyms_load(struct cb_ksyms *k, const char *path, struct cb_err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	char *piece;

	if (fd < 0) {
		err = errno;
		return cb_fail(e, err, "cannot read the kernel's symbols from %s: %s", path, strerror(err));
	}
	piece = malloc(PIECE);
	err = piece ? read_list(k, fd, piece) : -ENOMEM;
	free(piece);
	close(fd);
	if (!err)
		cb_ksyms_sort(k);
	if (!err && k->hidden)
		return cb_fail(e, EPERM,
			       "the kernel hides its addresses: every line of %s has address zero; run as root "
			       "(CAP_SYSLOG) with kernel.kptr_restrict at 0 or 1 (sysctl -w kernel.kptr_restrict=1)",
			       path);
	if (!err && !k->count)
		return cb_fail(e, ENOENT, "there are no symbols in %s (is the kernel built with CONFIG_KALLSYMS?)",
			       path);
	if (err)
		return cb_fail(e, -err, "cannot read the kernel's symbols from %s: %s", path, strerror(-err));
	return 0;
}

const struct cb_ksym *cb_ksyms_find(const struct cb_ksyms *k, uint64_t addr)
{
	const struct cb_ksym *low = k->syms;
	size_t n = k->count;

	if (!n || addr < low->addr)
		return NULL;
	/* low->addr <= addr holds all the way; without a branch in the body, which would be mispredicted half the time */
	while (n > 1) {
		size_t half = n / 2;

		low += low[half].addr <= addr ? half : 0;
		n -= half;
	}
	return addr - low->addr < REACH_MAX ? low : NULL;
}

void cb_ksyms_free(struct cb_ksyms *k)
{
	free(k->syms);
	cb_buf_free(&k->names);
	*k = (struct cb_ksyms){0};
}
