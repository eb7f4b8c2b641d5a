/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* relocs.h - the objects that meson.build makes of relocs.bpf.c, for the tests of this room. */
#ifndef CB_TESTS_BTF_RELOCS_H
#define CB_TESTS_BTF_RELOCS_H

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"

struct object {
	void *data;
	size_t size;
};

static inline struct object read_object(const char *name)
{
	struct object o = {0};
	char path[PATH_MAX], *data;

	snprintf(path, sizeof(path), "%s/tests/btf/relocs_%s.o", getenv("BUILD"), name);
	assert_int_equal(cb_file_read(path, 1 << 24, &data, &o.size, NULL), 0);
	o.data = data;
	return o;
}

#endif
