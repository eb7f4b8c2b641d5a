// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * fuzz_lab_expect.c - expectations and an outcome of random text: lines up to a zero byte are directives; then, with a zero
 * byte between, the tool's output, its standard error, what the workload printed, and kernel messages.
 */
#include <stdlib.h>
#include <string.h>

#include "lab/judge.h"

enum { EXPECTS_MAX = 64 };

static struct cb_lab_text next(const char **at, const char *end)
{
	const char *stop = memchr(*at, '\0', (size_t)(end - *at));
	struct cb_lab_text t = {.len = (size_t)((stop ? stop : end) - *at)};

	t.s = malloc(t.len + 1);
	memcpy(t.s, *at, t.len);
	t.s[t.len] = '\0';
	*at = stop ? stop + 1 : end;
	return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char tap[] = "tap x\n";
	const char *at = (const char *)data, *end = at + size;
	struct cb_lab_text directives = next(&at, end);
	struct cb_lab_outcome o = {.out = next(&at, end),
				   .err = next(&at, end),
				   .work_out = next(&at, end),
				   .kmsg = next(&at, end),
				   .warned = size & 1,
				   .status = (size & 6) << 7};
	struct cb_lab_cell cell = {0};
	struct cb_lab_test t;
	bool on[EXPECTS_MAX];

	memset(on, true, sizeof(on));
	if (!cb_lab_spec_parse(directives.s, directives.len, "x.lab", &t, NULL) && t.n_expects <= EXPECTS_MAX)
		cb_lab_judge(&t, on, &o, &cell);
	cb_lab_test_free(&t);
	cb_lab_cell_clear(&cell);
	if (!cb_lab_spec_parse(tap, sizeof(tap) - 1, "x.lab", &t, NULL))
		cb_lab_judge(&t, on, &o, &cell);
	cb_lab_test_free(&t);
	cb_lab_cell_clear(&cell);
	cb_lab_outcome_free(&o);
	free(directives.s);
	return 0;
}
