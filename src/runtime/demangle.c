// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * demangle.c - C++ and Rust names, by libiberty.
 *
 * Names come from binaries of anybody, so both the depth and the length of the result have a limit. The depth is
 * libiberty's own (DMGL_NO_RECURSE_LIMIT is never set). The length is ours: a few hundred bytes of back references
 * stand for gigabytes, and libiberty would write them all. Its functions with a callback keep what they need on the
 * stack, so leaving the callback with longjmp() ends them; the only thing that such a name can cost is the small heap
 * block of a Rust identifier in punycode.
 */
#include <setjmp.h>
#include <string.h>

#include <libiberty/demangle.h>

#include "runtime/symbols.h"

enum { SHOWN_MAX = 16384 };

struct sink {
	struct cb_buf *out;
	size_t max; /* of out->len */
	jmp_buf full;
};

static void put(const char *text, size_t len, void *ctx)
{
	struct sink *s = ctx;

	if (len > s->max - s->out->len)
		longjmp(s->full, 1);
	cb_buf_add(s->out, text, len);
}

bool cb_demangle(const char *name, struct cb_buf *out)
{
	const size_t len = out->len;
	struct sink s = {.out = out, .max = len + SHOWN_MAX};

	/* "_Z" C++ and old Rust, "_R" Rust; what the linker or LLVM puts in front is at most one underscore more */
	if (name[0] != '_' || (name[1] != 'Z' && name[1] != 'R' && name[1] != '_'))
		return false;
	if (!setjmp(s.full)) {
		if (rust_demangle_callback(name, DMGL_AUTO, put, &s))
			return true;
		out->len = len;
		if (cplus_demangle_v3_callback(name, DMGL_PARAMS | DMGL_ANSI, put, &s))
			return true;
	}
	out->len = len;
	return false;
}
