// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * lab_run.c - coolbpf lab run: tests by kernels (lab/lab.h), with progress on standard error and a report at the end.
 *
 * Ctrl-C ends the guests; what was finished until then is reported, and the exit status is 128 and the signal's number, as a
 * shell's.
 */
#include "cli/lab.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/units.h"
#include "cli/lab_progress.h"
#include "cli/lab_tests.h"
#include "lab/kit.h"
#include "lab/lab.h"
#include "lab/report.h"

static const char help[] =
	"Usage: coolbpf lab run [OPTION ...] [TOOL | FILE.lab | DIR ...]\n"
	"\n"
	"Run the tests of tools (NAME.lab beside NAME.bpf.c) on real kernels in qemu, and print a matrix of tests by\n"
	"kernels. Without TOOL: the tests of all tools. The exit status is 0 when nothing has failed.\n"
	"\n"
	"Options:\n"
	"  --kernels KERNELS       on which kernels of the cache (default: all): a list with commas of patterns\n"
	"                          (\"debian:6*\"), versions (\"6.1\", \">=5.15\") and architectures (\"arm64\")\n"
	"  --kernel PATH[,modules=DIR]\n"
	"                          on this kernel image (default then: only on it); may be given more than once\n"
	"  --jobs N                so many guests at a time (default: one for each CPU)\n"
	"  -o, --output FORMAT     how to report: table (default), junit, html, json, tap\n"
	"  -f, --file FILE         write the report to a file; the table is printed too\n"
	"  --timeout TIME          for each test, in place of what the test says\n"
	"  --append TEXT           to the kernels' command lines\n"
	"  --no-ebpf               bpf(2) gives ENOSYS to all that is under test\n"
	"  --no-kvm                emulate, even where KVM is there\n"
	"  --coolbpf [ARCH=]FILE   the program under test (default: this one, or a static one beside it)\n"
	"  -v, --verbose           say also what is built, and how long boots take\n"
	"  -h, --help              show this text\n";

enum format { TABLE, JUNIT, HTML, JSON, TAP, FORMATS };

static const char *const format_names[FORMATS] = {"table", "junit", "html", "json", "tap"};

struct run {
	struct cb_lab_options o;
	struct cb_lab_program coolbpf[2]; /* as many as there are architectures */
	struct cb_lab_kernels kernels;
	struct lab_tests tests;
	const char *choice; /* --kernels */
	char **files;	    /* --kernel, with NULL at the end */
	size_t n_files;
	enum format format;
	const char *out;
	bool verbose;
	struct cb_log log;
	struct cb_lab_hold hold;
};

/* ---- Options --------------------------------------------------------------------------------------------------------- */

static int set_format(struct run *r, const char *value)
{
	for (int i = 0; i < FORMATS; i++)
		if (!strcmp(value, format_names[i])) {
			r->format = (enum format)i;
			return 0;
		}
	return cb_cli_usage("lab run", "there is no output format \"%s\"; there is table, junit, html, json, tap",
			    value);
}

static int set_jobs(struct run *r, const char *value)
{
	struct cb_number n;

	if (cb_parse_number(value, &n) || n.negative || !n.magnitude || n.magnitude > 1024)
		return cb_cli_usage("lab run", "--jobs: \"%s\" is not a number from 1 to 1024", value);
	r->o.jobs = (unsigned int)n.magnitude;
	return 0;
}

static int set_timeout(struct run *r, const char *value)
{
	if (cb_parse_duration(value, 1000000000, &r->o.timeout) || !r->o.timeout || r->o.timeout > INT64_MAX)
		return cb_cli_usage("lab run", "--timeout: \"%s\" is not a time such as 90s or 2m", value);
	return 0;
}

