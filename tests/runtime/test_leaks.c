// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* Nothing is left behind: descriptors, programs, maps, links, after what went well and after what did not. */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tool.h"

enum { TIMES = 30 };

static int on_event(void *ctx, const struct coolbpf_event *ev)
{
	return 0;
}

/* How often each step of a tool's life is passed, and that the last program and map are gone. */
static void a_whole_life(void **state)
{
	static const char *const tools[] = {"tracepoint", "events", "perf"};
	struct tool_ids last[3];
	size_t before = 0;

	for (int i = 0; i <= TIMES; i++) {
		/* the first time opens what stays open, and compiles */
		if (i == 1)
			before = open_fds();
		for (int t = 0; t < 3; t++) {
			struct coolbpf *cb = tool_open(tools[t]);

			must(cb, coolbpf_on_event(cb, NULL, on_event, NULL));
			must(cb, coolbpf_load(cb));
			if (t == 0)
				must(cb, coolbpf_attach(cb));
			else if (t == 2)
				must(cb, coolbpf_attach_target(cb, "on_sample", "cpu-clock,freq=10"));
			must(cb, coolbpf_poll(cb, 0));
			last[t] = tool_ids(cb);
			coolbpf_free(cb);
		}
	}
	assert_int_equal(open_fds(), before);
	for (int t = 0; t < 3; t++)
		tool_must_be_gone(&last[t]);
}

static void attach_and_detach(void **state)
{
	struct coolbpf *cb = tool_open("tracepoint");
	struct tool_ids ids;
	size_t before;

	must(cb, coolbpf_load(cb));
	ids = tool_ids(cb);
	before = open_fds();
	for (int i = 0; i < TIMES; i++) {
		must(cb, coolbpf_attach(cb));
		must(cb, coolbpf_attach_tracepoint(cb, "by_hand", "signal", "signal_generate"));
		coolbpf_detach(cb);
	}
	assert_int_equal(open_fds(), before);
	assert_int_equal(tool_links(&ids), 0);
	tool_end(cb);
}

/* Each of these fails at another step. */
static void failures(void **state)
{
	size_t before = 0;

	for (int i = 0; i <= TIMES; i++) {
		struct coolbpf *cb;

		if (i == 1)
			before = open_fds();
		cb = tool_open("params"); /* at load, by the verifier */
		must(cb, coolbpf_param_set(cb, "flag", "on"));
		assert_int_equal(coolbpf_load(cb), -EACCES);
		coolbpf_free(cb);

		cb = tool_open("tracepoint"); /* at attach, after others are attached */
		must(cb, coolbpf_program_target(cb, "raw_by_hand", "no_such_event"));
		must(cb, coolbpf_load(cb));
		assert_int_equal(coolbpf_attach(cb), -ENOENT);
		coolbpf_free(cb);

		cb = tool_open("perf"); /* after a first descriptor was opened */
		must(cb, coolbpf_load(cb));
		assert_true(coolbpf_attach_target(cb, "on_sample", "cycles,freq=0x7fffffff") < 0);
		coolbpf_free(cb);

		cb = coolbpf_new(NULL); /* at open */
		assert_int_equal(coolbpf_open_memory(cb, "not an object", 13, "x.o"), -ENOEXEC);
		assert_int_equal(coolbpf_open_file(cb, "/no/such/file.o"), -ENOENT);
		coolbpf_free(cb);
	}
	assert_int_equal(open_fds(), before);
}

