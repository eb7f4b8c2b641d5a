// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * request.c - see request.h and server.h.
 *
 * A request is one allocation: the struct, a copy of its head, which is cut into its words in place, and the list of
 * its fields. A query and a body have their own.
 */
#include "http/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	enum cb_http_method method;
} methods[] = {
	{"GET", CB_HTTP_GET}, {"HEAD", CB_HTTP_HEAD},	  {"POST", CB_HTTP_POST},
	{"PUT", CB_HTTP_PUT}, {"DELETE", CB_HTTP_DELETE},
};

static int bad(const char **why, const char *text)
{
	*why = text;
	return 400;
}

static int read_query(struct cb_http_request *rq, const char *text, const char **why)
{
	size_t n = 1;
	char *at;

	for (const char *p = text; *p; p++)
		n += *p == '&';
	rq->query = strdup(text);
	rq->pairs = calloc(n, sizeof(*rq->pairs));
	if (!rq->query || !rq->pairs)
		return -ENOMEM;
	at = rq->query;
	while (at) {
		char *name = strsep(&at, "&"), *value = name + strcspn(name, "=");

		if (*value)
			*value++ = '\0';
		if (!cb_wire_unescape(name, true) || !cb_wire_unescape(value, true))
			return bad(why, "the query has a bad escape");
		rq->pairs[rq->n_pairs++] = (struct cb_field){name, value};
	}
	return 0;
}

/* "/path?query", or the same behind "http://host" as for a proxy (RFC 9112, 3.2). */
static int read_target(struct cb_http_request *rq, char *target, const char **why)
{
	char *query;

	for (const char *p = target; *p; p++)
		if (*p <= ' ' || *p > '~' || *p == '#')
			return bad(why, "the request's target has a character that must be escaped");
	if (!strncasecmp(target, "http://", 7) || !strncasecmp(target, "https://", 8)) {
		target = strstr(target, "//") + 2;
		if (!strcspn(target, "/?"))
			return bad(why, "the request's target has no host");
		target += strcspn(target, "/?");
	} else if (*target != '/') {
		return bad(why, "the request's target does not begin with a '/'");
	}
	query = strchr(target, '?');
	if (query)
		*query++ = '\0';
	rq->path = *target ? target : "/";
	if (!cb_wire_unescape(target, false))
		return bad(why, "the path has a bad escape");
	return query ? read_query(rq, query, why) : 0;
}

static int read_request_line(struct cb_http_request *rq, char *line, const char **why)
{
	char *method = strsep(&line, " "), *target = strsep(&line, " "), *version = line;

	if (!cb_wire_is_token(method) || !target || !*target || !version)
		return bad(why, "this is not a request line of HTTP");
	rq->method_name = method;
	rq->method = CB_HTTP_OTHER;
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (!strcmp(method, methods[i].name))
			rq->method = methods[i].method;
	if (strncmp(version, "HTTP/", 5) || strspn(version + 5, "0123456789") != 1 || version[6] != '.' ||
	    strspn(version + 7, "0123456789") != 1 || version[8])
		return bad(why, "this is not a request line of HTTP");
	if (version[5] != '1') {
		*why = "this server speaks HTTP/1.1";
		return 505;
	}
	rq->http10 = version[7] == '0';
	return read_target(rq, target, why);
}

