// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* visit.c - how a request is answered, see service.h. */
#include "service/service.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "service/json.h"

static const char JSON[] = "application/json";

uint64_t cb_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void cb_key_of(char out[CB_SHA256_HEX], const char *first, ...)
{
	/* what the texts before give, and this one; without memory, which could fail and give others the same key */
	unsigned char both[2][CB_SHA256] = {0};
	va_list ap;

	va_start(ap, first);
	for (const char *text = first; text; text = va_arg(ap, const char *)) {
		cb_sha256(text, strlen(text), both[1]);
		cb_sha256(both, sizeof(both), both[0]);
	}
	va_end(ap);
	cb_hex(both[0], sizeof(both[0]), out);
}

/* ---- Sending ---------------------------------------------------------------------------------------------------- */

void cb_visit_send(struct cb_visit *v, struct cb_answer *a)
{
	static const char no_memory[] = "{\"error\":{\"code\":\"internal\",\"message\":\"out of memory\"}}";

	if (a)
		cb_http_answer_ref(v->rq, a->status, a->type, NULL, a->body, a->len, cb_answer_drop, a);
	else
		cb_http_answer(v->rq, 500, JSON, NULL, no_memory, sizeof(no_memory) - 1);
}

void cb_visit_keep(struct cb_visit *v, struct cb_answer *a)
{
	struct cb_ready *r = &v->service->ready;

	if (v->began == r->cleared)
		cb_ready_put(r, v->key, a);
}

void cb_visit_body(struct cb_visit *v, int status, const char *type, char *body, size_t len, bool keep)
{
	struct cb_answer *a = cb_answer_new(status, type, body, len);

	if (a && keep)
		cb_visit_keep(v, a);
	cb_visit_send(v, a);
}

void cb_visit_json(struct cb_visit *v, int status, json_t *body)
{
	size_t len;
	char *text = cb_json_dump(body, &len);

	cb_visit_body(v, status, JSON, text, len, false);
}

static json_t *error_body(const char *code, const char *message)
{
	return json_pack("{s:{s:s, s:o}}", "error", "code", code, "message", cb_json_string(message));
}

void cb_visit_fail(struct cb_visit *v, int status, const char *code, const char *fmt, ...)
{
	static const char *const busy[] = {"Retry-After", "1", NULL};
	struct cb_err e;
	size_t len;
	char *text;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e.text, sizeof(e.text), fmt, ap);
	va_end(ap);
	text = cb_json_dump(error_body(code, e.text), &len);
	cb_http_answer(v->rq, status, JSON, status == 429 || status == 503 ? busy : NULL, text ? text : "", len);
	free(text);
}

const char *cb_routes_explain(void *door, int status, const char *why, struct cb_buf *body)
{
	const char *code = status == 401   ? "unauthorized"
			   : status == 408 ? "timeout"
			   : status == 413 ? "too_large"
			   : status == 429 ? "too_many_requests"
			   : status == 431 ? "head_too_large"
			   : status == 500 ? "internal"
			   : status == 503 ? "overloaded"
					   : "bad_http"; /* 501 and 505, too, are of what this server does not speak */
	size_t len;
	char *text = cb_json_dump(error_body(code, why), &len);

	cb_buf_add(body, text, len);
	free(text);
	return JSON;
}

/* ---- Outcomes --------------------------------------------------------------------------------------------------- */

void cb_visit_ask(struct cb_visit *v, const struct cb_work *work, const char *key, bool keep,
		  void (*told)(struct cb_waiter *w, const struct cb_report *r))
{
	v->waiter.told = told;
	cb_task_ask(v->service, v->client, work, key, keep, &v->waiter);
}

struct cb_visit *cb_visit_told(struct cb_waiter *w, const struct cb_report *r)
{
	struct cb_visit *v = CB_CONTAINER(w, struct cb_visit, waiter);

	v->cached = r->cached;
	v->queue_ms = r->queue_ms;
	v->work_ms = r->work_ms;
	return v;
}

/* docs/api.md lists them. */
static const struct {
	int err, status;
	const char *code;
} errors[] = {
	{EINVAL, 422, "does_not_compile"},
	{E2BIG, 413, "too_large"},
	{EFBIG, 413, "too_large"},
	{ETIMEDOUT, 422, "limit_exceeded"},
	{EDQUOT, 422, "limit_exceeded"},
	{EBADMSG, 422, "digest_mismatch"},
	{ENOTSUP, 400, "unknown_format"},
	{EIO, 500, "compiler_crashed"},
	{CB_ERR_CLIENT_FULL, 429, "queue_full"},
	{CB_ERR_SERVER_FULL, 503, "overloaded"},
	{CB_ERR_LOST, 500, "worker_lost"},
	{CB_ERR_TOO_LONG, 422, "limit_exceeded"},
	{CB_ERR_STOPPED, 503, "stopping"},
	{CB_ERR_NO_KERNEL, 503, "kernel_unavailable"},
};

/* An error with what the compiler said, remembered for a while: a fleet asks the same question many times. */
static void does_not_compile(struct cb_visit *v, const struct cb_outcome *o)
{
	json_t *body = error_body("does_not_compile", o->message), *diags = json_loads(o->diagnostics, 0, NULL);
	struct cb_answer *a;
	size_t len;
	char *text;

	if (body)
		json_object_set_new(body, "diagnostics", diags ? diags : json_array());
	text = cb_json_dump(body, &len);
	a = cb_answer_new(422, JSON, text, len);
	if (a) {
		a->until_ms = cb_now_ms() + CB_FAILURE_MS;
		cb_visit_keep(v, a);
	}
	cb_visit_send(v, a);
}

bool cb_visit_failed(struct cb_visit *v, const struct cb_outcome *o)
{
	if (!o->err)
		return false;
	if (o->err == EINVAL && v->route == CB_ROUTE_COMPILE) {
		does_not_compile(v, o);
		return true;
	}
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if (errors[i].err == o->err) {
			const bool upload = o->err == EINVAL;

			cb_visit_fail(v, errors[i].status, upload ? "bad_btf" : errors[i].code, "%s", o->message);
			return true;
		}
	cb_visit_fail(v, 500, "internal", "%s", o->message);
	return true;
}

void cb_visit_free(struct cb_visit *v)
{
	LIST_REMOVE(v, link);
	if (v->client)
		cb_client_put(&v->service->queue, v->client);
	free(v);
}
