/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* job.h - run one job of clang's for a test, on a source in memory. */
#ifndef CB_TESTS_COMPILE_JOB_H
#define CB_TESTS_COMPILE_JOB_H

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "compile/zygote.h"

struct run {
	int err; /* of cb_job_run() */
	struct cb_err e;
	struct cb_job_end end;
	char *object, *messages;
	size_t size;
};

static inline char *read_whole(int fd, size_t *size)
{
	char path[32], *data;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(cb_file_read(path, 64 << 20, &data, size, NULL), 0);
	close(fd);
	return data;
}

/* argv ends with NULL; more: descriptors from 3 on, or NULL. */
static inline void run_job(struct run *r, struct cb_zygote *z, const char *clang, const char *const *argv,
			   const struct cb_sandbox *sandbox, const char *text, size_t len, const int *more, int nmore)
{
	int fds[8] = {cb_file_nameless("source"), cb_file_nameless("object"), cb_file_nameless("messages")};
	struct cb_job job = {
		.clang = clang, .argv = (char *const *)argv, .fds = fds, .n = 3 + nmore, .sandbox = sandbox};
	sigset_t none;
	size_t size;

	memset(r, 0, sizeof(*r));
	sigemptyset(&none);
	job.mask = &none;
	for (int i = 0; i < nmore; i++)
		fds[3 + i] = fcntl(more[i], F_DUPFD_CLOEXEC, 20);
	assert_int_equal(cb_write_all(fds[0], text, len), 0);
	r->err = cb_job_run(z, &job, &r->end, &r->e);
	close(fds[0]);
	for (int i = 0; i < nmore; i++)
		close(fds[3 + i]);
	r->object = read_whole(fds[1], &r->size);
	r->messages = read_whole(fds[2], &size);
}

/* As coolbpf compiles, less its headers. */
static inline void run_bytes(struct run *r, const char *clang, struct cb_zygote *z, const struct cb_sandbox *sandbox,
			     const char *text, size_t len)
{
	const char *const argv[] = {clang,
				    "-g",
				    "-O2",
				    "-target",
				    "bpf",
				    "-fno-color-diagnostics",
				    "-fno-crash-diagnostics",
				    "-fdebug-compilation-dir=/proc/self/cwd",
				    "-x",
				    "c",
				    "-c",
				    "-o",
				    "-",
				    "/proc/self/fd/0",
				    NULL};

	run_job(r, z, clang, argv, sandbox, text, len, NULL, 0);
}

static inline void run_text(struct run *r, const char *clang, struct cb_zygote *z, const struct cb_sandbox *sandbox,
			    const char *text)
{
	run_bytes(r, clang, z, sandbox, text, strlen(text));
}

static inline void run_free(struct run *r)
{
	free(r->object);
	free(r->messages);
}

/* The number of entries. */
static inline int entries(const char *dir)
{
	DIR *d = opendir(dir);
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n - 2;
}

#endif