static int check_host(const struct cb_http_request *rq, const char **why)
{
	const char *host = NULL;

	for (unsigned i = 0; i < rq->n_fields; i++) {
		if (strcasecmp(rq->fields[i].name, "Host"))
			continue;
		if (host)
			return bad(why, "more than one Host");
		host = rq->fields[i].value;
	}
	if (!host)
		return rq->http10 ? 0 : bad(why, "no Host");
	/* a name or an address with its port (RFC 3986, 3.2.2) */
	if (host[strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+;=:[]%")])
		return bad(why, "Host is not a host");
	return 0;
}

static int check_fields(struct cb_http_request *rq, const char **why)
{
	const char *connection, *expect;
	int status = cb_wire_framing(rq->fields, rq->n_fields, &rq->framing, why);

	if (!status)
		status = check_host(rq, why);
	if (status)
		return status;
	if (rq->http10 && rq->framing.chunked)
		return bad(why, "Transfer-Encoding in HTTP/1.0");
	connection = cb_wire_find(rq->fields, rq->n_fields, "Connection");
	rq->keep_alive = rq->http10 ? cb_wire_has_word(connection, "keep-alive") : true;
	for (unsigned i = 0; i < rq->n_fields; i++)
		if (!strcasecmp(rq->fields[i].name, "Connection") && cb_wire_has_word(rq->fields[i].value, "close"))
			rq->keep_alive = false;
	expect = cb_wire_find(rq->fields, rq->n_fields, "Expect");
	if (!expect || rq->http10)
		return 0;
	rq->expects = !strcasecmp(expect, "100-continue");
	*why = "the only expectation that is met here is 100-continue";
	return rq->expects ? 0 : 417;
}

static int read_head(struct cb_http_request *rq, unsigned lines, const char **why)
{
	char *at = rq->text;
	int status = read_request_line(rq, cb_wire_line(&at), why);

	/* without the request line and the empty one */
	for (unsigned i = 2; i < lines && !status; i++)
		if (cb_wire_field(cb_wire_line(&at), &rq->fields[rq->n_fields++])) {
			rq->n_fields--;
			status = bad(why, "this is not a header of HTTP");
		}
	return status ? status : check_fields(rq, why);
}

int cb_request_new(const char *head, size_t len, unsigned lines, struct cb_http_request **out, const char **why)
{
	size_t align = sizeof(void *), text = (len + 1 + align - 1) / align * align;
	struct cb_http_request *rq = malloc(sizeof(*rq) + text + lines * sizeof(struct cb_field));
	int status;

	*out = NULL;
	if (!rq)
		return -ENOMEM;
	memset(rq, 0, sizeof(*rq));
	memcpy(rq->text, head, len);
	rq->text[len] = '\0';
	rq->fields = (struct cb_field *)(void *)((char *)rq->text + text);
	rq->method = CB_HTTP_OTHER;
	rq->method_name = rq->path = "";
	status = len ? read_head(rq, lines, why) : 0;
	if (status < 0) {
		cb_request_free(rq);
		return status;
	}
	*out = rq;
	return status;
}

void cb_request_free(struct cb_http_request *rq)
{
	if (!rq)
		return;
	if (rq->release)
		rq->release(rq->arg);
	free(rq->query);
	free(rq->pairs);
	free(rq->subject);
	cb_buf_free(&rq->body);
	cb_buf_free(&rq->head);
	free(rq);
}

enum cb_http_method cb_http_request_method(const struct cb_http_request *rq)
{
	return rq->method;
}

const char *cb_http_request_method_name(const struct cb_http_request *rq)
{
	return rq->method_name;
}

const char *cb_http_request_path(const struct cb_http_request *rq)
{
	return rq->path;
}

const char *cb_http_request_query(const struct cb_http_request *rq, const char *name)
{
	for (unsigned i = 0; i < rq->n_pairs; i++)
		if (!strcmp(rq->pairs[i].name, name))
			return rq->pairs[i].value;
	return NULL;
}

const char *cb_http_request_header(const struct cb_http_request *rq, const char *name)
{
	return cb_wire_find(rq->fields, rq->n_fields, name);
}

const char *cb_http_request_last_header(const struct cb_http_request *rq, const char *name)
{
	unsigned i = rq->n_fields;

	while (i-- > 0)
		if (!strcasecmp(rq->fields[i].name, name))
			return rq->fields[i].value;
	return NULL;
}

const void *cb_http_request_body(const struct cb_http_request *rq, size_t *len)
{
	*len = rq->body.len;
	return rq->body.data;
}

const char *cb_http_request_peer(const struct cb_http_request *rq)
{
	return rq->peer;
}

const char *cb_http_request_subject(const struct cb_http_request *rq)
{
	return rq->subject;
}

void cb_http_request_set_data(struct cb_http_request *rq, void *data)
{
	rq->data = data;
}

void *cb_http_request_data(const struct cb_http_request *rq)
{
	return rq->data;
}
