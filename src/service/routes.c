// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * routes.c - which request goes where, and whose it is.
 *
 * A request that was answered before, byte by byte the same, goes nowhere: see ready.h.
 */
#include "service/service.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const unsigned char cb_openapi_json[]; /* src/service/openapi.json, put in by scripts/embed.py */
extern const size_t cb_openapi_json_len;

static const struct {
	const char *name;
	enum cb_http_method method;
	const char *allow;
	bool open;  /* needs no token */
	bool ready; /* its answers are kept */
} routes[CB_ROUTES] = {
	[CB_ROUTE_NONE] = {"none", CB_HTTP_OTHER, "", false, false},
	[CB_ROUTE_COMPILE] = {"/v1/compile", CB_HTTP_POST, "POST", false, true},
	[CB_ROUTE_LBC] = {"/lbc", CB_HTTP_POST, "POST", false, true},
	[CB_ROUTE_KERNELS] = {"/v1/kernels", CB_HTTP_GET, "GET, HEAD", false, false},
	[CB_ROUTE_TYPE] = {"/v1/kernels/types", CB_HTTP_GET, "GET, HEAD", false, true},
	[CB_ROUTE_FUNCTIONS] = {"/v1/kernels/functions", CB_HTTP_GET, "GET, HEAD", false, true},
	[CB_ROUTE_BTF] = {"/v1/btf", CB_HTTP_GET, "GET, HEAD", false, true},
	[CB_ROUTE_UPLOAD] = {"/v1/btf/upload", CB_HTTP_PUT, "PUT", false, false},
	[CB_ROUTE_METRICS] = {"/metrics", CB_HTTP_GET, "GET, HEAD", false, false},
	[CB_ROUTE_HEALTH] = {"/healthz", CB_HTTP_GET, "GET, HEAD", true, false},
	[CB_ROUTE_OPENAPI] = {"/v1/openapi.json", CB_HTTP_GET, "GET, HEAD", false, false},
};

const char *cb_route_name(enum cb_route r)
{
	return routes[r].name;
}

/* ---- The path --------------------------------------------------------------------------------------------------- */

enum { PARTS = 6, PART = 256 };

struct path {
	char parts[PARTS][PART];
	unsigned n; /* PARTS + 1: too many */
};

static void split(const char *path, struct path *p)
{
	p->n = 0;
	while (*path == '/') {
		size_t len = strcspn(path + 1, "/");

		if (p->n == PARTS || len >= PART) {
			p->n = PARTS + 1;
			return;
		}
		memcpy(p->parts[p->n], path + 1, len);
		p->parts[p->n++][len] = '\0';
		path += 1 + len;
	}
}

static bool is(const struct path *p, unsigned i, const char *text)
{
	return i < p->n && !strcmp(p->parts[i], text);
}

static enum cb_route find_v1(const struct path *p)
{
	if (p->n == 2 && is(p, 1, "compile"))
		return CB_ROUTE_COMPILE;
	if (p->n == 2 && is(p, 1, "kernels"))
		return CB_ROUTE_KERNELS;
	if (p->n == 2 && is(p, 1, "openapi.json"))
		return CB_ROUTE_OPENAPI;
	if (p->n == 3 && is(p, 1, "btf"))
		return CB_ROUTE_UPLOAD;
	if (p->n == 4 && is(p, 1, "btf"))
		return CB_ROUTE_BTF;
	if (p->n == 6 && is(p, 1, "kernels") && is(p, 4, "types"))
		return CB_ROUTE_TYPE;
	if (p->n == 6 && is(p, 1, "kernels") && is(p, 4, "functions"))
		return CB_ROUTE_FUNCTIONS;
	return CB_ROUTE_NONE;
}

static enum cb_route find_route(const struct cb_door *d, const char *path)
{
	struct path p;
	enum cb_route r = CB_ROUTE_NONE;

	split(path, &p);
	if (p.n == 1)
		r = is(&p, 0, "lbc")	   ? CB_ROUTE_LBC
		    : is(&p, 0, "healthz") ? CB_ROUTE_HEALTH
		    : is(&p, 0, "metrics") ? CB_ROUTE_METRICS
					   : CB_ROUTE_NONE;
	else if (is(&p, 0, "v1"))
		r = find_v1(&p);
	if (d->lbc_only && r != CB_ROUTE_LBC && r != CB_ROUTE_HEALTH)
		r = CB_ROUTE_NONE;
	return r;
}

