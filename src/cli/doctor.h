/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * doctor.h - what "coolbpf doctor" found out.
 *
 *   doctor_system.c  the kernel, its settings, this process's rights, the tools installed here
 *   doctor_bpf.c     what bpf() offers: program types, map types, helpers, hooks
 *   cmd_doctor.c     runs both and prints
 */
#ifndef CB_CLI_DOCTOR_H
#define CB_CLI_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "coolbpf/coolbpf.h"

enum cb_state {
	CB_FACT, /* nothing to judge */
	CB_YES,
	CB_NO,
	CB_BLOCKED, /* no, and without it no tool can run */
	CB_UNKNOWN,
};

struct cb_check {
	const char *group, *name; /* static text, or of libbpf's tables */
	enum cb_state state;
	char *detail;	    /* or "" */
	const char *advice; /* what to do about a no; static text, or "" */
};

struct cb_doctor {
	struct coolbpf *cb; /* carries the BTF option and the hooks' probes */
	const char *btf_path;
	const char *clang;
	struct cb_check *checks;
	size_t count;
	bool no_memory;
};

/* Add one line. advice may be NULL, and is shown only for CB_NO, CB_BLOCKED and CB_UNKNOWN. */
void cb_doctor_add(struct cb_doctor *d, const char *group, const char *name, enum cb_state state, const char *advice,
		   const char *detail, ...) __attribute__((format(printf, 6, 7)));
/* The state of a check, CB_UNKNOWN when there is none of that name. */
enum cb_state cb_doctor_state(const struct cb_doctor *d, const char *group, const char *name);
/* Is this kind of file system mounted? Its first mount point goes to path. */
bool cb_doctor_mounted(const char *type, char *path, size_t size);
/* The first line of a file of securityfs, mounted or not; false when there is none, or no right to see it. */
bool cb_doctor_security_file(const char *name, char *line, size_t size);

void cb_doctor_system(struct cb_doctor *d);
void cb_doctor_bpf(struct cb_doctor *d);

/* The groups that hold nothing but names with yes or no. */
#define CB_DOCTOR_PROGRAMS "program types"
#define CB_DOCTOR_MAPS	   "map types"
#define CB_DOCTOR_HELPERS  "helpers"
#define CB_DOCTOR_HOOKS	   "hooks"

#endif
