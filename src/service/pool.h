/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * pool.h - the worker processes, seen from the server: give one a frame, get a frame back.
 *
 * A worker is this program anew (worker.h), in a process group of its own, at one end of a socket. One that dies or takes too
 * long is killed with all that it started, and started again: at once when it was
 * its task that it died of, ever later while it fails to begin.
 */
#ifndef CB_SERVICE_POOL_H
#define CB_SERVICE_POOL_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "service/work.h"

enum cb_loss { CB_NOT_LOST, CB_LOST /* the worker died */, CB_TOO_LONG };

struct cb_pool_opts {
	struct event_base *base;
	unsigned workers;
	unsigned wall_ms;				    /* of one piece of work */
	char *const *argv;				    /* of a worker; its socket is its descriptor 3 */
	const struct cb_buf *config;			    /* the first frame that each gets; stays the caller's */
	void (*hello)(void *ctx, const struct cb_hello *h); /* a worker has started, or says why it cannot */
	void (*idle)(void *ctx);			    /* one has become free: cb_pool_give() may do now */
	/* Data is NULL when the worker is lost. */
	void (*done)(void *ctx, void *task, enum cb_loss loss, const void *data, size_t len);
	void *ctx;
};

struct cb_pool;

struct cb_pool *cb_pool_new(const struct cb_pool_opts *opts, struct cb_err *e);
/* False when no worker is free. The frame must stay until done(). */
bool cb_pool_give(struct cb_pool *p, void *task, const struct cb_buf *frame);
/* Would cb_pool_give() find a worker? */
bool cb_pool_is_idle(const struct cb_pool *p);
/* Workers that can work or do. */
unsigned cb_pool_alive(const struct cb_pool *p);
uint64_t cb_pool_restarts(const struct cb_pool *p);
/* Ends all workers: one that is at work at once, the others when they have kept what they did last. done() is not called. */
void cb_pool_free(struct cb_pool *p);

#endif
