// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Two handles in two threads at once: each sees its own events, parameters and messages.
 *
 * make tsan looks for races
 * (on kernels with more than 28 bits of address randomisation it takes setarch -R).
 */
#include <pthread.h>

#include "tool.h"

enum { ROUNDS = 20, EVENTS = 64 };

struct event {
	uint64_t seq;
	uint32_t cpu;
	char text[36];
};

struct work {
	const void *object;
	size_t size;
	uint64_t first; /* the other thread's events have other numbers */
	unsigned failed;
	uint64_t n, wrong;
};

static int on_event(void *ctx, const struct coolbpf_event *ev)
{
	const struct event *e = ev->data;
	struct work *w = ctx;

	w->n++;
	w->wrong += e->seq < w->first || e->seq >= w->first + EVENTS;
	return 0;
}

/* cmocka's asserts are for the main thread: what goes wrong is counted. */
static void *run(void *ctx)
{
	struct work *w = ctx;

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t args[2] = {w->first, EVENTS};
		LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = sizeof(args));
		struct coolbpf *cb = coolbpf_new(NULL);
		struct bpf_program *prog;
		char name[32];

		snprintf(name, sizeof(name), "name%llu", (unsigned long long)w->first);
		if (!cb || coolbpf_open_memory(cb, w->object, w->size, name) ||
		    coolbpf_param_set_value(cb, "pid", &(uint32_t){1}, 4) || coolbpf_on_event(cb, NULL, on_event, w) ||
		    coolbpf_load(cb)) {
			w->failed++;
			coolbpf_free(cb);
			continue;
		}
		prog = bpf_object__find_program_by_name(coolbpf_bpf_object(cb), "emit");
		w->failed += bpf_prog_test_run_opts(bpf_program__fd(prog), &opts) != 0;
		w->failed += coolbpf_consume(cb) != EVENTS;
		/* the messages are the handle's own */
		w->failed += coolbpf_attach(cb) != -EINVAL || !strstr(coolbpf_errmsg(cb), name);
		coolbpf_free(cb);
	}
	return NULL;
}

static void events(void **state)
{
	struct coolbpf *cb = tool_open("events");
	struct work w[2] = {{.first = 1000}, {.first = 5000}};
	pthread_t t[2];

	for (int i = 0; i < 2; i++) {
		w[i].object = coolbpf_object_data(cb, &w[i].size);
		assert_int_equal(pthread_create(&t[i], NULL, run, &w[i]), 0);
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(w[i].failed, 0);
		assert_int_equal(w[i].n, ROUNDS * EVENTS);
		assert_int_equal(w[i].wrong, 0);
	}
	coolbpf_free(cb);
}

/* Refused by the verifier in both, at two different programs' lines. */
static void *be_refused(void *ctx)
{
	struct work *w = ctx;

	for (int i = 0; i < ROUNDS; i++) {
		struct coolbpf *cb = coolbpf_new(NULL);

		if (coolbpf_open_memory(cb, w->object, w->size, "x") || coolbpf_load(cb) != -EACCES ||
		    !strstr(coolbpf_errmsg(cb), w->first ? "refuses program second" : "refuses program first") ||
		    !strstr(coolbpf_errmsg(cb), w->first ? "test.bpf.c:6: " : "test.bpf.c:5: "))
			w->failed++;
		coolbpf_free(cb);
	}
	return NULL;
}

static void refusals(void **state)
{
	struct coolbpf *cb[2];
	struct work w[2] = {{.first = 0}, {.first = 1}};
	pthread_t t[2];

	cb[0] = tool_source("#include \"lbc.h\"\nchar LICENSE[] SEC(\"license\") = \"GPL\";\nSEC(\"raw_tp\")\n"
			    "int first(long *ctx) {\n\treturn *(int *)ctx[0];\n}\n");
	cb[1] = tool_source("#include \"lbc.h\"\nchar LICENSE[] SEC(\"license\") = \"GPL\";\nSEC(\"raw_tp\")\n\n"
			    "int second(long *ctx) {\n\treturn *(int *)ctx[1];\n}\n");
	for (int i = 0; i < 2; i++) {
		w[i].object = coolbpf_object_data(cb[i], &w[i].size);
		assert_int_equal(pthread_create(&t[i], NULL, be_refused, &w[i]), 0);
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(w[i].failed, 0);
		coolbpf_free(cb[i]);
	}
}

static void *compile(void *ctx)
{
	struct work *w = ctx;

	for (int i = 0; i < 3; i++) {
		struct coolbpf *cb = coolbpf_new(NULL);

		w->failed += coolbpf_open_source(cb, w->object, "x.bpf.c") != 0;
		coolbpf_free(cb);
	}
	return NULL;
}

static void sources(void **state)
{
	struct work w[2] = {{.object = "#include \"lbc.h\"\nSEC(\"socket\") int a(void *c) { return 0; }\n"},
			    {.object = "#include \"lbc.h\"\nSEC(\"socket\") int b(void *c) { return 0; }\n"}};
	pthread_t t[2];

	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&t[i], NULL, compile, &w[i]), 0);
	for (int i = 0; i < 2; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(w[i].failed, 0);
	}
}

static unsigned said_to_us;

static int our_print(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	said_to_us++;
	return 0;
}

/* A program that uses libbpf beside this library keeps its own print function for what is its own. */
static void print_function_of_the_program(void **state)
{
	struct coolbpf *cb;
	unsigned before;

	libbpf_set_print(our_print);
	cb = coolbpf_new(NULL);
	assert_non_null(cb);
	assert_int_equal(coolbpf_open_memory(cb, "no ELF file", 11, "x.o"), -ENOEXEC);
	coolbpf_free(cb);
	assert_int_equal(said_to_us, 0);
	before = said_to_us;
	assert_null(bpf_object__open("/nowhere/at/all.o"));
	assert_true(said_to_us > before);
	libbpf_set_print(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(print_function_of_the_program),
		cmocka_unit_test(events),
		cmocka_unit_test(refusals),
		cmocka_unit_test(sources),
	};

	return run_as_root(tests);
}