/* Objects that are refused at every step of opening. The handle is then as new. */
static void failed_opens(void **state)
{
	struct coolbpf *cb = tool_open("params");
	size_t size, before = open_fds();
	char *good = malloc(coolbpf_object_data(cb, &size) ? size : 1);

	memcpy(good, coolbpf_object_data(cb, &size), size);
	coolbpf_free(cb);
	before = open_fds();
	cb = coolbpf_new(NULL);
	for (size_t at = 0; at < size; at += 31) {
		size_t n;

		good[at] ^= 0x55;
		if (!coolbpf_open_memory(cb, good, size, "x.o")) {
			coolbpf_free(cb);
			cb = coolbpf_new(NULL);
		}
		good[at] ^= 0x55;
		assert_int_equal(coolbpf_program_count(cb) + coolbpf_map_count(cb) + coolbpf_param_count(cb) +
					 coolbpf_event_map_count(cb),
				 0);
		assert_string_equal(coolbpf_name(cb), "");
		assert_string_equal(coolbpf_about(cb), "");
		assert_null(coolbpf_object_data(cb, &n));
		assert_int_equal(n, 0);
		assert_null(coolbpf_btf(cb));
		assert_null(coolbpf_bpf_object(cb));
	}
	must(cb, coolbpf_open_memory(cb, good, size, "x.o"));
	must_refuse(cb, coolbpf_open_memory(cb, good, size, "y.o"), -EBUSY, "already opened x");
	must(cb, coolbpf_load(cb));
	coolbpf_free(cb);
	assert_int_equal(open_fds(), before);
	free(good);
}

/* A load that fails leaves nothing that could be attached or read. */
static int load_and_attach(struct coolbpf *cb)
{
	int err = coolbpf_load(cb);

	if (err) {
		assert_string_not_equal(coolbpf_errmsg(cb), "");
		must_refuse(cb, coolbpf_attach(cb), -EINVAL, "nothing is loaded yet");
		must_refuse(cb, coolbpf_poll(cb, 0), -EINVAL, "nothing is loaded yet");
		return err;
	}
	err = coolbpf_attach(cb);
	if (err)
		assert_string_not_equal(coolbpf_errmsg(cb), "");
	return err;
}

/* No descriptors left: a failure that says so, and cleans up behind itself. Tried with every number that is left. */
static void too_few_descriptors_for(const char *tool, const char *program)
{
	int status;
	pid_t child;

	coolbpf_free(tool_open(tool));
	child = fork();
	if (!child) {
		bool failed = false, worked = false;

		for (rlim_t left = 0; left < 40; left++) {
			struct rlimit limit;
			size_t before = open_fds();
			struct coolbpf *cb;
			int err;

			getrlimit(RLIMIT_NOFILE, &limit);
			cb = tool_open(tool);
			must(cb, coolbpf_on_event(cb, NULL, on_event, NULL));
			must(cb, coolbpf_program_target(cb, program, "signal_generate"));
			limit.rlim_cur = (rlim_t)dup(0) + left;
			close((int)(limit.rlim_cur - left));
			assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
			err = load_and_attach(cb);
			failed |= err != 0;
			worked |= !err;
			coolbpf_free(cb);
			limit.rlim_cur = limit.rlim_max;
			setrlimit(RLIMIT_NOFILE, &limit);
			assert_int_equal(open_fds(), before);
		}
		_exit(failed && worked ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void too_few_descriptors(void **state)
{
	too_few_descriptors_for("tracepoint", "raw_by_hand");
	too_few_descriptors_for("events", "emit");
}

/* A process that is killed leaves nothing either. */
static void killed(void **state)
{
	struct tool_ids ids;
	int pipes[2], status;
	pid_t child;

	assert_int_equal(pipe(pipes), 0);
	child = fork();
	if (!child) {
		struct coolbpf *cb = tool_open("tracepoint");

		must(cb, coolbpf_load(cb));
		must(cb, coolbpf_attach(cb));
		ids = tool_ids(cb);
		if (write(pipes[1], &ids, sizeof(ids)) == sizeof(ids))
			pause();
		_exit(1);
	}
	assert_int_equal(read(pipes[0], &ids, sizeof(ids)), sizeof(ids));
	assert_true(ids.nprogs > 0);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	close(pipes[0]);
	close(pipes[1]);
	tool_must_be_gone(&ids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_life), cmocka_unit_test(attach_and_detach),   cmocka_unit_test(failures),
		cmocka_unit_test(failed_opens), cmocka_unit_test(too_few_descriptors), cmocka_unit_test(killed),
	};

	return run_as_root(tests);
}
