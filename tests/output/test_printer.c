// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_printer.c - tables, JSON lines and CSV as they arrive: in a file, in a pipe, on a terminal, on a full disk. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

struct event {
	uint64_t took;
	uint32_t pid;
	char comm[16];
	char file[32];
};

static int event_type(struct types *t)
{
	return structure(t, "event", sizeof(struct event), {"took", display(t, "lbc_ns_t", t->u64), 0},
			 {"pid", t->u32, 8}, {"comm", array_of(t, t->chr, 16), 12},
			 {"file", array_of(t, t->chr, 32), 28});
}

static int temporary(void)
{
	char path[] = "/tmp/cb-printer-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	return fd;
}

/* What is in the file, in static memory. */
static const char *content(int fd)
{
	static char text[1 << 20];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static void print(const struct cb_plan *p, enum cb_format format, int fd, bool with_type, const struct event *r,
		  size_t n)
{
	struct cb_err e = {0};
	struct cb_printer *pr = cb_printer_new(p, format, fd, "event", with_type, &e);

	assert_non_null(pr);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(cb_printer_record(pr, &r[i], &e), 0);
	assert_int_equal(cb_printer_flush(pr, &e), 0);
	cb_printer_free(pr);
}

static const struct event events[] = {
	{1500000, 7, "nginx", "/etc/hosts"},
	{UINT64_MAX, 4194304, "a, \"b\"", "with\nnewline"},
	{0, 1, "", " x"},
};

static void test_table(void **state)
{
	struct types t = types_new();
	struct cb_plan *p = plan_of(&t, event_type(&t), "event", NULL);
	int fd = temporary();

	print(p, CB_TABLE, fd, false, events, 3);
	assert_string_equal(content(fd), "   TOOK     PID COMM            FILE\n"
					 " 1.50ms       7 nginx           /etc/hosts\n"
					 "18446744074s 4194304 a, \"b\"          with\\x0anewline\n"
					 "           0       1                  x\n");
	close(fd);
	fd = temporary();
	print(p, CB_TABLE, fd, true, events, 1);
	assert_string_equal(content(fd), "EVENT    TOOK     PID COMM            FILE\n"
					 "event  1.50ms       7 nginx           /etc/hosts\n");
	close(fd);
	cb_plan_free(p);
	btf__free(t.btf);
}

static void test_json(void **state)
{
	struct types t = types_new();
	struct cb_plan *p = plan_of(&t, event_type(&t), "event", NULL), *bare, *empty;
	int fd = temporary();

	print(p, CB_JSON, fd, false, events, 2);
	assert_string_equal(content(fd), "{\"took\":1500000,\"pid\":7,\"comm\":\"nginx\",\"file\":\"/etc/hosts\"}\n"
					 "{\"took\":18446744073709551615,\"pid\":4194304,\"comm\":\"a, \\\"b\\\"\","
					 "\"file\":\"with\\nnewline\"}\n");
	print(p, CB_JSON, fd, true, events, 1);
	assert_non_null(strstr(content(fd), "\n{\"event\":\"event\",\"took\":1500000,\"pid\":7,\"comm\":\"nginx\","
					    "\"file\":\"/etc/hosts\"}\n"));
	close(fd);
	cb_plan_free(p);
	/* values that are no object, and objects without members */
	bare = plan_of(&t, t.u32, "", NULL);
	empty = plan_of(&t, btf__add_struct(t.btf, "empty", 0), "", NULL);
	fd = temporary();
	print(bare, CB_JSON, fd, true, (const struct event *)(const uint32_t[]){5, 0}, 1);
	print(empty, CB_JSON, fd, true, events, 1);
	assert_string_equal(content(fd), "{\"event\":\"event\",\"value\":5}\n{\"event\":\"event\"}\n");
	close(fd);
	cb_plan_free(bare);
	cb_plan_free(empty);
	btf__free(t.btf);
}

static void test_csv(void **state)
{
	struct types t = types_new();
	struct cb_plan *p = plan_of(&t, event_type(&t), "event", NULL);
	int fd = temporary();

	print(p, CB_CSV, fd, false, events, 3);
	assert_string_equal(content(fd), "took,pid,comm,file\n"
					 "1500000,7,nginx,/etc/hosts\n"
					 "18446744073709551615,4194304,\"a, \"\"b\"\"\",\"with\nnewline\"\n"
					 "0,1,,\" x\"\n");
	close(fd);
	fd = temporary();
	print(p, CB_CSV, fd, true, events, 1);
	assert_string_equal(content(fd), "event,took,pid,comm,file\nevent,1500000,7,nginx,/etc/hosts\n");
	close(fd);
	cb_plan_free(p);
	btf__free(t.btf);
}

static int two_frames(void *ctx, bool user, int32_t id, uint32_t tgid, const char *hint, struct cb_buf *out)
{
	cb_buf_add(out, "inner", 6);
	cb_buf_add(out, "outer", 6);
	return 0;
}

static void test_stacks_below_rows(void **state)
{
	const struct cb_resolver r = {.stack = two_frames};
	struct types t = types_new();
	int id = structure(&t, "event", 8, {"pid", t.u32, 0}, {"stack", display(&t, "lbc_kstack_t", t.s32), 4});
	struct cb_plan *p = plan_of(&t, id, "event", &r);
	const uint32_t record[] = {42, 1};
	int fd = temporary();

	print(p, CB_TABLE, fd, false, (const struct event *)record, 1);
	assert_string_equal(content(fd), "    PID\n     42\n    inner\n    outer\n");
	assert_int_equal(ftruncate(fd, 0), 0);
	lseek(fd, 0, SEEK_SET);
	print(p, CB_CSV, fd, false, (const struct event *)record, 1);
	assert_string_equal(content(fd), "pid,stack\n42,inner;outer\n");
	close(fd);
	cb_plan_free(p);
	btf__free(t.btf);
}

/* Two printers over one buffer: the order of records is that of the calls. */
static void test_joined(void **state)
{
	struct types t = types_new();
	struct cb_plan *p = plan_of(&t, t.u32, "n", NULL);
	int fd = temporary();
	struct cb_err e = {0};
	struct cb_printer *a = cb_printer_new(p, CB_JSON, fd, "a", true, &e);
	struct cb_printer *b = cb_printer_new(p, CB_JSON, fd, "b", true, &e);

	cb_printer_join(b, a);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(cb_printer_record(i == 1 ? b : a, &i, &e), 0);
	cb_printer_free(a);
	assert_int_equal(cb_printer_flush(b, &e), 0);
	assert_string_equal(content(fd),
			    "{\"event\":\"a\",\"n\":0}\n{\"event\":\"b\",\"n\":1}\n{\"event\":\"a\",\"n\":2}\n");
	cb_printer_free(b);
	cb_plan_free(p);
	btf__free(t.btf);
	close(fd);
}

/* A file that may not grow beyond a limit, as on a full disk: it ends with a whole record. */
static void test_full_disk(void **state)
{
	struct types t = types_new();
	struct cb_plan *p = plan_of(&t, event_type(&t), "event", NULL);
	int fd = temporary(), status;
	pid_t child = fork();

	if (!child) {
		struct rlimit limit = {100000, 100000};
		struct cb_err e = {0};
		struct cb_printer *pr = cb_printer_new(p, CB_JSON, fd, "event", false, &e);
		int err = 0, again;

		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		for (int i = 0; i < 10000 && !err; i++)
			err = cb_printer_record(pr, &events[i % 3], &e);
		again = cb_printer_flush(pr, &e);
		_exit(err == -EFBIG && again == -EFBIG && !strcmp(e.text, "cannot write the output: File too large")
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_in_range(strlen(content(fd)), 99900, 100000);
	assert_int_equal(content(fd)[strlen(content(fd)) - 1], '\n');
	close(fd);
	cb_plan_free(p);
	btf__free(t.btf);
}

static void test_closed_pipe(void **state)
{
	struct types t = types_new();
	struct cb_plan *p = plan_of(&t, event_type(&t), "event", NULL);
	struct cb_err e = {0};
	struct cb_printer *pr;
	int fds[2];

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(fds), 0);
	pr = cb_printer_new(p, CB_TABLE, fds[1], "event", false, &e);
	close(fds[0]);
	assert_int_equal(cb_printer_record(pr, &events[0], &e), 0);
	assert_int_equal(cb_printer_flush(pr, &e), -EPIPE);
	assert_string_equal(e.text, "cannot write the output: Broken pipe");
	assert_int_equal(cb_printer_record(pr, &events[0], &e), -EPIPE);
	cb_printer_free(pr);
	close(fds[1]);
	cb_plan_free(p);
	btf__free(t.btf);
}

/* A full pipe that somebody made non-blocking: the printer waits for the reader. */
static void test_slow_pipe(void **state)
{
	struct types t = types_new();
	struct cb_plan *p = plan_of(&t, event_type(&t), "event", NULL);
	struct cb_err e = {0};
	struct cb_printer *pr;
	char buffer[4096];
	size_t newlines = 0;
	int fds[2], status;
	ssize_t n;
	pid_t child;

	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	child = fork();
	if (!child) {
		int err = 0;

		close(fds[0]);
		pr = cb_printer_new(p, CB_JSON, fds[1], "event", false, &e);
		for (int i = 0; i < 3000 && !err; i++)
			err = cb_printer_record(pr, &events[0], &e);
		_exit(err || cb_printer_flush(pr, &e));
	}
	close(fds[1]);
	fcntl(fds[0], F_SETFL, 0);
	usleep(50000);
	while ((n = read(fds[0], buffer, sizeof(buffer))) > 0)
		for (ssize_t i = 0; i < n; i++)
			newlines += buffer[i] == '\n';
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(newlines, 3000);
	close(fds[0]);
	cb_plan_free(p);
	btf__free(t.btf);
}

/* 40 columns: text is cut, numbers are not. */
static void test_terminal(void **state)
{
	struct types t = types_new();
	struct cb_plan *p = plan_of(&t, event_type(&t), "event", NULL);
	struct event r = {1500000, 7, "0123456789abcde", "/var/lib/a/very/long/path/indeed"};
	struct winsize ws = {.ws_row = 24, .ws_col = 40};
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave = -1;
	char text[4096];
	ssize_t n;

	if (master < 0 || grantpt(master) || unlockpt(master) || (slave = open(ptsname(master), O_RDWR | O_NOCTTY)) < 0)
		skip_because("no pseudo terminals here");
	assert_int_equal(ioctl(slave, TIOCSWINSZ, &ws), 0);
	print(p, CB_TABLE, slave, false, &r, 1);
	n = read(master, text, sizeof(text) - 1);
	assert_true(n > 0);
	text[n] = '\0';
	/* 7 + 1 + 7 + 1 leave 24 for two columns of text */
	assert_string_equal(text, "   TOOK     PID COMM        FILE\r\n"
				  " 1.50ms       7 0123456789a /var/lib/a/v\r\n");
	close(slave);
	close(master);
	cb_plan_free(p);
	btf__free(t.btf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),	    cmocka_unit_test(test_json),
		cmocka_unit_test(test_csv),	    cmocka_unit_test(test_stacks_below_rows),
		cmocka_unit_test(test_joined),	    cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_closed_pipe), cmocka_unit_test(test_slow_pipe),
		cmocka_unit_test(test_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
