/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* resolve.h - the addresses of a host, without NSS: /etc/hosts, then DNS as /etc/resolv.conf says. localhost is this
 * machine. */
#ifndef CB_HTTP_RESOLVE_H
#define CB_HTTP_RESOLVE_H

#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/err.h"

enum { CB_MAX_ADDRESSES = 8 };

struct cb_address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t len;
};

/* Up to CB_MAX_ADDRESSES, IPv6 and IPv4 by turns, the family first that the resolver names first. host may be a numeric
 * address. Returns how many; -ENOENT no such host, -ETIMEDOUT no answer in timeout_ms, -EHOSTUNREACH no name server
 * that answers, -ENOMEM. */
int cb_resolve(const char *host, unsigned port, unsigned timeout_ms, struct cb_address *out, struct cb_err *e);

#endif
