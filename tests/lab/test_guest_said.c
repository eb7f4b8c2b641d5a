// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * test_guest_said.c - what the host makes of what a guest says, and of how it ends. No kernel is booted: the program that stands
 * for qemu is a script that says what the test wants to be said.
 */
#include "guests.h"

#include <sys/stat.h>

#include "base/file.h"
#include "lab/wire.h"

struct fixture {
	char dir[32], *path; /* of the script and its texts; $PATH as it was */
	char image[64], arch[16];
	struct cb_buf port;
	struct cb_lab_kernel kernel;
	struct cb_lab_job jobs[3];
	struct guest_run r;
};

static const char *const argv[] = {"true", NULL};

static const char qemu[] = "#!/bin/sh\n"
			   "cd \"${0%/*}\"\n"
			   "[ ! -e port ] || cat port >/dev/fd/4\n"
			   "[ ! -e console ] || cat console >/dev/fd/3\n"
			   "[ ! -e errors ] || cat errors >&2\n"
			   "[ ! -e sleep ] || exec sleep 100\n";

static void put(struct fixture *f, const char *name, const void *data, size_t len, mode_t mode)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	assert_int_equal(cb_file_write(path, data, len, mode, NULL), 0);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char image[0x400] = {0}, path[4096];

	strcpy(f->dir, "/tmp/cb-said-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	/* as an x86 and as an arm64 kernel begins */
	memcpy(image + 0x202, "HdrS", 4);
	memcpy(image + 0x38, "ARM\x64", 4);
	put(f, "image", image, sizeof(image), 0644);
	put(f, cb_lab_arch(this_arch())->program, qemu, sizeof(qemu) - 1, 0755);
	f->path = strdup(getenv("PATH"));
	snprintf(path, sizeof(path), "%s:%s", f->dir, f->path);
	setenv("PATH", path, 1);
	snprintf(f->image, sizeof(f->image), "%s/image", f->dir);
	strcpy(f->arch, this_arch());
	f->kernel = (struct cb_lab_kernel){.name = "made up", .arch = f->arch, .image = f->image};
	for (int i = 0; i < 3; i++)
		f->jobs[i] = (struct cb_lab_job){.name = "job", .argv = argv, .dir = "/lab/0"};
	f->r.opts =
		(struct cb_lab_guest_opts){.coolbpf = "/proc/self/exe", .jobs = f->jobs, .n_jobs = 3, .no_kvm = true};
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	char command[64];

	end_guest(&f->r);
	setenv("PATH", f->path, 1);
	free(f->path);
	cb_buf_free(&f->port);
	snprintf(command, sizeof(command), "rm -r %s", f->dir);
	free(f);
	return system(command);
}

/* The guest says this JSON in a frame. */
static void says(struct fixture *f, const char *json)
{
	json_t *message = json_loads(json, 0, NULL);

	assert_true(cb_wire_frame(&f->port, message));
	json_decref(message);
}

/* One whose frame is damaged on its way. */
static void says_badly(struct fixture *f, const char *json)
{
	says(f, json);
	f->port.data[f->port.len - 4] ^= 1;
}

#define ENDED(job)                                                                                                     \
	"{\"t\":\"end\",\"job\":" #job ",\"end\":\"ended\",\"status\":768,\"work\":-1,\"left\":2,\"warned\":true,"     \
	"\"ready\":5,\"total\":7}"
#define BEGIN(job) "{\"t\":\"begin\",\"job\":" #job "}"

static void run(struct fixture *f)
{
	put(f, "port", f->port.data, f->port.len, 0644);
	start_guest(&f->r, &f->kernel);
	drive(&f->r);
	for (int i = 0; i < 3; i++)
		assert_int_equal(f->r.ended[i], 1);
}

