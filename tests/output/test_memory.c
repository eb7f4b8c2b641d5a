// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * test_memory.c - every allocation of this room fails once: what follows is an error that says so or a complete result,
 * never a crash, a leak or half a record.
 *
 * The linker sends the room's malloc, calloc and realloc through here (--wrap). libbpf and the C library keep their own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "fixture.h"
#include "json_check.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

static long left = -1; /* allocations until the one that fails; -1: none does */

static bool fails(void)
{
	return left >= 0 && left-- == 0;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

struct fixture {
	struct types t;
	int event, slots;
	char record[128];
	int null;
};

static int set_up(void **state)
{
	static struct fixture f;
	int mode, inner;

	left = -1;
	f = (struct fixture){.t = types_new()};
	mode = btf__add_enum(f.t.btf, "mode", 4);
	btf__add_enum_value(f.t.btf, "A", 0);
	btf__add_enum_value(f.t.btf, "B", 9);
	inner = structure(&f.t, "inner", 8, {"x", f.t.u32, 0}, {"y", f.t.u32, 4});
	f.event = structure(
		&f.t, "event", 128, {"ns", display(&f.t, "lbc_ns_t", f.t.u64), 0}, {"mode", mode, 8},
		{"comm", array_of(&f.t, f.t.chr, 16), 12}, {"in", inner, 28}, {"list", array_of(&f.t, inner, 2), 36},
		{"stack", display(&f.t, "lbc_kstack_t", f.t.s32), 52}, {"long", array_of(&f.t, f.t.chr, 60), 56},
		{"cgroup", display(&f.t, "lbc_cgroup_t", f.t.u64), 120});
	f.slots = structure(&f.t, "slots", 16, {"slots", array_of(&f.t, f.t.u32, 4), 0});
	memset(f.record, 'x', sizeof(f.record));
	f.null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	left = -1;
	close(f->null);
	btf__free(f->t.btf);
	return 0;
}

/* One way through the room. 0, or -ENOMEM. */
typedef int (*way_fn)(const struct fixture *f, struct cb_err *e);

static int print_records(const struct fixture *f, enum cb_format format, struct cb_err *e)
{
	struct cb_plan *p = cb_plan_new(f->t.btf, (uint32_t)f->event, "event", NULL, e);
	struct cb_printer *pr = p ? cb_printer_new(p, format, f->null, "event", true, e) : NULL;
	int err = pr ? 0 : -errno;

	for (int i = 0; i < 3 && !err; i++)
		err = cb_printer_record(pr, f->record, e);
	if (!err)
		err = cb_printer_flush(pr, e);
	cb_printer_free(pr);
	cb_plan_free(p);
	return err;
}

static int print_json(const struct fixture *f, struct cb_err *e)
{
	return print_records(f, CB_JSON, e);
}

static int print_csv(const struct fixture *f, struct cb_err *e)
{
	return print_records(f, CB_CSV, e);
}

static int print_table(const struct fixture *f, struct cb_err *e)
{
	return print_records(f, CB_TABLE, e);
}

static int one_object(const struct fixture *f, struct cb_err *e)
{
	struct cb_plan *p = cb_plan_new(f->t.btf, (uint32_t)f->event, "event", NULL, e);
	struct cb_buf b = {0};
	int err = p ? 0 : -errno;

	if (p) {
		cb_plan_json(p, f->record, &b);
		if (b.failed)
			err = cb_fail(e, ENOMEM, "out of memory");
		else
			assert_true(json_is_valid(b.data, b.len));
	}
	cb_buf_free(&b);
	cb_plan_free(p);
	return err;
}

static int filter(const struct fixture *f, struct cb_err *e)
{
	struct cb_plan *p = cb_plan_new(f->t.btf, (uint32_t)f->event, "event", NULL, e);
	struct cb_filter *filter = p ? cb_filter_new(p, "ns > 1ms && mode != B || comm ~ \"x*\"", e) : NULL;
	int err = filter ? 0 : -errno;

	if (filter)
		assert_true(cb_filter_match(filter, f->record));
	cb_filter_free(filter);
	cb_plan_free(p);
	return err;
}

static int show(const struct fixture *f, const char *how, int value, enum cb_format format, struct cb_err *e)
{
	const struct cb_show_spec spec = {
		.title = "map",
		.how = how,
		.hist = "",
		.btf = f->t.btf,
		.key_type_id = (uint32_t)f->event,
		.value_type_id = (uint32_t)value,
		.format = format,
	};
	struct cb_show *s = cb_show_new(&spec, e);
	struct cb_buf b = {0};
	int err = s ? 0 : -errno;

	for (int i = 0; i < 3 && !err; i++)
		if ((err = cb_show_add(s, f->record, f->record)))
			cb_fail(e, -err, "out of memory");
	if (!err)
		err = cb_show_render(s, 0, &b, e);
	cb_buf_free(&b);
	cb_show_free(s);
	return err;
}

static int show_table(const struct fixture *f, struct cb_err *e)
{
	return show(f, "top 2", f->t.u64, CB_TABLE, e);
}

static int show_csv(const struct fixture *f, struct cb_err *e)
{
	return show(f, "table", f->t.u64, CB_CSV, e);
}

static int show_hist(const struct fixture *f, struct cb_err *e)
{
	return show(f, "hist us", f->slots, CB_JSON, e);
}

static int show_stacks(const struct fixture *f, struct cb_err *e)
{
	return show(f, "stacks", f->t.u64, CB_TABLE, e);
}

/* The event's stack, and others that make the tree grow; names that have to be changed. */
static int draw_stacks(const struct fixture *f, struct cb_err *e)
{
	struct cb_plan *p = cb_plan_new(f->t.btf, (uint32_t)f->event, "event", NULL, e);
	struct cb_stacks *s = p ? cb_stacks_new() : NULL;
	int err = s ? 0 : -ENOMEM;
	struct cb_buf b = {0};

	if (!err)
		err = cb_plan_stacks(p, f->record, 1, s);
	/* one stack for each number of four octal digits: more calls than there is room for at first */
	for (unsigned i = 0; i < 2048 && !err; i++) {
		static const char *const names[] = {"0", "1", "2;", "", "4", "5", "6", "\xff"};

		err = cb_stacks_add(
			s, (const char *[]){names[i & 7], names[i >> 3 & 7], names[i >> 6 & 7], names[i >> 9]}, 4, 1);
	}
	if (!err) {
		cb_stacks_folded(s, &b);
		err = b.failed ? -ENOMEM : cb_stacks_svg(s, "title", "samples", &b);
	}
	if (err)
		cb_fail(e, -err, "cannot draw the stacks");
	cb_buf_free(&b);
	cb_stacks_free(s);
	cb_plan_free(p);
	return err;
}

static void test_all(void **state)
{
	static const way_fn ways[] = {
		print_json, print_csv, print_table, one_object,	 filter,
		show_table, show_csv,  show_hist,   show_stacks, draw_stacks,
	};
	const struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		long n = 0;

		for (;; n++) {
			struct cb_err e = {0};
			bool failed;
			int err;

			left = n;
			err = ways[i](f, &e);
			failed = left < 0;
			left = -1;
			if (!failed) {
				assert_int_equal(err, 0);
				break;
			}
			/* what is only a name for something may be left out */
			if (err && err != -ENOMEM)
				fail_msg("way %zu, allocation %ld: %d", i, n, err);
			if (err && !*e.text)
				fail_msg("way %zu, allocation %ld: no message", i, n);
		}
		assert_true(n > 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
