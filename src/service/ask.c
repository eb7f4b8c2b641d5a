// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * ask.c - see ask.h.
 *
 *   round:  server 1 -> server 2 -> ...  each once, with its share of the time that is left
 *           (wait: 100 ms, 200 ms, ... or what they ask for)
 *   round:  those that were busy or away
 */
#include "service/ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <zstd.h>

#include "base/file.h"
#include "http/client.h"

enum {
	ROUNDS = 4, /* for servers that are away; one that says it is busy is waited for */
	WAIT_MS = 100,
	WAIT_MAX_MS = 5000,
	LEAST_MS = 1000, /* of an attempt's share, so that many servers do not make each too short */
	CONNECT_MS = 5000,
	TOKEN_MAX = 4096,
	ZSTD_LEVEL = 3,
};

/* What comes of an attempt. */
enum verdict {
	DONE,
	STOP, /* the request is at fault: no server will do */
	OUT,  /* this server will not do */
	AWAY, /* it may later */
	BUSY, /* it says so */
};

struct server {
	const char *url;
	bool out;
	int err;
	struct cb_err why;
};

struct work {
	const struct cb_ask *ask;
	char *bearer; /* "Bearer ...", or NULL */
	int64_t end_ms;
	struct server *servers;
	size_t n;
	unsigned retry_after_s; /* the shortest that a server of this round asked for */
	struct cb_buf *json;
	struct cb_api_answer *answer;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int cb_ask_check(const struct cb_ask *ask, const struct cb_api_answer *a, struct cb_err *e)
{
	char id[CB_SHA256_HEX];

	if (strcmp(a->request, ask->request))
		return cb_fail(e, EBADMSG, "the answer is one to another request (%.16s..., not %.16s...): refused",
			       a->request, ask->request);
	if (a->format != ask->format)
		return cb_fail(e, EBADMSG, "the answer has the format %s, not %s: refused", cb_format_name(a->format),
			       cb_format_name(ask->format));
	if (!ask->key)
		return 0;
	cb_verify_key_id(ask->key, id);
	if (!a->is_signed)
		return cb_fail(e, EBADMSG,
			       "the answer is not signed, and the public key %.16s... is asked for: refused", id);
	if (!cb_verify(ask->key, a->request, a->digest, a->signature))
		return cb_fail(
			e, EBADMSG,
			"the answer's signature is not one of the public key %.16s... (it says %.16s...): refused", id,
			a->key);
	return 0;
}

/* ---- One call --------------------------------------------------------------------------------------------------- */

static int read_token(struct work *w, struct cb_err *e)
{
	const char *path = w->ask->config->token_file;
	char *data;
	size_t len, n;
	int err;

	if (!path)
		return 0;
	err = cb_file_read(path, TOKEN_MAX, &data, &len, e);
	if (err)
		return err;
	n = strcspn(data, "\r\n");
	for (size_t i = 0; i < n; i++)
		if (data[i] <= ' ' || data[i] > '~')
			err = -EINVAL;
	if (err || !n || strspn(data + n, "\r\n") != len - n)
		err = cb_fail(e, EINVAL, "%s does not hold a token: one line without blanks", path);
	else if (asprintf(&w->bearer, "Bearer %s", data) < 0)
		err = cb_fail(e, ENOMEM, "out of memory");
	else
		w->bearer[strlen("Bearer ") + n] = '\0';
	explicit_bzero(data, len);
	free(data);
	return err;
}

/* An attempt gets its share of what is left, so that one server which hangs does not use up everybody's time. */
static unsigned share_ms(const struct work *w, size_t server)
{
	int64_t left = w->end_ms - now_ms(), sharers = 1, share;

	for (size_t i = server + 1; i < w->n; i++)
		sharers += !w->servers[i].out;
	share = left / sharers;
	if (share < LEAST_MS)
		share = left < LEAST_MS ? left : LEAST_MS;
	return share > 1 ? (unsigned)share : 1;
}

static int call(const struct work *w, const char *method, const char *url, const char *type, const void *body,
		size_t len, unsigned timeout_ms, struct cb_http_reply *reply, struct cb_err *e)
{
	const struct cb_client_config *c = w->ask->config;
	const char *const headers[] = {"Content-Type", type, w->bearer ? "Authorization" : NULL, w->bearer, NULL};
	const struct cb_http_call call = {
		.method = method,
		.url = url,
		.headers = headers,
		.body = body,
		.body_len = len,
		.ca_file = c->ca_file,
		.cert_file = c->cert_file,
		.key_file = c->key_file,
		.connect_timeout_ms = timeout_ms < CONNECT_MS ? timeout_ms : CONNECT_MS,
		.timeout_ms = timeout_ms,
	};

	return cb_http_do(&call, reply, e);
}

/* No answer: why. */
static enum verdict no_answer(int err)
{
	switch (err) {
	case -ENOMEM:
		return STOP;
	case -EINVAL: /* a URL, or a file for TLS, that cannot be used */
	case -EFBIG:
		return OUT;
	default:
		return AWAY;
	}
}

static int errno_of(int status)
{
	switch (status) {
	case 401:
	case 403:
		return EACCES;
	case 413:
		return E2BIG;
	case 429:
	case 503:
		return EBUSY;
	case 502:
	case 504:
		return ETIMEDOUT;
	default:
		return status >= 400 && status < 500 ? EINVAL : EIO;
	}
}

/* An answer that is not 2xx; a->code and a->message are set when it is one of ours. */
static enum verdict failure(const struct cb_http_reply *reply, struct cb_api_answer *a, int *err, struct cb_err *e)
{
	int status = reply->status;
	bool ours = !cb_api_decode_error(reply->body.data, reply->body.len, a, NULL);

