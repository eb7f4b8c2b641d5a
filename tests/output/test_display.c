// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_display.c - the display types of lbc.h: units, addresses, names, times, stacks. */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"
#include "output/places.h"

static void check_u64(const char *type, uint64_t v, const char *text, const char *json)
{
	struct types t = types_new();
	struct cb_plan *p = plan_of(&t, display(&t, type, t.u64), "", NULL);

	assert_string_equal(cb_plan_field_type(p, 0), type);
	assert_string_equal(text_of(p, 0, &v), text);
	assert_string_equal(json_of(p, &v), json);
	cb_plan_free(p);
	btf__free(t.btf);
}

static void check_s32(const char *type, int32_t v, const char *text, const char *json)
{
	struct types t = types_new();
	struct cb_plan *p = plan_of(&t, display(&t, type, t.s32), "", NULL);

	assert_string_equal(text_of(p, 0, &v), text);
	assert_string_equal(json_of(p, &v), json);
	cb_plan_free(p);
	btf__free(t.btf);
}

static void test_durations(void **state)
{
	check_u64("lbc_ns_t", 0, "0", "0");
	check_u64("lbc_ns_t", 1, "1ns", "1");
	check_u64("lbc_ns_t", 999, "999ns", "999");
	check_u64("lbc_ns_t", 1000, "1.00us", "1000");
	check_u64("lbc_ns_t", 1500000, "1.50ms", "1500000");
	check_u64("lbc_ns_t", 9994999, "9.99ms", "9994999");
	check_u64("lbc_ns_t", 9995000, "10.0ms", "9995000");
	check_u64("lbc_ns_t", 99949999, "99.9ms", "99949999");
	check_u64("lbc_ns_t", 99950000, "100ms", "99950000");
	check_u64("lbc_ns_t", 999499999, "999ms", "999499999");
	check_u64("lbc_ns_t", 999500000, "1.00s", "999500000");
	check_u64("lbc_ns_t", 3600000000000, "3600s", "3600000000000");
	check_u64("lbc_ns_t", UINT64_MAX, "18446744074s", "18446744073709551615");
	check_u64("lbc_us_t", 999, "999us", "999");
	check_u64("lbc_us_t", 1234567, "1.23s", "1234567");
	check_u64("lbc_ms_t", 7, "7ms", "7");
	check_u64("lbc_ms_t", UINT64_MAX, "18446744073709552s", "18446744073709551615");
}

static void test_bytes_and_hex(void **state)
{
	check_u64("lbc_bytes_t", 1023, "1023", "1023");
	check_u64("lbc_bytes_t", 4096, "4.0K", "4096");
	check_u64("lbc_bytes_t", 102400, "100K", "102400");
	check_u64("lbc_bytes_t", 1048575, "1.0M", "1048575");
	check_u64("lbc_bytes_t", UINT64_MAX, "16.0E", "18446744073709551615");
	check_u64("lbc_hex_t", 0xdeadbeef, "0xdeadbeef", "\"0xdeadbeef\"");
	check_u64("lbc_hex_t", UINT64_MAX, "0xffffffffffffffff", "\"0xffffffffffffffff\"");
}

/* Against the C library, which knows the names from another source. */
static void test_errors(void **state)
{
	for (int err = 1; err < 134; err++) {
		const char *name = strerrorname_np(err);
		char json[64];

		if (!name)
			continue;
		snprintf(json, sizeof(json), "\"%s\"", name);
		check_s32("lbc_errno_t", err, name, json);
		check_s32("lbc_errno_t", -err, name, json);
		assert_int_equal(cb_errno_number(name), err);
	}
	check_s32("lbc_errno_t", 0, "0", "0");
	check_s32("lbc_errno_t", 4000, "4000", "4000");
	check_s32("lbc_errno_t", INT_MIN, "-2147483648", "-2147483648");
	check_s32("lbc_errno_t", 512, "ERESTARTSYS", "\"ERESTARTSYS\"");
	check_u64("lbc_ret_t", 5, "5", "5");
	check_s32("lbc_ret_t", -ENOENT, "-ENOENT", "\"-ENOENT\"");
	check_s32("lbc_ret_t", -4096, "-4096", "-4096");
	check_s32("lbc_ret_t", 0, "0", "0");
}

static void test_signals_and_calls(void **state)
{
	for (int sig = 1; sig < 32; sig++) {
		char name[32], json[64];

		snprintf(name, sizeof(name), "SIG%s", sigabbrev_np(sig));
		snprintf(json, sizeof(json), "\"%s\"", name);
		check_s32("lbc_signal_t", sig, name, json);
		assert_int_equal(cb_signal_number(name), sig);
		assert_int_equal(cb_signal_number(name + 3), sig);
	}
	check_s32("lbc_signal_t", 0, "0", "0");
	check_s32("lbc_signal_t", SIGRTMIN, "SIGRTMIN", "\"SIGRTMIN\"");
	check_s32("lbc_signal_t", SIGRTMIN + 2, "SIGRTMIN+2", "\"SIGRTMIN+2\"");
	check_s32("lbc_signal_t", SIGRTMAX + 1, "65", "65");
	check_s32("lbc_syscall_t", SYS_openat, "openat", "\"openat\"");
	check_s32("lbc_syscall_t", SYS_read, "read", "\"read\"");
	check_s32("lbc_syscall_t", -1, "-1", "-1");
	check_s32("lbc_syscall_t", 100000, "100000", "100000");
	assert_int_equal(cb_syscall_number("execve"), SYS_execve);
	assert_int_equal(cb_syscall_number("no_such_call"), -1);
}

