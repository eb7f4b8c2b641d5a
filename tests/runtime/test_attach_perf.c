// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* perf_event: software clocks by period and by frequency, page faults, hardware counters, breakpoints. */
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include "tool.h"

static struct coolbpf *loaded(void)
{
	struct coolbpf *cb = tool_open("perf");
	unsigned pid = (unsigned)getpid();

	must(cb, coolbpf_param_set_value(cb, "pid", &pid, sizeof(pid)));
	must(cb, coolbpf_load(cb));
	return cb;
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

struct burnt {
	uint64_t cpu, wall; /* nanoseconds */
};

/* Burn so much CPU time of this process, by the kernel's own account. */
static struct burnt burn(uint64_t ns)
{
	uint64_t end = now_ns(CLOCK_PROCESS_CPUTIME_ID) + ns, begin = now_ns(CLOCK_MONOTONIC);

	while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < end)
		;
	return (struct burnt){.cpu = ns, .wall = now_ns(CLOCK_MONOTONIC) - begin};
}

/* Samples by so many a second: 300 ms at 1000 Hz are 300. In an emulator, and where others take the CPU from a virtual machine,
 * timers are late, and what should have come twice meanwhile comes once; but they run on meanwhile, which is not CPU time. */
static void must_be_about(uint64_t n, uint64_t hz, struct burnt b)
{
	bool emulated = *output_of("grep -m1 'QEMU TCG' /proc/cpuinfo");
	uint64_t low = b.cpu * hz / 1000000000, high = b.wall * hz / 1000000000;

	if (n < low * (emulated ? 2 : 5) / 10 || n > high * (emulated ? 20 : 12) / 10)
		fail_msg("%llu samples, not about %llu to %llu", (unsigned long long)n, (unsigned long long)low,
			 (unsigned long long)high);
}

static void task_clock_by_period(void **state)
{
	struct coolbpf_perf_opts o = {
		.sz = sizeof(o),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_TASK_CLOCK,
		.period = 1000000,
		.pid = 0,
		.cpu = -1,
	};
	struct coolbpf *cb = loaded();
	struct burnt b;
	uint64_t n;

	must(cb, coolbpf_attach_perf_event(cb, "on_sample", &o));
	b = burn(300000000);
	coolbpf_detach(cb);
	n = tool_count(cb, 0);
	must_be_about(n, 1000, b);
	assert_int_equal(tool_count(cb, 1), n);
	burn(50000000);
	assert_int_equal(tool_count(cb, 0), n);
	tool_end(cb);
}

static void task_clock_by_frequency(void **state)
{
	struct coolbpf_perf_opts o = {
		.sz = sizeof(o),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_TASK_CLOCK,
		.freq = 500,
		.pid = 0,
		.cpu = -1,
	};
	struct coolbpf *cb = loaded();
	struct burnt b;

	must(cb, coolbpf_attach_perf_event(cb, "on_sample", &o));
	b = burn(400000000);
	coolbpf_detach(cb);
	must_be_about(tool_count(cb, 0), 500, b);
	tool_end(cb);
}

/* By LBC_ATTACH on every CPU; this process burns on one, so it gets its share. */
static void cpu_clock_everywhere(void **state)
{
	struct coolbpf *cb = tool_open("perf");
	unsigned pid = (unsigned)getpid(), links;
	struct tool_ids ids;
	struct burnt b;

	must(cb, coolbpf_param_set_value(cb, "pid", &pid, sizeof(pid)));
	must(cb, coolbpf_param_set(cb, "hz", "200"));
	must(cb, coolbpf_program_target(cb, "on_clock", "cpu-clock,freq=$hz"));
	must(cb, coolbpf_load(cb));
	must(cb, coolbpf_attach(cb));
	ids = tool_ids(cb);
	links = tool_links(&ids);
	b = burn(500000000);
	coolbpf_detach(cb);
	/* one link per CPU that is online; kernels before 5.15 have no links for perf events */
	if (links)
		assert_int_equal(links, sysconf(_SC_NPROCESSORS_ONLN));
	must_be_about(tool_count(cb, 1), 200, b);
	assert_true(tool_count(cb, 3) >= tool_count(cb, 1));
	tool_end(cb);
}

