// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * server.c - see server.h: makes all parts, runs the loop, and takes them down again.
 *
 * One process and thread serves all connections; the work is done by others (pool.h).
 */
#include "compile/zygote.h"
#include "service/server.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "compile/headers.h"
#include "compile/so.h"
#include "service/archive.h"
#include "service/service.h"
#include "service/worker.h"

enum {
	SIGNALS = 3,
	OWN_FILES = 128, /* descriptors besides connections */
	INDEX_MS = 20000 /* that the start waits for the archive's index */
};

struct server {
	struct cb_service service;
	struct event *signals[SIGNALS];
	struct event *drain_timer;
	struct cb_buf worker_config;
	unsigned doors_open; /* that have not drained yet */
	bool listening;
	int failed; /* why it cannot start */
	struct cb_err *e;
};

/* ---- The end ---------------------------------------------------------------------------------------------------- */

static void on_drained(void *ctx)
{
	struct server *sv = ctx;

	if (!--sv->doors_open)
		event_base_loopexit(sv->service.base, NULL);
}

static void on_drain_timer(evutil_socket_t fd, short what, void *arg)
{
	struct server *sv = arg;

	fprintf(stderr, "coolbpf: not all requests are done, but the time to stop is over\n");
	event_base_loopexit(sv->service.base, NULL);
}

static void stop(struct server *sv)
{
	struct cb_service *s = &sv->service;
	struct timeval tv = {s->opts->drain_ms / 1000, (suseconds_t)(s->opts->drain_ms % 1000) * 1000};

	if (s->draining || !sv->listening) {
		event_base_loopexit(s->base, NULL);
		return;
	}
	s->draining = true;
	event_add(sv->drain_timer, &tv);
	for (int i = 0; i < 2; i++)
		if (s->doors[i].http) {
			sv->doors_open++;
			cb_http_server_stop(s->doors[i].http, on_drained, sv);
		}
}

/* ---- What can be read again ------------------------------------------------------------------------------------- */

static int open_log(struct cb_service *s, struct cb_err *e)
{
	const char *path = s->opts->access_log;
	int fd;

	if (!path)
		return 0;
	fd = cb_access_log_open(path, e);
	if (fd < 0)
		return fd;
	if (s->access_log >= 0)
		close(s->access_log);
	s->access_log = fd;
	return 0;
}

static int read_tokens(struct cb_service *s, struct cb_err *e)
{
	return s->opts->tokens ? cb_tokens_read(&s->tokens, s->opts->tokens, e) : 0;
}

static void reload(struct cb_service *s)
{
	static int (*const reads[])(struct cb_service * s, struct cb_err * e) = {read_tokens, open_log};

	for (size_t i = 0; i < sizeof(reads) / sizeof(*reads); i++) {
		struct cb_err e = {0};

		if (reads[i](s, &e))
			fprintf(stderr, "coolbpf: %s; going on with what was there\n", e.text);
	}
	cb_reload_kernels(s);
	for (int i = 0; i < 2; i++) {
		struct cb_err e = {0};

		if (s->doors[i].http && cb_http_server_reload(s->doors[i].http, &e))
			fprintf(stderr, "coolbpf: %s; going on with what was there\n", e.text);
	}
}

static void on_signal(evutil_socket_t signal, short what, void *arg)
{
	struct server *sv = arg;

	if (signal == SIGHUP)
		reload(&sv->service);
	else
		stop(sv);
}

/* ---- The start -------------------------------------------------------------------------------------------------- */

static int open_doors(struct server *sv)
{
	struct cb_service *s = &sv->service;
	const struct cb_serve_opts *o = s->opts;
	struct cb_http_server_opts http = {
		.listen = o->listen,
		.tls_cert = o->tls_cert,
		.tls_key = o->tls_key,
		.tls_client_ca = o->tls_client_ca,
		.max_body = o->max_body,
		.max_connections = o->max_connections,
		.admit = cb_routes_admit,
		.handle = cb_routes_handle,
		.done = cb_routes_done,
		.explain = cb_routes_explain,
	};

	for (int i = 0; i < 2; i++) {
		if (i && !o->lbc_listen)
			break;
		s->doors[i] = (struct cb_door){.service = s, .lbc_only = i};
		http.ctx = &s->doors[i];
		if (i) {
			http.listen = o->lbc_listen;
			http.tls_cert = http.tls_key = http.tls_client_ca = NULL;
		}
		s->doors[i].http = cb_http_server_new(s->base, &http, sv->e);
		if (!s->doors[i].http)
			return -EIO;
		for (size_t k = 0; http.listen[k]; k++)
			fprintf(stderr, "coolbpf: %s on %.*s:%u\n", i ? "POST /lbc alone" : "serving",
				(int)(strrchr(http.listen[k], ':') - http.listen[k]), http.listen[k],
				cb_http_server_port(s->doors[i].http, k));
	}
	return 0;
}

