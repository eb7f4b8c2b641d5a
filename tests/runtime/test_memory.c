// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * test_memory.c - no memory while an object is opened, looked at and set up: the first, second, ... n-th allocation of
 * this library fails, until all goes well without. Each time the error is -ENOMEM with a sentence, the handle is as new,
 * and nothing leaks (the sanitizer build sees to that).
 */
#include <errno.h>

#include "fail_alloc.h"
#include "tool.h"

FAIL_ALLOC(void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size))
FAIL_ALLOC(char *, strdup, (const char *s), (s))
FAIL_ALLOC(char *, strndup, (const char *s, size_t n), (s, n))

/* An object in memory, and what is done with it. */
struct work {
	char *object;
	size_t size;
	int (*use)(struct coolbpf *cb);
	bool unfailed; /* no allocation failed the last time */
};

static int on_event(void *ctx, const struct coolbpf_event *ev)
{
	return 0;
}

static int look_and_set(struct coolbpf *cb)
{
	struct coolbpf_param p;
	int err = 0;

	for (size_t i = 0; !err && i < coolbpf_param_count(cb); i++) {
		err = coolbpf_param_get(cb, i, &p);
		if (!err && strcmp(p.name, "pair") != 0)
			err = coolbpf_param_set(cb, p.name, p.value);
	}
	if (!err)
		err = coolbpf_on_event(cb, NULL, on_event, NULL);
	return err ? err : coolbpf_program_target(cb, "tell", "any");
}

static int run(struct coolbpf *cb)
{
	uint64_t sum = 0;
	int err = coolbpf_on_event(cb, NULL, on_event, NULL);

	if (!err)
		err = coolbpf_load(cb);
	if (!err)
		err = coolbpf_attach(cb);
	if (!err)
		err = coolbpf_attach_target(cb, "by_hand", "signal_deliver");
	if (!err)
		err = coolbpf_poll(cb, 0);
	if (err >= 0)
		err = coolbpf_map_lookup(cb, "calls", &(uint32_t){0}, &sum);
	return err < 0 ? err : 0;
}

static int life(struct work *w)
{
	static const char *const flags[] = {"-DA", "-DB", NULL};
	const struct coolbpf_opts opts = {
		.sz = sizeof(opts), .btf_path = "/sys/kernel/btf/vmlinux", .clang = "clang", .cflags = flags};
	struct coolbpf *cb = coolbpf_new(&opts);
	int err;

	w->unfailed = false;
	if (!cb)
		return -errno;
	err = coolbpf_open_memory(cb, w->object, w->size, "dir/tool.bpf.o");
	if (err) {
		assert_int_equal(coolbpf_program_count(cb), 0);
		assert_null(coolbpf_bpf_object(cb));
	} else {
		err = w->use(cb);
	}
	w->unfailed = fail_at;
	fail_at = 0;
	if (err && !strstr(coolbpf_errmsg(cb), "out of memory"))
		fail_msg("the message has other words: %s", coolbpf_errmsg(cb));
	coolbpf_free(cb);
	return err;
}

/* With each allocation failing in turn, until none is left to fail. */
static void each_fails_once(struct coolbpf *cb, int (*use)(struct coolbpf *cb), long at_least)
{
	struct work w = {.use = use};
	const void *data = coolbpf_object_data(cb, &w.size);
	size_t fds;
	long n = 0;

	w.object = malloc(w.size);
	memcpy(w.object, data, w.size);
	coolbpf_free(cb);
	assert_int_equal(life(&w), 0);
	fds = open_fds();
	do {
		int err;

		fail_at = ++n;
		err = life(&w);
		if (err && (err != -ENOMEM || w.unfailed))
			fail_msg("allocation %ld: %s", n, strerror(-err));
		assert_int_equal(open_fds(), fds);
		assert_true(n < 10000);
	} while (!w.unfailed);
	assert_true(n > at_least);
	free(w.object);
}

static void opened_and_set_up(void **state)
{
	/* 19 parameters alone have a type and a value each */
	each_fails_once(tool_open("params"), look_and_set, 50);
}

static void run_and_read(void **state)
{
	each_fails_once(tool_source("#include \"lbc.h\"\n"
				    "char LICENSE[] SEC(\"license\") = \"GPL\";\n"
				    "struct event { __u32 pid; };\n"
				    "LBC_EVENTS(events, struct event, 4096);\n"
				    "LBC_ARRAY(calls, __u32, __u64, 1);\n"
				    "typedef char name_t[32];\n"
				    "LBC_PARAM(name_t, where, \"signal_generate\", \"a trace point\");\n"
				    "#define BODY { struct event e = {.pid = _(((struct task_struct "
				    "*)bpf_get_current_task())->pid)};"
				    " lbc_emit(c, events, &e); return 0; }\n"
				    "SEC(\"tp/signal/no_such|signal_generate\") int several(void *c) BODY\n"
				    "LBC_ALTERNATIVE(\"g\") SEC(\"tp_btf/no_such\") int first(void *c) BODY\n"
				    "LBC_ALTERNATIVE(\"g\") SEC(\"raw_tp/signal_deliver\") int second(void *c) BODY\n"
				    "LBC_ALTERNATIVE(\"g\") SEC(\"raw_tp/signal_generate\") int third(void *c) BODY\n"
				    "LBC_ATTACH(\"$where\") SEC(\"raw_tp\") int tagged(void *c) BODY\n"
				    "SEC(\"raw_tp\") int by_hand(void *c) BODY\n"),
			run, 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opened_and_set_up),
		cmocka_unit_test(run_and_read),
	};

	return run_as_root(tests);
}
