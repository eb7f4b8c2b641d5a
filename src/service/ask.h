/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * ask.h - one request to the servers that there are, until one of them has answered it.
 *
 * Each server is asked in turn; those that are busy or away again after a while, up to the time that the configuration gives
 * the whole. A request that a server refuses as wrong is not carried to the next: it would be as wrong there. A server whose
 * answer cannot be used is left out.
 */
#ifndef CB_SERVICE_ASK_H
#define CB_SERVICE_ASK_H

#include "base/buf.h"
#include "base/log.h"
#include "service/api.h"
#include "service/client.h"
#include "service/sign.h"

struct cb_ask {
	const struct cb_client_config *config;
	const struct cb_log *log;
	const char *name;    /* of the source, for people */
	struct cb_buf body;  /* the request as JSON */
	const char *request; /* its digest */
	enum cb_format format;
	const struct cb_verify_key *key; /* or NULL */
	/* The kernel's BTF, for a server that does not know it; NULL: there is none to be sent. */
	const void *btf;
	size_t btf_size;
	const char *btf_digest;
};

/* Is this the answer to what was asked, and signed if a key says so? -EBADMSG. */
int cb_ask_check(const struct cb_ask *ask, const struct cb_api_answer *a, struct cb_err *e);

/* 0 and a checked answer, with its text in json. -EINVAL: the source does not compile (a->diags says why), or a server refuses
 * the request; other errors as cb_client_compile(). cb_api_answer_free() after any. */
int cb_ask(const struct cb_ask *ask, struct cb_buf *json, struct cb_api_answer *a, struct cb_err *e);

#endif
