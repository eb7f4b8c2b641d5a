/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* qemu.h - the emulator: what differs between architectures, its command line, its process. */
#ifndef CB_LAB_QEMU_H
#define CB_LAB_QEMU_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* All that differs between architectures stands in one table in qemu.c. */
struct cb_lab_arch {
	const char *name;    /* as cb_lab_kernel.arch */
	const char *program; /* of qemu */
	const char *package; /* in which Debian has it */
	const char *machine, *cpu_tcg, *cpu_kvm;
	const char *append;	 /* kernel command line: its console, and what makes it boot sooner */
	const char *port_device; /* qemu's device for the agent's port; NULL: the machine's second serial port */
	const char *port;	 /* the device in the guest through which the agent speaks */
};

const struct cb_lab_arch *cb_lab_arch(const char *name); /* NULL: none such */

struct cb_qemu_opts {
	const struct cb_lab_arch *arch;
	const char *image;
	int unpacked;	    /* pvh.h's descriptor, taken instead of image; or -1 */
	const char *append; /* behind our own, or NULL */
	int initramfs;	    /* a file */
	unsigned int cpus;
	uint64_t memory; /* bytes */
	bool kvm;
};

/* Descriptors are the caller's to close; reading does not block, and ends when qemu ends. */
struct cb_qemu {
	pid_t pid;
	int console; /* the kernel's console, read */
	int port;    /* the agent's port, read */
	int errors;  /* what qemu itself says */
};

/* Can this process make virtual machines of this architecture? (They may still not run: see guest.c.) */
bool cb_qemu_has_kvm(const struct cb_lab_arch *arch);
/* It is killed when the thread that called this ends, however that happens. -ENOENT: there is no qemu; the message says what to
 * install. */
int cb_qemu_start(struct cb_qemu *q, const struct cb_qemu_opts *opts, struct cb_err *e);
/* Kill it, wait for it, close its descriptors. */
void cb_qemu_stop(struct cb_qemu *q);

#endif
