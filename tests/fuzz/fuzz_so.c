// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * fuzz_so.c - an object with anything in it is refused, or becomes a library whose map types are JSON.
 *
 * The seeds (tests/fuzz/seeds/so) are objects of tests/solib/data.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "btf/elf.h"
#include "btf/check.h"
#include "compile/maptypes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As in cb_so_make(), which then copies both behind a template: that is not tried each time. */
static char *types_of(const void *object, size_t size, struct cb_err *e)
{
	const struct cb_so_meta meta = {.hash = "h", .arch = "x86_64", .kern_version = "4.19.91"};
	struct btf *btf;
	const void *bytes;
	char *json = NULL;
	size_t len;

	if (cb_elf_check(object, size, e) || cb_elf_section(object, size, ".BTF", &bytes, &len))
		return NULL;
	btf = cb_btf_parse(bytes, len, e);
	if (btf && cb_map_types(btf, &meta, &json, e) && (json || !e->text[0]))
		abort();
	btf__free(btf);
	return json;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cb_err err;
	char *json = types_of(data, size, &err);
	json_t *root;
	size_t so_size;
	void *so;

	if (!json)
		return 0;
	root = json_loads(json, 0, NULL);
	if (!root || !json_is_string(json_object_get(root, "ffi")) || !json_is_object(json_object_get(root, "maps")))
		abort();
	json_decref(root);
	free(json);
	if (size % 64 == 0 && !cb_so_make("aarch64", data, size, &(struct cb_so_meta){0}, &so, &so_size, &err))
		free(so);
	return 0;
}
