// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* err.c - see err.h. A sentence longer than the buffer is cut at its end. */
#include "base/err.h"

#include <stdio.h>
#include <string.h>

int cb_fail(struct cb_err *e, int err, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return -err;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return -err;
}

int cb_fail_in(struct cb_err *e, int err, const char *fmt, ...)
{
	char old[CB_ERR_TEXT];
	va_list ap;
	size_t n;

	if (!e)
		return err;
	memcpy(old, e->text, sizeof(old));
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	n = strlen(e->text);
	snprintf(e->text + n, sizeof(e->text) - n, ": %s", old);
	return err;
}

int cb_fail_more(struct cb_err *e, int err, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	if (!e)
		return err;
	n = strlen(e->text);
	va_start(ap, fmt);
	vsnprintf(e->text + n, sizeof(e->text) - n, fmt, ap);
	va_end(ap);
	return err;
}
