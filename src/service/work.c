// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * work.c - see work.h.
 *
 * A record is its fields one behind the other: a number has 8 bytes, a text or blob its length in 8 bytes, itself, and a zero.
 */
#include "service/work.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "service/worker.h"

enum { OUTCOME_VERSION = 1 };

static void put_number(struct cb_buf *b, uint64_t v)
{
	v = htole64(v);
	cb_buf_add(b, &v, sizeof(v));
}

static void put_bytes(struct cb_buf *b, const void *data, size_t len)
{
	put_number(b, len);
	cb_buf_add(b, data, len);
	cb_buf_ch(b, '\0');
}

static void put_text(struct cb_buf *b, const char *text)
{
	put_bytes(b, text ? text : "", text ? strlen(text) : 0);
}

struct reader {
	const unsigned char *p, *end;
	bool bad;
};

static uint64_t get_number(struct reader *r)
{
	uint64_t v;

	if ((size_t)(r->end - r->p) < sizeof(v)) {
		r->bad = true;
		return 0;
	}
	memcpy(&v, r->p, sizeof(v));
	r->p += sizeof(v);
	return le64toh(v);
}

static const char *get_bytes(struct reader *r, size_t *len)
{
	uint64_t n = get_number(r);
	const char *at = (const char *)r->p;

	/* n bytes and their zero */
	if (r->bad || n >= (uint64_t)(r->end - r->p) || at[n]) {
		r->bad = true;
		*len = 0;
		return "";
	}
	r->p += n + 1;
	*len = n;
	return at;
}

/* Without a zero inside. */
static const char *get_text(struct reader *r)
{
	size_t len;
	const char *text = get_bytes(r, &len);

	r->bad |= strlen(text) != len;
	return text;
}

static bool at_end(const struct reader *r)
{
	return !r->bad && r->p == r->end;
}

/* ---- Work ------------------------------------------------------------------------------------------------------- */

static void put_request(struct cb_buf *b, const struct cb_api_request *rq)
{
	size_t nflags = 0;

	while (rq->flags && rq->flags[nflags])
		nflags++;
	put_bytes(b, rq->source, rq->source_len);
	put_text(b, rq->name);
	put_text(b, rq->arch);
	put_text(b, rq->kernel);
	put_number(b, (uint64_t)rq->format);
	put_number(b, rq->nheaders);
	for (size_t i = 0; i < rq->nheaders; i++) {
		put_text(b, rq->headers[i].name);
		put_bytes(b, rq->headers[i].text, rq->headers[i].len);
	}
	put_number(b, nflags);
	for (size_t i = 0; i < nflags; i++)
		put_text(b, rq->flags[i]);
}

/* An array of so many things that take at least `least` bytes each in the rest of the record. */
static void *get_array(struct reader *r, uint64_t n, size_t size, size_t least)
{
	if (r->bad || n > (size_t)(r->end - r->p) / least) {
		r->bad = true;
		return NULL;
	}
	return calloc(n + 1, size);
}

static int get_request(struct reader *r, struct cb_work *w)
{
	struct cb_api_request *rq = &w->rq;
	uint64_t n;

	rq->source = get_bytes(r, &rq->source_len);
	rq->name = get_text(r);
	rq->arch = get_text(r);
	rq->kernel = get_text(r);
	n = get_number(r);
	r->bad |= n >= CB_FORMATS;
	rq->format = r->bad ? CB_FORMAT_O : (enum cb_format)n;
	n = get_number(r);
	w->headers = get_array(r, n, sizeof(*w->headers), 18);
	if (!w->headers)
		return r->bad ? -EINVAL : -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		w->headers[i].name = get_text(r);
		w->headers[i].text = get_bytes(r, &w->headers[i].len);
	}
	rq->headers = w->headers;
	rq->nheaders = n;
	n = get_number(r);
	w->flags = get_array(r, n, sizeof(*w->flags), 9);
	if (!w->flags)
		return r->bad ? -EINVAL : -ENOMEM;
	for (size_t i = 0; i < n; i++)
		w->flags[i] = get_text(r);
	rq->flags = w->flags;
	return r->bad ? -EINVAL : 0;
}

