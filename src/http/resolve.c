// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * resolve.c - see resolve.h.
 *
 * getaddrinfo() of glibc loads NSS modules at run time, which a static binary cannot rely on. libevent's resolver reads
 * the two files and speaks DNS itself; it gets a loop of its own here, that runs until the answer is there.
 */
#include "http/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct lookup {
	struct event_base *base;
	struct evutil_addrinfo *found;
	int result;
	bool over;
};

static void on_answer(int result, struct evutil_addrinfo *found, void *arg)
{
	struct lookup *l = arg;

	l->result = result;
	l->found = found;
	l->over = true;
	event_base_loopbreak(l->base);
}

/* The n-th address of a family, or of the others. */
static const struct evutil_addrinfo *nth(const struct evutil_addrinfo *list, int family, bool same, size_t n)
{
	for (; list; list = list->ai_next)
		if (list->ai_addrlen <= sizeof(struct sockaddr_in6) && (list->ai_family == family) == same && !n--)
			return list;
	return NULL;
}

static int by_turns(const struct evutil_addrinfo *list, struct cb_address *out)
{
	const struct evutil_addrinfo *a = list;
	int n = 0;

	for (size_t i = 0; a; i++) {
		bool any = false;

		for (int same = 1; same >= 0 && n < CB_MAX_ADDRESSES; same--) {
			const struct evutil_addrinfo *next = nth(list, list->ai_family, same, i);

			if (!next)
				continue;
			memcpy(&out[n].v6, next->ai_addr, next->ai_addrlen);
			out[n++].len = (socklen_t)next->ai_addrlen;
			any = true;
		}
		if (!any)
			break;
	}
	return n;
}

static void set_v4(struct cb_address *a, unsigned port, const void *address)
{
	*a = (struct cb_address){.len = sizeof(a->v4)};
	a->v4.sin_family = AF_INET;
	a->v4.sin_port = htons((uint16_t)port);
	memcpy(&a->v4.sin_addr, address, sizeof(a->v4.sin_addr));
}

static void set_v6(struct cb_address *a, unsigned port, const void *address)
{
	*a = (struct cb_address){.len = sizeof(a->v6)};
	a->v6.sin6_family = AF_INET6;
	a->v6.sin6_port = htons((uint16_t)port);
	memcpy(&a->v6.sin6_addr, address, sizeof(a->v6.sin6_addr));
}

/* "localhost", "x.localhost": this machine, whatever files and servers say (RFC 6761, 6.3). */
static bool is_localhost(const char *host)
{
	size_t len = strlen(host), word = strlen("localhost");

	return len >= word && !strcasecmp(host + len - word, "localhost") &&
	       (len == word || host[len - word - 1] == '.');
}

/* What needs no asking: how many addresses. */
static int known(const char *host, unsigned port, struct cb_address *out)
{
	unsigned char address[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, host, address) == 1) {
		set_v4(out, port, address);
		return 1;
	}
	if (inet_pton(AF_INET6, host, address) == 1) {
		set_v6(out, port, address);
		return 1;
	}
	if (!is_localhost(host))
		return 0;
	set_v4(&out[0], port, &(struct in_addr){htonl(INADDR_LOOPBACK)});
	set_v6(&out[1], port, &in6addr_loopback);
	return 2;
}

static int failed(const char *host, int result, struct cb_err *e)
{
	switch (result) {
	case EVUTIL_EAI_NONAME:
	case EVUTIL_EAI_NODATA:
		return cb_fail(e, ENOENT, "%s: no such host", host);
	case EVUTIL_EAI_MEMORY:
		return cb_fail(e, ENOMEM, "%s: no memory to look it up", host);
	default:
		return cb_fail(e, EHOSTUNREACH, "%s: no name server of /etc/resolv.conf says what it is: %s", host,
			       evutil_gai_strerror(result));
	}
}

static int wait_for(struct lookup *l, unsigned timeout_ms, const char *host, struct evdns_getaddrinfo_request *request,
		    struct cb_err *e)
{
	struct timeval tv = {timeout_ms / 1000, (suseconds_t)(timeout_ms % 1000) * 1000};

	event_base_loopexit(l->base, &tv);
	event_base_dispatch(l->base);
	if (l->over)
		return 0;
	evdns_getaddrinfo_cancel(request);
	event_base_loop(l->base, EVLOOP_NONBLOCK);
	return cb_fail(e, ETIMEDOUT, "%s: no name server answered in %u ms", host, timeout_ms);
}

static int ask(const char *host, unsigned port, unsigned timeout_ms, struct cb_address *out, struct cb_err *e)
{
	struct evutil_addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP};
	struct lookup l = {.base = event_base_new()};
	struct evdns_base *dns = l.base ? evdns_base_new(l.base, 0) : NULL;
	struct evdns_getaddrinfo_request *request;
	char service[8];
	int n;

	if (!dns) {
		n = cb_fail(e, ENOMEM, "%s: no memory to look it up", host);
		goto out;
	}
	/* a missing resolv.conf means one server, on this machine; /etc/hosts is read with it */
	evdns_base_resolv_conf_parse(dns, DNS_OPTIONS_ALL, "/etc/resolv.conf");
	snprintf(service, sizeof(service), "%u", port);
	request = evdns_getaddrinfo(dns, host, service, &hints, on_answer, &l);
	n = request ? wait_for(&l, timeout_ms, host, request, e) : 0;
	if (!n && l.result)
		n = failed(host, l.result, e);
	else if (!n && !(n = by_turns(l.found, out)))
		n = failed(host, EVUTIL_EAI_NODATA, e);
out:
	if (l.found)
		evutil_freeaddrinfo(l.found);
	if (dns)
		evdns_base_free(dns, 0);
	if (l.base)
		event_base_free(l.base);
	return n;
}

int cb_resolve(const char *host, unsigned port, unsigned timeout_ms, struct cb_address *out, struct cb_err *e)
{
	int n = known(host, port, out);

	return n ? n : ask(host, port, timeout_ms, out, e);
}
