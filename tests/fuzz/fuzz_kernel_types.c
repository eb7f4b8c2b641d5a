// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * fuzz_kernel_types.c - questions about BTF that a client has sent, as far as it was taken for BTF.
 * Reads what strangers send.
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "btf/index.h"
#include "btf/check.h"
#include "service/kernel_types.h"

enum { NAMES = 20 };

/* libbpf writes a line for each 8 bytes of a gap: a struct of 512 MB is a minute of it (a server ends such a task), and of
 * 1 MB still too long for many inputs. */
static bool has_large(const struct btf *btf)
{
	for (__u32 id = 1; id < btf__type_cnt(btf); id++)
		if (btf_is_composite(btf__type_by_id(btf, id)) && btf__type_by_id(btf, id)->size > 1 << 12)
			return true;
	return false;
}

static void ask(json_t *answer)
{
	char *text = answer ? json_dumps(answer, JSON_ENCODE_ANY) : NULL;

	if (!text)
		abort();
	free(text);
	json_decref(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *copy = malloc(size ? size : 1); /* aligned */
	struct cb_btf_index ix;
	struct btf *btf = NULL;

	libbpf_set_print(NULL);
	memcpy(copy, data, size);
	if (!cb_btf_index_make(copy, size, NULL, &ix, NULL)) {
		cb_btf_index_close(&ix);
		btf = cb_btf_parse(copy, size, NULL);
	}
	if (btf && has_large(btf)) {
		btf__free(btf);
		btf = NULL;
	}
	for (__u32 id = 1, n = 0; btf && id < btf__type_cnt(btf) && n < NAMES; id++) {
		const char *name = btf__name_by_offset(btf, btf__type_by_id(btf, id)->name_off);

		if (!name || !*name)
			continue;
		n++;
		ask(cb_types_named(btf, name));
		ask(cb_lbc_type(btf, name));
		ask(cb_lbc_struct(btf, name));
	}
	if (btf) {
		ask(cb_functions(btf, "*"));
		ask(cb_lbc_functions(btf, "%", "", ""));
		ask(cb_lbc_functions(btf, "", "int", "int"));
		ask(cb_lbc_struct(btf, "%"));
	}
	btf__free(btf);
	free(copy);
	return 0;
}
