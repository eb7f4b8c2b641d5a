/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* json.h - jansson for what strangers send, and with texts that may be anything. */
#ifndef CB_SERVICE_JSON_H
#define CB_SERVICE_JSON_H

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

enum {
	CB_JSON_DEPTH = 16,
	CB_JSON_VALUES = 32768, /* of which a small one takes 2 bytes as text and 100 in memory */
};

/* One JSON value, nested at most CB_JSON_DEPTH deep and with at most some CB_JSON_VALUES in all, no name twice in an object, no
 * NUL in a text. NULL with the sentence. */
json_t *cb_json_parse(const char *data, size_t len, struct cb_err *e);
/* The same with another number of values. */
json_t *cb_json_parse_up_to(const char *data, size_t len, unsigned values, struct cb_err *e);
/* A string; bytes that are no UTF-8 become U+FFFD. */
json_t *cb_json_string(const char *text);
/* As text (malloc'd) on one line; gives the value up. NULL when it is NULL, or there is no memory. */
char *cb_json_dump(json_t *value, size_t *len);

#endif
