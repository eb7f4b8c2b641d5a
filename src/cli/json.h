/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * json.h - write JSON into a buffer.
 *
 *	struct cb_json j = {.out = &buf};
 *	cb_json_open(&j, NULL, '{');
 *	cb_json_text(&j, "name", "hello");
 *	cb_json_open(&j, "sizes", '[');
 *	cb_json_u64(&j, NULL, 42);
 *	cb_json_close(&j, ']');
 *	cb_json_close(&j, '}');		-> {"name":"hello","sizes":[42]}
 *
 * The writer knows only where commas go; that keys and brackets fit is the caller's business. A key is NULL in an array
 * and at the top, otherwise a member's name.
 */
#ifndef CB_CLI_JSON_H
#define CB_CLI_JSON_H

#include "base/buf.h"

struct cb_json {
	struct cb_buf *out;
	bool comma; /* the next value is not the first at its level */
};

void cb_json_open(struct cb_json *j, const char *key, char bracket);
void cb_json_close(struct cb_json *j, char bracket);
void cb_json_text(struct cb_json *j, const char *key, const char *value);
void cb_json_u64(struct cb_json *j, const char *key, uint64_t value);
void cb_json_bool(struct cb_json *j, const char *key, bool value);
void cb_json_null(struct cb_json *j, const char *key);

#endif
