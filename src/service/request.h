/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* request.h - what clients send, read from JSON and checked: POST /v1/compile, and the list of POST /lbc. */
#ifndef CB_SERVICE_REQUEST_H
#define CB_SERVICE_REQUEST_H

#include <jansson.h>

#include "base/err.h"
#include "service/api.h"

struct cb_sent {
	struct cb_api_request api; /* as sent: what is absent is "" */
	/* private: what api points into */
	json_t *root;
	struct cb_header *headers;
	const char **flags;
	char *split; /* of /lbc's env */
};

/* POST /v1/compile's body. Refused is what api.h does not name. -EINVAL with the sentence and in *code a word for programs:
 * "bad_json", "bad_request", "bad_flag", "bad_name", "unknown_format"; -E2BIG "too_large"; -ENOMEM. cb_sent_free() after
 * any. */
int cb_sent_read(struct cb_sent *rq, const char *body, size_t len, const char **code, struct cb_err *e);
void cb_sent_free(struct cb_sent *rq);

/* One element of /lbc's list. Texts belong to it. */
struct cb_lbc_request {
	const char *cmd, *arch, *ver;
	const char *pattern, *ret, *arg; /* of func, struct, type */
	struct cb_sent compile;		 /* of c, obj */
	char hash[CB_SHA256_HEX];	 /* of code and env */
};

enum { CB_LBC_MAX = 16 /* elements of one list */ };

/* element: one of a parsed list. -EINVAL with the sentence. cb_lbc_request_free() after any. */
int cb_lbc_request_read(struct cb_lbc_request *lr, json_t *element, struct cb_err *e);
void cb_lbc_request_free(struct cb_lbc_request *lr);

/* "x86_64", "aarch64": a word that may stand in a path. */
bool cb_is_word(const char *text);

#endif