static void a_job_is_told_as_it_was_said(void **state)
{
	struct fixture *f = *state;
	const struct cb_lab_outcome *o = f->r.outcome;

	says(f, "{\"t\":\"hello\",\"release\":\"1\"}");
	says(f, BEGIN(0));
	says(f, "{\"t\":\"data\",\"s\":\"out\",\"d\":\"b25lCg==\"}");
	says(f, "{\"t\":\"data\",\"s\":\"work_err\",\"d\":\"AP8=\"}");
	says(f, "{\"t\":\"beat\"}");
	says(f, "{\"t\":\"cut\",\"s\":\"out\",\"n\":99}");
	says(f, "{\"t\":\"data\",\"s\":\"out\",\"d\":\"dHdvCg==\"}");
	says(f, ENDED(0));
	says(f, BEGIN(1));
	says(f, "{\"t\":\"end\",\"job\":1,\"end\":\"timeout\",\"status\":9,\"work\":256,\"left\":0,\"warned\":false,"
		"\"ready\":0,\"total\":1,\"message\":\"too slow\"}");
	says(f, BEGIN(2));
	says(f, "{\"t\":\"end\",\"job\":2,\"end\":\"setup\",\"status\":0,\"work\":-1,\"message\":\"no veth\"}");
	says(f, "{\"t\":\"bye\"}");
	run(f);
	assert_int_equal(f->r.state, CB_LAB_GUEST_DONE);
	assert_true(cb_lab_guest_boot_ns(f->r.g) > 0);
	assert_int_equal(o[0].end, CB_LAB_ENDED);
	assert_int_equal(o[0].status, 3 << 8);
	assert_string_equal(o[0].out.s, "one\ntwo\n");
	assert_int_equal(o[0].out.cut, 99);
	assert_int_equal(o[0].work_err.len, 2);
	assert_memory_equal(o[0].work_err.s, "\0\xff", 3);
	assert_int_equal(o[0].err.len, 0);
	assert_string_equal(o[0].err.s, "");
	assert_int_equal(o[0].left, 2);
	assert_true(o[0].warned);
	assert_int_equal(o[0].ready_ns, 5);
	assert_int_equal(o[0].total_ns, 7);
	assert_null(o[0].message);
	assert_int_equal(o[1].end, CB_LAB_TIMEOUT);
	assert_int_equal(o[1].work_status, 256);
	assert_string_equal(o[1].message, "too slow");
	assert_int_equal(o[1].out.len, 0);
	assert_int_equal(o[2].end, CB_LAB_SETUP);
	assert_string_equal(o[2].message, "no veth");
}

static void a_frame_that_is_damaged_costs_its_job_only(void **state)
{
	struct fixture *f = *state;
	const struct cb_lab_outcome *o = f->r.outcome;

	/* not even the greeting came */
	says_badly(f, "{\"t\":\"hello\",\"release\":\"1\"}");
	says(f, BEGIN(0));
	says_badly(f, ENDED(0));
	says_badly(f, BEGIN(1));
	says(f, "{\"t\":\"data\",\"s\":\"out\",\"d\":\"b25lCg==\"}");
	says(f, ENDED(1));
	says(f, BEGIN(2));
	says(f, ENDED(2));
	says(f, "{\"t\":\"bye\"}");
	run(f);
	assert_int_equal(f->r.state, CB_LAB_GUEST_DONE);
	assert_int_equal(o[0].end, CB_LAB_SETUP);
	assert_non_null(strstr(o[0].message, "damaged"));
	assert_int_equal(o[1].end, CB_LAB_SETUP);
	assert_int_equal(o[2].end, CB_LAB_ENDED);
	assert_int_equal(o[2].out.len, 0);
}

static void the_last_frame_may_be_the_damaged_one(void **state)
{
	struct fixture *f = *state;

	says(f, "{\"t\":\"hello\"}");
	for (int i = 0; i < 2; i++) {
		says(f, i ? BEGIN(1) : BEGIN(0));
		says(f, i ? ENDED(1) : ENDED(0));
	}
	says(f, BEGIN(2));
	says_badly(f, ENDED(2));
	says(f, "{\"t\":\"bye\"}");
	run(f);
	assert_int_equal(f->r.state, CB_LAB_GUEST_DONE);
	assert_int_equal(f->r.outcome[1].end, CB_LAB_ENDED);
	assert_int_equal(f->r.outcome[2].end, CB_LAB_SETUP);
}

