/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * client.h - have a source compiled by a server.
 *
 * Sends the source and the headers that it includes from beside it, verifies digest and signature of what comes back, and keeps
 * it in this user's cache: the same request is answered from there, also when no server is.
 */
#ifndef CB_SERVICE_CLIENT_H
#define CB_SERVICE_CLIENT_H

#include "base/err.h"
#include "base/log.h"
#include "compile/compile.h"
#include "service/api.h"

/* Where to send things; from options, else environment (COOLBPF_SERVER, ...), else the configuration file. */
struct cb_client_config {
	char **servers; /* URLs, tried in turn; ends with NULL; NULL: compile here */
	char *token_file, *ca_file, *cert_file, *key_file;
	char *public_key; /* PEM file or hexadecimal: refuse what it has not signed */
	unsigned timeout_ms; /* of one request, all servers and tries together */
};

/* Fill in what option and environment leave open from $COOLBPF_CONFIG, else $XDG_CONFIG_HOME/coolbpf/config (~/.config),
 * else /etc/coolbpf/config. A file that is there and wrong is -EINVAL with its line. */
int cb_client_config_read(struct cb_client_config *c, struct cb_err *e);
void cb_client_config_free(struct cb_client_config *c);

/* As cb_compile_full(); rq->headers are not given but found. format: any of them; the answer's object is its bytes. */
int cb_client_compile(const struct cb_client_config *c, const struct cb_compile_request *rq, enum cb_format format,
		      struct cb_compile_answer *a, struct cb_err *e);

#endif
