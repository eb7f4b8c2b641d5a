/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * lab_progress.h - what "coolbpf lab run" shows on standard error while it runs: a line for each finished test, and on a
 * terminal, below them, one for each guest.
 */
#ifndef CB_CLI_LAB_PROGRESS_H
#define CB_CLI_LAB_PROGRESS_H

#include "lab/lab.h"

struct lab_progress;

/* result is what cb_lab_run() fills. verbose: say also what is built and how long boots take. NULL: no memory. */
struct lab_progress *lab_progress_new(const struct cb_lab_result *result, bool verbose);
struct cb_lab_watch lab_progress_watch(struct lab_progress *p);
/* Takes the guests' lines away. */
void lab_progress_free(struct lab_progress *p);

#endif
