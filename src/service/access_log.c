// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * access_log.c - one JSON object a line for each request. Nothing that a body says is in it.
 *
 * A log that cannot be written is no reason not to serve: the line is lost, and counted.
 */
#include "service/service.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "service/json.h"

enum { PATH_SHOWN = 256 };

static void timestamp(char out[32])
{
	struct timeval tv;
	struct tm tm;
	size_t n;

	gettimeofday(&tv, NULL);
	gmtime_r(&tv.tv_sec, &tm);
	n = strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, 32 - n, ".%03uZ", (unsigned)(tv.tv_usec / 1000 % 1000));
}

int cb_access_log_open(const char *path, struct cb_err *e)
{
	/* a FIFO that nobody reads is an error, not a wait */
	int fd = !strcmp(path, "-") ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
				    : open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0640);

	return fd < 0 ? cb_fail(e, errno, "cannot write %s: %s", path, strerror(errno)) : fd;
}

/* Standard output belongs to others, too, and may block. A pipe that can be written to takes PIPE_BUF bytes at once. */
static bool write_line(int fd, const struct cb_buf *line)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	return !line->failed && line->len <= PIPE_BUF && poll(&p, 1, 0) == 1 && p.revents & POLLOUT &&
	       write(fd, line->data, line->len) == (ssize_t)line->len;
}

void cb_access_log(struct cb_service *s, const struct cb_http_request *rq, const struct cb_visit *v, int status,
		   size_t sent_bytes, uint64_t took_ns)
{
	char when[32], path[PATH_SHOWN];
	struct cb_buf line = {0};
	size_t len;
	char *text;

	timestamp(when);
	snprintf(path, sizeof(path), "%s", cb_http_request_path(rq));
	text = cb_json_dump(json_pack("{s:s, s:s, s:o, s:o, s:o, s:i, s:I, s:f, s:b, s:I, s:I}", "time", when, "peer",
				      cb_http_request_peer(rq), "client", cb_json_string(v ? v->client->name : ""),
				      "method", cb_json_string(cb_http_request_method_name(rq)), "path",
				      cb_json_string(path), "status", status, "bytes", (json_int_t)sent_bytes, "ms",
				      (double)took_ns / 1e6, "cached", v ? v->cached : 0, "queue_ms",
				      (json_int_t)(v ? v->queue_ms : 0), "work_ms", (json_int_t)(v ? v->work_ms : 0)),
			    &len);
	cb_buf_add(&line, text, len);
	cb_buf_ch(&line, '\n');
	if (!write_line(s->access_log, &line))
		s->metrics.log_lost++;
	cb_buf_free(&line);
	free(text);
}
