// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* symbols_child.c - see symbols_child.h. */
#include "symbols_child.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

char dir[64];

void command(const char *fmt, ...)
{
	char text[TEXT];
	va_list ap;
	int n;

	n = snprintf(text, sizeof(text), "cd %s && ", dir);
	va_start(ap, fmt);
	vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	if (system(text)) {
		print_message("# failed: %s\n", text);
		fail();
	}
}

bool have(const char *program)
{
	char text[TEXT];

	snprintf(text, sizeof(text), "command -v %s >/dev/null 2>&1", program);
	return !system(text);
}

void write_source(const char *name, const char *text)
{
	char path[TEXT];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

struct child start_in(const char *root, const char *path)
{
	int to[2], from[2];
	struct child c;

	assert_int_equal(pipe(to) | pipe(from), 0);
	c.pid = fork();
	if (!c.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(to[0], 0);
		dup2(from[1], 1);
		for (int fd = 3; fd < 64; fd++)
			close(fd);
		if (root && (chroot(root) || chdir("/")))
			_exit(126);
		execl(path, path, (char *)NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	c.in = fdopen(to[1], "w");
	c.out = fdopen(from[0], "r");
	return c;
}

void expect_ready(struct child *c)
{
	char line[256];

	assert_non_null(fgets(line, sizeof(line), c->out));
	assert_memory_equal(line, "ready", 5);
}

struct child start(const char *name)
{
	char path[TEXT];
	struct child c;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	c = start_in(NULL, path);
	expect_ready(&c);
	return c;
}

void stop(struct child *c)
{
	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
	fclose(c->in);
	fclose(c->out);
}

/* The first line in the maps with this name is for the file's offset 0, where the ELF header is. */
uint64_t base_of(pid_t pid, const char *name)
{
	char path[64], line[TEXT];
	uint64_t start = 0, offset;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (!strstr(line, name) || sscanf(line, "%" SCNx64 "-%*x %*s %" SCNx64, &start, &offset) != 2 || offset)
			continue;
		fclose(f);
		return start;
	}
	fclose(f);
	fail();
	return 0;
}

uint64_t address_of(const char *binary, const char *symbol)
{
	char path[TEXT], text[256] = "";
	FILE *f;

	command("nm %s | awk '$3 == \"%s\" { print $1 }' >address", binary, symbol);
	snprintf(path, sizeof(path), "%s/address", dir);
	f = fopen(path, "r");
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	return strtoull(text, NULL, 16);
}

int make_dir(void **state)
{
	snprintf(dir, sizeof(dir), "/var/tmp/coolbpf-symbols-XXXXXX");
	return !mkdtemp(dir);
}

int remove_dir(void **state)
{
	char clean[128];

	snprintf(clean, sizeof(clean), "rm -rf %s", dir);
	return system(clean);
}
