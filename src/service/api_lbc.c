// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * api_lbc.c - POST /lbc: the dialect of the Python packages coolbpf 0.1 and pylcc 0.3.
 *
 *	[{"cmd": "c", "arch", "ver", "code", "env"}, ...]
 *	-> {"result": "success", "status": true, "code": 200, "res": [{"log": "ok.", "clog": "", "so": BASE64}, ...]}
 *
 * These clients look at no status, and one that is not 200 in the body makes them fail in their own code: so every error is
 * a 200 whose "log" says why, with "clog", the compiler's text, and null where the result would be.
 */
#include "service/service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/json.h"
#include "service/request.h"

struct lbc;

struct element {
	struct cb_waiter waiter;
	struct lbc *lbc;
	struct cb_lbc_request rq;
	json_t *res;
};

struct lbc {
	struct cb_visit *visit;
	json_t *list; /* the request: texts point into it */
	size_t n, left;
	bool failed; /* something in it is not to be remembered */
	struct element elements[];
};

/* ---- The answer ------------------------------------------------------------------------------------------------- */

static void free_lbc(struct lbc *l)
{
	for (size_t i = 0; i < l->n; i++) {
		json_decref(l->elements[i].res);
		cb_lbc_request_free(&l->elements[i].rq);
	}
	json_decref(l->list);
	free(l);
}

static json_t *body_of(json_t *res)
{
	return json_pack("{s:s, s:b, s:i, s:o}", "result", "success", "status", 1, "code", 200, "res", res);
}

static void finish(struct lbc *l)
{
	json_t *res = json_array();
	size_t len;
	char *text;

	for (size_t i = 0; i < l->n; i++)
		json_array_append(res, l->elements[i].res);
	text = cb_json_dump(body_of(res), &len);
	cb_visit_body(l->visit, 200, "application/json", text, len, !l->failed);
	free_lbc(l);
}

static void finish_one(struct element *el, json_t *res)
{
	struct lbc *l = el->lbc;

	el->res = res;
	if (!--l->left)
		finish(l);
}

/* What the client finds its binary in; NULL: it asks for none. */
static const char *binary_name(const char *cmd)
{
	return !strcmp(cmd, "c") ? "so" : !strcmp(cmd, "obj") ? "obj" : !strcmp(cmd, "btf") ? "btf" : NULL;
}

static json_t *failure(const struct element *el, const char *log, const char *clog)
{
	const char *binary = binary_name(el->rq.cmd);
	json_t *res = json_pack("{s:o}", "log", cb_json_string(log));

	if (res && clog)
		json_object_set_new(res, "clog", cb_json_string(clog));
	if (res && binary)
		json_object_set_new(res, binary, json_null());
	return res;
}

static json_t *binary(const char *name, bool compiled, const struct cb_outcome *o)
{
	struct cb_buf text = {0};
	json_t *res;

	cb_base64(&text, o->bytes, o->len);
	res = json_pack("{s:s, s:s#}", "log", "ok.", name, text.data ? text.data : "", (int)text.len);
	if (res && compiled)
		json_object_set_new(res, "clog", json_string(""));
	cb_buf_free(&text);
	return res;
}

static void told(struct cb_waiter *w, const struct cb_report *r)
{
	struct element *el = CB_CONTAINER(w, struct element, waiter);
	struct cb_visit *v = el->lbc->visit;
	const struct cb_outcome *o = r->outcome;
	const char *name = binary_name(el->rq.cmd);
	const bool compiled = name && strcmp(name, "btf");

	v->cached = r->cached;
	v->queue_ms = r->queue_ms;
	v->work_ms = r->work_ms;
	if (o->err) {
		el->lbc->failed = true;
		finish_one(el, failure(el, o->err == EINVAL ? "compile failed." : o->message,
				       compiled ? o->message : NULL));
	} else if (name) {
		finish_one(el, binary(name, compiled, o));
	} else {
		finish_one(el,
			   json_pack("{s:s, s:o}", "log", "ok.", "res", json_loads(o->json, JSON_DECODE_ANY, NULL)));
	}
}