/* FILE, for this machine's architecture, or ARCH=FILE. */
static int set_coolbpf(struct run *r, const char *value)
{
	static const char *const archs[] = {"x86_64", "arm64"};
	const char *path = value;
	size_t k = sizeof(archs) / sizeof(*archs);

	for (size_t i = 0; i < sizeof(archs) / sizeof(*archs); i++) {
		size_t n = strlen(archs[i]);

		if (!strncmp(value, archs[i], n) && value[n] == '=') {
			k = i;
			path = value + n + 1;
		} else if (!strchr(value, '=') && cb_lab_is_native(archs[i])) {
			k = i;
		}
	}
	if (k == sizeof(archs) / sizeof(*archs))
		return cb_cli_usage("lab run", "--coolbpf: \"%s\" is neither FILE nor x86_64=FILE nor arm64=FILE",
				    value);
	if (access(path, R_OK))
		return cb_cli_fail("--coolbpf: %s: %s", path, strerror(errno));
	for (size_t i = 0; i < r->o.n_coolbpf; i++)
		if (!strcmp(r->coolbpf[i].arch, archs[k])) {
			r->coolbpf[i].path = path;
			return 0;
		}
	r->coolbpf[r->o.n_coolbpf++] = (struct cb_lab_program){.arch = archs[k], .path = path};
	return 0;
}

/* What cannot be written is told before the run, which takes minutes, and not behind it. */
static int set_file(struct run *r, const char *value)
{
	const char *slash = strrchr(value, '/');
	char *dir = slash ? strndup(value, (size_t)(slash - value) + 1) : strdup(".");
	int status = 0;

	if (!dir)
		return cb_cli_fail("out of memory");
	if (access(value, F_OK) ? access(dir, W_OK | X_OK) : access(value, W_OK))
		status = cb_cli_fail("cannot write %s: %s", value, strerror(errno));
	free(dir);
	r->out = value;
	return status;
}

static int add_kernel_file(struct run *r, char *value)
{
	char **more = realloc(r->files, (r->n_files + 2) * sizeof(*more));

	if (!more)
		return cb_cli_fail("out of memory");
	r->files = more;
	r->files[r->n_files++] = value;
	r->files[r->n_files] = NULL;
	return 0;
}

enum { KERNELS = 1, KERNEL, JOBS, TIMEOUT, APPEND, NO_EBPF, NO_KVM, COOLBPF };

/* 0, or an exit status after the reason was printed. */
static int set_option(struct run *r, int opt, char **argv)
{
	switch (opt) {
	case KERNELS:
		r->choice = optarg;
		return 0;
	case KERNEL:
		return add_kernel_file(r, optarg);
	case JOBS:
		return set_jobs(r, optarg);
	case TIMEOUT:
		return set_timeout(r, optarg);
	case APPEND:
		r->o.append = optarg;
		return 0;
	case NO_EBPF:
		r->o.no_ebpf = true;
		return 0;
	case NO_KVM:
		r->o.no_kvm = true;
		return 0;
	case COOLBPF:
		return set_coolbpf(r, optarg);
	case 'o':
		return set_format(r, optarg);
	case 'f':
		return set_file(r, optarg);
	case 'v':
		r->verbose = true;
		return 0;
	default:
		return cb_cli_bad_option("lab run", opt, argv);
	}
}

/* ---- Kernels --------------------------------------------------------------------------------------------------------- */

static int add_kernel_files(struct run *r)
{
	for (size_t i = 0; i < r->n_files; i++) {
		struct cb_lab_kernel *more = realloc(r->kernels.k, (r->kernels.n + 1) * sizeof(*more));
		struct cb_err e = {0};

		if (!more)
			return cb_cli_fail("out of memory");
		r->kernels.k = more;
		if (cb_lab_kernel_file(r->files[i], &more[r->kernels.n], &e))
			return cb_cli_fail("%s", e.text);
		r->kernels.n++;
	}
	return 0;
}

static int get_kernels(struct run *r)
{
	int status = r->n_files && !r->choice ? 0 : lab_choose_kernels("lab run", r->choice, &r->kernels);

	return status ? status : add_kernel_files(r);
}

/* ---- The report ------------------------------------------------------------------------------------------------------ */

/* Of the terminal that standard output is; 0: it is none. */
static size_t terminal_columns(void)
{
	struct winsize size;

	return !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) ? size.ws_col : 0;
}

static void write_report(const struct cb_lab_result *result, enum format format, bool seen, struct cb_buf *out)
{
	switch (format) {
	case JUNIT:
		cb_lab_report_junit(result, out);
		break;
	case HTML:
		cb_lab_report_html(result, out);
		break;
	case JSON:
		cb_lab_report_json(result, out);
		break;
	case TAP:
		cb_lab_report_tap(result, out);
		break;
	default:
		cb_lab_report_table(result, seen, seen ? terminal_columns() : 0, out);
	}
}

