/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * prog.h - run another program (apt-get, dpkg-deb, make) and hold what it says; and be stopped by Ctrl-C without
 * leaving anything behind.
 *
 * Between cb_lab_hold() and cb_lab_release() SIGINT, SIGTERM and SIGHUP, where they are not ignored, do not end
 * this thread: the program that runs is killed with all its children, calls return -EINTR, what was begun is
 * cleaned away by its owner; cb_lab_release() then raises the signal again, for whoever wants it (by default it
 * ends the process, as it would have without us). No handler is set.
 */
#ifndef CB_LAB_PROG_H
#define CB_LAB_PROG_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

struct cb_lab_hold {
	sigset_t before; /* the thread's mask */
	int fd;		 /* signalfd */
	int caught;	 /* the signal that was sent meanwhile, 0: none */
};

int cb_lab_hold(struct cb_lab_hold *h, struct cb_err *e);
void cb_lab_release(struct cb_lab_hold *h);
/* Wait so long for a signal. -EINTR with a message when one is or was there. */
int cb_lab_pause(struct cb_lab_hold *h, int ms, struct cb_err *e);

enum { CB_LAB_SAID = 256 * 1024 }; /* bytes that are kept of what a program says on standard error: the last ones */

struct cb_lab_prog {
	const char *const *argv; /* NULL at the end; argv[0] is looked for in $PATH */
	const char *dir;	 /* its working directory, NULL: ours */
	const char *const *env;	 /* "NAME=VALUE" besides ours, NULL at the end; or NULL. LC_ALL=C is always there */
	const char *tmp;	 /* its TMPDIR: one that is killed leaves files there; NULL: as ours */
	struct cb_buf *out;	 /* its standard output is added here; NULL: kept with standard error */
	size_t max_out;		 /* bytes of it, 0: 64 MiB; more is -EFBIG */
};

/* Run it and wait. 0 when it ended with exit status 0. -ENOENT: there is no such program; -ECHILD: it ended
 * otherwise, the message says how and has the last lines that it said. said may be NULL. */
int cb_lab_prog_run(const struct cb_lab_prog *p, struct cb_lab_hold *h, struct cb_buf *said, struct cb_err *e);

/* Where this program is, in $PATH or in sbin, into size bytes at path; false: nowhere. */
bool cb_lab_prog_find(const char *name, char *path, size_t size);
bool cb_lab_prog_there(const char *name);

#endif
