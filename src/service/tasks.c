// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* tasks.c - see tasks.h. */
#include "service/tasks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/service.h"

struct cb_task {
	struct cb_node node; /* in tasks.table until it is told */
	struct cb_service *service;
	struct cb_place place;
	struct cb_client *client; /* whose line it stands in; one user of it */
	char key[CB_SHA256_HEX];
	struct cb_buf frame;
	struct cb_waiter *waiters;
	bool keep, retried;
	uint64_t asked_ms, started_ms;
	struct cb_task *next; /* in tasks.retry */
};

static void free_task(struct cb_task *t)
{
	struct cb_service *s = t->service;

	cb_table_del(&s->tasks.table, &t->node);
	cb_queue_leave(&s->queue, &t->place);
	cb_client_put(&s->queue, t->client);
	cb_buf_free(&t->frame);
	free(t);
}

/* Tell all that wait, and forget the task: who asks from now on asks anew. */
static void end(struct cb_task *t, const struct cb_report *r)
{
	struct cb_waiter *w = t->waiters, *next;

	free_task(t);
	for (; w; w = next) {
		next = w->next;
		w->told(w, r);
	}
}

static void end_with(struct cb_task *t, int err, const char *message)
{
	const struct cb_outcome o = {.err = err, .message = message, .bytes = "", .json = "", .diagnostics = ""};
	const struct cb_report r = {.outcome = &o, .queue_ms = t->started_ms ? t->started_ms - t->asked_ms : 0};

	end(t, &r);
}

static void queue_task(struct cb_task *t)
{
	struct cb_service *s = t->service;

	switch (cb_queue_add(&s->queue, t->client, &t->place, t->frame.len)) {
	case CB_ADMITTED:
		cb_tasks_idle(s);
		break;
	case CB_CLIENT_FULL:
		s->metrics.refused_client++;
		end_with(t, CB_ERR_CLIENT_FULL, "too many of your requests are waiting already");
		break;
	default:
		s->metrics.refused_server++;
		end_with(t, CB_ERR_SERVER_FULL, "too many requests are waiting already");
		break;
	}
}

static void on_stored(void *ctx, const void *data, size_t len)
{
	struct cb_task *t = ctx;
	struct cb_outcome o;
	const struct cb_report r = {.outcome = &o, .cached = true};

	if (data && !cb_outcome_read(&o, data, len) && !o.err)
		end(t, &r);
	else
		queue_task(t);
}

static void give_to(struct cb_task *t, struct cb_client *c)
{
	cb_client_put(&t->service->queue, t->client);
	c->users++;
	t->client = c;
}

static void join(struct cb_task *t, struct cb_client *c, struct cb_waiter *w)
{
	struct cb_service *s = t->service;
	struct cb_place moved;

	w->next = t->waiters;
	t->waiters = w;
	s->metrics.coalesced++;
	/* still looked for in the store: if it must be done, whose line is full would be refused, and all with him */
	if (t->place.state == CB_OUTSIDE && c->waiting < t->client->waiting)
		give_to(t, c);
	/* who has nothing else in line does not wait in another's long one */
	if (t->place.state != CB_WAITING || c == t->client || c->waiting)
		return;
	moved = t->place;
	cb_queue_leave(&s->queue, &t->place);
	if (cb_queue_add(&s->queue, c, &t->place, moved.bytes) != CB_ADMITTED) {
		cb_queue_add(&s->queue, t->client, &t->place, moved.bytes);
		return;
	}
	give_to(t, c);
}

static struct cb_task *new_task(struct cb_service *s, struct cb_client *c, const struct cb_work *work, const char *key)
{
	struct cb_task *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	cb_work_write(&t->frame, work);
	cb_unhex(key, t->node.key, CB_SHA256);
	if (t->frame.failed || t->frame.len > CB_FRAME_MAX || cb_table_put(&s->tasks.table, &t->node)) {
		cb_buf_free(&t->frame);
		free(t);
		return NULL;
	}
	snprintf(t->key, sizeof(t->key), "%s", key);
	t->service = s;
	t->asked_ms = cb_now_ms();
	t->client = c;
	c->users++;
	return t;
}

