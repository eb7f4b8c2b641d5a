// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* iter: the threads of this process, against /proc/self/task. */
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "tool.h"

static void *wait_for_end(void *ctx)
{
	char name[16];

	snprintf(name, sizeof(name), "iter-%ld", (long)syscall(SYS_gettid) % 1000);
	prctl(PR_SET_NAME, name);
	pthread_barrier_wait(ctx);
	pthread_barrier_wait(ctx);
	return NULL;
}

/* What the iterator must print, from /proc. */
static void expect(char *text, size_t size)
{
	const char *lines = output_of("for t in /proc/%d/task/*; do echo %d ${t##*/} $(cat $t/comm); done | sort",
				      getpid(), getpid());

	snprintf(text, size, "%s", lines);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Read the iterator to its end; its lines, sorted, must be these. */
static void must_print(struct coolbpf *cb, const char *expected)
{
	char text[65536], *lines[64], *save = NULL, sorted[65536] = "";
	int fd = must(cb, coolbpf_iter_fd(cb, "each_task"));
	size_t len = 0, n = 0;
	ssize_t got;

	while ((got = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)got;
	assert_int_equal(got, 0);
	close(fd);
	text[len] = '\0';
	for (char *l = strtok_r(text, "\n", &save); l && n < 64; l = strtok_r(NULL, "\n", &save))
		lines[n++] = l;
	qsort(lines, n, sizeof(*lines), by_text);
	for (size_t i = 0; i < n; i++) {
		strcat(sorted, i ? "\n" : "");
		strcat(sorted, lines[i]);
	}
	assert_string_equal(sorted, expected);
}

/* Three more threads, then the iterator twice: each reading begins anew. */
static void threads_of_this_process(void **state)
{
	struct coolbpf *cb = tool_open("iter");
	unsigned pid = (unsigned)getpid();
	pthread_barrier_t barrier;
	char expected[65536];
	pthread_t t[3];

	must(cb, coolbpf_param_set_value(cb, "pid", &pid, sizeof(pid)));
	must(cb, coolbpf_load(cb));
	must_refuse(cb, coolbpf_iter_fd(cb, "each_task"), -EINVAL, "is not attached");
	must(cb, *(bool *)*state ? coolbpf_attach(cb) : coolbpf_attach_iter(cb, "each_task"));
	pthread_barrier_init(&barrier, NULL, 4);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&t[i], NULL, wait_for_end, &barrier), 0);
	pthread_barrier_wait(&barrier);
	expect(expected, sizeof(expected));
	must_print(cb, expected);
	must_print(cb, expected);
	assert_int_equal(tool_count(cb, 0), 8);
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	pthread_barrier_destroy(&barrier);
	tool_end(cb);
}

int main(void)
{
	static bool by_section = true, by_function = false;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(threads_of_this_process, &by_section),
		cmocka_unit_test_prestate(threads_of_this_process, &by_function),
	};

	return run_as_root(tests);
}
