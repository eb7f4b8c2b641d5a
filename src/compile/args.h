/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* args.h - the arguments that clang gets. */
#ifndef CB_COMPILE_ARGS_H
#define CB_COMPILE_ARGS_H

#include <stdbool.h>
#include <stddef.h>

struct cb_args {
	char **v; /* ends with NULL */
	size_t n;
	bool failed; /* memory ran out */
};

struct cb_args_wanted {
	const char *clang;
	const char *arch;	   /* as uname -m says it */
	const char *const *cflags; /* NULL, or ends with NULL */
	const char *source;	   /* clang's name of it */
	const char *base;	   /* what __FILE__ is to say */
	bool kernel;		   /* there is a vmlinux.h */
	bool isolated;		   /* -I means directories of the headers that came with the source */
};

/* An architecture as uname -m says it, by that name or by Debian's and the kernel's own ("arm64", "amd64"); NULL: unknown. */
const char *cb_arch_known(const char *name);

/* Where systems have a machine's own part of what <linux/...> includes, in the order in which it is looked for: the machine's, and
 * a cross compiler's; the latter is not for an isolated compile, whose sandbox is the same for all architectures. arch: as
 * uname -m says it. Returns how many there are. */
enum { CB_MACHINE_DIRS = 2, CB_MACHINE_DIR = 128 /* bytes of one's name */ };
int cb_machine_dirs(const char *arch, bool isolated, char dirs[CB_MACHINE_DIRS][CB_MACHINE_DIR]);

/* Headers and descriptors as names.h says. */
void cb_args_build(struct cb_args *a, const struct cb_args_wanted *w);
void cb_args_free(struct cb_args *a);

#endif
