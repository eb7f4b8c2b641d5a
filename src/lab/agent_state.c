// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * agent_state.c - what a job can change for the whole guest, as no namespace of its own holds it: sysctls, the network, what is
 * traced, modules, cgroups, files in /dev, the time. See agent.h.
 *
 * What is easily put back is put back. Of the rest there is a digest before the first job; where it is another one behind a job,
 * the jobs that come get a new boot.
 */
#include "lab/agent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/hmap.h"

enum { DEPTH = 32, VALUE = 4096 };

/* ---- A digest -------------------------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t sum, const void *data, size_t len)
{
	return (sum ^ cb_hash(data, len)) * 0x9e3779b97f4a7c15ULL; /* the order counts */
}

/* The file's first bytes; one that cannot be read is as an empty one. */
static uint64_t mix_file(uint64_t sum, const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char value[VALUE];
	ssize_t n = fd < 0 ? 0 : read(fd, value, sizeof(value));

	if (fd >= 0)
		close(fd);
	return mix(mix(sum, path, strlen(path)), value, n > 0 ? (size_t)n : 0);
}

/* ---- Parts of the state ---------------------------------------------------------------------------------------------- */

/* What the kernel changes by itself, or is no setting. */
static bool is_restless(const char *path)
{
	static const char *const names[] = {"random",
					    "pty",
					    "ns_last_pid",
					    "file-nr",
					    "inode-nr",
					    "inode-state",
					    "dentry-state",
					    "aio-nr",
					    "tainted",
					    "perf_event_max_sample_rate",
					    "perf_cpu_time_max_percent",
					    "stat_refresh",
					    "nf_conntrack_count",
					    "sched_domain",
					    "lab0",
					    "veth0"};
	const char *name = strrchr(path, '/') + 1;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static int not_dots(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

static uint64_t mix_sysctls(uint64_t sum, const char *dir, int depth)
{
	struct dirent **entries;
	int n = depth < DEPTH ? scandir(dir, &entries, not_dots, alphasort) : -1;

	for (int i = 0; i < n; i++) {
		char path[512];

		snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
		if (!is_restless(path))
			sum = entries[i]->d_type == DT_DIR ? mix_sysctls(sum, path, depth + 1) : mix_file(sum, path);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return sum;
}

static uint64_t sysctls(void)
{
	return mix_sysctls(0, "/proc/sys", 0);
}

/* The lines of a file that have this in them, without the blanks in front. */
static uint64_t mix_lines(uint64_t sum, const char *path, const char *with)
{
	char *text, *rest = NULL;
	size_t len;

	if (cb_file_read(path, 1 << 20, &text, &len, NULL))
		return sum;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (strstr(line, with))
			sum = mix(sum, line + strspn(line, " "), strlen(line + strspn(line, " ")));
	free(text);
	return sum;
}

/* Interfaces and whether they are up, addresses, routes. */
static uint64_t network(void)
{
	struct dirent **entries;
	int n = scandir("/sys/class/net", &entries, not_dots, alphasort);
	uint64_t sum = 0;

	for (int i = 0; i < n; i++) {
		char path[512];

		snprintf(path, sizeof(path), "/sys/class/net/%s/flags", entries[i]->d_name);
		sum = mix_file(sum, path);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	/* the trie's own shape depends on what was there before; its addresses do not */
	sum = mix_lines(sum, "/proc/net/fib_trie", "|--");
	sum = mix_lines(sum, "/proc/net/route", "\t");
	return mix_file(sum, "/proc/net/if_inet6");
}

static uint64_t tracing(void)
{
	static const char *const files[] = {"current_tracer", "tracing_on", "trace_clock", "set_event"};
	uint64_t sum = 0;
	char path[64];

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/tracing/%s", files[i]);
		sum = mix_file(sum, path);
	}
	return sum;
}

/* Their names: addresses and users may change. */
static uint64_t modules(void)
{
	char *text, *rest = NULL;
	uint64_t sum = 0;
	size_t len;

	if (cb_file_read("/proc/modules", 1 << 20, &text, &len, NULL))
		return 0;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		sum = mix(sum, line, strcspn(line, " "));
	free(text);
	return sum;
}

static uint64_t controllers(void)
{
	return mix_file(0, "/sys/fs/cgroup/cgroup.subtree_control");
}

static const struct {
	const char *what;
	uint64_t (*digest)(void);
} parts[STATES] = {{"sysctls have", sysctls},
		   {"the network has", network},
		   {"what is traced has", tracing},
		   {"the modules have", modules},
		   {"the cgroups' controllers have", controllers}};

/* ---- What is put back ------------------------------------------------------------------------------------------------ */

/* Deepest first. One that something is still in stays. */
static int drop_cgroup(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	if (kind == FTW_DP && at->level > 0)
		rmdir(path);
	return 0;
}

static int drop_file(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	/* /dev has devices, links, and what is mounted there, which FTW_MOUNT leaves out */
	if (kind == FTW_F && S_ISREG(st->st_mode))
		unlink(path);
	return 0;
}

static int64_t clock_offset(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec - (int64_t)(agent_now() / SECOND);
}

static void put_back_time(const struct agent *a)
{
	int64_t by = clock_offset() - a->clock_offset;
	struct timespec t;

	if (by >= -1 && by <= 1) /* of rounding */
		return;
	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec -= (time_t)by;
	clock_settime(CLOCK_REALTIME, &t);
}

/* ---- Before and behind jobs ------------------------------------------------------------------------------------------ */

void agent_note_state(struct agent *a)
{
	for (int i = 0; i < STATES; i++)
		a->state[i] = parts[i].digest();
	a->clock_offset = clock_offset();
}

void agent_check_state(struct job *j)
{
	nftw("/sys/fs/cgroup", drop_cgroup, DEPTH, FTW_PHYS | FTW_DEPTH | FTW_MOUNT);
	nftw("/dev", drop_file, DEPTH, FTW_PHYS | FTW_MOUNT);
	put_back_time(j->a);
	for (int i = 0; i < STATES; i++)
		if (parts[i].digest() != j->a->state[i])
			agent_wants_boot(j->a, "%s changed behind %s", parts[i].what, j->spec->name);
}
