// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* fuzz_diag.c - clang's messages about a source. Reads what strangers send. */
#include <stdlib.h>
#include <string.h>

#include "compile/diag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct cb_diags d = {0}, again = {0};
	struct cb_buf out = {0};

	memcpy(text, data, size);
	text[size] = '\0';
	if (!cb_diags_parse(&d, text)) {
		cb_diags_print(&d, &out);
		cb_diags_parse(&again, cb_buf_cstr(&out));
		if (again.n < d.n)
			abort(); /* what is printed is read again */
	}
	cb_diags_free(&d);
	cb_diags_free(&again);
	cb_buf_free(&out);
	free(text);
	return 0;
}
