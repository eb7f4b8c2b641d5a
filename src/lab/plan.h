/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* plan.h - what the agent is told: its port and its jobs, as a JSON file in the initramfs. */
#ifndef CB_LAB_PLAN_H
#define CB_LAB_PLAN_H

#include <jansson.h>

#include "base/buf.h"
#include "lab/guest.h"

#define CB_LAB_PLAN "/lab.json"
#define CB_LAB_ROOM "/sbin/room" /* room.sh */

struct cb_lab_plan {
	const char *port; /* "/dev/ttyS1" */
	struct cb_lab_job *jobs;
	size_t n;
	json_t *json; /* all strings point into it */
	void *words;  /* all arrays of strings */
};

/* The jobs as text. -EINVAL: a job cannot be written (not UTF-8), or asks for what there is not; the message names it. */
int cb_lab_plan_write(const char *port, const struct cb_lab_job *jobs, size_t n, struct cb_buf *out, struct cb_err *e);
int cb_lab_plan_read(struct cb_lab_plan *p, const char *text, size_t len, struct cb_err *e);
void cb_lab_plan_free(struct cb_lab_plan *p);

#endif
