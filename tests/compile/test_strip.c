// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_strip.c - what is no object, or none that libbpf's linker could bear, comes back as it is. */
#include "check.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "compile/strip.h"

static void assert_comes_back(const void *data, size_t size)
{
	int fd = cb_file_nameless("object");
	void *object;
	size_t len;

	assert_int_equal(cb_write_all(fd, data, size), 0);
	assert_int_equal(cb_strip(fd, &object, &len, NULL), 0);
	assert_int_equal(len, size);
	assert_memory_equal(object, data, size);
	free(object);
	close(fd);
}

static void no_objects(void **state)
{
	Elf64_Ehdr head = {.e_ident = ELFMAG "\2\1\1",
			   .e_type = ET_REL,
			   .e_machine = EM_BPF,
			   .e_version = EV_CURRENT,
			   .e_ehsize = sizeof(head),
			   .e_shentsize = sizeof(Elf64_Shdr)};

	assert_comes_back("", 0);
	assert_comes_back(ELFMAG, SELFMAG);
	assert_comes_back(&head, sizeof(head));
	head.e_shoff = sizeof(head);
	head.e_shnum = 0xff00;
	assert_comes_back(&head, sizeof(head));
}

/* Its .BTF.ext speaks of a section that the linker leaves out, and would never free what it reads. */
static void records_of_no_code(void **state)
{
	char path[4096], *object;
	size_t len;

	snprintf(path, sizeof(path), "%s/tests/fuzz/seeds/object/lines_of_no_code", getenv("SRC"));
	assert_int_equal(cb_file_read(path, 1 << 20, &object, &len, NULL), 0);
	assert_comes_back(object, len);
	free(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_objects),
		cmocka_unit_test(records_of_no_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
