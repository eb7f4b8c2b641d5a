// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* Maps: lookup, update, delete, walks with and without batches, values of each CPU added up by type, stacks. */
#include "tool.h"

/* As in bpf/maps.bpf.c. */
struct value {
	uint64_t count;
	int32_t balance;
	uint16_t parts[3];
	char name[8];
	bool flag;
	uint32_t state;
	struct {
		uint32_t deep;
	} inner;
	uint64_t low : 4;
};

static struct coolbpf *loaded(void)
{
	struct coolbpf *cb = tool_open("maps");

	must(cb, coolbpf_load(cb));
	return cb;
}

static struct coolbpf_map map(struct coolbpf *cb, const char *name)
{
	struct coolbpf_map m;

	must(cb, coolbpf_map_find(cb, name, &m));
	return m;
}

static unsigned id_of(struct coolbpf *cb, const char *name)
{
	struct bpf_map_info info = {0};
	__u32 len = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(map(cb, name).fd, &info, &len), 0);
	return info.id;
}

static void what_maps_there_are(void **state)
{
	struct coolbpf *cb = tool_open("maps");
	struct coolbpf_map m = map(cb, "hash");
	size_t n = 0;

	assert_int_equal(m.fd, -1);
	assert_int_equal(m.type, BPF_MAP_TYPE_HASH);
	assert_int_equal(m.key_size, 8);
	assert_int_equal(m.value_size, 8);
	assert_int_equal(m.max_entries, 20000);
	assert_string_equal(m.show, "top 10 clear");
	assert_string_equal(m.hist, "");
	assert_false(m.percpu || m.internal);
	assert_true(m.key_type_id && m.value_type_id);
	assert_string_equal(map(cb, "sizes").hist, "log2");
	assert_true(map(cb, "sizes").percpu && map(cb, "percpu_hash").percpu && map(cb, "lru_percpu").percpu);
	assert_int_equal(map(cb, "by_struct").value_size, sizeof(struct value));
	for (size_t i = 0; !coolbpf_map_get(cb, i, &m); i++)
		n += !m.internal;
	assert_int_equal(n, 11);
	assert_int_equal(coolbpf_map_get(cb, coolbpf_map_count(cb), &m), -ERANGE);
	must_refuse(cb, coolbpf_map_find(cb, "nothing", &m), -ENOENT, "there is no map nothing; there is ");
	must_refuse(cb, coolbpf_map_lookup(cb, "hash", &n, &n), -EINVAL, "not loaded yet");
	coolbpf_free(cb);
}

static void update_lookup_delete(void **state)
{
	struct coolbpf *cb = loaded();
	uint64_t key = 0x1122334455667788, value = 42, got = 0;

	must_refuse(cb, coolbpf_map_lookup(cb, "hash", &key, &got), -ENOENT, "look up a key in map hash");
	must(cb, coolbpf_map_update(cb, "hash", &key, &value, BPF_ANY));
	must(cb, coolbpf_map_lookup(cb, "hash", &key, &got));
	assert_int_equal(got, 42);
	must_refuse(cb, coolbpf_map_update(cb, "hash", &key, &value, BPF_NOEXIST), -EEXIST, "update map hash");
	value = 43;
	must(cb, coolbpf_map_update(cb, "hash", &key, &value, BPF_EXIST));
	must(cb, coolbpf_map_lookup(cb, "hash", &key, &got));
	assert_int_equal(got, 43);
	/* bpftool sees the same */
	assert_string_equal(
		output_of("bpftool -j map lookup id %u key hex 88 77 66 55 44 33 22 11 | jq -c .formatted.value",
			  id_of(cb, "hash")),
		"43");
	must(cb, coolbpf_map_delete(cb, "hash", &key));
	must_refuse(cb, coolbpf_map_delete(cb, "hash", &key), -ENOENT, "delete from map hash");
	must_refuse(cb, coolbpf_map_update(cb, "nothing", &key, &value, 0), -ENOENT, "there is no map nothing");
	tool_end(cb);
}

/* ---- Walks ----------------------------------------------------------------------------------------------------------- */

enum { MANY = 15000 };

struct walk {
	unsigned char seen[MANY];
	unsigned n;
	unsigned stop_at;
	int answer;
};

/* The value is always three times the key. */
static int on_entry(void *ctx, const void *key, const void *value)
{
	struct walk *w = ctx;
	uint64_t k = *(const uint64_t *)key;

	assert_true(k < MANY);
	assert_int_equal(*(const uint64_t *)value, 3 * k);
	w->seen[k]++;
	return ++w->n == w->stop_at ? w->answer : 0;
}

static void fill(struct coolbpf *cb, uint64_t n)
{
	for (uint64_t k = 0; k < n; k++) {
		uint64_t v = 3 * k;

		must(cb, coolbpf_map_update(cb, "hash", &k, &v, BPF_ANY));
	}
}

