/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * kernel.h - the kernels that the lab can boot: where they come from, where they are kept, their modules.
 *
 * What is kept is in the cache, whole or not at all (store.h). A lock keeps two that fetch or build at once apart; who only reads
 * needs none. Nothing is installed on the host. Errors: 0 or a negative errno with a message, where nothing else is said.
 */
#ifndef CB_LAB_KERNEL_H
#define CB_LAB_KERNEL_H

#include "base/err.h"
#include "base/log.h"

#include <stdbool.h>
#include <stddef.h>

struct cb_lab_kernel {
	char *name; /* what people call it: "debian:6.1", "debian:6.1/arm64", "debian:5.10-nobpf", or the path given */
	char *release; /* as uname -r says in the guest: "6.1.0-37-cloud-amd64" */
	char *arch;    /* "x86_64" or "arm64" */
	char *image;   /* path of what qemu's -kernel takes: the file itself, or a copy in the cache that is unpacked */
	char *modules; /* directory with modules.dep and kernel/ (lib/modules/RELEASE), NULL: none known */
	char *package; /* package and version it came from: "linux-image-... 6.1.140-1", NULL: a file of the user's */
	char *source;  /* "deb:PACKAGE=VERSION" or "dir:DIR": where its headers are (headers.c); NULL: it has none */
};

struct cb_lab_kernels {
	struct cb_lab_kernel *k;
	size_t n;
	size_t damaged; /* left out: their files are not what was fetched; cb_lab_fetch() fetches them anew */
};

/* What this machine is: "x86_64", "arm64", or "other". */
const char *cb_lab_own_arch(void);
bool cb_lab_is_native(const char *arch);

/* The kernels in the cache, oldest version first. An empty list is no error. */
int cb_lab_kernels(struct cb_lab_kernels *out, struct cb_err *e);
void cb_lab_kernels_free(struct cb_lab_kernels *ks);
void cb_lab_kernel_free(struct cb_lab_kernel *k);

/* "PATH[,modules=DIR]": a kernel image of the user's. Release and architecture are read from the image itself (x86: the boot
 * protocol's kernel_version; arm64: the "Linux version" banner, also in a compressed image). */
int cb_lab_kernel_file(const char *spec, struct cb_lab_kernel *out, struct cb_err *e);

/* Does KERNELS choose this kernel? A comma-separated list, any of which may match: a glob over name or release ("debian:6*",
 * "*cloud*"), a comparison with the release ("<5.15", ">=6.12", "=6.1" or just "6.1": as many parts as are given), or an architecture
 * ("arm64"). -EINVAL: a word is empty, or a comparison has no version. */
int cb_lab_kernel_matches(const struct cb_lab_kernel *k, const char *kernels, struct cb_err *e); /* 1, 0, -errno */

/* Keep those that KERNELS chooses, which may be none. After an error the list is still the caller's to free. */
int cb_lab_kernels_choose(struct cb_lab_kernels *ks, const char *kernels, struct cb_err *e);

struct cb_lab_fetch {
	const char *const
		*suites;	  /* NULL: the suites around those of this machine's apt; else these, NULL at the end */
	const char *mirror;	  /* NULL: that of this machine's apt */
	bool refresh;		  /* look for newer packages even if one of that name is there */
	const struct cb_log *log; /* progress, one line a step */
};

/* Fetch the kernel NAME ("debian:6.1", "debian:newest", "debian:6.12/arm64", "debian:5.10-nobpf") into the cache, unless it is
 * there. -ENOENT: no such package; -ENETUNREACH: no mirror answers; -EBADMSG: signatures or digests are wrong; -ENOSYS: a program
 * is missing here; -EINTR, see prog.h. opts NULL: as all its members are by default. */
int cb_lab_fetch(const char *name, const struct cb_lab_fetch *opts, struct cb_err *e);

/* A module of the kernel's own and all that it needs, in the order in which they are to be inserted; each is a plain ELF file
 * (decompressed where the package compresses). A module that is built in gives no files. */
struct cb_lab_ko {
	char *name; /* "veth" */
	char *data; /* malloc'd */
	size_t len;
};
struct cb_lab_kos {
	struct cb_lab_ko *ko;
	size_t n;
};
int cb_lab_modules(const struct cb_lab_kernel *k, const char *name, struct cb_lab_kos *add_to, struct cb_err *e);
void cb_lab_kos_free(struct cb_lab_kos *kos);

/* Has this directory a module in it? -ENOENT, with a message. */
int cb_lab_module_check(const char *dir, struct cb_err *e);
/* Build the out-of-tree module in DIR (Kbuild or Makefile with obj-m) against k's header packages, which are fetched when they
 * are not there. DIR itself is not written to. The result is kept by the digest of DIR's content and the kernel. A compile
 * error's text is in the message. */
int cb_lab_module_build(const struct cb_lab_kernel *k, const char *dir, const struct cb_lab_fetch *opts,
			struct cb_lab_kos *add_to, struct cb_err *e);

#endif
