// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * test_memory.c - no memory: each allocation of serving and of asking fails once.
 *
 * Whatever fails, the client gets the right answer, or an error, or the end of the connection; the server goes on and
 * holds nothing more. (Leaks are for AddressSanitizer to find: make check SAN=1.)
 */
#include "check.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fail_alloc.h"
#include "http/client.h"
#include "http/server.h"

enum { HUGE = 4 << 20, ROUNDS = 200 };

static char huge[HUGE];
static unsigned done;

static void handle(void *ctx, struct cb_http_request *rq)
{
	static const char *const more[] = {"X-A", "b", NULL};
	size_t len;
	const void *body = cb_http_request_body(rq, &len);

	if (cb_http_request_query(rq, "huge"))
		cb_http_answer(rq, 200, "text/plain", more, huge, HUGE);
	else
		cb_http_answer(rq, 200, "text/plain", more, body, len);
}

static void on_done(void *ctx, const struct cb_http_request *rq, int status, size_t sent, uint64_t took_ns)
{
	done++;
}

static int dial(unsigned port)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* Send the pieces, serve, and count what comes back; the status, or 0 for an end without an answer. */
static int serve(struct event_base *base, int fd, const char *const *pieces, size_t *got)
{
	static char out[65536];
	int status = 0;

	*got = 0;
	for (int i = 0; i < ROUNDS; i++) {
		ssize_t n;

		if (*pieces) {
			send(fd, *pieces, strlen(*pieces), MSG_NOSIGNAL);
			pieces++;
		}
		event_base_loop(base, EVLOOP_NONBLOCK);
		while ((n = recv(fd, out, sizeof(out), 0)) > 0) {
			status = *got ? status : atoi(out + strlen("HTTP/1.1 "));
			*got += (size_t)n;
		}
		if (!n || (n < 0 && errno != EAGAIN))
			break;
	}
	return status;
}

static void serving(const char *const *pieces, size_t at_least)
{
	static const char *const listen[] = {"127.0.0.1:0", NULL};
	struct cb_http_server_opts opts = {.listen = listen, .handle = handle, .done = on_done};
	struct event_base *base = event_base_new();
	struct cb_http_server *s = cb_http_server_new(base, &opts, NULL);
	bool failed = true;
	size_t got;

	assert_non_null(s);
	for (long n = 1; failed; n++) {
		int fd = dial(cb_http_server_port(s, 0)), status;

		assert_true(n < 1000);
		fail_at = n;
		status = serve(base, fd, pieces, &got);
		failed = !fail_at;
		fail_at = 0;
		if (failed ? status && status != 200 && status != 503 : status != 200 || got < at_least)
			fail_msg("allocation %ld: status %d, %zu bytes", n, status, got);
		close(fd);
		for (int i = 0; i < ROUNDS && cb_http_server_connections(s); i++)
			event_base_loop(base, EVLOOP_NONBLOCK);
		assert_int_equal(cb_http_server_connections(s), 0);
	}
	assert_true(done > 0);
	cb_http_server_free(s);
	event_base_free(base);
}

static void a_request_is_served_or_refused(void **state)
{
	static const char *const pieces[] = {
		"POST /x?y=z HTTP/1.1\r\nHo", "st: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc",
		"\r\n3\r\ndef\r\n0\r\n\r\n",
		"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", NULL};

	serving(pieces, 200);
}

static void a_large_answer_is_sent_or_not(void **state)
{
	static const char *const pieces[] = {"GET /?huge HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", NULL};

	serving(pieces, HUGE);
}

static void an_error_is_told_or_not(void **state)
{
	static const char *const pieces[] = {"GET /\r\n\r\n", NULL};
	static const char *const listen[] = {"127.0.0.1:0", NULL};
	struct cb_http_server_opts opts = {.listen = listen, .handle = handle};
	struct event_base *base = event_base_new();
	struct cb_http_server *s = cb_http_server_new(base, &opts, NULL);
	bool failed = true;
	size_t got;

	for (long n = 1; failed; n++) {
		int fd = dial(cb_http_server_port(s, 0)), status;

		fail_at = n;
		status = serve(base, fd, pieces, &got);
		failed = !fail_at;
		fail_at = 0;
		assert_true(status == 400 || (failed && (!status || status == 503)));
		close(fd);
		for (int i = 0; i < ROUNDS && cb_http_server_connections(s); i++)
			event_base_loop(base, EVLOOP_NONBLOCK);
		assert_int_equal(cb_http_server_connections(s), 0);
	}
	cb_http_server_free(s);
	event_base_free(base);
}

static void a_server_starts_or_says_why(void **state)
{
	static const char *const listen[] = {"127.0.0.1:0", "127.0.0.1:0", NULL};
	struct cb_http_server_opts opts = {.listen = listen, .handle = handle};
	struct event_base *base = event_base_new();
	struct cb_http_server *s = NULL;

	for (long n = 1; !s; n++) {
		struct cb_err e = {0};

		fail_at = n;
		s = cb_http_server_new(base, &opts, &e);
		fail_at = 0;
		assert_true(s || strstr(e.text, "no memory"));
	}
	cb_http_server_free(s);
	event_base_free(base);
}

/* A server in a process of its own, which allocates nothing. */
static pid_t start_peer(unsigned *port)
{
	static const char answer[] =
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: a/b\r\nRetry-After: 1\r\n\r\n"
		"5\r\nhello\r\n0\r\n\r\n";
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	pid_t pid;

	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 16), 0);
	getsockname(listener, (struct sockaddr *)&at, &len);
	*port = ntohs(at.sin_port);
	pid = fork();
	if (!pid) {
		char request[4096];

		alarm(60);
		for (;;) {
			int fd = accept(listener, NULL, NULL);

			if (recv(fd, request, sizeof(request), 0) > 0)
				send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
			close(fd);
		}
	}
	close(listener);
	return pid;
}

static void a_call_succeeds_or_says_why(void **state)
{
	static const char *const headers[] = {"X-A", "b", NULL};
	unsigned port;
	pid_t peer = start_peer(&port);
	char url[64];
	int err = -ENOMEM;

	snprintf(url, sizeof(url), "http://me:pw@localhost:%u/x?y", port);
	for (long n = 1; err; n++) {
		struct cb_http_call c = {.method = "GET", .url = url, .headers = headers, .timeout_ms = 5000};
		struct cb_http_reply r;
		struct cb_err e = {0};

		fail_at = n;
		err = cb_http_do(&c, &r, &e);
		fail_at = 0;
		if (err ? err != -ENOMEM || !strstr(e.text, "memory") : r.status != 200 || r.body.len != 5)
			fail_msg("allocation %ld: %d %s", n, err, e.text);
		cb_http_reply_free(&r);
	}
	kill(peer, SIGKILL);
	waitpid(peer, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_served_or_refused), cmocka_unit_test(a_large_answer_is_sent_or_not),
		cmocka_unit_test(an_error_is_told_or_not),	  cmocka_unit_test(a_server_starts_or_says_why),
		cmocka_unit_test(a_call_succeeds_or_says_why),
	};

	return cmocka_run_group_tests_name("http / memory", tests, NULL, NULL);
}
