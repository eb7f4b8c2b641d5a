// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_queue.c - turns, limits and the bucket of tokens, with a clock that the test turns. */
#include "check.h"

#include <string.h>

#include "service/queue.h"

enum { PLACES = 200 };

struct fixture {
	struct cb_queue q;
	struct cb_place places[PLACES];
	unsigned used;
};

static struct fixture open_queue(void)
{
	return (struct fixture){.q.limits = {.client_queue = 100, .queue = 1000, .queue_bytes = 1000000}};
}

static struct cb_client *client(struct fixture *f, const char *name)
{
	struct cb_client *c = cb_client_get(&f->q, 't', name);

	assert_non_null(c);
	return c;
}

static struct cb_place *add(struct fixture *f, struct cb_client *c)
{
	struct cb_place *p = &f->places[f->used++];

	assert_int_equal(cb_queue_add(&f->q, c, p, 10), CB_ADMITTED);
	return p;
}

/* The names of the clients whose turns come next, run to their end. */
static const char *turns(struct fixture *f, unsigned n)
{
	static char text[PLACES + 1];

	memset(text, 0, sizeof(text));
	for (unsigned i = 0; i < n; i++) {
		struct cb_place *p = cb_queue_next(&f->q);

		text[i] = p ? *p->client->name : '-';
		if (p)
			cb_queue_leave(&f->q, p);
	}
	return text;
}

static void clients_take_turns(void **state)
{
	struct fixture f = open_queue();
	struct cb_client *a = client(&f, "a"), *b = client(&f, "b"), *c = client(&f, "c");

	for (int i = 0; i < 5; i++)
		add(&f, a);
	add(&f, b);
	add(&f, b);
	add(&f, c);
	assert_int_equal(f.q.waiting, 8);
	assert_int_equal(f.q.bytes, 80);
	assert_string_equal(turns(&f, 9), "abcabaaa-");
	assert_int_equal(f.q.waiting, 0);
	assert_int_equal(f.q.bytes, 0);
	assert_int_equal(f.q.running, 0);
	cb_client_put(&f.q, a);
	cb_client_put(&f.q, b);
	cb_client_put(&f.q, c);
	cb_queue_free(&f.q);
}

static void who_comes_late_waits_one_turn(void **state)
{
	struct fixture f = open_queue();
	struct cb_client *a = client(&f, "a"), *b = client(&f, "b");

	for (int i = 0; i < 50; i++)
		add(&f, a);
	assert_string_equal(turns(&f, 10), "aaaaaaaaaa");
	add(&f, b);
	assert_string_equal(turns(&f, 3), "aba");
	cb_queue_leave(&f.q, &f.places[40]); /* one that is no longer to run */
	assert_string_equal(turns(&f, 40), "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa---");
	cb_client_put(&f.q, a);
	cb_client_put(&f.q, b);
	cb_queue_free(&f.q);
}

static void a_client_runs_so_many_at_once(void **state)
{
	struct fixture f = open_queue();
	struct cb_client *a = client(&f, "a"), *b = client(&f, "b");
	struct cb_place *first, *second;

	f.q.limits.client_jobs = 2;
	for (int i = 0; i < 4; i++)
		add(&f, a);
	first = cb_queue_next(&f.q);
	second = cb_queue_next(&f.q);
	assert_ptr_equal(first, &f.places[0]);
	assert_ptr_equal(second, &f.places[1]);
	assert_null(cb_queue_next(&f.q));
	add(&f, b);
	assert_string_equal(turns(&f, 2), "b-");
	cb_queue_leave(&f.q, first);
	assert_ptr_equal(cb_queue_next(&f.q), &f.places[2]);
	assert_null(cb_queue_next(&f.q));
	cb_queue_leave(&f.q, second);
	cb_queue_leave(&f.q, &f.places[2]);
	assert_string_equal(turns(&f, 2), "a-");
	cb_client_put(&f.q, a);
	cb_client_put(&f.q, b);
	cb_queue_free(&f.q);
}