static void touch(volatile char *p, size_t size, size_t page)
{
	for (size_t i = 0; i < size; i += page)
		p[i] = 1;
}

/* Each first touch of a page is a fault; getrusage() counts the same. */
static void page_faults(void **state)
{
	enum { PAGES = 500 };
	struct coolbpf *cb = loaded();
	struct rusage before, after;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	volatile char *p;
	char target[64];

	p = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(p != MAP_FAILED);
	madvise((void *)p, PAGES * page, MADV_NOHUGEPAGE);
	/* before it counts: a sanitizer has faults of its own the first time */
	touch(p, PAGES * page, page);
	assert_int_equal(madvise((void *)p, PAGES * page, MADV_DONTNEED), 0);
	snprintf(target, sizeof(target), "page-faults,period=1,pid=%d", getpid());
	must(cb, coolbpf_attach_target(cb, "on_sample", target));
	getrusage(RUSAGE_SELF, &before);
	touch(p, PAGES * page, page);
	getrusage(RUSAGE_SELF, &after);
	coolbpf_detach(cb);
	assert_in_range(after.ru_minflt - before.ru_minflt, PAGES, PAGES + 8);
	assert_in_range(tool_count(cb, 0), PAGES, PAGES + 64);
	munmap((void *)p, PAGES * page);
	tool_end(cb);
}

static volatile int watched;

static void write_watched(int n)
{
	for (int i = 0; i < n; i++)
		watched = i;
}

static void breakpoint_by_function(void **state)
{
	struct coolbpf_perf_opts o = {
		.sz = sizeof(o),
		.type = PERF_TYPE_BREAKPOINT,
		.bp_type = HW_BREAKPOINT_W,
		.bp_addr = (uint64_t)(uintptr_t)&watched,
		.bp_len = HW_BREAKPOINT_LEN_4,
		.period = 1,
		.pid = 0,
		.cpu = -1,
	};
	struct coolbpf *cb = loaded();

	must(cb, coolbpf_attach_perf_event(cb, "on_sample", &o));
	write_watched(33);
	assert_int_equal(watched, 32); /* read, which is not watched */
	coolbpf_detach(cb);
	write_watched(5);
	assert_int_equal(tool_count(cb, 0), 33);
	assert_int_equal(tool_count(cb, 1), 33);
	tool_end(cb);
}

static void breakpoint_in_words(void **state)
{
	struct coolbpf *cb = tool_open("perf");
	unsigned pid = (unsigned)getpid();
	uint64_t address = (uint64_t)(uintptr_t)&watched;

	must(cb, coolbpf_param_set_value(cb, "pid", &pid, sizeof(pid)));
	must(cb, coolbpf_param_set_value(cb, "address", &address, sizeof(address)));
	must(cb, coolbpf_program_target(cb, "on_write", "mem:$address/4:w,pid=$pid"));
	must(cb, coolbpf_load(cb));
	must(cb, coolbpf_attach(cb));
	write_watched(12);
	assert_int_equal(tool_count(cb, 3), 12);
	tool_end(cb);
}

/* Options may stand in any order. */
static void options_in_words(void **state)
{
	static const char *const forms[] = {
		"mem:%#lx/4:w,pid=%d,cpu=-1",
		"mem:%#lx/4:w,pid=%d,period=1",
		"mem:%#lx/4:w,period=1,pid=%d",
	};
	struct coolbpf *cb = loaded();
	char target[128];

	snprintf(target, sizeof(target), forms[0], (unsigned long)&watched, getpid());
	must_refuse(cb, coolbpf_attach_target(cb, "on_sample", target), -EINVAL, "cpu=-1 is not a number");
	for (int i = 1; i < 3; i++) {
		snprintf(target, sizeof(target), forms[i], (unsigned long)&watched, getpid());
		must(cb, coolbpf_attach_target(cb, "on_sample", target));
		write_watched(7);
		coolbpf_detach(cb);
		assert_int_equal(tool_count(cb, 0), 7 * i);
	}
	tool_end(cb);
}

