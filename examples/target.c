// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * target.c - a program to look at with uprobe.bpf.c and usdt.bpf.c: it calls work(1), work(2), ... up to its argument
 * (without one: 1000), ten times a second.
 *
 *	cc -g -O1 -o target target.c
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * A USDT probe: an instruction that does nothing, and a note in the section .note.stapsdt that says where it is, who
 * provides it, its name, and where its arguments are ("8@%rax": eight bytes in that register). <sys/sdt.h> of systemtap
 * has this as DTRACE_PROBE2(); here it is written out, to need nothing but a compiler.
 */
#define PROBE2(provider, name, first, second)                                                                          \
	asm volatile("990:	nop\n"                                                                                      \
		     ".pushsection .note.stapsdt, \"?\", \"note\"\n"                                                   \
		     ".balign 4\n"                                                                                     \
		     ".4byte 992f - 991f, 994f - 993f, 3\n"                                                            \
		     "991:	.asciz \"stapsdt\"\n"                                                                       \
		     "992:	.balign 4\n"                                                                                \
		     "993:	.8byte 990b, 0, 0\n"                                                                        \
		     ".asciz \"" provider "\"\n"                                                                       \
		     ".asciz \"" name "\"\n"                                                                           \
		     ".asciz \"-8@%0 -8@%1\"\n"                                                                        \
		     "994:	.balign 4\n"                                                                                \
		     ".popsection\n"                                                                                   \
		     :                                                                                                 \
		     : "r"((long)(first)), "r"((long)(second)))

/* Not inlined, or there would be no function to probe. */
__attribute__((noinline)) long work(long number)
{
	long result = number * number;

	PROBE2("example", "round", number, result);
	return result;
}

int main(int argc, char **argv)
{
	long rounds = argc > 1 ? atol(argv[1]) : 1000;
	long sum = 0;

	for (long i = 1; i <= rounds; i++) {
		sum += work(i);
		usleep(100000);
	}
	printf("%ld\n", sum);
	return 0;
}
