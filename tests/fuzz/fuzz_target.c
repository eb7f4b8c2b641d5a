// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * fuzz_target.c - the words of LBC_ATTACH and of section names, for every kind of program. The first byte chooses the
 * section, the rest are the words. The functions that would attach are here and look at what the words became, so that
 * no kernel is asked.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/links.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

/* A text that is there, and without the options that the words had. */
static int is_text(const char *text)
{
	check(text && strlen(text) < 65536);
	return 0;
}

int cb_attach_kprobe(struct coolbpf *cb, size_t i, const char *function, uint64_t offset, bool ret)
{
	return is_text(function);
}

int cb_attach_kprobe_multi(struct coolbpf *cb, size_t i, const char *pattern, bool ret)
{
	return is_text(pattern);
}

int cb_attach_ksyscall(struct coolbpf *cb, size_t i, const char *name, bool ret)
{
	return is_text(name);
}

int cb_attach_uprobe(struct coolbpf *cb, size_t i, const char *binary, const char *function, uint64_t offset, pid_t pid,
		     bool ret)
{
	check(pid == -1 || pid > 0);
	check(*binary && (!function || !strchr(function, ':')));
	return is_text(binary);
}

int cb_attach_usdt(struct coolbpf *cb, size_t i, const char *binary, const char *provider, const char *name, pid_t pid)
{
	check(pid == -1 || pid > 0);
	check(*binary && !strchr(provider, ':') && !strchr(name, ':'));
	return is_text(binary);
}

int cb_attach_tracepoint(struct coolbpf *cb, size_t i, const char *category, const char *name)
{
	check(!strchr(category, '/'));
	return is_text(category) + is_text(name);
}

int cb_attach_raw_tracepoint(struct coolbpf *cb, size_t i, const char *name)
{
	return is_text(name);
}

int cb_attach_trace(struct coolbpf *cb, size_t i)
{
	return 0;
}

int cb_attach_iter(struct coolbpf *cb, size_t i)
{
	return 0;
}

int cb_attach_auto(struct coolbpf *cb, size_t i)
{
	return 0;
}

int cb_attach_perf(struct coolbpf *cb, size_t i, const struct coolbpf_perf_opts *o)
{
	check(!o->freq != !o->period);
	check((o->pid == -1 || o->pid > 0) && o->cpu >= -1);
	check(o->bp_type <= 7);
	return 0;
}

int cb_perf_open(const struct coolbpf_perf_opts *o, int cpu)
{
	return -1;
}

int cb_attach_xdp(struct coolbpf *cb, size_t i, const char *interface, uint32_t flags)
{
	return is_text(interface);
}

int cb_attach_tc(struct coolbpf *cb, size_t i, const char *interface, bool egress)
{
	return is_text(interface);
}

int cb_attach_socket_interface(struct coolbpf *cb, size_t i, const char *interface)
{
	return interface ? is_text(interface) : 0;
}

int cb_attach_cgroup(struct coolbpf *cb, size_t i, const char *path)
{
	return is_text(path);
}

int cb_attach_sockmap(struct coolbpf *cb, size_t i, const char *map)
{
	return is_text(map);
}

/* One parameter, $p, whose text is longer than its name. */
struct cb_param *cb_param_find(struct coolbpf *cb, const char *name)
{
	if (!strcmp(name, "p"))
		return cb->params;
	cb_fail(&cb->err, 1, "there is no parameter %s", name);
	return NULL;
}

void cb_param_format(const struct coolbpf *cb, const struct cb_param *p, const void *value, struct cb_buf *out)
{
	cb_buf_str(out, "12345,pid=678");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const sections[] = {
		"kprobe", "kretprobe",	"kprobe.multi", "ksyscall", "uprobe",	 "uretprobe.s", "usdt",
		"tp",	  "tracepoint", "raw_tp",	"tp_btf",   "iter",	 "perf_event",	"socket",
		"xdp",	  "tc",		"cgroup_skb",	"sk_skb",   "sk_lookup", "nothing",	"cgroup/connect4"};
	struct cb_param param = {.name = "p"};
	char value[1] = "";
	struct cb_prog prog = {.name = "f"};
	struct coolbpf *cb = calloc(1, sizeof(*cb));
	char *words = size ? malloc(size) : NULL, *expanded;

	if (!cb || !words) {
		free(cb);
		return 0;
	}
	prog.section = sections[data[0] % (sizeof(sections) / sizeof(*sections))];
	cb->progs = &prog;
	cb->nprogs = 1;
	cb->params = &param;
	cb->rodata = value;
	memcpy(words, data + 1, size - 1);
	words[size - 1] = '\0';
	expanded = cb_target_expand(cb, words);
	if (!expanded || cb_attach_at(cb, 0, expanded))
		check(*cb->err.text);
	free(expanded);
	free(words);
	free(cb);
	return 0;
}
