// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* fuzz_lab_spec.c - .lab files of random text. */
#include <stdlib.h>
#include <string.h>

#include "lab/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cb_lab_test t;
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	cb_lab_spec_parse(text, size, "dir/x.lab", &t, NULL);
	cb_lab_test_free(&t);
	free(text);
	return 0;
}
