// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * pool.c - see pool.h.
 *
 *   DOWN --start--> STARTING --hello--> IDLE --give--> BUSY --frame--> IDLE
 *     ^                 |                 |              |
 *     +---- back-off ---+---- died -------+--- died, or too long
 */
#include "service/pool.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	START_MS = 30000, /* until a worker has said hello: it compiles something first */
	END_MS = 2000,
	BACKOFF_FIRST_MS = 50,
	BACKOFF_LAST_MS = 10000,
	WORKER_FD = 3,
};

enum state { DOWN, STARTING, IDLE, BUSY };

struct worker {
	struct cb_pool *pool;
	enum state state;
	pid_t pid;
	struct bufferevent *io;
	struct event *timer; /* when it is too late; or, DOWN, when to start */
	unsigned failures;   /* to start, one after the other */
	void *task;
};

struct cb_pool {
	struct cb_pool_opts opts;
	uint64_t restarts;
	struct worker workers[];
};

extern char **environ;

static void set_timer(struct worker *w, unsigned ms)
{
	struct timeval tv = {ms / 1000, (suseconds_t)(ms % 1000) * 1000};

	event_add(w->timer, &tv);
}

/* ---- Start and end ---------------------------------------------------------------------------------------------- */

static int spawn(struct worker *w, int fd)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t all, none;
	int err;

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&files, fd, WORKER_FD);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setsigmask(&attr, &none);
	err = posix_spawn(&w->pid, w->pool->opts.argv[0], &files, &attr, w->pool->opts.argv, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return -err;
}

static void on_readable(struct bufferevent *io, void *arg);
static void on_event(struct bufferevent *io, short what, void *arg);

static void send_frame(struct worker *w, const void *data, size_t len)
{
	struct cb_frame_head head = {CB_FRAME_MAGIC, (uint32_t)len};

	bufferevent_write(w->io, &head, sizeof(head));
	bufferevent_write(w->io, data, len);
}

static int start(struct worker *w)
{
	const struct cb_pool_opts *o = &w->pool->opts;
	int fds[2], high, err;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds))
		return -errno;
	/* dup2() of a descriptor onto itself would leave it to be closed by exec */
	high = fcntl(fds[1], F_DUPFD_CLOEXEC, WORKER_FD + 1);
	close(fds[1]);
	if (high >= 0)
		fcntl(high, F_SETFL, fcntl(high, F_GETFL) & ~O_NONBLOCK);
	err = high < 0 ? -errno : spawn(w, high);
	if (high >= 0)
		close(high);
	w->io = err ? NULL : bufferevent_socket_new(o->base, fds[0], BEV_OPT_CLOSE_ON_FREE);
	if (!w->io) {
		close(fds[0]);
		return err ? err : -ENOMEM; /* the worker meets the end of its socket */
	}
	bufferevent_setcb(w->io, on_readable, NULL, on_event, w);
	bufferevent_enable(w->io, EV_READ | EV_WRITE);
	send_frame(w, o->config->data, o->config->len);
	w->state = STARTING;
	set_timer(w, START_MS);
	return 0;
}

static void restart_later(struct worker *w)
{
	unsigned ms = BACKOFF_FIRST_MS;

	for (unsigned i = 1; i < w->failures && ms < BACKOFF_LAST_MS; i++)
		ms *= 2;
	w->state = DOWN;
	set_timer(w, ms > BACKOFF_LAST_MS ? BACKOFF_LAST_MS : ms);
}

static void close_socket(struct worker *w)
{
	if (w->io)
		bufferevent_free(w->io);
	w->io = NULL;
}

/* One that has nothing to do, but to write its last outcome to the disk, ends by itself when its socket closes. */
static void await(struct worker *w, unsigned ms)
{
	const struct timespec step = {.tv_nsec = 5000000};

	for (unsigned waited = 0; w->pid > 0 && waited < ms; waited += 5) {
		if (waitpid(w->pid, NULL, WNOHANG) == w->pid)
			w->pid = 0;
		else
			nanosleep(&step, NULL);
	}
}

