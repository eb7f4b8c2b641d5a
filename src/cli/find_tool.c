// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * find_tool.c - "coolbpf run execsnoop": a bare name means one of the installed tools.
 *
 * A name is bare when it has neither a directory nor an ending, and no file of that name stands here. It is looked for in
 * the directory $COOLBPF_TOOLS, then where make install puts the tools; an object is taken before a source.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/run.h"

static bool find_in(const char *dir, const char *name, char *path, size_t size)
{
	static const char *const ends[] = {".bpf.o", ".bpf.c"};

	for (size_t i = 0; dir && *dir && i < sizeof(ends) / sizeof(*ends); i++) {
		int n = snprintf(path, size, "%s/%s%s", dir, name, ends[i]);

		if (n > 0 && (size_t)n < size && !access(path, R_OK))
			return true;
	}
	return false;
}

const char *cb_run_find_tool(const char *name, char *path, size_t size)
{
	if (strpbrk(name, "/.") || !access(name, F_OK))
		return name;
	if (find_in(getenv("COOLBPF_TOOLS"), name, path, size) || find_in(CB_TOOLS_DIR, name, path, size))
		return path;
	return name;
}
