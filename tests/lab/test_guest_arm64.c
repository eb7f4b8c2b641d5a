// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * test_guest_arm64.c - a guest of another architecture: its BTF is the one that is in its image, a kprobe compiled here for it reads
 * the right registers, and what the kernel says does not fall into what the agent says.
 */
#include "guests.h"

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/digest.h"
#include "btf/bytes.h"

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define SH(text)   WORDS("sh", "-c", text)

enum { BTF, PORT, TOOL, PANICS, JOBS };

static struct cb_lab_kernels kernels;

static void build_tool(const char *source, const struct cb_lab_kernel *k, const char *object)
{
	char command[4096];

	snprintf(command, sizeof(command), "\"$COOLBPF\" build --arch arm64 --btf '%s' \"$SRC/%s\" -o %s", k->image,
		 source, object);
	assert_int_equal(system(command), 0);
}

static void check_btf(const struct cb_lab_kernel *k, const struct cb_lab_outcome *o)
{
	char digest[CB_SHA256_HEX];
	struct cb_btf_bytes b;
	struct cb_err e = {0};

	if (cb_btf_bytes_open(k->image, &b, &e))
		fail_msg("%s", e.text);
	cb_sha256_hex(b.data, b.size, digest);
	cb_btf_bytes_close(&b);
	assert_int_equal(o->end, CB_LAB_ENDED);
	assert_int_equal(strncmp(o->out.s, digest, strlen(digest)), 0);
}

/* Every line once, in its order. */
static void check_port(const struct cb_lab_outcome *o)
{
	const char *at = o->out.s;

	assert_int_equal(o->end, CB_LAB_ENDED);
	assert_int_equal(o->out.cut, 0);
	for (int i = 1; i <= 2000; i++) {
		assert_int_equal(strtol(at, (char **)&at, 10), i);
		assert_int_equal(*at++, '\n');
	}
	assert_int_equal(*at, '\0');
}

/* The workload's process, and what it looked for. */
static bool saw_it(const struct cb_lab_outcome *o)
{
	char pid[64];

	if (strncmp(o->work_out.s, "PID=", 4))
		return false;
	snprintf(pid, sizeof(pid), "\"pid\":%d,", atoi(o->work_out.s + 4));
	return strstr(o->out.s, pid) && strstr(o->out.s, "\"path\":\"/lab/no-such-file-");
}

static void run_guest(struct guest_run *r, const struct cb_lab_kernel *k, const char *object)
{
	start_guest(r, k);
	if (!r->g && errno == ENOENT && strstr(r->err.text, "make static-arm64")) {
		unlink(object);
		skip_because("not built: make static-arm64");
	}
	drive(r);
	if (r->state != CB_LAB_GUEST_LOST)
		fail_msg("state %d: %s", r->state, cb_lab_guest_why(r->g));
	assert_int_equal(r->outcome[TOOL].end, CB_LAB_ENDED);
}

static void jobs_run_on_arm64(void **state)
{
	const char *object = "test_guest_arm64_opensnoop.bpf.o";
	struct cb_lab_job jobs[JOBS] = {
		[BTF] = {.name = "btf", .argv = SH("sha256sum /sys/kernel/btf/vmlinux")},
		[PORT] = {.name = "port",
			  .argv = SH("echo 8 >/proc/sys/kernel/printk; i=0; while [ $i -lt 2000 ]; do i=$((i + 1)); "
				     "echo $i; [ $((i % 4)) -gt 0 ] || echo '<6>the kernel says something' >/dev/kmsg; "
				     "done; "
				     "echo 1 >/proc/sys/kernel/printk")},
		[TOOL] = {.name = "tool",
			  .argv = WORDS("coolbpf", "run", "/lab/opensnoop.bpf.o", "-o", "json"),
			  .ready = true,
			  .workload = "cat /lab/no-such-file-$$ 2>/dev/null & echo PID=$!; wait; true",
			  .settle = SEC / 2},
		[PANICS] = {.name = "panics", .argv = SH("sleep 1; echo c >/proc/sysrq-trigger; sleep 1000")},
	};
	struct cb_lab_file file = {.path = "/lab/opensnoop.bpf.o", .host = object};
	struct guest_run r = {.opts = {.jobs = jobs, .n_jobs = JOBS, .files = &file, .n_files = 1}};
	struct cb_lab_kernel k = pick_kernel_for("arm64", &kernels);

	for (int i = 0; i < JOBS; i++)
		jobs[i].dir = (const char *const[]){"/lab/0", "/lab/1", "/lab/2", "/lab/3"}[i];
	build_tool("tools/opensnoop.bpf.c", &k, object);
	run_guest(&r, &k, object);
	unlink(object);
	printf("# %s: %.1f s to the agent's first line\n", k.name, (double)cb_lab_guest_boot_ns(r.g) / 1e9);
	check_btf(&k, &r.outcome[BTF]);
	check_port(&r.outcome[PORT]);
	if (!saw_it(&r.outcome[TOOL]))
		fail_msg("%s is not in: %s%s", r.outcome[TOOL].work_out.s, r.outcome[TOOL].out.s,
			 r.outcome[TOOL].err.s);
	assert_int_equal(r.outcome[PANICS].end, CB_LAB_PANIC);
	assert_non_null(strstr(r.outcome[PANICS].console, "Kernel panic"));
	end_guest(&r);
}

static int free_kernels(void **state)
{
	cb_lab_kernels_free(&kernels);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(jobs_run_on_arm64, free_kernels)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