void cb_work_write(struct cb_buf *out, const struct cb_work *w)
{
	put_number(out, w->kind);
	put_text(out, w->btf);
	put_text(out, w->digest);
	put_text(out, w->fetch);
	put_text(out, w->cache_key);
	put_text(out, w->hash);
	put_text(out, w->kernel_version);
	put_text(out, w->pattern);
	put_text(out, w->ret);
	put_text(out, w->arg);
	put_number(out, w->compressed);
	put_bytes(out, w->data, w->len);
	if (w->kind == CB_WORK_COMPILE)
		put_request(out, &w->rq);
}

int cb_work_read(struct cb_work *w, const void *data, size_t len)
{
	struct reader r = {.p = data, .end = (const unsigned char *)data + len};
	uint64_t kind = get_number(&r);
	int err;

	*w = (struct cb_work){.kind = kind <= CB_WORK_INDEX ? (enum cb_work_kind)kind : CB_WORK_COMPILE};
	r.bad |= kind > CB_WORK_INDEX;
	w->btf = get_text(&r);
	w->digest = get_text(&r);
	w->fetch = get_text(&r);
	w->cache_key = get_text(&r);
	w->hash = get_text(&r);
	w->kernel_version = get_text(&r);
	w->pattern = get_text(&r);
	w->ret = get_text(&r);
	w->arg = get_text(&r);
	w->compressed = get_number(&r);
	w->data = get_bytes(&r, &w->len);
	err = w->kind == CB_WORK_COMPILE ? get_request(&r, w) : 0;
	if (!err && !at_end(&r))
		err = -EINVAL;
	return err;
}

void cb_work_free(struct cb_work *w)
{
	free(w->headers);
	free(w->flags);
}

/* ---- What comes back -------------------------------------------------------------------------------------------- */

void cb_outcome_write(struct cb_buf *out, const struct cb_outcome *o)
{
	put_number(out, OUTCOME_VERSION);
	put_number(out, (uint64_t)o->err);
	put_text(out, o->message);
	put_bytes(out, o->bytes, o->len);
	put_text(out, o->json);
	put_text(out, o->diagnostics);
	put_number(out, o->fell_back);
	put_number(out, o->slice_ns);
	put_number(out, o->clang_ns);
	put_number(out, o->evicted);
}

int cb_outcome_read(struct cb_outcome *o, const void *data, size_t len)
{
	struct reader r = {.p = data, .end = (const unsigned char *)data + len};
	uint64_t err;

	r.bad |= get_number(&r) != OUTCOME_VERSION;
	err = get_number(&r);
	r.bad |= err > 4095; /* as the kernel's MAX_ERRNO */
	o->err = (int)err;
	o->message = get_text(&r);
	o->bytes = get_bytes(&r, &o->len);
	o->json = get_text(&r);
	o->diagnostics = get_text(&r);
	o->fell_back = get_number(&r);
	o->slice_ns = get_number(&r);
	o->clang_ns = get_number(&r);
	o->evicted = get_number(&r);
	return at_end(&r) ? 0 : -EINVAL;
}

void cb_hello_write(struct cb_buf *out, const struct cb_hello *h)
{
	put_number(out, (uint64_t)h->err);
	put_text(out, h->message);
	put_text(out, h->compiler);
	put_number(out, h->isolated);
	put_number(out, h->zygote);
}

int cb_hello_read(struct cb_hello *h, const void *data, size_t len)
{
	struct reader r = {.p = data, .end = (const unsigned char *)data + len};

	h->err = (int)get_number(&r);
	h->message = get_text(&r);
	h->compiler = get_text(&r);
	h->isolated = get_number(&r);
	h->zygote = get_number(&r);
	return at_end(&r) ? 0 : -EINVAL;
}

void cb_worker_config_write(struct cb_buf *out, const struct cb_worker_config *c)
{
	put_text(out, c->clang);
	put_text(out, c->cache_dir);
	put_text(out, c->answers);
	put_number(out, c->answers_max);
	put_text(out, c->uploads);
	put_text(out, c->archive);
	put_number(out, c->fetch_ms);
	put_number(out, c->isolated);
}

int cb_worker_config_read(struct cb_worker_config *c, const void *data, size_t len)
{
	struct reader r = {.p = data, .end = (const unsigned char *)data + len};

	c->clang = get_text(&r);
	c->cache_dir = get_text(&r);
	c->answers = get_text(&r);
	c->answers_max = get_number(&r);
	c->uploads = get_text(&r);
	c->archive = get_text(&r);
	c->fetch_ms = (unsigned)get_number(&r);
	c->isolated = get_number(&r);
	return at_end(&r) ? 0 : -EINVAL;
}
