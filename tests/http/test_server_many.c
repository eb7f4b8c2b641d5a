// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_server_many.c - many connections, no descriptors left, and nothing left behind after many requests. */
#include "site.h"

#include <dirent.h>
#include <sys/wait.h>

enum { IDLE = 10000, REQUESTS = 100000 };

static bool allow_descriptors(rlim_t n)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_max < n)
		limit.rlim_max = n;
	limit.rlim_cur = limit.rlim_max;
	return !setrlimit(RLIMIT_NOFILE, &limit) || (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur >= n);
}

static size_t count_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* Bytes, from /proc. */
static size_t resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	size_t size, pages = 0;

	assert_int_equal(fscanf(f, "%zu %zu", &size, &pages), 2);
	fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Half of each connection is here: the clients live in a process of their own, which is told by a pipe to end. */
static pid_t hold_connections(unsigned port, int n, int *hold)
{
	int go[2], ready[2];
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe(go) | pipe(ready), 0);
	pid = fork();
	if (!pid) {
		struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

		close(go[1]);
		for (int i = 0; i < n; i++) {
			int fd = socket(AF_INET, SOCK_STREAM, 0);

			to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
			if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)))
				_exit(1);
		}
		if (write(ready[1], "r", 1) != 1 || read(go[0], &byte, 1) < 0)
			_exit(2);
		_exit(0);
	}
	close(go[0]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	*hold = go[1];
	return pid;
}

static void ten_thousand_may_be_idle(void **state)
{
	struct cb_http_server_opts opts = {.max_connections = IDLE + 100};
	struct site *s;
	size_t before, after;
	char out[1024];
	uint64_t start;
	int hold;
	pid_t clients;

	if (!allow_descriptors(IDLE + 200))
		skip_because("RLIMIT_NOFILE cannot be raised to %d", IDLE + 200);
	s = site_start(&opts);
	assert_int_equal(ask(s->port, "GET / HTTP/1.0\r\n\r\n", out, sizeof(out)), 200);
	before = resident();
	clients = hold_connections(s->port, IDLE, &hold);
	assert_true(site_connections_become(s, IDLE));
	after = resident();
	printf("# %zu bytes for each idle connection\n", (after - before) / IDLE);
#ifndef __SANITIZE_ADDRESS__
	assert_true((after - before) / IDLE < 1024);
#endif
	/* the others do not wait for them */
	start = now_ms();
	for (int i = 0; i < 100; i++)
		assert_int_equal(ask(s->port, "GET / HTTP/1.0\r\n\r\n", out, sizeof(out)), 200);
	assert_true(now_ms() - start < PATIENCE_MS);
	close(hold);
	waitpid(clients, NULL, 0);
	assert_true(site_connections_become(s, 0));
	site_end(s);
}

static void further_connections_wait(void **state)
{
	struct cb_http_server_opts opts = {.max_connections = 4};
	struct site *s = site_start(&opts);
	struct pollfd p = {.events = POLLIN};
	char out[1024];
	int fd[6];

	for (int i = 0; i < 6; i++) {
		fd[i] = call_port(s->port);
		say(fd[i], "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	}
	for (int i = 0; i < 4; i++)
		assert_int_equal(hear_answer(fd[i], false, out, sizeof(out)), 200);
	site_do(s, 'c');
	assert_int_equal(s->seen.connections, 4);
	p.fd = fd[4];
	assert_int_equal(poll(&p, 1, 100), 0);
	/* one goes, one comes */
	close(fd[0]);
	assert_int_equal(hear_answer(fd[4], false, out, sizeof(out)), 200);
	p.fd = fd[5];
	assert_int_equal(poll(&p, 1, 100), 0);
	close(fd[1]);
	assert_int_equal(hear_answer(fd[5], false, out, sizeof(out)), 200);
	for (int i = 2; i < 6; i++)
		close(fd[i]);
	assert_true(site_connections_become(s, 0));
	site_end(s);
}

static uint64_t cpu_ms(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

static void without_descriptors_it_waits_and_goes_on(void **state)
{
	struct site *s = site_start(NULL);
	int waiting = call_port(s->port), spare[4096], n = 0, first;
	struct rlimit old, few;
	uint64_t start;
	char out[1024];

	say(waiting, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(hear_answer(waiting, false, out, sizeof(out)), 200);
	first = call_port(s->port);
	assert_true(site_connections_become(s, 2));
	getrlimit(RLIMIT_NOFILE, &old);
	few = (struct rlimit){256, old.rlim_max};
	setrlimit(RLIMIT_NOFILE, &few);
	/* two for clients, the rest is used up */
	close(first);
	assert_true(site_connections_become(s, 1));
	first = socket(AF_INET, SOCK_STREAM, 0);
	while ((spare[n] = dup(0)) >= 0)
		n++;
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)s->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	assert_int_equal(connect(first, (struct sockaddr *)&to, sizeof(to)), 0);
	say(first, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	start = cpu_ms();
	usleep(500000);
	assert_true(cpu_ms() - start < 100);
	/* meanwhile the others are served */
	say(waiting, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(hear_answer(waiting, false, out, sizeof(out)), 200);
	while (n)
		close(spare[--n]);
	setrlimit(RLIMIT_NOFILE, &old);
	assert_int_equal(hear_answer(first, false, out, sizeof(out)), 200);
	close(first);
	close(waiting);
	site_end(s);
}

/* One round of everything that a connection can go through. */
static void abuse(struct site *s, int i)
{
	static const char *const texts[] = {
		"GET /a?b=c HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel",
		"GET / HT",
		"rubbish\r\n\r\n",
		"GET /huge HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /later?ms=1 HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n",
	};
	int fd = call_port(s->port);

	say(fd, texts[(size_t)i % (sizeof(texts) / sizeof(*texts))]);
	if (i % 3)
		assert_true(recv(fd, (char[64]){0}, 64, i % 3 == 1 ? MSG_DONTWAIT : MSG_PEEK | MSG_DONTWAIT) != 0);
	close(fd);
}

static void nothing_is_left_after_many_requests(void **state)
{
	struct site *s = site_start(NULL);
	size_t memory = 0, descriptors = 0;
	int fd[10];
	char out[1024];

	for (int i = 0; i < 10; i++)
		fd[i] = call_port(s->port);
	for (int i = 0; i < REQUESTS; i++) {
		if (i == REQUESTS / 10) {
			assert_true(site_connections_become(s, 10));
			memory = resident();
			descriptors = count_descriptors();
		}
		if (i % 25 == 0)
			abuse(s, i / 25);
		say(fd[i % 10], i % 2 ? "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
				      : "GET /some/path?x=y HTTP/1.1\r\nHost: a\r\nUser-Agent: test\r\n\r\n");
		assert_int_equal(hear_answer(fd[i % 10], false, out, sizeof(out)), 200);
	}
	assert_true(site_connections_become(s, 10));
	assert_int_equal(count_descriptors(), descriptors);
	printf("# resident: %zu kB after %d requests, %zu kB after %d\n", memory / 1024, REQUESTS / 10,
	       resident() / 1024, REQUESTS);
#ifndef __SANITIZE_ADDRESS__
	assert_true(resident() < memory + (512 << 10));
#endif
	for (int i = 0; i < 10; i++)
		close(fd[i]);
	assert_true(site_connections_become(s, 0));
	site_end(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ten_thousand_may_be_idle),
		cmocka_unit_test(further_connections_wait),
		cmocka_unit_test(without_descriptors_it_waits_and_goes_on),
		cmocka_unit_test(nothing_is_left_after_many_requests),
	};

	return cmocka_run_group_tests_name("http / many", tests, NULL, NULL);
}