static void test_addresses(void **state)
{
	static const struct {
		const char *address, *shown;
	} cases[] = {
		{"::1", "::1"},
		{"::", "::"},
		{"2001:db8::ff00:42:8329", "2001:db8::ff00:42:8329"},
		{"::ffff:192.168.1.77", "192.168.1.77"},
		{"::192.168.1.77", "::192.168.1.77"},
	};
	struct types t = types_new();
	int v4 = display(&t, "lbc_ipv4_t", t.u32), port = display(&t, "lbc_port_t", t.u16);
	int v6 = display(&t, "lbc_ipv6_t", structure(&t, NULL, 16, {"lbc_ipv6", array_of(&t, t.u8, 16), 0}));
	int id = structure(&t, "event", 24, {"v6", display(&t, "peer_t", v6), 0}, {"v4", v4, 16}, {"port", port, 20});
	struct {
		uint8_t v6[16];
		uint32_t v4;
		uint16_t port;
	} r = {.v4 = htonl(0xff000102), .port = 65535};
	struct cb_plan *p = plan_of(&t, id, "event", NULL);
	char json[128];

	assert_int_equal(cb_plan_fields(p), 3);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(inet_pton(AF_INET6, cases[i].address, r.v6), 1);
		assert_string_equal(text_of(p, 0, &r), cases[i].shown);
		snprintf(json, sizeof(json), "{\"v6\":\"%s\",\"v4\":\"255.0.1.2\",\"port\":65535}", cases[i].shown);
		assert_string_equal(json_of(p, &r), json);
	}
	cb_plan_free(p);
	btf__free(t.btf);
}

/* A display type whose size is another is not ours, and prints as what it is. */
static void test_other_sizes(void **state)
{
	struct types t = types_new();
	int id = structure(&t, "event", 16, {"a", display(&t, "lbc_ipv4_t", t.u64), 0},
			   {"b", display(&t, "lbc_time_t", t.u32), 8},
			   {"c", display(&t, "lbc_ns_t", array_of(&t, t.chr, 4)), 12});
	struct {
		uint64_t a;
		uint32_t b;
		char c[4];
	} r = {7, 8, "abc"};
	struct cb_plan *p = plan_of(&t, id, "event", NULL);

	assert_string_equal(json_of(p, &r), "{\"a\":7,\"b\":8,\"c\":\"abc\"}");
	cb_plan_free(p);
	btf__free(t.btf);
}

static void test_time(void **state)
{
	struct types t = types_new();
	struct cb_plan *p;
	struct timespec mono, real;
	uint64_t now, epoch;
	char expected[32];
	const char *text;
	struct tm tm;

	setenv("TZ", "Asia/Kathmandu", 1); /* UTC+5:45 and no summer time */
	tzset();
	p = plan_of(&t, display(&t, "lbc_time_t", t.u64), "", NULL);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_REALTIME, &real);
	now = (uint64_t)mono.tv_sec * 1000000000 + (uint64_t)mono.tv_nsec;
	epoch = strtoull(json_of(p, &now), NULL, 10);
	/* the two clocks cannot be read at one instant */
	assert_in_range(epoch, (uint64_t)real.tv_sec * 1000000000 + (uint64_t)real.tv_nsec - 50000000,
			(uint64_t)real.tv_sec * 1000000000 + (uint64_t)real.tv_nsec + 50000000);
	real.tv_sec = (time_t)(epoch / 1000000000);
	localtime_r(&real.tv_sec, &tm);
	strftime(expected, sizeof(expected), "%H:%M:%S", &tm);
	text = text_of(p, 0, &now);
	assert_memory_equal(text, expected, 8);
	assert_int_equal(strtoul(text + 9, NULL, 10), epoch / 1000000 % 1000);
	assert_int_equal(strlen(text), 12);
	now = 0;
	assert_string_equal(json_of(p, &now), "0");
	assert_string_equal(text_of(p, 0, &now), "-");
	cb_plan_free(p);
	btf__free(t.btf);
}