/* ---- Whose it is ------------------------------------------------------------------------------------------------ */

static bool is_open(const struct cb_door *d, enum cb_route r)
{
	const struct cb_serve_opts *o = d->service->opts;

	return !o->tokens || d->lbc_only || routes[r].open || (r == CB_ROUTE_METRICS && o->open_metrics);
}

/* The address that a proxy in front of us has seen: the last one, which it has added itself, be it to the header that the
 * client sent or (HAProxy) in another one behind it. */
static const char *forwarded(const struct cb_http_request *rq)
{
	const char *list = cb_http_request_last_header(rq, "X-Forwarded-For"), *last = list ? strrchr(list, ',') : NULL;

	last = last ? last + 1 : list;
	return last ? last + strspn(last, " \t") : cb_http_request_peer(rq);
}

/* Of IPv6, one client has a network of 64 bits and may use any address in it. */
static void network_of(const char *address, char *out, size_t size)
{
	struct in6_addr v6;
	char text[INET6_ADDRSTRLEN];

	if (inet_pton(AF_INET6, address, &v6) != 1 || IN6_IS_ADDR_V4MAPPED(&v6)) {
		snprintf(out, size, "%s", address);
		return;
	}
	memset(v6.s6_addr + 8, 0, 8);
	inet_ntop(AF_INET6, &v6, text, sizeof(text));
	snprintf(out, size, "%s/64", text);
}

static struct cb_client *client_of(const struct cb_door *d, const struct cb_http_request *rq)
{
	struct cb_service *s = d->service;
	const char *token = cb_tokens_name(&s->tokens, cb_http_request_header(rq, "Authorization"));
	const char *subject = cb_http_request_subject(rq);
	char address[128];

	if (token)
		return cb_client_get(&s->queue, 't', token);
	if (subject)
		return cb_client_get(&s->queue, 'c', subject);
	network_of(s->opts->behind_proxy ? forwarded(rq) : cb_http_request_peer(rq), address, sizeof(address));
	return cb_client_get(&s->queue, 'a', address);
}

int cb_routes_admit(void *door, const struct cb_http_request *rq, const char **why, unsigned *retry_after_s)
{
	struct cb_door *d = door;
	struct cb_service *s = d->service;
	enum cb_route r = find_route(d, cb_http_request_path(rq));
	struct cb_client *c;
	uint64_t wait_ms;

	if (r == CB_ROUTE_HEALTH)
		return 0;
	if (!is_open(d, r) && !cb_tokens_name(&s->tokens, cb_http_request_header(rq, "Authorization"))) {
		*why = "this server wants a token: Authorization: Bearer TOKEN";
		return 401;
	}
	if (s->draining) {
		*why = "this server is stopping";
		*retry_after_s = 1;
		return 503;
	}
	c = client_of(d, rq);
	wait_ms = c ? cb_queue_take_token(&s->queue, c, cb_now_ms()) : 0;
	if (c)
		cb_client_put(&s->queue, c);
	if (!wait_ms)
		return 0;
	*why = "you send more requests than you may";
	*retry_after_s = (unsigned)(wait_ms / 1000) + 1;
	return 429;
}

/* ---- What is done ----------------------------------------------------------------------------------------------- */

static void answer_health(struct cb_visit *v)
{
	struct cb_service *s = v->service;

	if (s->draining)
		cb_visit_fail(v, 503, "stopping", "this server is stopping");
	else if (!cb_pool_alive(s->pool))
		cb_visit_fail(v, 503, "no_worker", "no worker can work; the server's log says why");
	else
		cb_http_answer(v->rq, 200, "text/plain", NULL, "ok\n", 3);
}

static void answer_metrics(struct cb_visit *v)
{
	struct cb_buf out = {0};

	cb_metrics_print(v->service, &out);
	cb_http_answer(v->rq, 200, "text/plain; version=0.0.4", NULL, cb_buf_cstr(&out), out.len);
	cb_buf_free(&out);
}