static int print(const struct cb_buf *text)
{
	int err = cb_write_all(STDOUT_FILENO, text->data, text->len);

	return err ? cb_cli_fail("cannot write to standard output: %s", strerror(-err)) : 0;
}

static int report(const struct run *r, const struct cb_lab_result *result)
{
	bool table_too = r->out && r->format != TABLE;
	struct cb_buf text = {0}, table = {0};
	struct cb_err e = {0};
	int status = 0;

	write_report(result, r->format, !r->out && isatty(STDOUT_FILENO), &text);
	if (table_too)
		write_report(result, TABLE, isatty(STDOUT_FILENO), &table);
	if (text.failed || table.failed)
		status = cb_cli_fail("out of memory");
	else if (!r->out)
		status = print(&text);
	else if (cb_file_write(r->out, text.data, text.len, 0644, &e))
		status = cb_cli_fail("%s", e.text);
	/* the run took minutes: what a full disk does not take is to be seen */
	if (table_too && !table.failed && print(&table))
		status = CB_CLI_FAILED;
	cb_buf_free(&text);
	cb_buf_free(&table);
	return status;
}

/* ---- The run --------------------------------------------------------------------------------------------------------- */

/* 0, 1, or 128 and a signal's number. */
static int run_held(struct run *r)
{
	struct cb_lab_result result = {0};
	struct lab_progress *progress = lab_progress_new(&result, r->verbose);
	struct cb_err e = {0};
	int err, status;

	if (!progress)
		return cb_cli_fail("out of memory");
	r->o.tests = r->tests.t;
	r->o.n_tests = r->tests.n;
	r->o.kernels = r->kernels.k;
	r->o.n_kernels = r->kernels.n;
	r->o.coolbpf = r->coolbpf;
	r->o.hold = &r->hold;
	r->log = (struct cb_log){.level = r->verbose ? CB_INFO : CB_WARN, .say = lab_say};
	r->o.log = &r->log;
	r->o.watch = lab_progress_watch(progress);
	err = cb_lab_run(&r->o, &result, &e);
	lab_progress_free(progress);
	if (err && err != -EINTR)
		return cb_cli_fail("%s", e.text);
	status = report(r, &result);
	if (!status && cb_lab_count(&result).fail)
		status = CB_CLI_FAILED;
	if (err)
		status = 128 + r->hold.caught;
	cb_lab_result_free(&result);
	return status;
}

static int run(struct run *r)
{
	struct cb_err e = {0};
	int status;

	if (cb_lab_hold(&r->hold, &e))
		return cb_cli_fail("%s", e.text);
	status = run_held(r);
	r->hold.caught = 0; /* the exit status says it */
	cb_lab_release(&r->hold);
	return status;
}

static int prepare_and_run(struct run *r, char *const *names)
{
	struct cb_err e = {0};
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int status;

	if (n < 0)
		return cb_cli_fail("cannot find this program: %s", strerror(errno));
	self[n] = '\0';
	r->o.builder = self;
	if (lab_tests_find(&r->tests, names, &e))
		return cb_cli_fail("%s", e.text);
	status = get_kernels(r);
	return status ? status : run(r);
}

int lab_run(int argc, char **argv)
{
	static const struct option options[] = {{"kernels", required_argument, NULL, KERNELS},
						{"kernel", required_argument, NULL, KERNEL},
						{"jobs", required_argument, NULL, JOBS},
						{"output", required_argument, NULL, 'o'},
						{"file", required_argument, NULL, 'f'},
						{"timeout", required_argument, NULL, TIMEOUT},
						{"append", required_argument, NULL, APPEND},
						{"no-ebpf", no_argument, NULL, NO_EBPF},
						{"no-kvm", no_argument, NULL, NO_KVM},
						{"coolbpf", required_argument, NULL, COOLBPF},
						{"verbose", no_argument, NULL, 'v'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	struct run r = {0};
	int opt, status = 0;

	opterr = 0;
	while (!status && (opt = getopt_long(argc, argv, ":o:f:vh", options, NULL)) != -1) {
		if (opt == 'h') {
			fputs(help, stdout);
			free(r.files);
			return CB_CLI_OK;
		}
		status = set_option(&r, opt, argv);
	}
	if (!status)
		status = prepare_and_run(&r, argv + optind);
	lab_tests_free(&r.tests);
	cb_lab_kernels_free(&r.kernels);
	free(r.files);
	return status;
}
