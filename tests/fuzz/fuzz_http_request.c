// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * fuzz_http_request.c - what a client may send to the server, through a socket pair, cut into two pieces.
 * Reads what strangers send.
 *
 * The first byte says where. The rest is the connection's bytes. Requests are answered with what they say, some of them
 * later, so that pipelines are tried too. Whatever comes, each request must end and the connection too.
 */
#include <arpa/inet.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/conn.h"
#include "http/server.h"

static struct event_base *base;
static struct cb_http_server *server;
static struct cb_http_request *waiting;
static unsigned handled, ended;

static void handle(void *ctx, struct cb_http_request *rq)
{
	size_t len;
	const char *body = cb_http_request_body(rq, &len), *path = cb_http_request_path(rq);
	const char *a = cb_http_request_query(rq, "a"), *host = cb_http_request_header(rq, "host");
	const char *more[] = {"X-Path", path, "X-A", a ? a : "", NULL};

	if (*path != '/' ||
	    (cb_http_request_header(rq, "Transfer-Encoding") && cb_http_request_header(rq, "Content-Length")) ||
	    (host && strchr(host, ' ')))
		abort();
	handled++;
	if (path[1] == 'l' && !waiting)
		waiting = rq;
	else
		cb_http_answer(rq, 200, "text/plain", more, body, len);
}

static void on_done(void *ctx, const struct cb_http_request *rq, int status, size_t sent, uint64_t took_ns)
{
	ended++;
}

static void start(void)
{
	static const char *const listen[] = {"127.0.0.1:0", NULL};
	struct cb_http_server_opts opts = {
		.listen = listen, .handle = handle, .done = on_done, .max_head = 2000, .max_body = 2000};

	base = event_base_new();
	server = cb_http_server_new(base, &opts, NULL);
	if (!server)
		abort();
}

static void drain(int fd)
{
	char out[65536];

	while (recv(fd, out, sizeof(out), MSG_DONTWAIT) > 0)
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sockaddr_storage peer = {.ss_family = AF_INET};
	size_t cut;
	int fds[2];

	if (!server)
		start();
	if (!size || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds))
		return 0;
	cut = data[0] % size;
	data++;
	size--;
	handled = ended = 0;
	cb_conn_new(server, fds[0], &peer);
	send(fds[1], data, cut, MSG_NOSIGNAL);
	event_base_loop(base, EVLOOP_NONBLOCK);
	send(fds[1], data + cut, size - cut, MSG_NOSIGNAL);
	event_base_loop(base, EVLOOP_NONBLOCK);
	drain(fds[1]);
	if (waiting) {
		struct cb_http_request *rq = waiting;

		waiting = NULL;
		cb_http_answer(rq, 200, "text/plain", NULL, "later", 5);
	}
	shutdown(fds[1], SHUT_WR);
	for (int i = 0; i < 1000 && cb_http_server_connections(server); i++) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		drain(fds[1]);
		if (waiting) {
			struct cb_http_request *rq = waiting;

			waiting = NULL;
			cb_http_answer(rq, 200, "text/plain", NULL, "later", 5);
		}
	}
	close(fds[1]);
	if (cb_http_server_connections(server) || ended < handled)
		abort();
	return 0;
}
