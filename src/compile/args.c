// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* args.c - see args.h. */
#include "compile/args.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile/names.h"

static void add(struct cb_args *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct cb_args *a, const char *fmt, ...)
{
	char **v = reallocarray(a->v, a->n + 2, sizeof(*v));
	va_list ap;

	if (!v) {
		a->failed = true;
		return;
	}
	a->v = v;
	va_start(ap, fmt);
	if (vasprintf(&v[a->n], fmt, ap) < 0) {
		v[a->n] = NULL;
		a->failed = true;
	} else {
		a->n++;
	}
	va_end(ap);
	v[a->n] = NULL;
}

static void add_all(struct cb_args *a, const char *const *flags)
{
	while (flags && *flags)
		add(a, "%s", *flags++);
}

/* What libbpf's bpf_tracing.h calls a machine of this name (uname -m), "x86" for "x86_64". */
static const char *target_arch(const char *machine)
{
	static const struct {
		const char *prefix, *arch;
	} known[] = {
		{"x86_64", "x86"},    {"i", "x86"},
		{"aarch64", "arm64"}, {"arm", "arm"},
		{"s390", "s390"},     {"ppc", "powerpc"},
		{"mips", "mips"},     {"riscv", "riscv"},
		{"sparc", "sparc"},   {"loongarch", "loongarch"},
		{"arc", "arc"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strncmp(machine, known[i].prefix, strlen(known[i].prefix)))
			return known[i].arch;
	return machine;
}

const char *cb_arch_known(const char *name)
{
	static const char *const archs[] = {"x86_64", "aarch64", "arm",		"riscv64",
					    "s390x",  "ppc64le", "loongarch64", "mips64"};

	for (size_t i = 0; i < sizeof(archs) / sizeof(*archs); i++)
		if (!strcmp(archs[i], name))
			return archs[i];
	return !strcmp(name, "amd64") ? "x86_64" : !strcmp(name, "arm64") ? "aarch64" : NULL;
}

int cb_machine_dirs(const char *arch, bool isolated, char dirs[CB_MACHINE_DIRS][CB_MACHINE_DIR])
{
	snprintf(dirs[0], CB_MACHINE_DIR, "/usr/include/%.64s-linux-gnu", arch);
	snprintf(dirs[1], CB_MACHINE_DIR, "/usr/%.64s-linux-gnu/include", arch);
	return isolated ? 1 : CB_MACHINE_DIRS;
}

void cb_args_build(struct cb_args *a, const struct cb_args_wanted *w)
{
	static const char *const always[] = {"-g",
					     "-O2",
					     "-target",
					     "bpf",
					     "-mcpu=v2", /* Linux 4.14; clang 20's default needs 5.1 */
					     "-fno-color-diagnostics",
					     "-fno-crash-diagnostics", /* which are files in /tmp */
					     "-fno-stack-protector",   /* some distributions' default */
					     NULL};
	static const char *const places[] = {"-iquote" CB_NAME_DIR,
					     "-isystem" CB_NAME_LBC,
					     "-isystem" CB_NAME_LBC "/coolbpf",
					     "-idirafter" CB_LIBBPF_INCLUDE,
					     "-fdebug-compilation-dir=" CB_NAME_PRESENT,
					     "-fmacro-prefix-map=" CB_NAME_DIR "/=", /* __FILE__ */
					     NULL};
	static const char *const in_out[] = {"-x", "c", "-c", "-o", "-", NULL};
	char machine[CB_MACHINE_DIRS][CB_MACHINE_DIR];
	int dirs;

	add(a, "%s", w->clang);
	add_all(a, always);
	add(a, "-D__TARGET_ARCH_%s", target_arch(w->arch));
	for (const char *const *flag = w->cflags; flag && *flag; flag++)
		if (w->isolated && !strncmp(*flag, "-I", 2))
			add(a, "-I" CB_NAME_DIR "/%s", *flag + 2);
		else
			add(a, "%s", *flag);
	if (w->kernel)
		add(a, "-isystem" CB_NAME_LBC "/kernel");
	add_all(a, places);
	dirs = cb_machine_dirs(w->arch, w->isolated, machine);
	for (int i = 0; i < dirs; i++)
		add(a, "-idirafter%s", machine[i]);
	add(a, "-fmacro-prefix-map=%s=%s", w->source, w->base);
	add_all(a, in_out);
	add(a, "%s", w->source);
}

void cb_args_free(struct cb_args *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->v[i]);
	free(a->v);
	*a = (struct cb_args){0};
}
