/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * client.h - have a source compiled by a server.
 *
 * Sends the source and the user's headers that it includes, verifies digest and signature of what comes back, and keeps it in
 * this user's cache: the same request is answered from there, also when no server is.
 */
#ifndef CB_SERVICE_CLIENT_H
#define CB_SERVICE_CLIENT_H

#include "base/err.h"
#include "base/log.h"
#include "compile/compile.h"
#include "service/api.h"

/* Where to send things; from options, else environment, else the configuration file. */
struct cb_client_config {
	char **servers; /* URLs without a slash at their ends, tried in turn; ends with NULL; NULL: compile here */
	char *token_file, *ca_file, *cert_file, *key_file;
	char *public_key;    /* PEM file or hexadecimal: refuse what it has not signed */
	unsigned timeout_ms; /* of one request, all servers and tries together */
};

/* What the caller says; NULL: environment or file shall say it. */
struct cb_client_options {
	const char *server; /* URL[,URL...], or "none" */
	const char *token_file, *public_key, *ca_file;
};

/* The options o (NULL: none); what they leave open from $COOLBPF_SERVER, $COOLBPF_TOKEN_FILE, $COOLBPF_PUBLIC_KEY; what these
 * leave open from $COOLBPF_CONFIG, else $XDG_CONFIG_HOME/coolbpf/config (~/.config), else /etc/coolbpf/config. A file that is
 * there and wrong is -EINVAL with its line; so is a URL that is none. cb_client_config_free() after any. */
int cb_client_config_read(struct cb_client_config *c, const struct cb_client_options *o, struct cb_err *e);
void cb_client_config_free(struct cb_client_config *c);

/* As cb_compile_full(); rq->headers are not given but found, clang and zygote mean nothing, and warnings go to the log. format:
 * any of them; the answer's object is its bytes. Further errors: -ETIMEDOUT, -ECONNREFUSED, ...: no server could be asked;
 * -EACCES: it takes no request of ours; -EBADMSG: what came is not what was asked for, or not signed by public_key. */
int cb_client_compile(const struct cb_client_config *c, const struct cb_compile_request *rq, enum cb_format format,
		      struct cb_compile_answer *a, struct cb_err *e);

#endif
