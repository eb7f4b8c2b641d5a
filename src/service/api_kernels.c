// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* api_kernels.c - GET /v1/kernels and what is below, GET and PUT /v1/btf. */
#include "service/service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/json.h"
#include "service/request.h"

void cb_api_kernels(struct cb_visit *v)
{
	const struct cb_kernels *k = &v->service->kernels;
	json_t *list = json_array();

	for (size_t i = 0; i < k->n; i++)
		json_array_append_new(list, json_pack("{s:s, s:o, s:s}", "arch", k->list[i].arch, "release",
						      cb_json_string(k->list[i].release), "digest", k->list[i].digest));
	cb_visit_json(v, 200, json_pack("{s:o}", "kernels", list));
}

/* NULL: it is answered. */
static const struct cb_kernel *find(struct cb_visit *v, const char *arch, const char *release)
{
	const struct cb_kernel *k = *arch && *release ? cb_kernels_find(&v->service->kernels, arch, release) : NULL;

	if (!k)
		cb_visit_fail(v, 404, "unknown_kernel", "this server has no BTF of the kernel %s for %s", release,
			      arch);
	return k;
}

/* ---- Types and functions ---------------------------------------------------------------------------------------- */

static void told_json(struct cb_waiter *w, const struct cb_report *r)
{
	struct cb_visit *v = cb_visit_told(w, r);
	const struct cb_outcome *o = r->outcome;

	if (cb_visit_failed(v, o))
		return;
	if (!strcmp(o->json, "null"))
		cb_visit_fail(v, 404, "unknown_type", "this kernel has no type of that name");
	else
		cb_visit_body(v, 200, "application/json", strdup(o->json), strlen(o->json), true);
}

/* The answer is kept by key where there is a directory for it. */
static void about(const struct cb_visit *v, const struct cb_kernel *k, const char *key, struct cb_work *work)
{
	work->btf = k->path;
	work->digest = k->digest;
	work->fetch = k->archived ? k->arch : "";
	work->cache_key = *v->service->store.dir.dir ? key : "";
}

static void ask(struct cb_visit *v, enum cb_work_kind kind, const char *arch, const char *release, const char *pattern)
{
	const struct cb_kernel *k = find(v, arch, release);
	char key[CB_SHA256_HEX];
	struct cb_work work = {.kind = kind, .pattern = pattern};

	if (!k)
		return;
	about(v, k, key, &work);
	cb_key_of(key, COOLBPF_VERSION, kind == CB_WORK_TYPE ? "type" : "functions", k->digest, pattern, NULL);
	cb_visit_ask(v, &work, key, true, told_json);
}

void cb_api_type(struct cb_visit *v, const char *arch, const char *release, const char *name)
{
	ask(v, CB_WORK_TYPE, arch, release, name);
}

void cb_api_functions(struct cb_visit *v, const char *arch, const char *release, const char *glob)
{
	ask(v, CB_WORK_FUNCS, arch, release, glob);
}

/* ---- BTF -------------------------------------------------------------------------------------------------------- */

static void told_btf(struct cb_waiter *w, const struct cb_report *r)
{
	struct cb_visit *v = cb_visit_told(w, r);
	const struct cb_outcome *o = r->outcome;
	char *copy;

	if (cb_visit_failed(v, o))
		return;
	copy = malloc(o->len + 1);
	if (copy)
		memcpy(copy, o->bytes, o->len);
	cb_visit_body(v, 200, "application/zstd", copy, o->len, true);
}

void cb_api_btf(struct cb_visit *v, const char *arch, const char *release)
{
	const struct cb_kernel *k = find(v, arch, release);
	char key[CB_SHA256_HEX];
	struct cb_work work = {.kind = CB_WORK_BTF, .compressed = true};

	if (!k)
		return;
	about(v, k, key, &work);
	cb_key_of(key, COOLBPF_VERSION, "btf.zst", k->digest, NULL);
	cb_visit_ask(v, &work, key, true, told_btf);
}

