// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* make_so.c - make_so ARCH OBJECT LIBRARY: cb_so_make() for the tests, with fixed texts. */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "compile/so.h"

enum { OBJECT_MAX = 64 << 20 };

int main(int argc, char **argv)
{
	const struct cb_so_meta meta = {.hash = "0123456789abcdef", .arch = argv[1], .kern_version = "4.19.91-23"};
	static struct cb_err err;
	size_t size, so_size;
	char *object;
	void *so;

	if (argc != 4) {
		fprintf(stderr, "usage: make_so ARCH OBJECT LIBRARY\n");
		return 2;
	}
	if (cb_file_read(argv[2], OBJECT_MAX, &object, &size, &err) ||
	    cb_so_make(argv[1], object, size, &meta, &so, &so_size, &err) ||
	    cb_file_write(argv[3], so, so_size, 0755, &err)) {
		fprintf(stderr, "make_so: %s\n", err.text);
		return 1;
	}
	free(so);
	free(object);
	return 0;
}
