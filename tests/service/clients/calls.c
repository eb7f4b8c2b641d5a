// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* calls N: call work_item(0) ... work_item(N - 1), which returns twice what it is given. */
#include <stdlib.h>

__attribute__((noinline)) long work_item(long i)
{
	__asm__ volatile("" ::: "memory");
	return 2 * i;
}

int main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : 0, sum = 0;

	for (long i = 0; i < n; i++)
		sum += work_item(i);
	return sum != n * (n - 1);
}
