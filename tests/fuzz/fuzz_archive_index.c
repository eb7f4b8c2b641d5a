// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * fuzz_archive_index.c - the index of an archive of BTF. What is let through is what URLs are made of.
 * Reads what strangers send.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "service/archive.h"
#include "service/kernels.h"

static int add(void *ctx, const char *arch, const char *release, const char *digest)
{
	unsigned *n = ctx;

	++*n;
	if (!*arch || !*release || *arch == '.' || *release == '.' || strpbrk(arch, "/%?# \n") ||
	    strpbrk(release, "/%?# \n") || strlen(arch) >= CB_ARCH_NAME || strlen(release) >= CB_KERNEL_NAME ||
	    strspn(digest, "0123456789abcdef") != CB_SHA256_HEX - 1 || strlen(digest) != CB_SHA256_HEX - 1)
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cb_err e = {0};
	unsigned n = 0;
	int err = cb_archive_read_index((const char *)data, size, add, &n, &e);

	if (n > CB_ARCHIVE_KERNELS || err > 0 || !err == !!*e.text)
		abort();
	return 0;
}