static int count_entries(void *ctx, const void *key, const void *value)
{
	++*(unsigned *)ctx;
	return 0;
}

static unsigned size_of(struct coolbpf *cb, const char *name)
{
	unsigned n = 0;

	must(cb, coolbpf_map_each(cb, name, 0, count_entries, &n));
	return n;
}

static void each_entry_once(void **state)
{
	struct coolbpf *cb = loaded();
	struct walk w = {0};

	must(cb, coolbpf_map_each(cb, "hash", 0, on_entry, &w));
	assert_int_equal(w.n, 0);
	fill(cb, MANY);
	must(cb, coolbpf_map_each(cb, "hash", 0, on_entry, &w));
	assert_int_equal(w.n, MANY);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(w.seen[i], 1);
	assert_int_equal(size_of(cb, "hash"), MANY);
	coolbpf_free(cb);
}

static void take_each_entry(void **state)
{
	struct coolbpf *cb = loaded();
	struct walk w = {0};

	fill(cb, MANY);
	must(cb, coolbpf_map_each(cb, "hash", COOLBPF_EACH_DELETE, on_entry, &w));
	assert_int_equal(w.n, MANY);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(w.seen[i], 1);
	assert_int_equal(size_of(cb, "hash"), 0);
	coolbpf_free(cb);
}

static void stop_in_the_middle(void **state)
{
	struct coolbpf *cb = loaded();
	struct walk w = {.stop_at = 700, .answer = 1};

	fill(cb, 2000);
	assert_int_equal(coolbpf_map_each(cb, "hash", 0, on_entry, &w), 0);
	assert_int_equal(w.n, 700);
	w = (struct walk){.stop_at = 3, .answer = -ECANCELED};
	assert_int_equal(coolbpf_map_each(cb, "hash", 0, on_entry, &w), -ECANCELED);
	assert_int_equal(w.n, 3);
	coolbpf_free(cb);
}

static void array(void **state)
{
	struct coolbpf *cb = loaded();
	struct walk w = {0};
	unsigned n = 0;

	for (uint32_t k = 0; k < 1000; k++) {
		uint64_t v = 3 * (uint64_t)k;

		must(cb, coolbpf_map_update(cb, "array", &k, &v, BPF_ANY));
	}
	for (int round = 0; round < 2; round++) {
		n = 0;
		must(cb, coolbpf_map_each(cb, "array", round ? COOLBPF_EACH_DELETE : 0, count_entries, &n));
		assert_int_equal(n, 1000);
	}
	/* taken: all are zero, none is gone */
	for (uint32_t k = 0; k < 1000; k++) {
		uint64_t v = 1;

		must(cb, coolbpf_map_lookup(cb, "array", &k, &v));
		assert_int_equal(v, 0);
	}
	assert_int_equal(w.n, 0);
	assert_int_equal(size_of(cb, "array"), 1000);
	coolbpf_free(cb);
}

static void struct_keys(void **state)
{
	struct coolbpf *cb = loaded();
	struct {
		uint32_t a;
		uint16_t b, pad;
	} key = {7, 8, 0};
	struct value v = {.count = 5, .balance = -6, .name = "seven"}, got;

	must(cb, coolbpf_map_update(cb, "by_struct", &key, &v, BPF_ANY));
	must(cb, coolbpf_map_lookup(cb, "by_struct", &key, &got));
	assert_memory_equal(&got, &v, sizeof(v));
	key.b = 9;
	assert_int_equal(coolbpf_map_lookup(cb, "by_struct", &key, &got), -ENOENT);
	assert_int_equal(size_of(cb, "by_struct"), 1);
	coolbpf_free(cb);
}

/* An LRU map drops what was not used for longest; a walk sees what is left, each once. */
static void lru(void **state)
{
	struct coolbpf *cb = loaded();
	unsigned n;

	for (uint32_t k = 0; k < 1000; k++) {
		uint64_t v = k;

		must(cb, coolbpf_map_update(cb, "lru", &k, &v, BPF_ANY));
	}
	n = size_of(cb, "lru");
	assert_in_range(n, 1, 128);
	assert_int_equal(n, atoi(output_of("bpftool -j map dump id %u | jq length", id_of(cb, "lru"))));
	coolbpf_free(cb);
}

/* ---- Values of each CPU ------------------------------------------------------------------------------------------------ */

static int sum_entry(void *ctx, const void *key, const void *value)
{
	void **args = ctx;

	return coolbpf_map_sum(args[0], args[1], value, args[2]);
}