static void frames_that_make_no_sense_are_passed_over(void **state)
{
	struct fixture *f = *state;

	says(f, "{\"t\":\"end\",\"job\":0,\"end\":\"ended\"}");
	says(f, "{\"t\":\"data\",\"s\":\"out\",\"d\":\"b25lCg==\"}");
	says(f, "{\"t\":\"hello\"}");
	says(f, "{\"t\":7}");
	says(f, "{\"job\":0}");
	says(f, "{\"t\":\"begin\",\"job\":77}");
	says(f, "{\"t\":\"begin\",\"job\":-1,\"s\":[]}");
	says(f, BEGIN(0));
	says(f, "{\"t\":\"begin\"}");
	says(f, "{\"t\":\"data\",\"s\":\"in\",\"d\":\"b25lCg==\"}");
	says(f, "{\"t\":\"data\",\"s\":\"out\",\"d\":\"not base64!\"}");
	says(f, ENDED(2));
	says(f, ENDED(0));
	says(f, "{\"t\":\"bye\",\"why\":\"enough\"}");
	says(f, BEGIN(1));
	run(f);
	assert_int_equal(f->r.outcome[0].end, CB_LAB_ENDED);
	assert_int_equal(f->r.outcome[0].out.len, 0);
	assert_int_equal(f->r.outcome[1].end, CB_LAB_NOT_RUN);
	assert_int_equal(f->r.begun[0], 1);
	assert_int_equal(f->r.begun[1], 0);
}

/* Frames are not signed: a program in the guest can write them, too. */
static void a_flood_of_data_does_not_fill_the_host(void **state)
{
	struct fixture *f = *state;
	struct cb_buf frame = {0};

	cb_buf_str(&frame, "{\"t\":\"data\",\"s\":\"out\",\"d\":\"");
	for (int i = 0; i < 2000; i++)
		cb_buf_str(&frame, "b25l");
	cb_buf_str(&frame, "\"}");
	says(f, "{\"t\":\"hello\"}");
	says(f, BEGIN(0));
	for (int i = 0; i < 200; i++)
		says(f, cb_buf_cstr(&frame));
	says(f, ENDED(0));
	says(f, "{\"t\":\"bye\",\"why\":\"enough\"}");
	cb_buf_free(&frame);
	f->jobs[0].output = 64 << 10;
	run(f);
	assert_in_range(f->r.outcome[0].out.len, 64 << 10, 512 << 10);
}

static void who_wants_a_new_boot_says_why(void **state)
{
	struct fixture *f = *state;

	says(f, "{\"t\":\"hello\"}");
	says(f, BEGIN(0));
	says(f, ENDED(0));
	says(f, "{\"t\":\"bye\",\"why\":\"the module x cannot be removed\"}");
	run(f);
	assert_int_equal(f->r.state, CB_LAB_GUEST_DONE);
	assert_string_equal(cb_lab_guest_why(f->r.g), "the module x cannot be removed");
	assert_int_equal(f->r.outcome[2].end, CB_LAB_NOT_RUN);
	assert_non_null(strstr(f->r.outcome[2].message, "the module x cannot be removed"));
}

static void a_guest_that_ends_in_a_job_has_rebooted(void **state)
{
	struct fixture *f = *state;

	says(f, "{\"t\":\"hello\"}");
	says(f, BEGIN(0));
	says(f, "{\"t\":\"data\",\"s\":\"out\",\"d\":\"b25lCg==\"}");
	run(f);
	assert_int_equal(f->r.state, CB_LAB_GUEST_LOST);
	assert_int_equal(f->r.outcome[0].end, CB_LAB_PANIC);
	assert_string_equal(f->r.outcome[0].out.s, "one\n");
	assert_string_equal(f->r.outcome[0].message, "the guest rebooted by itself");
	assert_null(f->r.outcome[0].console);
	assert_int_equal(f->r.outcome[1].end, CB_LAB_NOT_RUN);
}

