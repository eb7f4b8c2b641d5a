// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * url.c - see url.h.
 *
 * A URL ends up in a request line and in a Host header, so only what may stand there is let in: no space, no control
 * character, nothing above ASCII. What is escaped stays escaped.
 */
#include "http/url.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http/wire.h"

static int bad(struct cb_err *e, const char *text, const char *why)
{
	return cb_fail(e, EINVAL, "%s: not a URL that can be used here: %s", text, why);
}

static int no_memory(struct cb_err *e)
{
	return cb_fail(e, ENOMEM, "no memory for a URL");
}

static int read_port(struct cb_url *u, const char *port)
{
	uint64_t n;

	if (!*port)
		return 0;
	if (!cb_wire_number(port, 65535, &n) || !n)
		return -EINVAL;
	u->port = (unsigned)n;
	return 0;
}

/* "[user@]host[:port]" of len bytes. */
static int read_authority(struct cb_url *u, const char *text, size_t len, const char *whole, struct cb_err *e)
{
	char *copy = strndup(text, len), *at, *host, *end;
	int err = 0;

	if (!copy)
		return no_memory(e);
	at = strrchr(copy, '@');
	host = at ? at + 1 : copy;
	if (at) {
		*at = '\0';
		u->user = strdup(copy);
		if (u->user && !cb_wire_unescape(u->user, false))
			err = bad(e, whole, "its user has a bad escape");
	}
	u->v6 = *host == '[';
	end = u->v6 ? strchr(host, ']') : host + strcspn(host, ":");
	if (u->v6 && end) {
		host++;
		*end++ = '\0';
	}
	if (err)
		goto out;
	if (!end || (*end && *end != ':'))
		err = bad(e, whole, "an address in brackets has to end");
	else if (*end && (*end = '\0', read_port(u, end + 1)))
		err = bad(e, whole, "its port is not a number from 1 to 65535");
	else if (!*host)
		err = bad(e, whole, "it has no host");
	else if (u->v6 && inet_pton(AF_INET6, host, (char[16]){0}) != 1)
		err = bad(e, whole, "what is in brackets is not an IPv6 address");
	else if (host[strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:")])
		err = bad(e, whole, "its host has a character that no host's name has");
	else if (!(u->host = strdup(host)) || (at && !u->user))
		err = no_memory(e);
out:
	free(copy);
	return err;
}

int cb_url_parse(struct cb_url *u, const char *text, struct cb_err *e)
{
	const char *host, *path;
	size_t len;
	int err;

	*u = (struct cb_url){0};
	for (const char *p = text; *p; p++)
		if (*p <= ' ' || *p > '~')
			return bad(e, text, "it has a space or another character that must be escaped");
	u->tls = !strncasecmp(text, "https://", 8);
	if (!u->tls && strncasecmp(text, "http://", 7))
		return bad(e, text, "it does not begin with http:// or https://");
	u->port = u->tls ? 443 : 80;
	host = strchr(text, '/') + 2;
	len = strcspn(host, "/?#");
	err = read_authority(u, host, len, text, e);
	if (err)
		return err;
	path = host + len;
	len = strcspn(path, "#");
	if (asprintf(&u->target, "%s%.*s", *path == '/' ? "" : "/", (int)len, path) < 0) {
		u->target = NULL;
		return no_memory(e);
	}
	return 0;
}

void cb_url_free(struct cb_url *u)
{
	free(u->host);
	free(u->target);
	free(u->user);
	*u = (struct cb_url){0};
}

bool cb_url_same_origin(const struct cb_url *a, const struct cb_url *b)
{
	return a->tls == b->tls && a->port == b->port && !strcasecmp(a->host, b->host);
}

int cb_url_follow(struct cb_url *u, const struct cb_url *base, const char *location, struct cb_err *e)
{
	size_t dir = strcspn(base->target, "?");
	const char *scheme = base->tls ? "https" : "http", *open = base->v6 ? "[" : "", *close = base->v6 ? "]" : "";
	char *text = NULL;
	int n, err;

	*u = (struct cb_url){0};
	if (!strncasecmp(location, "http://", 7) || !strncasecmp(location, "https://", 8))
		return cb_url_parse(u, location, e);
	if (location[strcspn(location, ":/?#")] == ':')
		return bad(e, location, "it does not begin with http:// or https://");
	if (!strncmp(location, "//", 2))
		n = asprintf(&text, "%s:%s", scheme, location);
	else {
		/* relative to the directory, or the query alone replaced */
		while (*location != '?' && dir && base->target[dir - 1] != '/')
			dir--;
		n = asprintf(&text, "%s://%s%s%s:%u%.*s%s", scheme, open, base->host, close, base->port,
			     *location == '/' ? 0 : (int)dir, base->target, location);
	}
	if (n < 0)
		return no_memory(e);
	err = cb_url_parse(u, text, e);
	free(text);
	return err;
}

/* --- proxies --- */

static const char *from_environment(const char *lower, const char *upper)
{
	const char *value = getenv(lower);

	if ((!value || !*value) && upper)
		value = getenv(upper);
	return value && *value ? value : NULL;
}

/* Whether an address is in "10.0.0.0/8". */
static bool in_network(const char *host, char *network)
{
	unsigned char a[16], b[16];
	char *slash = strchr(network, '/');
	int family = strchr(network, ':') ? AF_INET6 : AF_INET;
	uint64_t bits;

	if (!slash || !cb_wire_number(slash + 1, family == AF_INET ? 32 : 128, &bits))
		return false;
	*slash = '\0';
	if (inet_pton(family, host, a) != 1 || inet_pton(family, network, b) != 1)
		return false;
	for (unsigned i = 0; i < bits; i++)
		if ((a[i / 8] ^ b[i / 8]) & (0x80 >> i % 8))
			return false;
	return true;
}

static bool names_host(const struct cb_url *u, char *item)
{
	char *port = NULL;
	size_t host = strlen(u->host), len;

	if (!strcmp(item, "*") || in_network(u->host, item))
		return true;
	if (*item == '[') {
		item++;
		port = strchr(item, ']');
		if (port)
			*port++ = '\0';
	} else if (strchr(item, ':') == strrchr(item, ':')) { /* more than one: an IPv6 address */
		port = strchr(item, ':');
	}
	if (port && *port == ':') {
		if ((unsigned)atoi(port + 1) != u->port)
			return false;
		*port = '\0';
	}
	if (*item == '*')
		item++;
	if (*item == '.')
		item++;
	len = strlen(item);
	return len && host >= len && !strcasecmp(u->host + host - len, item) &&
	       (host == len || u->host[host - len - 1] == '.');
}

bool cb_url_in_list(const struct cb_url *u, const char *list)
{
	char item[512];
	size_t len;

	for (; list && *list; list += len) {
		list += strspn(list, ", \t");
		len = strcspn(list, ", \t");
		if (!len || len >= sizeof(item))
			continue;
		memcpy(item, list, len);
		item[len] = '\0';
		if (names_host(u, item))
			return true;
	}
	return false;
}

const char *cb_url_proxy(const struct cb_url *u)
{
	/* HTTP_PROXY is not asked: in a CGI program anybody can set it, by a header called "Proxy" */
	const char *proxy =
		u->tls ? from_environment("https_proxy", "HTTPS_PROXY") : from_environment("http_proxy", NULL);

	if (!proxy)
		proxy = from_environment("all_proxy", "ALL_PROXY");
	return proxy && !cb_url_in_list(u, from_environment("no_proxy", "NO_PROXY")) ? proxy : NULL;
}
