// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * resolve.c - names for stacks and addresses, for the output: stack ids become frames through the tool's stack map, frames
 * become names through libcoolbpf's symbols. Both are asked again and again for the same few stacks, and answered from a
 * table that remembers the names of each (process, address).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>

#include "base/hmap.h"
#include "cli/run.h"

enum {
	FRAMES_MAX = 127, /* PERF_MAX_STACK_DEPTH */
	INLINES_MAX = 16,
	KNOWN_MAX = 1 << 16, /* addresses remembered before the table starts anew */
};

struct run_names {
	struct coolbpf *cb;
	struct coolbpf_symbols *symbols;
	struct cb_resolver resolver;
	struct cb_hmap known; /* struct address -> struct names */
};

struct address {
	uint64_t addr;
	uint32_t tgid; /* 0: the kernel's */
	uint32_t pad;
};

struct names {
	size_t len;
	char text[]; /* one zero-terminated name per frame */
};

static void forget_all(struct run_names *n)
{
	struct names *v;

	for (size_t pos = 0; (v = cb_hmap_next(&n->known, &pos, NULL, NULL));)
		free(v);
	cb_hmap_free(&n->known);
}

static void name_kernel(struct run_names *n, uint64_t addr, struct cb_buf *out)
{
	struct coolbpf_symbol sym;

	if (coolbpf_symbols_kernel(n->symbols, addr, &sym))
		cb_buf_printf(out, "0x%llx", (unsigned long long)addr);
	else
		cb_buf_str(out, sym.name);
	cb_buf_ch(out, '\0');
}

/* The marks behind a name are those of cb_resolver. */
static void name_user(struct run_names *n, uint32_t tgid, uint64_t addr, struct cb_buf *out)
{
	struct coolbpf_symbol syms[INLINES_MAX] = {{.name = "", .module = ""}};
	int count = coolbpf_symbols_user(n->symbols, (pid_t)tgid, addr, syms, INLINES_MAX);

	for (int i = 0; i < count; i++) {
		cb_buf_str(out, syms[i].name);
		if (syms[i].inlined)
			cb_buf_str(out, "_[i]");
		else if (!*syms[i].module) /* known, and in no file */
			cb_buf_str(out, "_[j]");
		cb_buf_ch(out, '\0');
	}
	if (count <= 0) {
		const char *slash = strrchr(syms[0].module, '/');

		if (*syms[0].module)
			cb_buf_printf(out, "[%s+0x%llx]", slash ? slash + 1 : syms[0].module,
				      (unsigned long long)syms[0].offset);
		else
			cb_buf_printf(out, "0x%llx", (unsigned long long)addr);
		cb_buf_ch(out, '\0');
	}
}

static void add_names(struct run_names *n, bool user, uint32_t tgid, uint64_t addr, struct cb_buf *out)
{
	struct address key = {.addr = addr, .tgid = user ? tgid : 0};
	const struct names *known = cb_hmap_get(&n->known, &key, sizeof(key));
	size_t before = out->len;
	struct names *v;

	if (known) {
		cb_buf_add(out, known->text, known->len);
		return;
	}
	if (user)
		name_user(n, tgid, addr, out);
	else
		name_kernel(n, addr, out);
	if (out->failed)
		return;
	if (n->known.used >= KNOWN_MAX)
		forget_all(n);
	v = malloc(sizeof(*v) + out->len - before);
	if (!v)
		return;
	v->len = out->len - before;
	memcpy(v->text, out->data + before, v->len);
	if (cb_hmap_put(&n->known, &key, sizeof(key), v))
		free(v);
}

/* The stack map that a field means: the only one, or the one whose name begins like the field's, or the first. */
static const char *stack_map(struct coolbpf *cb, const char *hint)
{
	struct coolbpf_map m;
	const char *first = NULL;

	for (size_t i = 0; !coolbpf_map_get(cb, i, &m); i++) {
		if (m.type != BPF_MAP_TYPE_STACK_TRACE)
			continue;
		if (hint && !strncmp(m.name, hint, strlen(hint)))
			return m.name;
		if (!first)
			first = m.name;
	}
	return first;
}

/* The program and what of the kernel calls it. */
static bool is_bpf(const char *name)
{
	static const char *const begins[] = {"bpf_prog_", "bpf_trace_run", "__bpf_trace_", "__traceiter_",
					     "bpf_trampoline_"};

	for (size_t i = 0; i < sizeof(begins) / sizeof(*begins); i++)
		if (!strncmp(name, begins[i], strlen(begins[i])))
			return true;
	return false;
}

static int resolve_stack(void *ctx, bool user, int32_t id, uint32_t tgid, const char *hint, struct cb_buf *out)
{
	struct run_names *n = ctx;
	const char *map = stack_map(n->cb, hint);
	uint64_t addrs[FRAMES_MAX];
	bool inside_bpf = !user;
	int count;

	if (!map || id < 0)
		return -ENOENT;
	count = coolbpf_map_stack(n->cb, map, id, addrs, FRAMES_MAX);
	for (int i = 0; i < count; i++) {
		size_t before = out->len;

		add_names(n, user, tgid, addrs[i], out);
		/* a stack taken in a tracepoint begins with the tool itself, which is not what was asked for */
		inside_bpf = inside_bpf && !out->failed && is_bpf(out->data + before);
		if (inside_bpf)
			out->len = before;
	}
	return count < 0 ? count : 0;
}

static int resolve_ksym(void *ctx, uint64_t addr, struct cb_buf *out)
{
	struct run_names *n = ctx;
	struct coolbpf_symbol sym;
	int err = coolbpf_symbols_kernel(n->symbols, addr, &sym);

	if (err)
		return err;
	cb_buf_str(out, sym.name);
	if (sym.offset)
		cb_buf_printf(out, "+0x%llx", (unsigned long long)sym.offset);
	return 0;
}

struct run_names *cb_run_names_new(struct coolbpf *cb)
{
	struct run_names *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->cb = cb;
	n->symbols = coolbpf_symbols_new();
	n->resolver = (struct cb_resolver){.ctx = n, .stack = resolve_stack, .ksym = resolve_ksym};
	if (!n->symbols) {
		free(n);
		return NULL;
	}
	return n;
}

const struct cb_resolver *cb_run_resolver(const struct run_names *n)
{
	return &n->resolver;
}

void cb_run_names_free(struct run_names *n)
{
	if (!n)
		return;
	forget_all(n);
	coolbpf_symbols_free(n->symbols);
	free(n);
}
