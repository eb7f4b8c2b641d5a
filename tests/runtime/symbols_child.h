/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* symbols_child.h - programs that the tests of symbols compile, start and ask about. */
#ifndef CB_TESTS_SYMBOLS_CHILD_H
#define CB_TESTS_SYMBOLS_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "check.h"

enum { TEXT = 4096 };

/* The directory of this run. Not in /tmp, which one of the programs hides from itself. */
extern char dir[64];

struct child {
	pid_t pid;
	FILE *in, *out; /* what we write to it, and what it says */
};

/* Set-up and tear-down of a group of tests: a fresh `dir`, and its removal. */
int make_dir(void **state);
int remove_dir(void **state);
/* Run a shell command in dir; the test fails when it does. */
void command(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
bool have(const char *program);
/* A file in dir. */
void write_source(const char *name, const char *text);
/* Start a program; root: chroot there first, or NULL. */
struct child start_in(const char *root, const char *path);
void expect_ready(struct child *c);
/* Start dir/name and wait until it says "ready". */
struct child start(const char *name);
void stop(struct child *c);
/* Where address 0 of a position-independent binary lies in a process; name: what its path ends in or holds. */
uint64_t base_of(pid_t pid, const char *name);
/* The address of a symbol in a binary's ELF file, by nm. */
uint64_t address_of(const char *binary, const char *symbol);

#endif