/* ---- BTF that clients send -------------------------------------------------------------------------------------- */

/* What a server has taken, the others with the same Redis find there: a client may meet another one with its next request. */
static void store_key(const char *digest, char key[CB_SHA256_HEX])
{
	cb_key_of(key, "sent btf.zst", digest, NULL);
}

static int add_sent(struct cb_visit *v)
{
	struct cb_service *s = v->service;

	return cb_kernels_add_upload(&s->kernels, v->digest, s->work_dir, s->opts->btf_dir, s->opts->sent_btf_bytes);
}

static void told_upload(struct cb_waiter *w, const struct cb_report *r)
{
	struct cb_visit *v = cb_visit_told(w, r);
	struct cb_service *s = v->service;
	char key[CB_SHA256_HEX];
	size_t len;
	const void *body = cb_http_request_body(v->rq, &len);

	if (cb_visit_failed(v, r->outcome))
		return;
	if (add_sent(v)) {
		cb_visit_fail(v, 500, "internal", "out of memory");
		return;
	}
	store_key(v->digest, key);
	cb_store_put(&s->store, key, body, len);
	cb_visit_json(v, 201, json_pack("{s:s}", "digest", v->digest));
}

/* Let a worker check the packed BTF of v->digest in data, unpack and keep it. */
static void ask_store(struct cb_visit *v, const void *data, size_t len,
		      void (*told)(struct cb_waiter *w, const struct cb_report *r))
{
	struct cb_service *s = v->service;
	char key[CB_SHA256_HEX], is[CB_SHA256_HEX], path[PATH_MAX + CB_SHA256_HEX + 8];
	struct cb_work work = {.kind = CB_WORK_STORE, .btf = path, .digest = v->digest, .data = data, .len = len};

	snprintf(path, sizeof(path), "%s/%s.btf", s->work_dir, v->digest);
	/* who sends something else under this digest asks another question */
	cb_sha256_hex(data, len, is);
	cb_key_of(key, "upload", v->digest, is, NULL);
	cb_visit_ask(v, &work, key, false, told);
}

void cb_api_upload(struct cb_visit *v, const char *digest)
{
	struct cb_service *s = v->service;
	size_t len;
	const void *body = cb_http_request_body(v->rq, &len);

	if (!s->opts->accept_btf)
		cb_visit_fail(v, 403, "forbidden", "this server takes no BTF");
	else if (!cb_is_digest(digest) || digest[strspn(digest, "0123456789abcdef")])
		cb_visit_fail(v, 400, "bad_request", "the path must be /v1/btf/ and 64 lower-case hexadecimal digits");
	else if (cb_kernels_find(&s->kernels, "", digest))
		cb_visit_json(v, 200, json_pack("{s:s}", "digest", digest));
	else {
		snprintf(v->digest, sizeof(v->digest), "%s", digest);
		ask_store(v, body, len, told_upload);
	}
}

static void told_fetched(struct cb_waiter *w, const struct cb_report *r)
{
	struct cb_visit *v = cb_visit_told(w, r);

	if (!r->outcome->err)
		add_sent(v);
	v->again(v);
}

static void on_found(void *ctx, const void *data, size_t len)
{
	struct cb_visit *v = ctx;

	if (data)
		ask_store(v, data, len, told_fetched);
	else
		v->again(v);
}

bool cb_api_fetch_btf(struct cb_visit *v, const char *digest, void (*again)(struct cb_visit *v))
{
	struct cb_service *s = v->service;
	char key[CB_SHA256_HEX];

	if (v->fetched || !s->opts->accept_btf || !s->store.redis || !cb_is_digest(digest))
		return false;
	v->fetched = true;
	v->again = again;
	snprintf(v->digest, sizeof(v->digest), "%s", digest);
	store_key(digest, key);
	cb_store_get(&s->store, key, on_found, v);
	return true;
}