/* CPU i (from 0) contributes (i + 1) times this; what is no number comes from the first CPU that has it. */
static void sums_by_type(void **state)
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t factor = (uint64_t)cpus * (uint64_t)(cpus + 1) / 2;
	struct coolbpf *cb = loaded();
	struct coolbpf_map m = map(cb, "percpu_hash");
	size_t step = (sizeof(struct value) + 7) / 8 * 8;
	char *values = calloc((size_t)cpus, step);
	struct value sum = {0}, again = {0};
	uint32_t key = 9;

	assert_int_equal(coolbpf_map_value_room(&m), step * (size_t)cpus);
	for (int i = 0; i < cpus; i++) {
		struct value *v = (void *)(values + step * (size_t)i);

		*v = (struct value){
			.count = 10000000000ULL * (uint64_t)(i + 1),
			.balance = -5 * (i + 1),
			.parts = {(uint16_t)(i + 1), 0, (uint16_t)(100 * (i + 1))},
			.flag = i == cpus - 1,
			.state = i ? 3 : 0,
			.inner.deep = 2 * (uint32_t)(i + 1),
			.low = i == cpus - 1 ? 9 : 0,
		};
		snprintf(v->name, sizeof(v->name), i ? "later" : "first");
	}
	must(cb, coolbpf_map_update(cb, "percpu_hash", &key, values, BPF_ANY));
	memset(values, 0xff, step * (size_t)cpus);
	must(cb, coolbpf_map_lookup(cb, "percpu_hash", &key, values));
	must(cb, coolbpf_map_sum(cb, &m, values, &sum));
	assert_int_equal(sum.count, 10000000000ULL * factor);
	assert_int_equal(sum.balance, -5 * (int64_t)factor);
	assert_int_equal(sum.parts[0], factor);
	assert_int_equal(sum.parts[1], 0);
	assert_int_equal(sum.parts[2], 100 * factor);
	assert_string_equal(sum.name, "first");
	assert_true(sum.flag);
	assert_int_equal(sum.state, cpus > 1 ? 3 : 0);
	assert_int_equal(sum.inner.deep, 2 * factor);
	assert_int_equal(sum.low, 9);
	/* the same through a walk */
	must(cb, coolbpf_map_each(cb, "percpu_hash", 0, sum_entry, (void *[]){cb, &m, &again}));
	assert_memory_equal(&again, &sum, sizeof(sum));
	free(values);
	coolbpf_free(cb);
}

static void run_on(struct coolbpf *cb, uint64_t n, unsigned cpu)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(coolbpf_bpf_object(cb), "step");
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &n, .ctx_size_in = sizeof(n), .flags = BPF_F_TEST_RUN_ON_CPU,
		    .cpu = cpu);

	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(prog), &opts), 0);
}

/* 4-byte values of CPUs lie 8 bytes apart; the program adds on the CPU where it runs. */
static void sums_of_a_program(void **state)
{
	unsigned last = (unsigned)sysconf(_SC_NPROCESSORS_ONLN) - 1;
	struct coolbpf *cb = loaded();
	struct coolbpf_map m = map(cb, "percpu_array"), h = map(cb, "sizes");
	uint64_t *values = malloc(coolbpf_map_value_room(&m));
	uint32_t two = 2, sum = 0;
	int64_t slot = 0;

	for (int i = 0; i < 10; i++) {
		run_on(cb, 1000, 0);
		run_on(cb, 5, last);
	}
	must(cb, coolbpf_map_lookup(cb, "percpu_array", &two, values));
	if (last) {
		assert_int_equal((uint32_t)values[0], 10000);
		assert_int_equal((uint32_t)values[last], 50);
	}
	must(cb, coolbpf_map_sum(cb, &m, values, &sum));
	assert_int_equal(sum, 10050);
	assert_int_equal(size_of(cb, "percpu_array"), 4);
	/* 1000 is in slot 9 (512..1023), 5 in slot 2 (4..7) */
	for (uint32_t k = 0; k < 64; k++) {
		must(cb, coolbpf_map_lookup(cb, "sizes", &k, values));
		must(cb, coolbpf_map_sum(cb, &h, values, &slot));
		assert_int_equal(slot, k == 9 || k == 2 ? 10 : 0);
	}
	free(values);
	coolbpf_free(cb);
}

