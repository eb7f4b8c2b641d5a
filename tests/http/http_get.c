// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * http_get.c METHOD URL [BODY]: the client for peers.bats, with python's, openssl's and nginx's servers.
 *
 * Prints the body; the status to standard error. BODY is a file. $CA, $CERT and $KEY name certificates. Exits 1 with
 * the sentence when there is no answer.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "http/client.h"

int main(int argc, char **argv)
{
	struct cb_http_call call = {
		.ca_file = getenv("CA"), .cert_file = getenv("CERT"), .key_file = getenv("KEY"), .timeout_ms = 10000};
	struct cb_http_reply reply;
	struct cb_err e = {0};
	char *body = NULL;
	int err = 0;

	if (argc < 3)
		return 2;
	call.method = argv[1];
	call.url = argv[2];
	if (argc > 3) {
		err = cb_file_read(argv[3], 64 << 20, &body, &call.body_len, &e);
		call.body = body;
	}
	if (!err)
		err = cb_http_do(&call, &reply, &e);
	if (err) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	fprintf(stderr, "%d %s\n", reply.status, reply.type);
	if (reply.body.len)
		fwrite(reply.body.data, 1, reply.body.len, stdout);
	cb_http_reply_free(&reply);
	free(body);
	return 0;
}