static void a_panic_is_known_by_its_line(void **state)
{
	static const char console[] =
		"[    5.0] first\r\n[    5.1] Kernel panic - not syncing: the reason\r\n[    5.2] last";
	struct fixture *f = *state;

	says(f, "{\"t\":\"hello\"}");
	says(f, BEGIN(0));
	put(f, "console", console, sizeof(console) - 1, 0644);
	run(f);
	assert_int_equal(f->r.outcome[0].end, CB_LAB_PANIC);
	assert_string_equal(f->r.outcome[0].message, "the kernel panicked: Kernel panic - not syncing: the reason");
	assert_string_equal(f->r.outcome[0].console,
			    "[    5.0] first\n[    5.1] Kernel panic - not syncing: the reason\n[    5.2] last\n");
}

static void the_consoles_last_lines_are_kept(void **state)
{
	struct fixture *f = *state;
	struct cb_buf console = {0};

	for (int i = 0; i < 1000; i++)
		cb_buf_printf(&console, "line %d \033[1mof many%*s\n", i, i == 999 ? 2000 : 0, "");
	put(f, "console", console.data, console.len, 0644);
	cb_buf_free(&console);
	says(f, "{\"t\":\"hello\"}");
	says(f, BEGIN(0));
	run(f);
	/* without what a terminal would do, and no line for ever */
	assert_null(strstr(f->r.outcome[0].console, "line 900 "));
	assert_non_null(strstr(f->r.outcome[0].console, "line 998 [1mof many\nline 999 "));
	assert_true(strlen(f->r.outcome[0].console) < 5000);
}

static void qemus_own_words_say_why_there_is_no_guest(void **state)
{
	static const char errors[] =
		"qemu-system-x86_64: cannot set up guest memory 'pc.ram': Cannot allocate memory\n";
	struct fixture *f = *state;

	put(f, "errors", errors, sizeof(errors) - 1, 0644);
	run(f);
	assert_int_equal(f->r.state, CB_LAB_GUEST_NO_BOOT);
	assert_non_null(strstr(cb_lab_guest_why(f->r.g), "could not start made up"));
	assert_non_null(strstr(cb_lab_guest_why(f->r.g), "Cannot allocate memory"));
	assert_int_equal(f->r.outcome[0].end, CB_LAB_NOT_RUN);
}

static void a_boot_takes_its_time_at_most(void **state)
{
	struct fixture *f = *state;
	uint64_t begin = now_ns();

	put(f, "sleep", "", 0, 0644);
	f->r.opts.boot_timeout = SEC / 2;
	run(f);
	assert_true(now_ns() - begin < 60 * SEC);
	assert_int_equal(f->r.state, CB_LAB_GUEST_NO_BOOT);
	assert_non_null(strstr(cb_lab_guest_why(f->r.g), "made up did not boot in"));
	assert_non_null(strstr(cb_lab_guest_why(f->r.g), "nothing came over its serial console"));
}

static void a_guest_that_does_not_leave_is_ended(void **state)
{
	struct fixture *f = *state;

	put(f, "sleep", "", 0, 0644);
	says(f, "{\"t\":\"hello\"}");
	says(f, "{\"t\":\"bye\",\"why\":\"enough\"}");
	run(f);
	assert_int_equal(f->r.state, CB_LAB_GUEST_DONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_job_is_told_as_it_was_said, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_frame_that_is_damaged_costs_its_job_only, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_last_frame_may_be_the_damaged_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(frames_that_make_no_sense_are_passed_over, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_flood_of_data_does_not_fill_the_host, set_up, tear_down),
		cmocka_unit_test_setup_teardown(who_wants_a_new_boot_says_why, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_guest_that_ends_in_a_job_has_rebooted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_panic_is_known_by_its_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_consoles_last_lines_are_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(qemus_own_words_say_why_there_is_no_guest, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_boot_takes_its_time_at_most, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_guest_that_does_not_leave_is_ended, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