	*err = -errno_of(status);
	if (ours)
		cb_fail(e, -*err, "%s", a->message);
	else if (status >= 300 && status < 400)
		cb_fail(e, EIO, "it answers with a redirection (%d), which is not followed with a source", status);
	else
		cb_fail(e, -*err, "it answers with the status %d, and not as a coolbpf server does", status);
	switch (status) {
	case 429:
	case 503:
		return BUSY;
	case 408:
	case 502:
	case 504:
		return AWAY;
	case 401:
	case 403:
		return STOP;
	default:
		return ours && status >= 400 && status < 500 ? STOP : OUT;
	}
}

/* ---- The BTF ---------------------------------------------------------------------------------------------------- */

static int compress(const struct cb_ask *ask, struct cb_buf *out, struct cb_err *e)
{
	size_t n;

	if (!cb_buf_reserve(out, ZSTD_compressBound(ask->btf_size)))
		return cb_fail(e, ENOMEM, "out of memory");
	n = ZSTD_compress(out->data, out->cap, ask->btf, ask->btf_size, ZSTD_LEVEL);
	if (ZSTD_isError(n))
		return cb_fail(e, ENOMEM, "cannot compress the kernel's BTF: %s", ZSTD_getErrorName(n));
	out->len = n;
	return 0;
}

/* The server does not know this kernel: send it, once. */
static enum verdict send_btf(const struct work *w, struct server *s, unsigned timeout_ms)
{
	struct cb_http_reply reply = {0};
	struct cb_api_answer a = {0};
	struct cb_buf body = {0};
	enum verdict verdict = STOP;
	char *url = NULL;

	cb_say(w->ask->log, CB_INFO, "%s does not know this kernel; it is sent its BTF", s->url);
	s->err = compress(w->ask, &body, &s->why);
	if (!s->err && asprintf(&url, "%s/v1/btf/%s", s->url, w->ask->btf_digest) < 0) {
		url = NULL;
		s->err = cb_fail(&s->why, ENOMEM, "out of memory");
	}
	if (!s->err) {
		s->err = call(w, "PUT", url, "application/zstd", body.data, body.len, timeout_ms, &reply, &s->why);
		if (s->err)
			verdict = no_answer(s->err);
		else if (reply.status >= 200 && reply.status < 300)
			verdict = DONE;
		else
			verdict = failure(&reply, &a, &s->err, &s->why);
		if (verdict != DONE)
			cb_fail_in(&s->why, s->err, "it does not take this kernel's BTF");
		/* another server may know the kernel */
		if (verdict == STOP && s->err != -ENOMEM)
			verdict = OUT;
	}
	cb_http_reply_free(&reply);
	cb_api_answer_free(&a);
	cb_buf_free(&body);
	free(url);
	return verdict;
}

/* ---- One server ------------------------------------------------------------------------------------------------- */

/* A 2xx answer. */
static enum verdict success(struct work *w, struct server *s, struct cb_http_reply *reply)
{
	s->err = cb_api_decode_answer(reply->body.data, reply->body.len, w->answer, &s->why);
	if (!s->err)
		s->err = cb_ask_check(w->ask, w->answer, &s->why);
	if (s->err)
		return s->err == -ENOMEM ? STOP : OUT;
	*w->json = reply->body;
	reply->body = (struct cb_buf){0};
	return DONE;
}

/* unknown: the server answered that it does not know the kernel. */
static enum verdict post(struct work *w, struct server *s, const char *url, unsigned timeout_ms, bool *unknown)
{
	const struct cb_ask *ask = w->ask;
	struct cb_http_reply reply = {0};
	enum verdict verdict;

	cb_api_answer_free(w->answer);
	*w->answer = (struct cb_api_answer){0};
	*unknown = false;
	s->err = call(w, "POST", url, "application/json", ask->body.data, ask->body.len, timeout_ms, &reply, &s->why);
	if (s->err) {
		verdict = no_answer(s->err);
	} else if (reply.status >= 200 && reply.status < 300) {
		verdict = success(w, s, &reply);
	} else {
		verdict = failure(&reply, w->answer, &s->err, &s->why);
		*unknown = reply.status == 404 && w->answer->code && !strcmp(w->answer->code, "unknown_kernel");
		if (verdict == BUSY && reply.retry_after_s &&
		    (!w->retry_after_s || reply.retry_after_s < w->retry_after_s))
			w->retry_after_s = reply.retry_after_s;
	}
	cb_http_reply_free(&reply);
	return verdict;
}

static enum verdict ask_server(struct work *w, struct server *s, unsigned timeout_ms)
{
	enum verdict verdict;
	char *url = NULL;
	bool unknown;

