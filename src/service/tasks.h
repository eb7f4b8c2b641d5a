/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * tasks.h - from a question to its outcome: asked for by others just now? kept in the store? else into the queue, to a worker.
 *
 *   ask --> same key in hand? --yes--> wait with the others
 *               | no
 *           in the store? --yes--> told
 *               | no
 *           line of the client --> worker --> told, kept
 */
#ifndef CB_SERVICE_TASKS_H
#define CB_SERVICE_TASKS_H

#include "service/pool.h"
#include "service/queue.h"
#include "service/work.h"

struct cb_service;
struct cb_task;

/* Errors of an outcome that no worker says. */
enum {
	CB_ERR_CLIENT_FULL = 1001, /* too much of this client is in line */
	CB_ERR_SERVER_FULL,
	CB_ERR_LOST, /* two workers died of it */
	CB_ERR_TOO_LONG,
	CB_ERR_STOPPED /* the server is stopping */
};

struct cb_report {
	const struct cb_outcome *outcome; /* until told() returns */
	bool cached;			  /* nothing was done for it */
	uint64_t queue_ms, work_ms;
};

struct cb_waiter {
	struct cb_waiter *next;
	/* Called once, perhaps before cb_task_ask() returns. */
	void (*told)(struct cb_waiter *w, const struct cb_report *r);
};

struct cb_tasks {
	struct cb_table table;
	struct cb_task *retry; /* those whose worker was lost, first to go */
};

/* key: 64 hexadecimal digits over all that the outcome depends on. keep: others may want it later. The client must have a user
 * until the waiter has been told. */
void cb_task_ask(struct cb_service *s, struct cb_client *c, const struct cb_work *work, const char *key, bool keep,
		 struct cb_waiter *w);
/* For the pool. */
void cb_tasks_idle(void *service);
void cb_tasks_done(void *service, void *task, enum cb_loss loss, const void *data, size_t len);
/* Tell all that wait that the server stops. */
void cb_tasks_stop(struct cb_service *s);

#endif
