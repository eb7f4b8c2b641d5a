// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * fuzz_index.c - a kernel's BTF with anything in it, as a stranger may upload it: made into an index, which is asked for
 * every name that it holds, and sliced for a program that uses all of them.
 * Reads what strangers send.
 *
 * The input is the BTF. Its size, odd or even, decides whether the slice is an exact one.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "btf/index.h"
#include "compile/slice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* "struct NAME *p; NAME;" for every name. */
static void use_all(const struct cb_btf_index *ix, struct cb_buf *text)
{
	for (const char *name = ix->view.strs + 1; name < ix->view.strs + ix->view.strs_len; name += strlen(name) + 1) {
		size_t len = strlen(name);
		uint32_t last = 0, id;

		while ((id = cb_btf_index_named(ix, name, len, last))) {
			if (id <= last || id >= ix->count)
				abort();
			last = id;
		}
		cb_buf_printf(text, "struct %s *p; %s;\n", name, name);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cb_slice_text text = {0};
	struct cb_buf uses = {0}, out = {0};
	struct cb_btf_index ix;
	struct cb_err e = {0};
	void *copy = malloc(size + 1); /* so that reading past the end is seen */

	if (!copy)
		abort();
	memcpy(copy, data, size);
	if (!cb_btf_index_make(copy, size, NULL, &ix, &e)) {
		for (uint32_t id = 0; id < ix.count; id++) {
			cb_btf_index_size(&ix, id);
			if (!cb_btf_index_align(&ix, id))
				abort();
		}
		if (size & 1)
			cb_buf_str(&uses, "a ## b\n");
		use_all(&ix, &uses);
		text.text = cb_buf_cstr(&uses);
		text.len = uses.len;
		if (cb_slice(&ix, &text, 1, &out, &e) && !e.text[0])
			abort();
		cb_buf_free(&uses);
		cb_buf_free(&out);
		cb_btf_index_close(&ix);
	} else if (!e.text[0]) {
		abort();
	}
	free(copy);
	return 0;
}