static void lines_have_their_limits(void **state)
{
	struct fixture f = open_queue();
	struct cb_client *a = client(&f, "a"), *b = client(&f, "b");
	struct cb_place p;

	f.q.limits = (struct cb_limits){.client_queue = 3, .queue = 5, .queue_bytes = 55};
	for (int i = 0; i < 3; i++)
		add(&f, a);
	assert_int_equal(cb_queue_add(&f.q, a, &p, 1), CB_CLIENT_FULL);
	add(&f, b);
	assert_int_equal(cb_queue_add(&f.q, b, &p, 16), CB_SERVER_FULL); /* bytes */
	add(&f, b);
	assert_int_equal(cb_queue_add(&f.q, b, &p, 1), CB_SERVER_FULL); /* number */
	assert_string_equal(turns(&f, 6), "ababa-");
	assert_int_equal(cb_queue_add(&f.q, b, &p, 56), CB_SERVER_FULL);
	cb_client_put(&f.q, a);
	cb_client_put(&f.q, b);
	cb_queue_free(&f.q);
}

static void tokens_come_with_time(void **state)
{
	struct fixture f = open_queue();
	struct cb_client *a, *b;
	unsigned taken = 0;

	f.q.limits.rate = 10;
	f.q.limits.burst = 3;
	a = client(&f, "a");
	b = client(&f, "b");
	for (int i = 0; i < 3; i++)
		assert_int_equal(cb_queue_take_token(&f.q, a, 1000), 0);
	assert_int_equal(cb_queue_take_token(&f.q, a, 1000), 101); /* a tenth of a second, rounded up */
	assert_int_equal(cb_queue_take_token(&f.q, b, 1000), 0);
	assert_int_not_equal(cb_queue_take_token(&f.q, a, 1050), 0);
	assert_int_equal(cb_queue_take_token(&f.q, a, 1101), 0);
	/* never more than ten a second in the long run */
	for (uint64_t ms = 2000; ms < 12000; ms += 7)
		taken += !cb_queue_take_token(&f.q, a, ms);
	assert_in_range(taken, 99, 104);
	/* a day of silence is a burst and no more */
	for (int i = 0; i < 3; i++)
		assert_int_equal(cb_queue_take_token(&f.q, a, 86400000), 0);
	assert_int_not_equal(cb_queue_take_token(&f.q, a, 86400000), 0);
	/* a clock that goes back gives nothing */
	assert_int_not_equal(cb_queue_take_token(&f.q, a, 1000), 0);
	cb_client_put(&f.q, a);
	cb_client_put(&f.q, b);
	cb_queue_free(&f.q);
}

static void clients_are_told_apart_and_remembered(void **state)
{
	struct fixture f = open_queue();
	struct cb_client *a, *again;
	char name[16];

	f.q.limits.rate = 1;
	f.q.limits.burst = 1;
	a = client(&f, "a");
	assert_ptr_not_equal(a, cb_client_get(&f.q, 'a', "a")); /* an address */
	assert_ptr_equal(a, cb_client_get(&f.q, 't', "a"));
	assert_int_equal(cb_queue_take_token(&f.q, a, 5), 0);
	cb_client_put(&f.q, a);
	cb_client_put(&f.q, a);
	again = client(&f, "a");
	assert_int_not_equal(cb_queue_take_token(&f.q, again, 5), 0);
	cb_client_put(&f.q, again);
	/* who asks from a hundred thousand addresses takes no more memory than so many */
	for (int i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		cb_client_put(&f.q, client(&f, name));
	}
	assert_in_range(f.q.clients.used, 100, 5000);
	cb_client_put(&f.q, cb_client_get(&f.q, 'a', "a"));
	cb_client_put(&f.q, cb_client_get(&f.q, 'a', "a"));
	/* the address of above has one user left */
	again = cb_client_get(&f.q, 'a', "a");
	cb_client_put(&f.q, again);
	cb_client_put(&f.q, again);
	cb_queue_free(&f.q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clients_take_turns),
		cmocka_unit_test(who_comes_late_waits_one_turn),
		cmocka_unit_test(a_client_runs_so_many_at_once),
		cmocka_unit_test(lines_have_their_limits),
		cmocka_unit_test(tokens_come_with_time),
		cmocka_unit_test(clients_are_told_apart_and_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
