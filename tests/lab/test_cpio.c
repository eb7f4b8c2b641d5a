// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_cpio.c - archives as cpio(1) reads them. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "lab/cpio.h"

struct fixture {
	char dir[64];
	struct cb_cpio c;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char path[128];

	strcpy(f->dir, "/tmp/cb-cpio-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(path, sizeof(path), "%s/a", f->dir);
	f->c.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	*state = f;
	return f->c.fd < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	char command[128];

	if (f->c.fd >= 0)
		close(f->c.fd);
	cb_cpio_free(&f->c);
	snprintf(command, sizeof(command), "rm -r %s", f->dir);
	if (system(command))
		return -1;
	free(f);
	return 0;
}

/* What a shell prints that runs in the fixture's directory, where the archive is "a". */
static char *shell(struct fixture *f, const char *script)
{
	static char text[8192];
	char command[1024];
	size_t n;
	FILE *p;

	snprintf(command, sizeof(command), "cd %s && { %s; } 2>&1", f->dir, script);
	p = popen(command, "re");
	assert_non_null(p);
	n = fread(text, 1, sizeof(text) - 1, p);
	text[n] = '\0';
	assert_int_equal(pclose(p), 0);
	return text;
}

static void cpio_reads_what_was_written(void **state)
{
	struct fixture *f = *state;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/host", f->dir);
	assert_int_equal(cb_file_write(path, "from the host", 13, 0644, NULL), 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(cb_cpio_dir(&f->c, "/tmp", 01777), 0);
	assert_int_equal(cb_cpio_data(&f->c, "/lab/7/x", 0640, "12345", 5), 0);
	assert_int_equal(cb_cpio_data(&f->c, "/lab/7/empty", 0644, NULL, 0), 0);
	assert_int_equal(cb_cpio_file(&f->c, "/bin/program", 0755, fd), 0);
	assert_int_equal(cb_cpio_symlink(&f->c, "/bin/other", "program"), 0);
	assert_int_equal(cb_cpio_device(&f->c, "/dev/console", S_IFCHR | 0600, 5, 1), 0);
	assert_int_equal(cb_cpio_end(&f->c), 0);
	close(fd);

	/* mode, owner, size or device, name, as cpio lists them; parents came by themselves */
	assert_string_equal(
		shell(f, "cpio -itvn --quiet <a | awk '{ print $1, $3, $4, $5 == \"5,\" ? $5 $6 : $5, $NF }'"),
		"drwxrwxrwt 0 0 0 tmp\n"
		"drwxr-xr-x 0 0 0 lab\n"
		"drwxr-xr-x 0 0 0 lab/7\n"
		"-rw-r----- 0 0 5 lab/7/x\n"
		"-rw-r--r-- 0 0 0 lab/7/empty\n"
		"drwxr-xr-x 0 0 0 bin\n"
		"-rwxr-xr-x 0 0 13 bin/program\n"
		"lrwxrwxrwx 0 0 7 program\n"
		"drwxr-xr-x 0 0 0 dev\n"
		"crw------- 0 0 5,1 dev/console\n");
	assert_string_equal(
		shell(f, "mkdir out && cd out && cpio -idm --quiet 'lab/*' 'bin/*' <../a && cat lab/7/x bin/other && "
			 "stat -c ' %a' lab/7/x"),
		"12345from the host 640\n");
}

static void the_size_is_that_of_the_file(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(cb_cpio_data(&f->c, "/a/b", 0644, "123", 3), 0);
	assert_int_equal(cb_cpio_end(&f->c), 0);
	assert_int_equal(f->c.size, lseek(f->c.fd, 0, SEEK_END));
	assert_int_equal(f->c.size % 4, 0);
}

static void a_path_stands_once(void **state)
{
	struct fixture *f = *state;

	assert_false(cb_cpio_has(&f->c, "/a/b"));
	assert_int_equal(cb_cpio_data(&f->c, "/a/b", 0644, "1", 1), 0);
	assert_true(cb_cpio_has(&f->c, "/a/b"));
	assert_true(cb_cpio_has(&f->c, "/a"));
	assert_int_equal(cb_cpio_data(&f->c, "/a/b", 0644, "2", 1), -EEXIST);
	assert_int_equal(cb_cpio_dir(&f->c, "/a", 0755), -EEXIST);
}

static void bad_input_is_refused(void **state)
{
	struct fixture *f = *state;
	char *longest = malloc(8193);
	int dir = open(f->dir, O_RDONLY | O_CLOEXEC);

	memset(longest, 'x', 8192);
	longest[0] = '/';
	longest[8192] = '\0';
	assert_int_equal(cb_cpio_data(&f->c, longest, 0644, "", 0), -ENAMETOOLONG);
	assert_int_equal(cb_cpio_data(&f->c, "/", 0644, "", 0), -EINVAL);
	assert_int_equal(cb_cpio_file(&f->c, "/dir", 0644, dir), -EINVAL);
	close(dir);
	free(longest);
}

static void a_file_of_4_gib_is_refused(void **state)
{
	struct fixture *f = *state;
	int fd = cb_file_nameless("large");

	assert_int_equal(ftruncate(fd, 1LL << 32), 0);
	assert_int_equal(cb_cpio_file(&f->c, "/large", 0644, fd), -EFBIG);
	close(fd);
}

static void a_full_disk_is_told(void **state)
{
	struct cb_cpio c = {.fd = open("/dev/full", O_WRONLY | O_CLOEXEC)};

	assert_int_equal(cb_cpio_data(&c, "/a", 0644, "1", 1), -ENOSPC);
	close(c.fd);
	cb_cpio_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(cpio_reads_what_was_written, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_size_is_that_of_the_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_path_stands_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bad_input_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_file_of_4_gib_is_refused, set_up, tear_down),
		cmocka_unit_test(a_full_disk_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
