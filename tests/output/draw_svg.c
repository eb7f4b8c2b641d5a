// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* draw_svg TITLE UNIT - folded lines from standard input as a flame graph to standard output; for svg.bats. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "output/output.h"

enum { DEPTH_MAX = 1024 };

static int add_line(struct cb_stacks *s, char *line)
{
	const char *frames[DEPTH_MAX];
	char *blank = strrchr(line, ' '), *rest;
	size_t n = 0;

	if (!blank)
		return 0;
	*blank = '\0';
	for (char *f = strtok_r(line, ";", &rest); f && n < DEPTH_MAX; f = strtok_r(NULL, ";", &rest))
		frames[n++] = f;
	return cb_stacks_add(s, frames, n, strtoull(blank + 1, NULL, 10));
}

int main(int argc, char **argv)
{
	struct cb_stacks *s = cb_stacks_new();
	struct cb_buf out = {0};
	char *line = NULL;
	size_t cap = 0;
	int err = s && argc == 3 ? 0 : -1;

	while (!err && getline(&line, &cap, stdin) > 0)
		err = add_line(s, line);
	if (!err)
		err = cb_stacks_svg(s, argv[1], argv[2], &out);
	if (!err)
		err = cb_write_all(STDOUT_FILENO, out.data, out.len);
	free(line);
	cb_buf_free(&out);
	cb_stacks_free(s);
	return err ? 1 : 0;
}
