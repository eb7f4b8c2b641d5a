// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* log.c - see log.h. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

void cb_say(const struct cb_log *log, enum cb_log_level level, const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	if (!log || !log->say || level > log->level)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log->say(log->ctx, level, text);
}
