/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* script.h - a server that says what a test has written down: one answer for each connection, then the next. */
#ifndef CB_TESTS_HTTP_SCRIPT_H
#define CB_TESTS_HTTP_SCRIPT_H

#include "site.h"

enum { MAX_LINES = 16 };

/* What to do instead of an answer. */
#define SCRIPT_RESET  ((const char *)1) /* break the connection off when the request is there */
#define SCRIPT_SILENT ((const char *)2) /* say nothing until the client is gone */
#define SCRIPT_EARLY  ((const char *)3) /* a 413 before the body is read, and then read no more */

struct script {
	const char *const *answers;
	int n, listener;
	unsigned port;
	pthread_t thread;
	char requests[MAX_LINES][4096]; /* what was asked */
	uint64_t at_ms[MAX_LINES];
	int asked;
};

static inline void script_serve(struct script *s, int fd, const char *answer)
{
	char *request = s->requests[s->asked], *body, *length;
	size_t used = 0, want = SIZE_MAX;

	s->at_ms[s->asked] = now_ms();
	while (used < want && used < sizeof(s->requests[0]) - 1) {
		ssize_t n = recv(fd, request + used, sizeof(s->requests[0]) - 1 - used, 0);

		if (n <= 0)
			break;
		used += (size_t)n;
		request[used] = '\0';
		body = strstr(request, "\r\n\r\n");
		length = strstr(request, "Content-Length: ");
		if (body)
			want = (size_t)(body + 4 - request) +
			       (length && answer != SCRIPT_EARLY ? (size_t)atol(length + 16) : 0);
	}
	__atomic_add_fetch(&s->asked, 1, __ATOMIC_SEQ_CST);
	if (answer == SCRIPT_RESET) {
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
	} else if (answer == SCRIPT_SILENT) {
		recv(fd, (char[1]){0}, 1, 0);
	} else if (answer == SCRIPT_EARLY) {
		say(fd, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig");
		shutdown(fd, SHUT_WR);
		usleep(300000); /* its body stays unread, and is lost with the connection */
	} else {
		send(fd, answer, strlen(answer), MSG_NOSIGNAL);
	}
	close(fd);
}

/* How many requests have come. */
static inline int script_asked(struct script *s)
{
	return __atomic_load_n(&s->asked, __ATOMIC_SEQ_CST);
}

static inline void *script_thread(void *arg)
{
	struct script *s = arg;

	for (int i = 0; i < s->n; i++) {
		int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			break;
		script_serve(s, fd, s->answers[i]);
	}
	return NULL;
}

/* answers end with NULL. */
static inline struct script *script_start(const char *const *answers)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	struct script *s = calloc(1, sizeof(*s));

	s->answers = answers;
	while (answers[s->n])
		s->n++;
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(s->listener, 16), 0);
	getsockname(s->listener, (struct sockaddr *)&at, &len);
	s->port = ntohs(at.sin_port);
	pthread_create(&s->thread, NULL, script_thread, s);
	return s;
}

static inline void script_end(struct script *s)
{
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->listener);
	free(s);
}

#endif
