// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * http_site.c LISTEN [CERT KEY [CLIENT_CA]]: a server for peers.bats, with curl, wrk, openssl and nginx as its clients.
 *
 * Prints its port. /page is 20 kB, /echo says what was sent, /later prints a line and answers after 300 ms, /subject says
 * who asks. SIGTERM stops it gracefully, SIGHUP reads its certificate anew.
 */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/server.h"

struct site {
	struct event_base *base;
	struct cb_http_server *server;
	char page[20480];
};

struct later {
	struct cb_http_request *rq;
	struct event *timer;
};

static void on_later(evutil_socket_t fd, short what, void *arg)
{
	struct later *l = arg;

	cb_http_answer(l->rq, 200, "text/plain", NULL, "later\n", 6);
	event_free(l->timer);
	free(l);
}

static void handle(void *ctx, struct cb_http_request *rq)
{
	static const char *const allow[] = {"Allow", "GET, HEAD", NULL};
	const char *path = cb_http_request_path(rq), *subject = cb_http_request_subject(rq);
	struct timeval wait = {0, 300000};
	struct site *site = ctx;
	struct later *l;
	size_t len;
	const void *body = cb_http_request_body(rq, &len);

	if (!strcmp(path, "/echo")) {
		cb_http_answer(rq, 200, "application/octet-stream", NULL, body, len);
	} else if (!strcmp(path, "/later") && (l = calloc(1, sizeof(*l)))) {
		l->rq = rq;
		l->timer = evtimer_new(site->base, on_later, l);
		evtimer_add(l->timer, &wait);
		puts("later");
		fflush(stdout);
	} else if (!strcmp(path, "/subject")) {
		subject = subject ? subject : "none";
		cb_http_answer(rq, 200, "text/plain", NULL, subject, strlen(subject));
	} else if (strcmp(path, "/page") != 0) {
		cb_http_answer(rq, 404, "text/plain", NULL, "no such page\n", 13);
	} else if (cb_http_request_method(rq) > CB_HTTP_HEAD) {
		cb_http_answer(rq, 405, "text/plain", allow, "GET only\n", 9);
	} else {
		cb_http_answer_ref(rq, 200, "text/plain", NULL, site->page, sizeof(site->page), NULL, NULL);
	}
}

static void drained(void *ctx)
{
	event_base_loopbreak(((struct site *)ctx)->base);
}

static void on_term(evutil_socket_t sig, short what, void *arg)
{
	cb_http_server_stop(((struct site *)arg)->server, drained, arg);
}

static void on_hup(evutil_socket_t sig, short what, void *arg)
{
	struct cb_err e = {0};

	if (cb_http_server_reload(((struct site *)arg)->server, &e))
		fprintf(stderr, "%s\n", e.text);
}

int main(int argc, char **argv)
{
	static struct site site;
	const char *listen[] = {argv[1], NULL};
	struct cb_http_server_opts opts = {.listen = listen, .handle = handle, .ctx = &site};
	struct cb_err e = {0};
	struct event *term, *hup;

	if (argc > 3) {
		opts.tls_cert = argv[2];
		opts.tls_key = argv[3];
		opts.tls_client_ca = argc > 4 ? argv[4] : NULL;
	}
	for (size_t i = 0; i < sizeof(site.page); i++)
		site.page[i] = (char)('a' + i % 26);
	site.base = event_base_new();
	site.server = cb_http_server_new(site.base, &opts, &e);
	if (!site.server) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	term = evsignal_new(site.base, SIGTERM, on_term, &site);
	hup = evsignal_new(site.base, SIGHUP, on_hup, &site);
	evsignal_add(term, NULL);
	evsignal_add(hup, NULL);
	printf("%u\n", cb_http_server_port(site.server, 0));
	fflush(stdout);
	event_base_dispatch(site.base);
	cb_http_server_free(site.server);
	event_free(term);
	event_free(hup);
	event_base_free(site.base);
	return 0;
}