static void dispatch(struct cb_visit *v)
{
	struct path p;

	split(cb_http_request_path(v->rq), &p);
	switch (v->route) {
	case CB_ROUTE_COMPILE:
		cb_api_compile(v);
		break;
	case CB_ROUTE_LBC:
		cb_api_lbc(v);
		break;
	case CB_ROUTE_KERNELS:
		cb_api_kernels(v);
		break;
	case CB_ROUTE_TYPE:
		cb_api_type(v, p.parts[2], p.parts[3], p.parts[5]);
		break;
	case CB_ROUTE_FUNCTIONS:
		cb_api_functions(v, p.parts[2], p.parts[3], p.parts[5]);
		break;
	case CB_ROUTE_BTF:
		cb_api_btf(v, p.parts[2], p.parts[3]);
		break;
	case CB_ROUTE_UPLOAD:
		cb_api_upload(v, p.parts[2]);
		break;
	case CB_ROUTE_METRICS:
		answer_metrics(v);
		break;
	case CB_ROUTE_HEALTH:
		answer_health(v);
		break;
	case CB_ROUTE_OPENAPI:
		cb_http_answer(v->rq, 200, "application/json", NULL, cb_openapi_json, cb_openapi_json_len);
		break;
	default:
		cb_visit_fail(v, 404, "not_found", "there is nothing at this path; GET /v1/openapi.json lists what is");
		break;
	}
}

static bool method_fits(const struct cb_visit *v)
{
	enum cb_http_method m = cb_http_request_method(v->rq);

	return v->route == CB_ROUTE_NONE || m == routes[v->route].method ||
	       (m == CB_HTTP_HEAD && routes[v->route].method == CB_HTTP_GET);
}

static void refuse_method(struct cb_visit *v)
{
	const char *const headers[] = {"Allow", routes[v->route].allow, NULL};
	char body[128];
	int n = snprintf(body, sizeof(body),
			 "{\"error\":{\"code\":\"method_not_allowed\",\"message\":\"this path takes %s\"}}",
			 routes[v->route].allow);

	cb_http_answer(v->rq, 405, "application/json", headers, body, (size_t)n);
}

/* A HEAD is a GET whose body is not sent. */
static void key_of(struct cb_visit *v)
{
	const char *path = cb_http_request_path(v->rq);
	unsigned char both[2][CB_SHA256];
	size_t len;
	const void *body = cb_http_request_body(v->rq, &len);

	cb_sha256(path, strlen(path), both[0]);
	cb_sha256(body, len, both[1]);
	cb_sha256(both, sizeof(both), v->key);
}

static struct cb_answer *ready_answer(struct cb_visit *v)
{
	struct cb_answer *a;

	if (!routes[v->route].ready)
		return NULL;
	key_of(v);
	a = cb_ready_get(&v->service->ready, v->key, cb_now_ms());
	v->cached = a;
	return a;
}

void cb_routes_handle(void *door, struct cb_http_request *rq)
{
	struct cb_door *d = door;
	struct cb_visit *v = calloc(1, sizeof(*v));
	struct cb_client *c = client_of(d, rq);
	struct cb_answer *a;

	if (!v || !c) {
		if (c)
			cb_client_put(&d->service->queue, c);
		free(v);
		cb_http_answer(rq, 500, NULL, NULL, "", 0);
		return;
	}
	v->service = d->service;
	v->rq = rq;
	v->client = c;
	v->began = v->service->ready.cleared;
	v->route = find_route(d, cb_http_request_path(rq));
	LIST_INSERT_HEAD(&v->service->visits, v, link);
	cb_http_request_set_data(rq, v);
	if (!method_fits(v)) {
		refuse_method(v);
		return;
	}
	a = ready_answer(v);
	if (a)
		cb_visit_send(v, a);
	else
		dispatch(v);
}

void cb_routes_done(void *door, const struct cb_http_request *rq, int status, size_t sent_bytes, uint64_t took_ns)
{
	struct cb_door *d = door;
	struct cb_service *s = d->service;
	struct cb_visit *v = cb_http_request_data(rq);
	size_t received;

	cb_http_request_body(rq, &received);
	s->metrics.received_bytes += received;
	s->metrics.sent_bytes += sent_bytes;
	cb_metrics_request(&s->metrics, v ? v->route : find_route(d, cb_http_request_path(rq)), status, took_ns);
	if (s->access_log >= 0)
		cb_access_log(s, rq, v, status, sent_bytes, took_ns);
	if (v)
		cb_visit_free(v);
}
