/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * spec.h - a test of the lab: the text file NAME.lab.
 *
 * One directive a line, "#" begins a comment line, words are split as sh does (quotes, backslash). TEXT, REASON and CONDITION
 * are the rest of the line as it stands. Paths are relative to the file. TIME is 300ms, 5s (a number alone counts seconds);
 * SIZE 64K, 16M.
 *
 *	about TEXT			what is shown of it
 *	run FILE [ARG ...]		the tool: FILE.bpf.c (compiled on the host, once) or FILE.bpf.o, with its parameters; it is
 *					run with -o json. Default: run NAME.bpf.c
 *	command ARG ...			or: any command of the guest ("coolbpf doctor"); ends by itself
 *	tap FILE [ARG ...]		or: a program of the host (brings its libraries) that prints TAP: no "not ok"
 *	workload			the indented lines behind it are a script for sh, run when the tool is attached. What it
 *		LINE			prints as NAME=VALUE is truth that expectations may name: $NAME
 *	workload FILE			the same, from a file
 *	duration TIME			without workload: how long the tool runs (1s); with one: how long at most (30s)
 *	settle TIME			from the workload's end to the end of the tool (300ms)
 *	timeout TIME			for everything (60s)
 *	file HOST [GUEST]		put into the test's directory; a program brings its libraries
 *	program NAME ...		programs of the host's $PATH, put in with their libraries
 *	cc SOURCE.c [FLAG ...]		compiled for the guest (static, -O2 -g), put in as SOURCE
 *	object FILE.bpf.c [FLAG ...]	compiled by "coolbpf build", put in as FILE.bpf.o
 *	load MODULE ...			modules of the kernel's own
 *	module DIR			a module that is built against each kernel's headers, then inserted
 *	network veth			lab0 10.77.0.1/24 and, in the namespace "peer", lab1 10.77.0.2/24 ("peer CMD" runs there)
 *	no-ebpf				bpf(2) gives ENOSYS
 *	memory SIZE, processes N, output SIZE	limits (512M, 256, 256K)
 *	exclude KERNELS REASON		not run there (kernel.h says what KERNELS is)
 *	allow warning TEXT		a kernel warning with TEXT in it is none
 *	expect ...			what must be seen, below
 *	on KERNELS expect ...		the same, on these only
 *
 *	expect event [CONDITION]	an event that matches; CONDITION is the language of coolbpf run --filter
 *	expect no event [CONDITION]
 *	expect N events [where CONDITION]
 *					N is a number, $NAME, or a range: 10..20, $a.., ..$b, $a..$b; behind each may stand +N, -N,
 *					+N%, -N%: $a-10%..$a+10%+5
 *	expect row MAP [CONDITION]	the same of the rows that a shown map prints
 *	expect no row MAP [CONDITION]
 *	expect N rows MAP [where CONDITION]
 *	expect sum FIELD N [MAP] [where CONDITION]	the sum of a field over the events (or rows)
 *	expect exit N			of the tool (0)
 *	expect output TEXT, expect error TEXT		in what it prints; TEXT is a glob over a line: *attached to kprobe*
 *	expect no output TEXT, expect no error TEXT
 *	expect lost N			events that it says were lost (default: 0 is demanded)
 *
 * VALUES in a CONDITION may be $NAME, too (cond.h). A workload that exits with a status other than 0 fails the test.
 *
 * Reading a file touches no other: what it names is looked for when the test is made ready (kit.h).
 */
#ifndef CB_LAB_SPEC_H
#define CB_LAB_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "lab/cond.h"

/* Strings, with a NULL behind the last. */
struct cb_lab_words {
	char **w;
	size_t n;
};
/* Appends; text becomes the list's. False when there is no memory: text is freed then. */
bool cb_lab_words_add(struct cb_lab_words *list, char *text);
void cb_lab_words_free(struct cb_lab_words *list);

/* One end of a range: a number, or a truth; + so many percent of itself; + add. */
struct cb_lab_bound {
	char *truth; /* its name, or NULL */
	__int128 number, percent, add;
};

/* An end that is not there is open. */
struct cb_lab_range {
	bool has_low, has_high;
	struct cb_lab_bound low, high;
};

enum cb_lab_subject {
	CB_LAB_EVENTS,
	CB_LAB_ROWS,
	CB_LAB_SUM,
	CB_LAB_EXIT,
	CB_LAB_OUTPUT,
	CB_LAB_STDERR,
	CB_LAB_LOST,
};

struct cb_lab_expect {
	unsigned int line;
	enum cb_lab_subject subject;
	char *text;		   /* as it stands in the file, behind "expect" */
	char *on;		   /* KERNELS, or NULL: everywhere */
	struct cb_lab_range range; /* of what is counted or summed; of OUTPUT and STDERR 1.. or 0..0 lines */
	char *map, *field, *glob;
	struct cb_lab_cond *cond; /* NULL: any */
};

enum cb_lab_kind { CB_LAB_RUN, CB_LAB_COMMAND, CB_LAB_TAP };

/* A file of the host's and where it goes: "a/b" is in the test's directory, "/a" where it says. */
struct cb_lab_put {
	unsigned int line;
	char *host, *guest;
};

/* A source, and what it becomes in the test's directory. */
struct cb_lab_cc {
	unsigned int line;
	bool bpf; /* by "coolbpf build" */
	char *source, *name;
	struct cb_lab_words flags;
};

struct cb_lab_exclude {
	unsigned int line;
	char *kernels, *reason;
};

struct cb_lab_test {
	char *path, *name, *about; /* about: NULL without one */
	enum cb_lab_kind kind;
	unsigned int subject_line;	    /* of run, command, tap; 0: none, it is the default */
	char *subject;			    /* run, tap: path of the source, object or program */
	struct cb_lab_words args;	    /* behind it; command: all of it */
	char *workload;			    /* text for sh, or NULL */
	char *workload_file;		    /* or a file with it */
	unsigned int workload_line;	    /* 0: it has none */
	uint64_t duration, settle, timeout; /* ns */
	uint64_t memory, output, processes;
	bool no_ebpf, veth;
	struct cb_lab_put *files;
	size_t n_files;
	struct cb_lab_cc *ccs;
	size_t n_ccs;
	struct cb_lab_words programs; /* names */
	struct cb_lab_words load;     /* modules of the kernel's own */
	struct cb_lab_words modules;  /* directories with sources */
	struct cb_lab_exclude *excludes;
	size_t n_excludes;
	struct cb_lab_words allowed; /* texts in kernel warnings that are none */
	struct cb_lab_expect *expects;
	size_t n_expects;
};

enum { CB_LAB_SPEC_MAX = 1 << 20 };

/* text has a zero at len. path is for what is relative to it, the test's name, and messages, which begin "PATH:LINE: ". */
int cb_lab_spec_parse(const char *text, size_t len, const char *path, struct cb_lab_test *out, struct cb_err *e);
int cb_lab_spec_read(const char *path, struct cb_lab_test *out, struct cb_err *e);
void cb_lab_test_free(struct cb_lab_test *t);

/* spec_expect.c: "event comm == x", what stands behind "expect". The message says what is wrong, not where. */
int cb_lab_expect_parse(const char *text, struct cb_lab_expect *out, struct cb_err *e);
void cb_lab_expect_free(struct cb_lab_expect *x);

#endif
