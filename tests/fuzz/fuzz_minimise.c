// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * fuzz_minimise.c - objects and kernel BTF with anything in them.
 *
 * The input is the object's size (4 bytes, in this machine's byte order), the object, and the kernel's BTF. An answer
 * must be BTF of its own that can be walked to its end.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "btf/bytes.h"
#include "btf/minimise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *object, *kernel, *mini;
	uint32_t object_size;
	size_t mini_size;

	if (size < sizeof(object_size))
		return 0;
	memcpy(&object_size, data, sizeof(object_size));
	data += sizeof(object_size);
	size -= sizeof(object_size);
	if (object_size > size)
		object_size = (uint32_t)size;
	/* copies, so that reading past either end is seen */
	object = malloc(object_size + 1);
	kernel = malloc(size - object_size + 1);
	if (!object || !kernel)
		abort();
	memcpy(object, data, object_size);
	memcpy(kernel, data + object_size, size - object_size);
	if (!cb_btf_minimise_bytes(object, object_size, kernel, size - object_size, size & 1, &mini, &mini_size,
				   NULL) &&
	    mini) {
		struct cb_btf_view v;
		size_t at = 0;

		if (cb_btf_view(mini, mini_size, &v, NULL))
			abort();
		while (cb_btf_next(&v, &at))
			;
		if (at != v.types_len)
			abort();
	}
	free(mini);
	free(object);
	free(kernel);
	return 0;
}