/* ---- The question ----------------------------------------------------------------------------------------------- */

static enum cb_work_kind kind_of(const char *cmd)
{
	return !strcmp(cmd, "func")	? CB_WORK_LBC_FUNC
	       : !strcmp(cmd, "struct") ? CB_WORK_STRUCT
	       : !strcmp(cmd, "type")	? CB_WORK_LBC_TYPE
	       : !strcmp(cmd, "btf")	? CB_WORK_BTF
					: CB_WORK_COMPILE;
}

static void ask(struct element *el, const struct cb_kernel *k)
{
	struct cb_visit *v = el->lbc->visit;
	struct cb_service *s = v->service;
	const struct cb_lbc_request *rq = &el->rq;
	char key[CB_SHA256_HEX], request[CB_SHA256_HEX] = "";
	struct cb_work work = {
		.kind = kind_of(rq->cmd),
		.btf = k->path,
		.digest = k->digest,
		.fetch = k->archived ? k->arch : "",
		.cache_key = *s->store.dir.dir ? key : "",
		.rq = rq->compile.api,
		.hash = rq->hash,
		.kernel_version = rq->ver,
		.pattern = rq->pattern,
		.ret = rq->ret,
		.arg = rq->arg,
	};

	if (work.kind == CB_WORK_COMPILE && cb_api_request_digest(&work.rq, request)) {
		finish_one(el, failure(el, "out of memory", NULL));
		return;
	}
	if (work.kind == CB_WORK_COMPILE && !*work.rq.arch)
		work.rq.arch = *k->arch ? k->arch : s->kernels.arch;
	cb_key_of(key, "lbc", rq->cmd, request, rq->hash, k->digest, rq->ver, rq->arch, rq->pattern, rq->ret, rq->arg,
		  s->compiler, NULL);
	el->waiter.told = told;
	cb_task_ask(s, v->client, &work, key, true, &el->waiter);
}

static void start(struct element *el, json_t *from)
{
	struct cb_service *s = el->lbc->visit->service;
	const struct cb_kernel *k;
	struct cb_err e = {0};
	char log[512];

	if (cb_lbc_request_read(&el->rq, from, &e)) {
		el->lbc->failed = true;
		finish_one(el, failure(el, e.text, NULL));
		return;
	}
	k = cb_kernels_find(&s->kernels, el->rq.arch, el->rq.ver);
	if (k) {
		ask(el, k);
		return;
	}
	el->lbc->failed = true;
	snprintf(log, sizeof(log), "this server has no BTF of the kernel %s for %s", el->rq.ver, el->rq.arch);
	finish_one(el, failure(el, log, NULL));
}

/* A body that is no list of requests: the client looks at its first element. */
static void refuse(struct cb_visit *v, const char *log)
{
	cb_visit_json(v, 200, body_of(json_pack("[{s:o}]", "log", cb_json_string(log))));
}

void cb_api_lbc(struct cb_visit *v)
{
	struct cb_err e = {0};
	size_t len;
	const char *body = cb_http_request_body(v->rq, &len);
	json_t *list = cb_json_parse(body, len, &e);
	size_t n = json_array_size(list);
	struct lbc *l = n && n <= CB_LBC_MAX ? calloc(1, sizeof(*l) + n * sizeof(*l->elements)) : NULL;

	if (!l) {
		refuse(v, !list		   ? e.text
			  : n > CB_LBC_MAX ? "too many requests in one list"
					   : "the body must be a list of requests");
		json_decref(list);
		return;
	}
	l->visit = v;
	l->list = list;
	l->n = n;
	l->left = n + 1; /* not to be finished before all are started */
	for (size_t i = 0; i < n; i++)
		l->elements[i].lbc = l;
	for (size_t i = 0; i < n; i++)
		start(&l->elements[i], json_array_get(list, i));
	if (!--l->left)
		finish(l);
}
