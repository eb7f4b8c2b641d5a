// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* symbols.c - the handle of coolbpf_symbols_*(): everything is read at the first question about it. */
#include <errno.h>
#include <stdlib.h>

#include "runtime/symbols.h"

struct coolbpf_symbols {
	struct cb_ksyms kernel;
	bool kernel_read;
	int kernel_err;
	struct cb_buf name; /* of a Rust function of the kernel */
	struct cb_usyms *user;
	struct cb_err err;
};

struct coolbpf_symbols *coolbpf_symbols_new(void)
{
	struct coolbpf_symbols *s = calloc(1, sizeof(*s));

	if (s)
		s->user = cb_usyms_new();
	if (!s || !s->user) {
		free(s);
		errno = ENOMEM;
		return NULL;
	}
	return s;
}

static void forget_kernel(struct coolbpf_symbols *s)
{
	cb_ksyms_free(&s->kernel);
	s->kernel_read = false;
}

void coolbpf_symbols_free(struct coolbpf_symbols *s)
{
	if (!s)
		return;
	forget_kernel(s);
	cb_buf_free(&s->name);
	cb_usyms_free(s->user);
	free(s);
}

const char *coolbpf_symbols_errmsg(const struct coolbpf_symbols *s)
{
	return s->err.text;
}

int coolbpf_symbols_kernel(struct coolbpf_symbols *s, uint64_t addr, struct coolbpf_symbol *out)
{
	const struct cb_ksym *k;
	const char *name;

	*out = (struct coolbpf_symbol){.name = "", .module = "", .file = ""};
	if (!s->kernel_read) {
		s->kernel_read = true;
		s->kernel_err = cb_ksyms_load(&s->kernel, "/proc/kallsyms", &s->err);
	}
	if (s->kernel_err)
		return s->kernel_err;
	k = cb_ksyms_find(&s->kernel, addr);
	if (!k)
		return cb_fail(&s->err, ENOENT, "the kernel has no symbol at 0x%llx", (unsigned long long)addr);
	name = s->kernel.names.data + k->name;
	s->name.len = 0;
	out->name = cb_demangle(name, &s->name) ? cb_buf_cstr(&s->name) : name;
	out->module = s->kernel.names.data + k->module;
	out->offset = addr - k->addr;
	return 0;
}

int coolbpf_symbols_user(struct coolbpf_symbols *s, pid_t pid, uint64_t addr, struct coolbpf_symbol *out, size_t max)
{
	return cb_usyms_find(s->user, pid, addr, out, max, &s->err);
}

void coolbpf_symbols_forget(struct coolbpf_symbols *s, pid_t pid)
{
	if (pid)
		cb_usyms_forget(s->user, pid);
	else
		forget_kernel(s);
}
