#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# names.sh CC... - the names of this machine's system calls, errors and signals, as lines for names.c:
# SYSCALL(openat), ERROR(ENOENT), SIGNAL(SIGTERM).
#
# The compiler lists the macros of the C library's headers; what number each stands for is left to the compiler that
# builds names.c. Of errors and signals only those defined as numbers are taken: the rest are second names (EWOULDBLOCK,
# SIGCLD) and limits.
set -eu

macros()
{
	header=$1
	shift
	printf '#include <%s>\n' "$header" | "$@" -D_GNU_SOURCE -E -dM -x c - | LC_ALL=C sort
}

macros sys/syscall.h "$@" | sed -nE '/__NR_(syscalls|arch_specific_syscall) /d;
	s/^#define __NR_([a-z_][a-z0-9_]*) .*/SYSCALL(\1)/p'
macros errno.h "$@" | sed -nE 's/^#define (E[A-Z0-9]+) [0-9]+$/ERROR(\1)/p'
macros signal.h "$@" | sed -nE 's/^#define (SIG[A-Z0-9]+) [0-9]+$/SIGNAL(\1)/p'