	if (asprintf(&url, "%s/v1/compile", s->url) < 0) {
		s->err = cb_fail(&s->why, ENOMEM, "out of memory");
		return STOP;
	}
	verdict = post(w, s, url, timeout_ms, &unknown);
	if (unknown && !w->ask->btf) {
		verdict = OUT;
		cb_fail_more(&s->why, 0, ", and there is no BTF of it here that could be sent");
	} else if (unknown) {
		verdict = send_btf(w, s, timeout_ms);
		if (verdict == DONE)
			verdict = post(w, s, url, timeout_ms, &unknown);
		if (unknown)
			verdict = OUT; /* it forgets what it is sent */
	}
	free(url);
	return verdict;
}

/* ---- All servers ------------------------------------------------------------------------------------------------ */

/* Between half and all of it, so that the clients of a server that comes back do not come all at once. */
static int64_t vary(int64_t ms)
{
	unsigned r = 0;

	if (getrandom(&r, sizeof(r), GRND_NONBLOCK) != sizeof(r))
		r = (unsigned)now_ms();
	return ms / 2 + (int64_t)(r % 1024) * (ms - ms / 2) / 1024;
}

/* False when the time is over, or would be then. */
static bool wait_for_round(struct work *w, unsigned round)
{
	int64_t ms = (int64_t)WAIT_MS << (round < 10 ? round : 10);
	struct timespec t;

	ms = vary(ms < WAIT_MAX_MS ? ms : WAIT_MAX_MS);
	if (ms < (int64_t)w->retry_after_s * 1000)
		ms = (int64_t)w->retry_after_s * 1000;
	if (now_ms() + ms >= w->end_ms)
		return false;
	t = (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	while (nanosleep(&t, &t) && errno == EINTR)
		;
	return true;
}

static enum verdict ask_round(struct work *w)
{
	enum verdict all = OUT;

	w->retry_after_s = 0;
	for (size_t i = 0; i < w->n && now_ms() < w->end_ms; i++) {
		struct server *s = &w->servers[i];
		enum verdict one;

		if (s->out)
			continue;
		one = ask_server(w, s, share_ms(w, i));
		if (one == DONE || one == STOP) {
			s->out = true;
			w->servers[0] = *s; /* whose answer, or sentence, counts */
			return one;
		}
		s->out = one == OUT;
		cb_say(w->ask->log, CB_INFO, "%s: %s", s->url, s->why.text);
		all = one > all ? one : all;
	}
	return all;
}

/* Of all servers why. */
static int nobody(const struct work *w, struct cb_err *e)
{
	int err = w->servers[0].err ? w->servers[0].err : -ETIMEDOUT;

	if (w->n == 1)
		return cb_fail(e, -err, "cannot have %s compiled by %s: %s", w->ask->name, w->servers[0].url,
			       w->servers[0].why.text);
	cb_fail(e, -err, "no server compiles %s:", w->ask->name);
	for (size_t i = 0; i < w->n; i++)
		cb_fail_more(e, 0, "\n%s: %s", w->servers[i].url,
			     w->servers[i].err ? w->servers[i].why.text : "it was not asked before the time was over");
	return err;
}

static int ask_all(struct work *w, struct cb_err *e)
{
	enum verdict verdict;
	unsigned round = 0;

	do
		verdict = ask_round(w);
	while (((verdict == AWAY && round + 1 < ROUNDS) || verdict == BUSY) && wait_for_round(w, round++));
	if (verdict == DONE)
		return 0;
	if (verdict == STOP && w->answer->code && !strcmp(w->answer->code, "does_not_compile"))
		return -EINVAL; /* the caller says it as a local compile does */
	if (verdict == STOP)
		return cb_fail(e, -w->servers[0].err, "%s does not compile %s: %s", w->servers[0].url, w->ask->name,
			       w->servers[0].why.text);
	return nobody(w, e);
}

int cb_ask(const struct cb_ask *ask, struct cb_buf *json, struct cb_api_answer *a, struct cb_err *e)
{
	struct work w = {.ask = ask, .json = json, .answer = a};
	int err = 0;

	*a = (struct cb_api_answer){0};
	while (ask->config->servers[w.n])
		w.n++;
	if (!w.n)
		return cb_fail(e, EINVAL, "there is no server to ask");
	w.servers = calloc(w.n, sizeof(*w.servers));
	if (!w.servers)
		return cb_fail(e, ENOMEM, "out of memory");
	for (size_t i = 0; i < w.n; i++)
		w.servers[i].url = ask->config->servers[i];
	w.end_ms = now_ms() + ask->config->timeout_ms;
	err = read_token(&w, e);
	if (!err)
		err = ask_all(&w, e);
	if (w.bearer)
		explicit_bzero(w.bearer, strlen(w.bearer));
	free(w.bearer);
	free(w.servers);
	return err;
}
