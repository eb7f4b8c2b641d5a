/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* lab.h - the subcommands of "coolbpf lab": each in lab_NAME.c, called with its own name as argv[0] (see cli.h). */
#ifndef CB_CLI_LAB_H
#define CB_CLI_LAB_H

#include "base/log.h"
#include "cli/cli.h"
#include "lab/kernel.h"

/* What to do when there are none. */
#define LAB_FETCH "coolbpf lab fetch debian:5.10 debian:6.1 debian:6.12 debian:newest"

int lab_kernels(int argc, char **argv);
int lab_fetch(int argc, char **argv);
int lab_run(int argc, char **argv);
int lab_module(int argc, char **argv);

/* For struct cb_log: one line on standard error. */
void lab_say(void *ctx, enum cb_log_level level, const char *text);

/* Say how many kernels of the cache are not in the list for they are damaged, if any are. */
void lab_tell_damaged(const struct cb_lab_kernels *ks);
/* The kernels of the cache that are chosen, one at least (kernels NULL: all). 0, or an exit status after the reason was printed;
 * the list is the caller's to free in both cases. */
int lab_choose_kernels(const char *command, const char *kernels, struct cb_lab_kernels *out);

#endif
