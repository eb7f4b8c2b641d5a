// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* api_compile.c - POST /v1/compile, see api.h. */
#include "service/service.h"

#include <stdlib.h>
#include <string.h>

#include "service/json.h"
#include "service/request.h"

/* ---- The answer ------------------------------------------------------------------------------------------------- */

static void sign(const struct cb_service *s, json_t *body, const char *request, const char *object)
{
	unsigned char signature[CB_SIGNATURE];
	struct cb_buf text = {0};

	if (!s->key || cb_sign(s->key, request, object, signature, NULL))
		return;
	cb_base64(&text, signature, sizeof(signature));
	json_object_set_new(body, "signature", json_string(cb_buf_cstr(&text)));
	json_object_set_new(body, "key", json_string(s->key_id));
	cb_buf_free(&text);
}

static json_t *base64(const void *data, size_t len)
{
	struct cb_buf text = {0};
	json_t *value;

	cb_base64(&text, data, len);
	value = text.failed ? NULL : json_stringn_nocheck(text.data ? text.data : "", text.len);
	cb_buf_free(&text);
	return value;
}

static json_t *json_or(const char *text, json_t *otherwise)
{
	json_t *value = json_loads(text, 0, NULL);

	if (!value)
		return otherwise;
	json_decref(otherwise);
	return value;
}

static json_t *success(const struct cb_visit *v, const struct cb_outcome *o)
{
	char digest[CB_SHA256_HEX];
	json_t *body;

	cb_sha256_hex(o->bytes, o->len, digest);
	body = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "format", cb_format_name((enum cb_format)v->format),
			 "digest", digest, "request", v->digest, "object", base64(o->bytes, o->len), "description",
			 json_or(o->json, json_object()), "diagnostics", json_or(o->diagnostics, json_array()));
	if (body)
		sign(v->service, body, v->digest, digest);
	return body;
}

/* Is kept as what others get: "cached": true. */
static void keep_and_send(struct cb_visit *v, json_t *body, bool cached)
{
	static const char JSON[] = "application/json";
	size_t len, kept_len;
	char *text = NULL, *kept;

	if (!cached && body && !json_object_set_new(body, "cached", json_false()))
		text = json_dumps(body, JSON_COMPACT);
	len = text ? strlen(text) : 0;
	if (body)
		json_object_set_new(body, "cached", json_true());
	kept = cb_json_dump(body, &kept_len);
	if (cached || !kept) {
		free(text);
		cb_visit_body(v, 200, JSON, kept, kept_len, true);
	} else {
		struct cb_answer *a = cb_answer_new(200, JSON, kept, kept_len);

		if (a) {
			cb_visit_keep(v, a);
			cb_answer_drop(a);
		}
		cb_visit_body(v, 200, JSON, text, len, false);
	}
}

static void told(struct cb_waiter *w, const struct cb_report *r)
{
	struct cb_visit *v = cb_visit_told(w, r);
	struct cb_answer *a;

	if (r->outcome->err) {
		cb_visit_failed(v, r->outcome);
		return;
	}
	/* another who waited for the same has made it ready */
	a = cb_ready_get(&v->service->ready, v->key, cb_now_ms());
	if (a)
		cb_visit_send(v, a);
	else
		keep_and_send(v, success(v, r->outcome), r->cached);
}

/* ---- The question ----------------------------------------------------------------------------------------------- */

static void ask(struct cb_visit *v, const struct cb_sent *rq, const struct cb_kernel *kernel)
{
	const struct cb_api_request *api = &rq->api;
	char key[CB_SHA256_HEX], hash[CB_SHA256_HEX] = "";
	struct cb_work work = {
		.kind = CB_WORK_COMPILE,
		.btf = kernel ? kernel->path : "",
		.digest = kernel ? kernel->digest : "",
		.fetch = kernel && kernel->archived ? kernel->arch : "",
		.cache_key = *v->service->store.dir.dir ? key : "",
		.rq = *api,
		.hash = hash,
		.kernel_version = kernel ? kernel->release : "",
	};

	if (!*api->name)
		work.rq.name = "tool.bpf.c";
	if (!*api->arch)
		work.rq.arch = kernel && *kernel->arch ? kernel->arch : v->service->kernels.arch;
	if (api->format == CB_FORMAT_SO)
		cb_sha256_hex(api->source, api->source_len, hash);
	cb_key_of(key, "compile", v->digest, work.digest, work.kernel_version, work.rq.arch, v->service->compiler,
		  NULL);
	cb_visit_ask(v, &work, key, true, told);
}

void cb_api_compile(struct cb_visit *v)
{
	const struct cb_kernel *kernel = NULL;
	struct cb_sent rq;
	struct cb_err e = {0};
	const char *code;
	size_t len;
	const char *body = cb_http_request_body(v->rq, &len);
	int err = cb_sent_read(&rq, body, len, &code, &e);

	if (!err)
		kernel = cb_kernels_find(&v->service->kernels, rq.api.arch, rq.api.kernel);
	v->format = rq.api.format;
	if (err)
		cb_visit_fail(v,
			      !strcmp(code, "internal")	   ? 500
			      : !strcmp(code, "too_large") ? 413
							   : 400,
			      code, "%s", e.text);
	else if (!kernel && *rq.api.kernel && cb_api_fetch_btf(v, rq.api.kernel, cb_api_compile))
		; /* all of this again then */
	else if (!kernel && *rq.api.kernel)
		cb_visit_fail(v, 404, "unknown_kernel", "this server has no BTF of the kernel %s%s%s", rq.api.kernel,
			      *rq.api.arch ? " for " : "", rq.api.arch);
	else if (cb_api_request_digest(&rq.api, v->digest))
		cb_visit_fail(v, 500, "internal", "out of memory");
	else
		ask(v, &rq, kernel);
	cb_sent_free(&rq);
}