static void test_cgroup(void **state)
{
	char root[] = "/tmp/cb-cgroup-XXXXXX", path[128];
	struct cb_places *places;
	struct stat st;

	/* any directory tree will do: what counts is that inode numbers become paths */
	assert_non_null(mkdtemp(root));
	snprintf(path, sizeof(path), "%s/system.slice", root);
	assert_int_equal(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/system.slice/ssh.service", root);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(stat(path, &st), 0);
	places = cb_places_new(root);
	assert_string_equal(cb_places_cgroup(places, st.st_ino), "/system.slice/ssh.service");
	assert_null(cb_places_cgroup(places, 1));
	/* a group that has ended keeps its name */
	assert_int_equal(rmdir(path), 0);
	assert_string_equal(cb_places_cgroup(places, st.st_ino), "/system.slice/ssh.service");
	assert_int_equal(stat(root, &st), 0);
	assert_string_equal(cb_places_cgroup(places, st.st_ino), "/");
	cb_places_free(places);
	snprintf(path, sizeof(path), "%s/system.slice", root);
	rmdir(path);
	rmdir(root);
	check_u64("lbc_cgroup_t", UINT64_MAX, "18446744073709551615", "18446744073709551615");
}

static void test_dev(void **state)
{
	struct cb_places *places = cb_places_new(NULL);
	FILE *f = fopen("/proc/partitions", "r");
	unsigned major, minor;
	char line[256], name[64];
	int seen = 0;

	/* the kernel's own list: "major minor #blocks name" */
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%u %u %*u %63s", &major, &minor, name) != 3)
			continue;
		assert_string_equal(cb_places_dev(places, major << 20 | minor), name);
		assert_string_equal(cb_places_dev(places, major << 20 | minor), name);
		seen++;
	}
	if (f)
		fclose(f);
	assert_null(cb_places_dev(places, 4095u << 20 | 1048575));
	assert_null(cb_places_dev(places, 4095u << 20 | 1048575));
	cb_places_free(places);
	check_s32("lbc_dev_t", (int32_t)(4095u << 20 | 7), "4095:7", "\"4095:7\"");
	if (!seen)
		skip_because("this machine has no block device");
}

/* ---- What the resolver is asked --------------------------------------------------------------------------------- */

static int answer_stack(void *ctx, bool user, int32_t id, uint32_t tgid, const char *hint, struct cb_buf *out)
{
	if (id == 404)
		return -ENOENT;
	cb_buf_printf(out, "%s%c%s:%u%cmain", user ? "read" : "vfs_read", 0, hint, tgid, 0);
	cb_buf_ch(out, '\0');
	return 0;
}

static int answer_ksym(void *ctx, uint64_t addr, struct cb_buf *out)
{
	if (addr != 0x1234)
		return -ENOENT;
	cb_buf_str(out, "tcp_sendmsg+0x4");
	return 0;
}

static const struct cb_resolver resolver = {.stack = answer_stack, .ksym = answer_ksym};

static void test_resolver(void **state)
{
	struct types t = types_new();
	int id =
		structure(&t, "event", 32, {"other", t.u32, 0}, {"owner", display(&t, "lbc_pid_t", t.u32), 4},
			  {"ks", display(&t, "lbc_kstack_t", t.s32), 8}, {"us", display(&t, "lbc_ustack_t", t.s32), 12},
			  {"ip", display(&t, "lbc_ksym_t", t.u64), 16});
	struct {
		uint32_t other, owner;
		int32_t ks, us;
		uint64_t ip;
	} r = {1, 42, 7, 8, 0x1234};
	struct cb_plan *p = plan_of(&t, id, "event", &resolver);

	assert_string_equal(json_of(p, &r), "{\"other\":1,\"owner\":42,\"ks\":[\"vfs_read\",\"ks:42\",\"main\"],"
					    "\"us\":[\"read\",\"us:42\",\"main\"],\"ip\":\"tcp_sendmsg+0x4\"}");
	assert_string_equal(text_of(p, 2, &r), "vfs_read;ks:42;main");
	r.ks = -EFAULT; /* there is none */
	r.us = -EEXIST; /* there was, but its place was taken */
	r.ip = 0xffffffff81000000;
	assert_string_equal(json_of(p, &r), "{\"other\":1,\"owner\":42,\"ks\":[],\"us\":[\"[no stack: EEXIST]\"],"
					    "\"ip\":\"0xffffffff81000000\"}");
	r.us = 404;
	assert_string_equal(text_of(p, 3, &r), "[stack 404]");
	cb_plan_free(p);
	p = plan_of(&t, id, "event", NULL);
	r.ks = 3;
	assert_string_equal(text_of(p, 2, &r), "[stack 3]");
	assert_string_equal(text_of(p, 4, &r), "0xffffffff81000000");
	cb_plan_free(p);
	btf__free(t.btf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations), cmocka_unit_test(test_bytes_and_hex),
		cmocka_unit_test(test_errors),	  cmocka_unit_test(test_signals_and_calls),
		cmocka_unit_test(test_addresses), cmocka_unit_test(test_other_sizes),
		cmocka_unit_test(test_time),	  cmocka_unit_test(test_cgroup),
		cmocka_unit_test(test_dev),	  cmocka_unit_test(test_resolver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
