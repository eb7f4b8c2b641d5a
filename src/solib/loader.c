// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* loader.c - load the object that is in this library, and unload it; what failed, in words. See loader.h and api.h. */
#include "loader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "api.h"
#include "payload.h"

struct lbc_loader lbc_loader = {.stop_fd = -1, .said_lock = ATOMIC_FLAG_INIT};

/* ---- What to say ------------------------------------------------------------------------------------------------- */

/* Clients set callbacks in the threads of their loops, so two may warn at once. Held for a copy of some bytes. */
static void lock(void)
{
	while (atomic_flag_test_and_set(&lbc_loader.said_lock))
		;
}

static void unlock(void)
{
	atomic_flag_clear(&lbc_loader.said_lock);
}

void lbc_forget(void)
{
	lock();
	lbc_loader.said_len = 0;
	unlock();
}

/* Keep the end of it: what libbpf says last is the reason, and of a long text (a verifier's log) so are its last lines. */
static void remember(const char *format, va_list args)
{
	struct lbc_loader *l = &lbc_loader;
	size_t len, over;
	va_list again;
	char *text;
	int n;

	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, again);
	va_end(again);
	text = n > 0 ? malloc((size_t)n + 1) : NULL;
	if (!text)
		return;
	vsnprintf(text, (size_t)n + 1, format, args);
	lock();
	len = (size_t)n < sizeof(l->said) ? (size_t)n : sizeof(l->said);
	over = l->said_len + len > sizeof(l->said) ? l->said_len + len - sizeof(l->said) : 0;
	memmove(l->said, l->said + over, l->said_len - over);
	l->said_len -= over;
	memcpy(l->said + l->said_len, text + n - len, len);
	l->said_len += len;
	unlock();
	free(text);
}

static int on_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	va_list again;

	va_copy(again, args);
	if (level == LIBBPF_WARN)
		remember(format, again);
	va_end(again);
	return lbc_loader.log_level >= 0 && (int)level <= lbc_loader.log_level ? vfprintf(stderr, format, args) : 0;
}

int lbc_fail(int err, const char *fmt, ...)
{
	struct lbc_loader *l = &lbc_loader;
	char said[sizeof(l->said) + 1];
	size_t len;
	va_list ap;

	lock();
	len = l->said_len;
	memcpy(said, l->said, len);
	l->said_len = 0;
	unlock();
	fputs("lbc: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerror(err));
	/* with a log level of 0 and more it stands there already */
	if (l->log_level < 0)
		fwrite(said, 1, len, stderr);
	return -err;
}

/* ---- Load -------------------------------------------------------------------------------------------------------- */

static int open_object(void)
{
	const struct lbc_payload *p = lbc_payload();
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "lbc");

	if (!p)
		return lbc_fail(ENOEXEC, "there is no object in this library");
	lbc_loader.object = bpf_object__open_mem((const char *)p + p->object_offset, p->object_size, &opts);
	return lbc_loader.object ? 0 : lbc_fail(errno, "cannot open the object in this library");
}

static int load_object(int attach)
{
	struct lbc_loader *l = &lbc_loader;
	int err = open_object();

	if (!err)
		err = lbc_maps_list();
	if (err)
		return err;
	err = bpf_object__load(l->object);
	if (err)
		return lbc_fail(-err, "cannot load the object%s",
				err == -EPERM ? " (this takes root, or CAP_BPF and CAP_PERFMON)" : "");
	err = lbc_maps_ready();
	if (err)
		return err;
	l->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->stop_fd < 0)
		return lbc_fail(errno, "cannot make an eventfd");
	return attach ? lbc_attach_all() : 0;
}

int lbc_bpf_init(int log_level, int attach)
{
	struct lbc_loader *l = &lbc_loader;
	int err;

	if (l->object)
		return lbc_fail(EBUSY, "lbc_bpf_init: the object is loaded already");
	l->log_level = log_level;
	l->owner = getpid();
	lbc_forget();
	libbpf_set_print(on_libbpf);
	err = load_object(attach);
	if (err)
		lbc_bpf_exit();
	return err;
}

/* ---- Unload ------------------------------------------------------------------------------------------------------ */

/* Wake all loops and wait until they have returned. A loop may be inside a client's callback for ever (a thread of an
 * interpreter that is ending): then what it uses must stay. */
static bool loops_ended(void)
{
	enum { TRIES = 1000 };
	const struct timespec millisecond = {.tv_nsec = 1000000};
	unsigned long long one = 1;

	if (!atomic_load(&lbc_loader.nloops))
		return true;
	if (write(lbc_loader.stop_fd, &one, sizeof(one)) < 0)
		return false;
	for (int i = 0; i < TRIES && atomic_load(&lbc_loader.nloops); i++)
		nanosleep(&millisecond, NULL);
	return !atomic_load(&lbc_loader.nloops);
}

void lbc_bpf_exit(void)
{
	struct lbc_loader *l = &lbc_loader;

	if (!l->object || l->owner != getpid())
		return;
	lbc_detach_all();
	if (loops_ended()) {
		for (int i = 0; i < l->nmaps; i++)
			lbc_events_free(&l->maps[i]);
		free(l->maps);
		if (l->stop_fd >= 0)
			close(l->stop_fd);
		bpf_object__close(l->object);
	}
	l->object = NULL;
	l->maps = NULL;
	l->nmaps = 0;
	l->stop_fd = -1;
}

/* A client that ends, or closes the library, without lbc_bpf_exit(). */
__attribute__((destructor)) static void at_end(void)
{
	lbc_bpf_exit();
}
