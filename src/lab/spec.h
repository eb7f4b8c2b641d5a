/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * spec.h - a test of the lab: the text file NAME.lab.
 *
 * One directive a line, "#" begins a comment line, words are split as sh does (quotes, backslash). Paths are relative to the
 * file. TIME is 300ms, 5s; SIZE 64K, 16M.
 *
 *	about TEXT			what is shown of it
 *	run FILE [ARG ...]		the tool: FILE.bpf.c (compiled on the host, once) or FILE.bpf.o, with its parameters; it is
 *					run with -o json. Default: run NAME.bpf.c
 *	command ARG ...			or: any command of the guest ("coolbpf doctor"); ends by itself
 *	tap FILE [ARG ...]		or: a program of the host (brings its libraries) that prints TAP: no "not ok"
 *	workload			the indented lines behind it are a script for sh, run when the tool is attached. What it
 *		LINE			prints as NAME=VALUE is truth that expectations may name: $NAME
 *	workload FILE			the same, from a file
 *	duration TIME			without workload: how long the tool runs (1s); with one: how long at most (10s)
 *	settle TIME			from the workload's end to the end of the tool (300ms)
 *	timeout TIME			for everything (60s)
 *	file HOST [GUEST]		put into the test's directory; a program brings its libraries
 *	cc SOURCE.c [FLAG ...]		compiled for the guest (static, -O2 -g), put in as SOURCE
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
 *					N is a number, $NAME, or a range: 10..20, $a.., ..$b, $a..$b; each may have +N or -N or %:
 *					$a-10%..$a+10%
 *	expect row MAP [CONDITION]	the same of the rows that a shown map prints
 *	expect no row MAP [CONDITION]
 *	expect N rows MAP [where CONDITION]
 *	expect sum FIELD N [MAP] [where CONDITION]	the sum of a field over the events (or rows)
 *	expect exit N			of the tool (0)
 *	expect output TEXT, expect error TEXT		in what it prints; TEXT is a glob over a line: *attached to kprobe*
 *	expect no output TEXT, expect no error TEXT
 *	expect lost N			events that it says were lost (default: 0 is demanded)
 *
 * VALUES in a CONDITION may be $NAME, too. A workload that exits with a status other than 0 fails the test.
 */
#ifndef CB_LAB_SPEC_H
#define CB_LAB_SPEC_H
/* (the structs are the implementor's) */
#endif