static void kill_worker(struct worker *w)
{
	close_socket(w);
	if (w->pid > 0) {
		kill(-w->pid, SIGKILL);
		kill(w->pid, SIGKILL); /* if it is so young that it has no group yet */
		while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	w->pid = 0;
}

/* It has died, or is to. */
static void lose(struct worker *w, enum cb_loss loss)
{
	void *task = w->task;

	kill_worker(w);
	w->task = NULL;
	/* one that could begin is not at fault: its task was, of which anybody can send any number */
	w->failures = task ? 1 : w->failures + 1;
	w->pool->restarts++;
	restart_later(w);
	if (task)
		w->pool->opts.done(w->pool->opts.ctx, task, loss, NULL, 0);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;

	if (w->state != DOWN) {
		lose(w, CB_TOO_LONG);
	} else if (start(w)) {
		w->failures++;
		restart_later(w);
	}
}

static void on_event(struct bufferevent *io, short what, void *arg)
{
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		lose(arg, CB_LOST);
}

/* ---- Frames ----------------------------------------------------------------------------------------------------- */

static void on_frame(struct worker *w, const void *data, size_t len)
{
	const struct cb_pool_opts *o = &w->pool->opts;
	enum state was = w->state;
	void *task = w->task;
	struct cb_hello hello;

	if (was == STARTING) {
		if (cb_hello_read(&hello, data, len)) {
			lose(w, CB_LOST);
			return;
		}
		o->hello(o->ctx, &hello);
		if (hello.err)
			return; /* it ends itself */
	}
	if (evbuffer_get_length(bufferevent_get_output(w->io))) {
		lose(w, CB_LOST); /* it answers what it has not read, which must not go away under it */
		return;
	}
	event_del(w->timer);
	w->state = IDLE;
	w->task = NULL;
	if (was == BUSY) {
		w->failures = 0;
		o->done(o->ctx, task, CB_NOT_LOST, data, len);
	}
}

static void on_readable(struct bufferevent *io, void *arg)
{
	struct worker *w = arg;
	struct cb_pool *p = w->pool;
	struct evbuffer *in = bufferevent_get_input(io);
	struct cb_frame_head head;
	struct evbuffer *frame;

	if (evbuffer_copyout(in, &head, sizeof(head)) < (ssize_t)sizeof(head))
		return;
	if (head.magic != CB_FRAME_MAGIC || head.len > CB_FRAME_MAX || (w->state != STARTING && w->state != BUSY)) {
		lose(w, CB_LOST);
		return;
	}
	if (evbuffer_get_length(in) < sizeof(head) + head.len)
		return;
	/* out of the worker's buffer: who gets it may end the worker */
	evbuffer_drain(in, sizeof(head));
	frame = evbuffer_new();
	if (!frame || evbuffer_remove_buffer(in, frame, head.len) != (int)head.len)
		lose(w, CB_LOST);
	else
		on_frame(w, evbuffer_pullup(frame, -1), head.len);
	if (frame)
		evbuffer_free(frame);
	p->opts.idle(p->opts.ctx);
}

static struct worker *idle_worker(const struct cb_pool *p)
{
	for (unsigned i = 0; i < p->opts.workers; i++)
		if (p->workers[i].state == IDLE)
			return (struct worker *)&p->workers[i];
	return NULL;
}

bool cb_pool_is_idle(const struct cb_pool *p)
{
	return idle_worker(p);
}

bool cb_pool_give(struct cb_pool *p, void *task, const struct cb_buf *frame)
{
	struct cb_frame_head head = {CB_FRAME_MAGIC, (uint32_t)frame->len};
	struct worker *w = idle_worker(p);

	if (!w)
		return false;
	bufferevent_write(w->io, &head, sizeof(head));
	/* without memory for it the worker waits for the rest until its time is over */
	evbuffer_add_reference(bufferevent_get_output(w->io), frame->data, frame->len, NULL, NULL);
	w->task = task;
	w->state = BUSY;
	set_timer(w, p->opts.wall_ms);
	return true;
}

unsigned cb_pool_alive(const struct cb_pool *p)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->opts.workers; i++)
		n += p->workers[i].state == IDLE || p->workers[i].state == BUSY;
	return n;
}

uint64_t cb_pool_restarts(const struct cb_pool *p)
{
	return p->restarts;
}

struct cb_pool *cb_pool_new(const struct cb_pool_opts *opts, struct cb_err *e)
{
	struct cb_pool *p = calloc(1, sizeof(*p) + opts->workers * sizeof(struct worker));
	int err = p ? 0 : -ENOMEM;

	if (p)
		p->opts = *opts;
	for (unsigned i = 0; !err && i < opts->workers; i++) {
		struct worker *w = &p->workers[i];

		w->pool = p;
		w->timer = evtimer_new(opts->base, on_timer, w);
		err = w->timer ? start(w) : -ENOMEM;
	}
	if (!err)
		return p;
	cb_fail(e, -err, "cannot start a worker: %s", strerror(-err));
	cb_pool_free(p);
	return NULL;
}

void cb_pool_free(struct cb_pool *p)
{
	if (!p)
		return;
	/* the loop has ended, and with it bufferevent_free() closes nothing any more */
	for (unsigned i = 0; i < p->opts.workers; i++)
		if (p->workers[i].state == IDLE)
			shutdown(bufferevent_getfd(p->workers[i].io), SHUT_RDWR);
	for (unsigned i = 0; i < p->opts.workers; i++) {
		struct worker *w = &p->workers[i];

		if (w->state == IDLE)
			await(w, END_MS);
		kill_worker(w);
		if (w->timer)
			event_free(w->timer);
	}
	free(p);
}
