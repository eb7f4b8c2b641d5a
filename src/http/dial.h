/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* dial.h - a connection to a server, through a proxy if there is one, in TLS if the URL says so; blocking until a
 * deadline (internal to the client). */
#ifndef CB_HTTP_DIAL_H
#define CB_HTTP_DIAL_H

#include <stdint.h>

#include "base/err.h"
#include "http/stream.h"
#include "http/url.h"

/* What TLS needs; made once for all attempts of a call. Zeroed: plain connections only. */
struct cb_dial_tls {
	SSL_CTX *ctx;
	BIO_METHOD *bio;
};

/* *s is the connection. via: the proxy, or NULL. Negative errno: see cb_http_do(). */
int cb_dial(const struct cb_url *to, const struct cb_url *via, const struct cb_dial_tls *tls, uint64_t deadline_ns,
	    struct cb_stream *s, struct cb_err *e);

/* CLOCK_MONOTONIC */
uint64_t cb_now_ns(void);
/* Until the socket is ready for `events` of poll(): those that are; -ETIMEDOUT at the deadline; another -errno. */
int cb_wait_ready(int fd, short events, uint64_t deadline_ns);
/* Why reading or writing failed, as a sentence; returns err. */
int cb_stream_failed(const struct cb_url *u, int err, const char *what, struct cb_err *e);
/* "name:password" as a header's value "Basic ...", malloc'ed. */
char *cb_basic_auth(const char *user);
/* "host:port", with brackets around an IPv6 address, malloc'ed; without a port that is the scheme's if `brief`. */
char *cb_url_authority(const struct cb_url *u, bool brief);

#endif
