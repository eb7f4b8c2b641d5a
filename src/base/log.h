/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* log.h - what a library may say while it works: to a function of its user's, or to nobody. */
#ifndef CB_LOG_H
#define CB_LOG_H

enum cb_log_level { CB_WARN, CB_INFO, CB_DEBUG };

struct cb_log {
	enum cb_log_level level; /* the most detailed level that is passed on */
	/* text has no newline at its end. NULL: nothing is said. */
	void (*say)(void *ctx, enum cb_log_level level, const char *text);
	void *ctx;
};

void cb_say(const struct cb_log *log, enum cb_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