static void hardware(void **state)
{
	struct coolbpf_perf_opts o = {
		.sz = sizeof(o),
		.type = PERF_TYPE_HARDWARE,
		.config = PERF_COUNT_HW_INSTRUCTIONS,
		.period = 1000000,
		.pid = 0,
		.cpu = -1,
	};
	struct coolbpf *cb = loaded();

	if (access("/sys/bus/event_source/devices/cpu", F_OK) &&
	    access("/sys/bus/event_source/devices/cpu_core", F_OK)) {
		must_refuse(cb, coolbpf_attach_perf_event(cb, "on_sample", &o), -ENOENT, "no such hardware counter");
		tool_end(cb);
		skip_because("this machine has no hardware counters (/sys/bus/event_source/devices/cpu)");
	}
	must(cb, coolbpf_attach_perf_event(cb, "on_sample", &o));
	/* at least one instruction per loop, and a loop has only a few */
	for (volatile int i = 0; i < 100000000; i++)
		;
	coolbpf_detach(cb);
	assert_in_range(tool_count(cb, 0), 100, 2000);
	tool_end(cb);
}

static void refusals(void **state)
{
	struct coolbpf_perf_opts o = {.sz = sizeof(o), .type = PERF_TYPE_SOFTWARE, .pid = 0, .cpu = -1};
	struct coolbpf *cb = loaded();

	must_refuse(cb, coolbpf_attach_perf_event(cb, "on_sample", &o), -EINVAL, "either a frequency or a period");
	o.freq = o.period = 1;
	must_refuse(cb, coolbpf_attach_perf_event(cb, "on_sample", &o), -EINVAL, "either a frequency or a period");
	o.period = 0;
	o.sz = 1;
	must_refuse(cb, coolbpf_attach_perf_event(cb, "on_sample", &o), -EINVAL, "sz");
	o.sz = sizeof(o);
	o.freq = 100000000;
	must_refuse(cb, coolbpf_attach_perf_event(cb, "on_sample", &o), -EINVAL, "perf_event_max_sample_rate");
	must_refuse(cb, coolbpf_attach_target(cb, "on_sample", "no-such-event"), -EINVAL, "cpu-clock");
	must_refuse(cb, coolbpf_attach_target(cb, "on_sample", "cpu-clock,freq=many"), -EINVAL, "freq=many");
	must_refuse(cb, coolbpf_attach_target(cb, "on_sample", "cpu-clock,freq=99,period=1000"), -EINVAL,
		    "either a frequency or a period");
	must_refuse(cb, coolbpf_attach_target(cb, "on_sample", "cpu-clock,freq=99,pid=4294967296"), -ERANGE,
		    "pid=4294967296 is more than 2147483647");
	must_refuse(cb, coolbpf_attach_target(cb, "on_sample", "cpu-clock,freq=99,cpu=4294967295"), -ERANGE,
		    "cpu=4294967295 is more than");
	must_refuse(cb, coolbpf_attach_target(cb, "on_sample", "mem:here"), -EINVAL, "mem:ADDRESS");
	must_refuse(cb, coolbpf_attach_target(cb, "on_sample", "mem:0x1000/4:q"), -EINVAL, "not q");
	tool_end(cb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(task_clock_by_period),
		cmocka_unit_test(task_clock_by_frequency),
		cmocka_unit_test(cpu_clock_everywhere),
		cmocka_unit_test(page_faults),
		cmocka_unit_test(breakpoint_by_function),
		cmocka_unit_test(breakpoint_in_words),
		cmocka_unit_test(options_in_words),
		cmocka_unit_test(hardware),
		cmocka_unit_test(refusals),
	};

	return run_as_root(tests);
}
