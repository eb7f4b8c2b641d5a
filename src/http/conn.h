/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* conn.h - the server and its connections, as its own files see them. */
#ifndef CB_HTTP_CONN_H
#define CB_HTTP_CONN_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "http/request.h"
#include "http/server.h"
#include "http/stream.h"
#include "http/wire.h"

enum {
	CONN_READ = 65536, /* bytes at most by one call */
};

/* What a connection waits for. All that wait for the same have the same time for it, so that a queue has the one whose
 * time ends first at its head, and to join or leave one costs the same however many there are. */
enum cb_wait { WAIT_IDLE, WAIT_REQUEST, WAIT_WRITE, WAIT_LINGER, WAITS, WAIT_NOTHING = WAITS };

enum cb_conn_state {
	CONN_HANDSHAKE,
	CONN_HEAD, /* of the next request; idle when nothing of it is there */
	CONN_BODY,
	CONN_HANDLING, /* it is the handler's */
	CONN_WRITING,  /* its answer */
	CONN_LINGER,   /* closed on this side; what the client still sends is read away, or it would lose our answer */
	CONN_DEAD,     /* to be freed when the call that works on it is through */
};

struct cb_conn {
	struct cb_http_server *server;
	struct cb_stream stream;
	struct event event;
	short listening; /* EV_READ or EV_WRITE, as the event has it */
	short read_want; /* POLLIN, or POLLOUT where TLS must send before it can read */
	unsigned char state, wait;
	bool busy;		   /* a call is working on it and looks what to do next at its end */
	bool eof;		   /* the client sends no more */
	bool forgiven;		   /* an empty line in front of this request */
	bool renew;		   /* its time begins anew */
	TAILQ_ENTRY(cb_conn) link; /* in the queue `wait`, or the one of those that wait for nothing */
	uint64_t until_ns;
	uint64_t began_ns;	  /* the first byte of the request; 0: none is there */
	size_t taken;		  /* bytes since the time for writing began; bytes read away while lingering */
	struct cb_buf in;	  /* what could not be used yet; not allocated in an idle connection */
	struct cb_head_scan scan; /* of what is in `in` */
	struct cb_chunks chunks;
	struct cb_http_request *rq; /* from its head (or its error) to its end */
	char *subject;
	char peer[INET6_ADDRSTRLEN];
};

TAILQ_HEAD(cb_conns, cb_conn);

struct cb_listener {
	int fd;
	unsigned port;
	struct event event;
	struct cb_http_server *server;
};

struct cb_http_server {
	struct event_base *base;
	struct cb_http_server_opts opts; /* with defaults; `listen` is not kept */
	char *tls_cert, *tls_key, *tls_client_ca;
	SSL_CTX *tls; /* NULL: plain */
	BIO_METHOD *bio;
	struct cb_listener *listeners;
	size_t n_listeners;
	bool accepting, stopping;
	unsigned connections, running; /* running: connections that a call is working on */
	size_t bodies;		       /* bytes of all requests' bodies */
	struct cb_conns conns[WAITS + 1];
	LIST_HEAD(, cb_http_request) requests;
	struct event clock; /* at clock_ns, for the first whose time ends */
	uint64_t clock_ns;  /* 0: not set */
	uint64_t now_ns;    /* as of the event that is served */
	struct event retry; /* accepting, after descriptors ran out */
	struct event drained;
	void (*on_drained)(void *ctx);
	void *drained_ctx;
	char date[32]; /* of date_at */
	time_t date_at;
	char scratch[CONN_READ]; /* what a connection reads, until it is looked at */
};

uint64_t cb_server_now(struct cb_http_server *s);
/* Time for a connection that waits has come: the clock must be set for it. */
void cb_server_watch(struct cb_http_server *s, uint64_t until_ns);
/* A connection or a request is gone. */
void cb_server_less(struct cb_http_server *s);

/* Takes the descriptor. */
void cb_conn_new(struct cb_http_server *s, int fd, const struct sockaddr_storage *peer);
void cb_conn_timeout(struct cb_conn *c);
/* Stop: one that is idle goes, another closes behind its answer. */
void cb_conn_stop(struct cb_conn *c);
/* At once; a request that is the handler's stays with it. */
void cb_conn_kill(struct cb_conn *c);
/* Send: the answer's head and body are in the request. True: a part of it has to wait; false: request and connection
 * may be gone. */
bool cb_conn_answer(struct cb_conn *c);
/* There is no answer for want of memory. */
void cb_conn_fail(struct cb_conn *c);
/* Tell `done`, free. */
void cb_request_end(struct cb_http_request *rq);
/* An error that the server itself answers. */
void cb_answer_error(struct cb_http_request *rq, int status, const char *why, unsigned retry_after_s);

#endif