void cb_task_ask(struct cb_service *s, struct cb_client *c, const struct cb_work *work, const char *key, bool keep,
		 struct cb_waiter *w)
{
	static const struct cb_outcome no_memory = {
		.err = ENOMEM, .message = "out of memory", .bytes = "", .json = "", .diagnostics = ""};
	static const struct cb_report report = {.outcome = &no_memory};
	unsigned char raw[CB_SHA256];
	struct cb_node *n;
	struct cb_task *t;

	cb_unhex(key, raw, sizeof(raw));
	n = cb_table_get(&s->tasks.table, raw);
	if (n) {
		join(CB_CONTAINER(n, struct cb_task, node), c, w);
		return;
	}
	t = new_task(s, c, work, key);
	if (!t) {
		w->told(w, &report);
		return;
	}
	w->next = NULL;
	t->waiters = w;
	t->keep = keep;
	if (keep)
		cb_store_get(&s->store, key, on_stored, t);
	else
		queue_task(t);
}

/* ---- Workers ---------------------------------------------------------------------------------------------------- */

static struct cb_task *next_task(struct cb_service *s)
{
	struct cb_task *t = s->tasks.retry;
	struct cb_place *p;

	if (t) {
		s->tasks.retry = t->next;
		return t;
	}
	p = cb_queue_next(&s->queue);
	return p ? CB_CONTAINER(p, struct cb_task, place) : NULL;
}

void cb_tasks_idle(void *service)
{
	struct cb_service *s = service;
	struct cb_task *t;

	/* no pool: the server is being taken down */
	while (s->pool && cb_pool_is_idle(s->pool) && (t = next_task(s))) {
		t->started_ms = cb_now_ms();
		cb_pool_give(s->pool, t, &t->frame);
	}
}

static void lost(struct cb_task *t, enum cb_loss loss)
{
	struct cb_service *s = t->service;
	struct cb_task **last = &s->tasks.retry;

	if (loss == CB_TOO_LONG) {
		end_with(t, CB_ERR_TOO_LONG, "this takes too long");
		return;
	}
	if (t->retried) {
		end_with(t, CB_ERR_LOST, "the process that worked on this died, twice");
		return;
	}
	s->metrics.retried++;
	t->retried = true;
	t->next = NULL;
	while (*last)
		last = &(*last)->next;
	*last = t;
	cb_tasks_idle(s);
}

static void count(struct cb_metrics *m, const struct cb_outcome *o)
{
	m->slice_ns += o->slice_ns;
	m->clang_ns += o->clang_ns;
	m->fell_back += o->fell_back;
	m->dir_evicted += o->evicted;
	if (o->clang_ns) {
		m->compiles++;
		m->failed_compiles += o->err != 0;
	}
}

void cb_tasks_done(void *service, void *task, enum cb_loss loss, const void *data, size_t len)
{
	struct cb_service *s = service;
	struct cb_task *t = task;
	struct cb_outcome o;
	struct cb_report r = {.outcome = &o};

	if (loss != CB_NOT_LOST || cb_outcome_read(&o, data, len)) {
		lost(t, loss == CB_NOT_LOST ? CB_LOST : loss);
		return;
	}
	r.queue_ms = t->started_ms - t->asked_ms;
	r.work_ms = cb_now_ms() - t->started_ms;
	count(&s->metrics, &o);
	if (t->keep && !o.err)
		cb_store_put(&s->store, t->key, data, len);
	end(t, &r);
}

void cb_tasks_stop(struct cb_service *s)
{
	struct cb_node *n;

	s->tasks.retry = NULL;
	while ((n = cb_table_any(&s->tasks.table)))
		end_with(CB_CONTAINER(n, struct cb_task, node), CB_ERR_STOPPED, "this server is stopping");
	cb_table_free(&s->tasks.table);
}