/* All that outcomes depend on besides the request and the BTF. */
static void set_compiler(struct cb_service *s, const char *clang)
{
	char lbc[CB_SHA256_HEX], so[CB_SHA256_HEX], was[sizeof(s->compiler)];

	memcpy(was, s->compiler, sizeof(was));
	cb_sha256_hex(cb_lbc_h, cb_lbc_h_len, lbc);
	cb_so_digest(so);
	snprintf(s->compiler, sizeof(s->compiler), "coolbpf %s, lbc.h %s, .so %s, %s", COOLBPF_VERSION, lbc, so, clang);
	if (strcmp(was, s->compiler))
		cb_ready_clear(&s->ready);
}

/* The server listens when its first worker has compiled something: who connects is served. */
static void on_hello(void *ctx, const struct cb_hello *h)
{
	struct server *sv = ctx;

	if (h->err && sv->listening) {
		fprintf(stderr, "coolbpf: a worker cannot work: %s\n", h->message);
		return;
	}
	if (h->err)
		sv->failed = cb_fail(sv->e, h->err, "%s", h->message);
	if (!h->err) {
		set_compiler(&sv->service, h->compiler);
		if (sv->listening)
			return;
		sv->failed = open_doors(sv);
		sv->listening = !sv->failed;
	}
	if (sv->failed)
		event_base_loopexit(sv->service.base, NULL);
}

static void on_idle(void *ctx)
{
	cb_tasks_idle(&((struct server *)ctx)->service);
}

static void on_done(void *ctx, void *task, enum cb_loss loss, const void *data, size_t len)
{
	cb_tasks_done(&((struct server *)ctx)->service, task, loss, data, len);
}

static int start_workers(struct server *sv)
{
	struct cb_service *s = &sv->service;
	const struct cb_serve_opts *o = s->opts;
	const struct cb_worker_config config = {
		.clang = o->clang ? o->clang : "",
		.cache_dir = o->cache_dir,
		.answers = s->store.dir.dir,
		.answers_max = o->cache_bytes,
		.uploads = o->btf_dir && o->accept_btf ? o->btf_dir : "",
		.archive = o->archive ? o->archive : "",
		/* what needs it is to have time left then */
		.fetch_ms = (o->job_ms + 1) / 2,
		.isolated = o->sandbox,
	};
	const struct cb_pool_opts pool = {
		.base = s->base,
		.workers = o->jobs,
		.wall_ms = o->job_ms,
		.argv = o->worker_argv,
		.config = &sv->worker_config,
		.hello = on_hello,
		.idle = on_idle,
		.done = on_done,
		.ctx = sv,
	};

	cb_worker_config_write(&sv->worker_config, &config);
	if (sv->worker_config.failed)
		return cb_fail(sv->e, ENOMEM, "out of memory");
	s->pool = cb_pool_new(&pool, sv->e);
	return s->pool ? 0 : -EIO;
}

static int watch_signals(struct server *sv)
{
	static const int signals[SIGNALS] = {SIGTERM, SIGINT, SIGHUP};

	sv->drain_timer = evtimer_new(sv->service.base, on_drain_timer, sv);
	for (int i = 0; i < SIGNALS; i++) {
		sv->signals[i] = evsignal_new(sv->service.base, signals[i], on_signal, sv);
		if (!sv->signals[i] || event_add(sv->signals[i], NULL))
			return cb_fail(sv->e, ENOMEM, "cannot watch signals");
	}
	return sv->drain_timer ? 0 : cb_fail(sv->e, ENOMEM, "out of memory");
}

