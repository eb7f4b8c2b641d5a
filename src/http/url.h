/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* url.h - http:// and https:// URLs, and which of them go through a proxy. */
#ifndef CB_HTTP_URL_H
#define CB_HTTP_URL_H

#include <stdbool.h>

#include "base/err.h"

struct cb_url {
	bool tls;
	bool v6;       /* the host is an IPv6 address: in brackets where a port may follow */
	unsigned port; /* the scheme's if the URL says none */
	char *host;    /* without brackets */
	char *target;  /* path and query, as sent; without the fragment */
	char *user;    /* "name:password", decoded; or NULL */
};

/* 0, -EINVAL, -ENOMEM. cb_url_free() after any. */
int cb_url_parse(struct cb_url *u, const char *text, struct cb_err *e);
/* What a Location header of an answer to base leads to (RFC 3986, 5.2: a whole URL, or a part of one). */
int cb_url_follow(struct cb_url *u, const struct cb_url *base, const char *location, struct cb_err *e);
void cb_url_free(struct cb_url *u);
/* The same server. */
bool cb_url_same_origin(const struct cb_url *a, const struct cb_url *b);

/* The proxy for this URL by the environment (http_proxy, https_proxy, all_proxy, no_proxy), or NULL. */
const char *cb_url_proxy(const struct cb_url *u);
/* Whether a list as no_proxy has ("a.org,.b.org,10.0.0.0/8,[::1]:8080,*") names this URL's host. */
bool cb_url_in_list(const struct cb_url *u, const char *list);

#endif
