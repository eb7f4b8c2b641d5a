// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * names.c - system calls, errors and signals by number and back; see places.h.
 *
 * The lists come from this machine's headers at build time (names.sh). A kernel that is newer than the headers may have
 * system calls that are not in the list: their numbers print.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "output/digits.h"
#include "output/places.h"

/* Some machines have two macros for one number: the later in the alphabet stays. */
#pragma GCC diagnostic ignored "-Woverride-init"

#define SYSCALL(name)
#define ERROR(name)
#define SIGNAL(name)

static const char *const syscalls[] = {
#undef SYSCALL
#define SYSCALL(name) [__NR_##name] = #name,
#include "output/names.inc"
#undef SYSCALL
#define SYSCALL(name)
};

static const char *const errors[] = {
#undef ERROR
#define ERROR(name) [name] = #name,
#include "output/names.inc"
#undef ERROR
#define ERROR(name)
	/* Those that never reach user space, but kernel functions return them (kernel, include/linux/errno.h). */
	[512] = "ERESTARTSYS",
	[513] = "ERESTARTNOINTR",
	[514] = "ERESTARTNOHAND",
	[515] = "ENOIOCTLCMD",
	[516] = "ERESTART_RESTARTBLOCK",
	[517] = "EPROBE_DEFER",
	[518] = "EOPENSTALE",
	[519] = "ENOPARAM",
	[521] = "EBADHANDLE",
	[522] = "ENOTSYNC",
	[523] = "EBADCOOKIE",
	[524] = "ENOTSUPP",
	[525] = "ETOOSMALL",
	[526] = "ESERVERFAULT",
	[527] = "EBADTYPE",
	[528] = "EJUKEBOX",
	[529] = "EIOCBQUEUED",
	[530] = "ERECALLCONFLICT",
	[531] = "ENOGRACE",
};

static const char *const signals[] = {
#undef SIGNAL
#define SIGNAL(name) [name] = #name,
#include "output/names.inc"
};

enum {
	RT_FIRST = 34, /* the C library keeps the kernel's first two for itself (signal(7)) */
	RT_LAST = 64,
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static int64_t find(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (names[i] && !strcmp(names[i], name))
			return (int64_t)i;
	return -1;
}

const char *cb_syscall_name(uint64_t nr)
{
	return nr < COUNT(syscalls) ? syscalls[nr] : NULL;
}

const char *cb_errno_name(uint64_t err)
{
	return err < COUNT(errors) ? errors[err] : NULL;
}

const char *cb_signal_name(uint64_t nr, char out[16])
{
	char *p;

	if (nr < COUNT(signals))
		return signals[nr];
	if (nr < RT_FIRST || nr > RT_LAST)
		return NULL;
	p = memcpy(out, "SIGRTMIN", 9);
	p += 8;
	if (nr > RT_FIRST) {
		*p++ = '+';
		p = cb_put_u32(p, (uint32_t)nr - RT_FIRST);
		*p = '\0';
	}
	return out;
}

int64_t cb_syscall_number(const char *name)
{
	return find(syscalls, COUNT(syscalls), name);
}

int64_t cb_errno_number(const char *name)
{
	return find(errors, COUNT(errors), name);
}

int64_t cb_signal_number(const char *name)
{
	char with_prefix[32] = "SIG", text[16];

	if (!strncmp(name, "SIG", 3))
		name += 3;
	strncat(with_prefix, name, sizeof(with_prefix) - 4);
	for (uint64_t nr = 1; nr <= RT_LAST; nr++) {
		const char *known = cb_signal_name(nr, text);

		if (known && !strcmp(known, with_prefix))
			return (int64_t)nr;
	}
	return -1;
}
