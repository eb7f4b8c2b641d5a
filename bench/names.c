// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * names.c - how long names for addresses take: the first kernel symbol (which reads the kernel's table), a million more,
 * and ten thousand addresses all over libc's code in this process, with everything that has to be read for the first.
 */
#include <dlfcn.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "coolbpf/coolbpf.h"

enum { LOOKUPS = 1000000, USER_ADDRESSES = 10000, FRAMES = 32 };

struct range {
	uint64_t start, size;
};

/* The executable segment of the C library. */
static int find_libc(struct dl_phdr_info *info, size_t size, void *ctx)
{
	struct range *r = ctx;

	if (!strstr(info->dlpi_name, "libc.so"))
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_X)
			*r = (struct range){info->dlpi_addr + info->dlpi_phdr[i].p_vaddr, info->dlpi_phdr[i].p_memsz};
	return 1;
}

/* An address of the kernel's code, from the line of a function that is there since ever. */
static uint64_t kernel_address(void)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	unsigned long long addr = 0;
	char line[1024], name[512];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%llx %*c %511s", &addr, name) == 2 && !strcmp(name, "schedule"))
			break;
	if (f)
		fclose(f);
	return addr;
}

int bench_names(struct bench_names *out)
{
	struct coolbpf_symbols *s = coolbpf_symbols_new();
	uint64_t kernel = kernel_address(), random = 1;
	struct coolbpf_symbol sym[FRAMES];
	struct range libc = {0};
	double start = bench_now();

	if (!s || coolbpf_symbols_kernel(s, kernel, sym)) {
		bench_fail("cannot name a kernel address: %s", s ? coolbpf_symbols_errmsg(s) : "out of memory");
		coolbpf_symbols_free(s);
		return -1;
	}
	out->first_kernel_ms = (bench_now() - start) * 1e3;
	start = bench_now();
	for (int i = 0; i < LOOKUPS; i++) {
		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		/* within 8 MB of code around it */
		coolbpf_symbols_kernel(s, kernel - (4 << 20) + (random >> 41), sym);
	}
	out->million_kernel_ms = (bench_now() - start) * 1e3;
	dl_iterate_phdr(find_libc, &libc);
	start = bench_now();
	for (int i = 0; libc.size && i < USER_ADDRESSES; i++) {
		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		coolbpf_symbols_user(s, getpid(), libc.start + (random >> 20) % libc.size, sym, FRAMES);
	}
	out->user_ms = (bench_now() - start) * 1e3;
	out->user_count = USER_ADDRESSES;
	coolbpf_symbols_free(s);
	return 0;
}