/* As many descriptors as connections may need. */
static void raise_limits(unsigned connections)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) || l.rlim_cur >= connections + OWN_FILES)
		return;
	l.rlim_cur = l.rlim_max < connections + OWN_FILES ? l.rlim_max : connections + OWN_FILES;
	setrlimit(RLIMIT_NOFILE, &l);
	if (l.rlim_cur < connections + OWN_FILES)
		fprintf(stderr,
			"coolbpf: this process may have %llu descriptors open (ulimit -n), too few for %u "
			"connections\n",
			(unsigned long long)l.rlim_cur, connections);
}

static void say_warning(void *ctx, enum cb_log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	fprintf(stderr, "coolbpf: %s\n", text);
}

static int read_kernels(struct cb_service *s, struct cb_err *e)
{
	const struct cb_serve_opts *o = s->opts;
	struct cb_buf index = {0};
	int err = o->archive ? cb_archive_get_index(o->archive, INDEX_MS, &index, e) : 0;

	if (!err)
		err = cb_kernels_read(&s->kernels, o->btf_dir, o->archive ? cb_buf_cstr(&index) : NULL, index.len,
				      s->work_dir, e);
	cb_buf_free(&index);
	return err;
}

static int prepare(struct server *sv)
{
	static const struct cb_log warnings = {.level = CB_WARN, .say = say_warning};
	struct cb_service *s = &sv->service;
	const struct cb_serve_opts *o = s->opts;
	int err = 0;

	s->queue.limits = o->limits;
	s->ready.max_bytes = o->memory_bytes;
	s->access_log = -1;
	s->started_ms = cb_now_ms();
	if (snprintf(s->work_dir, sizeof(s->work_dir), "%s/btf", o->cache_dir) >= (int)sizeof(s->work_dir))
		return cb_fail(sv->e, ENAMETOOLONG, "%s: the name is too long", o->cache_dir);
	raise_limits(o->max_connections);
	if (o->sandbox)
		err = cb_sandbox_check(&warnings, sv->e);
	if (err)
		return cb_fail_more(sv->e, err, "; --no-sandbox serves clients that are trusted");
	if (o->btf_dir && o->accept_btf)
		err = cb_mkdirs(o->btf_dir, sv->e);
	if (err)
		return err;
	s->base = event_base_new();
	if (!s->base)
		return cb_fail(sv->e, ENOMEM, "cannot make an event loop");
	err = read_tokens(s, sv->e);
	if (!err && o->key)
		err = cb_sign_key_read(o->key, &s->key, sv->e);
	if (!err && s->key)
		cb_sign_key_id(s->key, s->key_id);
	if (!err)
		err = open_log(s, sv->e);
	if (!err)
		err = read_kernels(s, sv->e);
	if (!err)
		err = cb_store_open(&s->store, s->base, o->cache, o->cache_bytes, sv->e);
	if (!err)
		err = watch_signals(sv);
	return err ? err : start_workers(sv);
}

/* In this order: whoever calls back is stopped before whoever is called. */
static void take_down(struct server *sv)
{
	struct cb_service *s = &sv->service;

	cb_pool_free(s->pool);
	s->pool = NULL;
	cb_store_close(&s->store);
	cb_tasks_stop(s);
	for (int i = 0; i < 2; i++)
		cb_http_server_free(s->doors[i].http);
	while (!LIST_EMPTY(&s->visits))
		cb_visit_free(LIST_FIRST(&s->visits));
	cb_queue_free(&s->queue);
	cb_ready_clear(&s->ready);
	cb_kernels_free(&s->kernels);
	cb_tokens_free(&s->tokens);
	cb_sign_key_free(s->key);
	if (s->access_log >= 0)
		close(s->access_log);
	for (int i = 0; i < SIGNALS; i++)
		if (sv->signals[i])
			event_free(sv->signals[i]);
	if (sv->drain_timer)
		event_free(sv->drain_timer);
	cb_buf_free(&sv->worker_config);
	if (s->base)
		event_base_free(s->base);
}

int cb_serve(const struct cb_serve_opts *opts, struct cb_err *e)
{
	struct server *sv = calloc(1, sizeof(*sv));
	int err;

	if (!sv)
		return cb_fail(e, ENOMEM, "out of memory");
	sv->service.opts = opts;
	sv->e = e;
	err = prepare(sv);
	if (!err) {
		event_base_dispatch(sv->service.base);
		err = sv->failed;
	}
	take_down(sv);
	free(sv);
	return err;
}