static void take_percpu(void **state)
{
	size_t cpus = (size_t)libbpf_num_possible_cpus();
	struct coolbpf *cb = loaded();
	struct coolbpf_map m = map(cb, "lru_percpu");
	uint64_t *values = calloc(cpus, 8), sum = 0;
	unsigned n = 0;

	for (uint32_t key = 0; key < 3; key++) {
		for (size_t i = 0; i < cpus; i++)
			values[i] = 7;
		must(cb, coolbpf_map_update(cb, "lru_percpu", &key, values, BPF_ANY));
	}
	must(cb, coolbpf_map_each(cb, "lru_percpu", 0, sum_entry, (void *[]){cb, &m, &sum}));
	assert_int_equal(sum, 7 * cpus);
	must(cb, coolbpf_map_each(cb, "lru_percpu", COOLBPF_EACH_DELETE, count_entries, &n));
	assert_int_equal(n, 3);
	assert_int_equal(size_of(cb, "lru_percpu"), 0);
	/* an array: emptied */
	run_on(cb, 77, 0);
	must(cb, coolbpf_map_each(cb, "percpu_array", COOLBPF_EACH_DELETE, count_entries, &n));
	m = map(cb, "percpu_array");
	must(cb, coolbpf_map_lookup(cb, "percpu_array", &(uint32_t){2}, values));
	must(cb, coolbpf_map_sum(cb, &m, values, &sum));
	assert_int_equal((uint32_t)sum, 0);
	free(values);
	coolbpf_free(cb);
}

/* ---- Stacks ------------------------------------------------------------------------------------------------------------ */

void called(void);

__attribute__((noinline, used)) void called(void)
{
	__asm__ volatile("");
}

static void stack(void **state)
{
	struct coolbpf *cb = loaded();
	uint64_t addrs[127];
	uint32_t zero = 0;
	int32_t id = -1;
	int n;

	must(cb, coolbpf_attach_uprobe(cb, "on_call", "/proc/self/exe", "called", 0, 0, false));
	called();
	must(cb, coolbpf_map_lookup(cb, "ids", &zero, &id));
	assert_true(id >= 0);
	n = must(cb, coolbpf_map_stack(cb, "stacks", id, addrs, 127));
	assert_in_range(n, 1, 127);
	assert_int_equal(addrs[0], (uint64_t)(uintptr_t)called);
	for (int i = 0; i < n; i++)
		assert_true(addrs[i] != 0);
	assert_int_equal(must(cb, coolbpf_map_stack(cb, "stacks", id, addrs, 1)), 1);
	must_refuse(cb, coolbpf_map_stack(cb, "stacks", -EFAULT, addrs, 127), -ENOENT, "Bad address");
	assert_int_equal(coolbpf_map_stack(cb, "stacks", id ^ 1, addrs, 127), -ENOENT);
	must_refuse(cb, coolbpf_map_stack(cb, "hash", 0, addrs, 127), -EINVAL, "holds no stacks");
	tool_end(cb);
}

static void refusals(void **state)
{
	struct coolbpf *cb = loaded();
	uint32_t key = 5000;
	uint64_t value;
	unsigned n;

	must_refuse(cb, coolbpf_map_each(cb, "queue", 0, count_entries, &n), -EINVAL, "no entries to walk");
	must_refuse(cb, coolbpf_map_each(cb, "nothing", 0, count_entries, &n), -ENOENT, "there is no map nothing");
	must_refuse(cb, coolbpf_map_lookup(cb, "array", &key, &value), -ENOENT, "map array");
	must_refuse(cb, coolbpf_map_update(cb, "array", &key, &value, 0), -E2BIG, "update map array");
	key = 1;
	must_refuse(cb, coolbpf_map_delete(cb, "array", &key), -EINVAL, "delete from map array");
	tool_end(cb);
}

/* The other way of walking, for kernels without batches (before 5.6). Everything else is as above. */
static void without_batches(void **state)
{
	without_bpf(BPF_MAP_LOOKUP_BATCH, BPF_MAP_LOOKUP_AND_DELETE_BATCH, each_entry_once);
	without_bpf(BPF_MAP_LOOKUP_BATCH, BPF_MAP_LOOKUP_AND_DELETE_BATCH, take_each_entry);
	without_bpf(BPF_MAP_LOOKUP_BATCH, BPF_MAP_LOOKUP_AND_DELETE_BATCH, stop_in_the_middle);
	without_bpf(BPF_MAP_LOOKUP_BATCH, BPF_MAP_LOOKUP_AND_DELETE_BATCH, array);
	without_bpf(BPF_MAP_LOOKUP_BATCH, BPF_MAP_LOOKUP_AND_DELETE_BATCH, take_percpu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_maps_there_are),
		cmocka_unit_test(update_lookup_delete),
		cmocka_unit_test(each_entry_once),
		cmocka_unit_test(take_each_entry),
		cmocka_unit_test(stop_in_the_middle),
		cmocka_unit_test(array),
		cmocka_unit_test(struct_keys),
		cmocka_unit_test(lru),
		cmocka_unit_test(sums_by_type),
		cmocka_unit_test(sums_of_a_program),
		cmocka_unit_test(take_percpu),
		cmocka_unit_test(stack),
		cmocka_unit_test(refusals),
		cmocka_unit_test(without_batches),
	};

	return run_as_root(tests);
}
