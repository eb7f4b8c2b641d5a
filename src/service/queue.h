/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * queue.h - who is served next, and who has to wait or go.
 *
 * Each client has a line of its own. The heads of all lines take turns, so that one client's flood delays another by one
 * turn at most. Limits: requests per second (a bucket of tokens), tasks that run at once, tasks in line, and the length and
 * bytes of all lines together. Time comes from the caller: nothing here waits or asks a clock.
 */
#ifndef CB_SERVICE_QUEUE_H
#define CB_SERVICE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "service/table.h"

struct cb_limits {
	double rate, burst;    /* requests per second of one client, and how many at once; rate 0: any number */
	unsigned client_jobs;  /* of one client running at once; 0: any number */
	unsigned client_queue; /* of one client in line */
	unsigned queue;	       /* of all clients in line */
	size_t queue_bytes;    /* that they hold */
};

struct cb_client {
	char name[128]; /* for people: a token's name, a certificate's subject, an address */
	/* private */
	struct cb_node node;
	unsigned users; /* requests that are there */
	unsigned running, waiting;
	double tokens;
	uint64_t counted_ms;
	struct cb_place *head, *tail; /* its line */
	struct cb_client *next_turn;  /* of those whose turn will come */
	bool has_turn;
	struct cb_client *newer, *older; /* of those with no user */
};

/* A task's place in a line; a member of the task. */
struct cb_place {
	struct cb_place *next, *prev;
	struct cb_client *client;
	size_t bytes;
	enum { CB_OUTSIDE, CB_WAITING, CB_RUNNING } state;
};

struct cb_queue {
	struct cb_limits limits;
	/* private, but for reading */
	unsigned waiting, running;
	size_t bytes;
	struct cb_table clients;
	struct cb_client *first_turn, *last_turn;
	struct cb_client *newest, *oldest; /* idle clients, which are remembered for their buckets */
	unsigned idle;
};

enum cb_verdict { CB_ADMITTED, CB_CLIENT_FULL /* 429 */, CB_SERVER_FULL /* 503 */, CB_NO_MEMORY };

/* The client of this identity, with one more user; NULL when there is no memory. kind keeps a token's name and an address of
 * the same text apart. */
struct cb_client *cb_client_get(struct cb_queue *q, char kind, const char *name);
void cb_client_put(struct cb_queue *q, struct cb_client *c);

/* A request has come: 0, or in how many milliseconds its client may send one. */
uint64_t cb_queue_take_token(struct cb_queue *q, struct cb_client *c, uint64_t now_ms);

/* Into its client's line. The client must have a user until the place is outside again. */
enum cb_verdict cb_queue_add(struct cb_queue *q, struct cb_client *c, struct cb_place *p, size_t bytes);
/* Whose turn it is, now running; NULL when nobody may run. */
struct cb_place *cb_queue_next(struct cb_queue *q);
/* It has run, or is no longer to run. */
void cb_queue_leave(struct cb_queue *q, struct cb_place *p);

/* All clients must be without users. */
void cb_queue_free(struct cb_queue *q);

#endif
