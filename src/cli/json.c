// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* json.c - see json.h. */
#include "cli/json.h"

#include "output/plan.h"

static void start(struct cb_json *j, const char *key)
{
	if (j->comma)
		cb_buf_ch(j->out, ',');
	j->comma = true;
	if (key) {
		cb_json_quote(key, strlen(key), j->out);
		cb_buf_ch(j->out, ':');
	}
}

void cb_json_open(struct cb_json *j, const char *key, char bracket)
{
	start(j, key);
	cb_buf_ch(j->out, bracket);
	j->comma = false;
}

void cb_json_close(struct cb_json *j, char bracket)
{
	cb_buf_ch(j->out, bracket);
	j->comma = true;
}

void cb_json_text(struct cb_json *j, const char *key, const char *value)
{
	start(j, key);
	cb_json_quote(value, strlen(value), j->out);
}

void cb_json_u64(struct cb_json *j, const char *key, uint64_t value)
{
	start(j, key);
	cb_buf_u64(j->out, value);
}

void cb_json_bool(struct cb_json *j, const char *key, bool value)
{
	start(j, key);
	cb_buf_str(j->out, value ? "true" : "false");
}

void cb_json_null(struct cb_json *j, const char *key)
{
	start(j, key);
	cb_buf_str(j->out, "null");
}
