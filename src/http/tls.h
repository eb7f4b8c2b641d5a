/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* tls.h - OpenSSL's contexts for both sides: TLS 1.2 and newer, whom to trust, and its errors as sentences. */
#ifndef CB_HTTP_TLS_H
#define CB_HTTP_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "base/err.h"

/* A server's: its certificate (with the chain) and key; client_ca: only clients with a certificate that it has signed;
 * NULL: any. NULL with the sentence. */
SSL_CTX *cb_tls_server(const char *cert, const char *key, const char *client_ca, struct cb_err *e);
/* A client's: ca NULL: the system's; cert and key or NULL. *err gets a negative errno. */
SSL_CTX *cb_tls_client(const char *ca, const char *cert, const char *key, int *err, struct cb_err *e);
/* The name that the other side's certificate must be for: a host's, or a numeric address. 0 or -ENOMEM. */
int cb_tls_expect(SSL *ssl, const char *host);

/* The first error in OpenSSL's queue, in words; empties the queue. */
void cb_tls_reason(char *out, size_t size);
/* The subject of the peer's certificate as RFC 2253 writes it, malloc'ed; NULL: none, or (*failed) no memory. */
char *cb_tls_subject(const SSL *ssl, bool *failed);

#endif
