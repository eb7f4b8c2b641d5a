/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * tokens.h - who may use the server: a file with a line "TOKEN NAME" for each client. Empty lines and those that begin with
 * '#' say nothing. Several tokens may have one name: one client.
 *
 * Tokens are kept and looked up as digests under a secret of this process, so that the time that a look-up takes tells nothing
 * about them.
 */
#ifndef CB_SERVICE_TOKENS_H
#define CB_SERVICE_TOKENS_H

#include "base/err.h"
#include "service/table.h"

enum { CB_TOKEN_MIN = 16, CB_TOKEN_MAX = 512 };

struct cb_tokens {
	struct cb_table table;
	unsigned char secret[CB_SHA256];
};

/* Whatever was in t is replaced, if all of the file is well. A file that others may read is warned of on standard error. */
int cb_tokens_read(struct cb_tokens *t, const char *path, struct cb_err *e);
void cb_tokens_free(struct cb_tokens *t);
/* The name behind "Authorization: Bearer TOKEN", or NULL. header may be NULL. */
const char *cb_tokens_name(const struct cb_tokens *t, const char *header);

#endif
