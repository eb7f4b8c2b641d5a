/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* service.h - the server's state, as its own files see it. One thread, one owner: server.c. */
#ifndef CB_SERVICE_SERVICE_H
#define CB_SERVICE_SERVICE_H

#include <jansson.h>
#include <limits.h>
#include <sys/queue.h>

#include "http/server.h"
#include "service/kernels.h"
#include "service/metrics.h"
#include "service/pool.h"
#include "service/queue.h"
#include "service/ready.h"
#include "service/server.h"
#include "service/sign.h"
#include "service/store.h"
#include "service/tasks.h"
#include "service/tokens.h"

enum { CB_FAILURE_MS = 60000 /* how long it is remembered that a source does not compile */ };

/* What a group of addresses speaks. */
struct cb_door {
	struct cb_service *service;
	struct cb_http_server *http;
	bool lbc_only; /* for old clients, which have neither TLS nor tokens */
};

/* One request while it is here. */
struct cb_visit {
	LIST_ENTRY(cb_visit) link;
	struct cb_service *service;
	struct cb_http_request *rq;
	struct cb_client *client;
	enum cb_route route;
	unsigned char key[CB_SHA256]; /* of the request as it came: its place among the ready answers */
	uint64_t began;		      /* ready.cleared then */
	bool cached;
	uint64_t queue_ms, work_ms;
	/* of a question that waits for its outcome */
	struct cb_waiter waiter;
	void (*again)(struct cb_visit *v);
	char digest[CB_SHA256_HEX];
	int format;
	bool fetched; /* the kernel's BTF has been looked for at the other servers */
};

/* The archive's index on its way (reload.c). */
struct cb_reload {
	struct cb_client *client; /* NULL: it is not */
	struct cb_waiter waiter;
	bool again; /* another SIGHUP has come meanwhile */
};

struct cb_service {
	const struct cb_serve_opts *opts;
	struct event_base *base;
	struct cb_door doors[2];
	struct cb_queue queue;
	struct cb_ready ready;
	struct cb_store store;
	struct cb_pool *pool;
	struct cb_tasks tasks;
	struct cb_kernels kernels;
	struct cb_reload reload;
	struct cb_tokens tokens;
	struct cb_sign_key *key; /* NULL: answers are not signed */
	char key_id[CB_SHA256_HEX];
	char compiler
		[512]; /* all that outcomes depend on besides the request and the BTF; "" until a worker has said it */
	char work_dir[PATH_MAX]; /* raw BTF for the workers */
	struct cb_metrics metrics;
	LIST_HEAD(, cb_visit) visits;
	int access_log; /* -1: none */
	bool draining;
	uint64_t started_ms;
};

uint64_t cb_now_ms(void); /* a clock that never jumps */

/* One key for these texts in this order, and no others, in hexadecimal; ends with NULL. */
void cb_key_of(char out[CB_SHA256_HEX], const char *first, ...) __attribute__((sentinel));

/* ---- routes.c: for struct cb_http_server_opts; ctx is a door */
int cb_routes_admit(void *door, const struct cb_http_request *rq, const char **why, unsigned *retry_after_s);
void cb_routes_handle(void *door, struct cb_http_request *rq);
void cb_routes_done(void *door, const struct cb_http_request *rq, int status, size_t sent_bytes, uint64_t took_ns);
const char *cb_routes_explain(void *door, int status, const char *why, struct cb_buf *body);
void cb_visit_free(struct cb_visit *v);

/* ---- How a visit ends (visit.c) */
void cb_visit_json(struct cb_visit *v, int status, json_t *body); /* the body is given up; NULL: no memory */
void cb_visit_fail(struct cb_visit *v, int status, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* With what the outcome says; true when it is an error, and answered. */
bool cb_visit_failed(struct cb_visit *v, const struct cb_outcome *o);
/* Send an answer and give one user of it up; a is NULL: no memory. */
void cb_visit_send(struct cb_visit *v, struct cb_answer *a);
/* Keep an answer for the same request, unless what it depends on has been read anew meanwhile. */
void cb_visit_keep(struct cb_visit *v, struct cb_answer *a);
/* Make an answer of a body; keep it for the same request if keep. */
void cb_visit_body(struct cb_visit *v, int status, const char *type, char *body, size_t len, bool keep);
/* Ask for work and wait for it; told gets v->waiter. */
void cb_visit_ask(struct cb_visit *v, const struct cb_work *work, const char *key, bool keep,
		  void (*told)(struct cb_waiter *w, const struct cb_report *r));
struct cb_visit *cb_visit_told(struct cb_waiter *w, const struct cb_report *r);

/* ---- The routes; each answers. The visit's own file says what they do. */
void cb_api_compile(struct cb_visit *v);
void cb_api_lbc(struct cb_visit *v);
void cb_api_kernels(struct cb_visit *v);
void cb_api_type(struct cb_visit *v, const char *arch, const char *release, const char *name);
void cb_api_functions(struct cb_visit *v, const char *arch, const char *release, const char *glob);
void cb_api_btf(struct cb_visit *v, const char *arch, const char *release);
void cb_api_upload(struct cb_visit *v, const char *digest);
/* A BTF that a client has sent to another server with the same Redis: true when it is being looked for, and again() will be
 * called, once for each visit. */
bool cb_api_fetch_btf(struct cb_visit *v, const char *digest, void (*again)(struct cb_visit *v));

/* Read directory and archive anew; the archive's kernels are there somewhat later. */
void cb_reload_kernels(struct cb_service *s);

/* A descriptor to append to, of a file or FIFO, or "-" for standard output; or -errno with a sentence. */
int cb_access_log_open(const char *path, struct cb_err *e);
/* One line of the access log, or, rather than wait for who reads it, one more that is lost. */
void cb_access_log(struct cb_service *s, const struct cb_http_request *rq, const struct cb_visit *v, int status,
		   size_t sent_bytes, uint64_t took_ns);

#endif
