// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* fuzz_perf_attr.c - the JSON object of lbc_attach_perf_event(). The loader is built for other machines, so its source is
 * included; a sentence for a refusal is all that it wants of its neighbours. */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include "solib/perf_attr.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int lbc_fail(int err, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return -err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct perf_event_attr attr = {.size = sizeof(attr)};
	char *text = malloc(size + 1);

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	if (lbc_perf_attr(text, &attr) > 0 || attr.size != sizeof(attr))
		abort();
	free(text);
	return 0;
}
