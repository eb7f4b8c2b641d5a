// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_kernel.c - where the kernel's BTF is looked for, what may be in the file, and files that are not BTF. */
#include "check.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "btf/kernel.h"
#include "relocs.h"

static char file[] = "/tmp/coolbpf-test-btf.XXXXXX";

static void write_file(const void *data, size_t size)
{
	assert_int_equal(cb_file_write(file, data, size, 0600, NULL), 0);
}

static void assert_refused(int err, const char *words)
{
	struct cb_err e = {0};

	errno = 0;
	assert_null(cb_btf_kernel_load(file, &e));
	assert_int_equal(errno, err);
	if (!strstr(e.text, words) || !strstr(e.text, file))
		fail_msg("'%s' does not say '%s' of %s", e.text, words, file);
}

static void path_order(void **state)
{
	unsetenv("BPF_CUSTOM_BTF");
	assert_string_equal(cb_btf_kernel_path(NULL), "/sys/kernel/btf/vmlinux");
	setenv("BPF_CUSTOM_BTF", "/custom", 1);
	assert_string_equal(cb_btf_kernel_path(NULL), "/custom");
	assert_string_equal(cb_btf_kernel_path("/given"), "/given");
	setenv("BPF_CUSTOM_BTF", "", 1);
	assert_string_equal(cb_btf_kernel_path(NULL), "/sys/kernel/btf/vmlinux");
	unsetenv("BPF_CUSTOM_BTF");
}

/* The same number of types as bpftool counts. */
static void running_kernel(void **state)
{
	struct cb_err e = {0};
	unsigned last = 0;
	struct btf *btf;
	FILE *f;

	if (access("/sys/kernel/btf/vmlinux", R_OK))
		skip_because("this kernel has no BTF");
	f = popen("bpftool btf dump file /sys/kernel/btf/vmlinux 2>/dev/null | grep '^\\[' | tail -1", "r");
	assert_non_null(f);
	if (fscanf(f, "[%u]", &last) != 1) {
		pclose(f);
		skip_because("bpftool does not show this kernel's BTF");
	}
	pclose(f);
	btf = cb_btf_kernel_load(NULL, &e);
	assert_non_null(btf);
	assert_int_equal(btf__type_cnt(btf), last + 1);
	btf__free(btf);
}

static void elf_section(void **state)
{
	struct object o = read_object("fields");
	struct cb_err e = {0};
	struct btf *btf;

	write_file(o.data, o.size);
	btf = cb_btf_kernel_load(file, &e);
	assert_non_null(btf);
	assert_true(btf__find_by_name_kind(btf, "mm_struct", BTF_KIND_STRUCT) > 0);
	btf__free(btf);
	free(o.data);
}

static void other_byte_order(void **state)
{
	struct btf *btf = btf__new_empty(), *back;
	struct cb_err e = {0};
	const void *raw;
	__u32 size;

	btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	btf__set_endianness(btf, btf__endianness(btf) == BTF_BIG_ENDIAN ? BTF_LITTLE_ENDIAN : BTF_BIG_ENDIAN);
	raw = btf__raw_data(btf, &size);
	write_file(raw, size);
	back = cb_btf_kernel_load(file, &e);
	assert_non_null(back);
	assert_int_equal(btf__find_by_name_kind(back, "int", BTF_KIND_INT), 1);
	btf__free(back);
	btf__free(btf);
}

static void not_btf(void **state)
{
	char program[PATH_MAX];
	struct cb_err e = {0};
	char *data;
	size_t size;

	write_file("", 0);
	assert_refused(EINVAL, "is not BTF");
	write_file("hello, world", 12);
	assert_refused(EINVAL, "is not BTF");
	write_file("\x9f\xeb", 2);
	assert_refused(EINVAL, "corrupt BTF");
	write_file("\177ELF and no more", 16);
	assert_refused(EINVAL, "corrupt ELF");
	snprintf(program, sizeof(program), "%s/tests/btf/test_kernel", getenv("BUILD"));
	assert_int_equal(cb_file_read(program, 1 << 28, &data, &size, NULL), 0);
	write_file(data, size);
	free(data);
	assert_refused(EINVAL, "without BTF");
	assert_null(cb_btf_kernel_load("/tmp", &e));
	assert_string_equal(e.text, "/tmp is not BTF: it is not a regular file");
	assert_null(cb_btf_kernel_load("/nonexistent", &e));
	assert_int_equal(errno, ENOENT);
	assert_string_equal(e.text, "cannot open the BTF file /nonexistent: No such file or directory");
}

/* int; struct s { int f; }; typedef int t; */
static struct btf *three_types(void)
{
	struct btf *btf = btf__new_empty();
	int i32 = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);

	btf__add_struct(btf, "s", 4);
	btf__add_field(btf, "f", i32, 0, 0);
	btf__add_typedef(btf, "t", i32);
	return btf;
}

static struct btf_type *type_of(struct btf *btf, __u32 id)
{
	return (struct btf_type *)btf__type_by_id(btf, id);
}

static void cut(void **state)
{
	struct btf *btf = three_types();
	__u32 size;
	const void *raw = btf__raw_data(btf, &size);

	for (__u32 len = 2; len < size; len++) {
		write_file(raw, len);
		assert_refused(EINVAL, "corrupt BTF");
	}
	btf__free(btf);
}

static void assert_write_refused(struct btf *btf, const char *words)
{
	__u32 size;
	const void *raw = btf__raw_data(btf, &size);

	write_file(raw, size);
	btf__free(btf);
	assert_refused(EINVAL, words);
}

static void assert_written_taken(struct btf *btf)
{
	__u32 size;
	const void *raw = btf__raw_data(btf, &size);
	struct btf *back;

	write_file(raw, size);
	btf__free(btf);
	back = cb_btf_kernel_load(file, NULL);
	assert_non_null(back);
	btf__free(back);
}

/* Refused by libbpf itself, from 1.3 on, or by us, who know which type it is. */
static void assert_reference_refused(struct btf *btf, const char *words)
{
	__u32 size;
	const void *raw = btf__raw_data(btf, &size);
	struct btf *taken = btf__new(raw, size);

	assert_write_refused(btf, taken ? words : "corrupt BTF");
	btf__free(taken);
}

/* What would make libbpf crash or loop later is refused here. */
static void corrupt_references(void **state)
{
	struct btf *btf = three_types();

	type_of(btf, 3)->type = 3;
	assert_write_refused(btf, "type 3 refers to what is not there, or to itself");
	btf = three_types();
	type_of(btf, 3)->type = 77;
	assert_reference_refused(btf, "type 3 refers to what is not there");
	btf = three_types();
	type_of(btf, 3)->name_off = 12345;
	assert_reference_refused(btf, "type 3 refers to what is not there");
	btf = three_types();
	btf_members(type_of(btf, 2))->type = 9;
	assert_reference_refused(btf, "type 2 refers to what is not there");
	btf = three_types();
	btf_members(type_of(btf, 2))->name_off = 12345;
	assert_reference_refused(btf, "type 2 refers to what is not there");
	/* in the other byte order, too */
	btf = three_types();
	type_of(btf, 3)->type = 77;
	btf__set_endianness(btf, btf__endianness(btf) == BTF_BIG_ENDIAN ? BTF_LITTLE_ENDIAN : BTF_BIG_ENDIAN);
	assert_reference_refused(btf, "type 3 refers to what is not there");
}

/* What C cannot say, and libbpf would write without end. */
static void corrupt_declarations(void **state)
{
	struct btf *btf = three_types();

	btf__add_ptr(btf, 5);
	btf__add_func_proto(btf, 4);
	assert_write_refused(btf, "refers to what is not there, or to itself");
	btf = three_types();
	btf__add_typedef(btf, "own", 5);
	btf__add_func_proto(btf, 1);
	btf__add_func_param(btf, "p", 4);
	assert_write_refused(btf, "refers to what is not there, or to itself");
	btf = three_types();
	btf__add_struct(btf, NULL, 8);
	btf__add_field(btf, "next", 5, 0, 0);
	btf__add_ptr(btf, 4);
	assert_write_refused(btf, "refers to what is not there, or to itself");
	/* a pointer to a struct that has a name is where it ends */
	btf = three_types();
	btf__add_struct(btf, "named", 8);
	btf__add_field(btf, "next", 5, 0, 0);
	btf__add_ptr(btf, 6);
	btf__add_func_proto(btf, 5);
	btf__add_func_param(btf, "p", 4);
	assert_write_refused(btf, "refers to what is not there, or to itself");
	btf = three_types();
	btf__add_struct(btf, "named", 8);
	btf__add_field(btf, "next", 5, 0, 0);
	btf__add_ptr(btf, 6);
	btf__add_func_proto(btf, 7);
	btf__add_func_param(btf, "p", 4);
	btf__add_ptr(btf, 4);
	assert_written_taken(btf);
}

/* Each is looked at after what it is made of, so that none of them is far from the first look. */
static void declarations_too_large(void **state)
{
	enum { LONG = 100000, WIDE = 40 };
	struct btf *btf = three_types();

	for (int i = 0, last = 2; i < LONG; i++)
		last = btf__add_func_proto(btf, btf__add_ptr(btf, last));
	assert_write_refused(btf, "is too large");
	btf = three_types();
	for (int i = 0, last = 2; i < LONG; i++) {
		int next = btf__add_struct(btf, NULL, 4);

		btf__add_field(btf, "f", last, 0, 0);
		last = next;
	}
	assert_write_refused(btf, "is too large");
	/* 2^40 members */
	btf = three_types();
	for (int i = 0, last = 2; i < WIDE; i++) {
		int next = btf__add_union(btf, NULL, 4);

		btf__add_field(btf, "a", last, 0, 0);
		btf__add_field(btf, "b", last, 0, 0);
		last = next;
	}
	assert_write_refused(btf, "is too large");
}

/* As a member, of the last type. libbpf 1.1 divides by 0 when it fills the gap before it. */
static void assert_member_refused(struct btf *btf)
{
	int last = (int)btf__type_cnt(btf) - 1;

	btf__add_struct(btf, "whole", 16);
	btf__add_field(btf, "i", 1, 0, 0);
	btf__add_field(btf, "m", last, 64, 0);
	assert_write_refused(btf, "has a member without a size");
}

static void members_without_size(void **state)
{
	struct btf *btf = three_types();

	btf__add_fwd(btf, "later", BTF_FWD_STRUCT);
	assert_member_refused(btf);
	btf = three_types();
	btf__add_array(btf, 1, btf__add_fwd(btf, "later", BTF_FWD_STRUCT), 3);
	assert_member_refused(btf);
	btf = three_types();
	btf__add_func_proto(btf, 1);
	assert_member_refused(btf);
	btf = three_types();
	btf__add_const(btf, 0);
	assert_member_refused(btf);
}

static void members_outside(void **state)
{
	struct btf *btf = three_types();

	btf__add_array(btf, 1, 1, 0);
	btf__add_struct(btf, "edge", 8);
	btf__add_field(btf, "bits", 1, 61, 3);
	btf__add_field(btf, "no_elements", 4, 64, 0);
	assert_written_taken(btf);
	/* pointers of a 32-bit kernel */
	btf = three_types();
	btf__add_array(btf, 1, btf__add_ptr(btf, 2), 2);
	btf__add_struct(btf, "edge", 8);
	btf__add_field(btf, "two", 5, 0, 0);
	assert_written_taken(btf);
	btf = three_types();
	btf__add_struct(btf, "edge", 8);
	btf__add_field(btf, "far", 1, 72, 0);
	assert_write_refused(btf, "type 4 has a member outside of it");
	btf = three_types();
	btf__add_struct(btf, "edge", 8);
	btf__add_field(btf, "bits", 1, 62, 3);
	assert_write_refused(btf, "type 4 has a member outside of it");
	btf = three_types();
	btf__add_array(btf, 1, 1, 0x20000001); /* more bits than libbpf counts to */
	btf__add_struct(btf, "edge", 8);
	btf__add_field(btf, "large", 4, 0, 0);
	assert_write_refused(btf, "type 5 has a member outside of it");
}

static void variables_too_large(void **state)
{
	struct btf *btf = three_types();

	/* 4 GB that nobody uses are in the BTF of 3.10.0-1062.an7 */
	type_of(btf, 2)->size = UINT32_MAX;
	assert_written_taken(btf);
	btf = three_types();
	btf__add_var(btf, "v", BTF_VAR_GLOBAL_ALLOCATED, 2);
	type_of(btf, 2)->size = 0x80000000;
	assert_write_refused(btf, "the variable 4 is larger than any memory");
	btf = three_types();
	btf__add_array(btf, 1, 1, 0x20000000); /* of 4 bytes each */
	btf__add_var(btf, "v", BTF_VAR_GLOBAL_ALLOCATED, 4);
	assert_write_refused(btf, "the variable 5 is larger than any memory");
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_order),
		cmocka_unit_test(running_kernel),
		cmocka_unit_test(elf_section),
		cmocka_unit_test(other_byte_order),
		cmocka_unit_test(not_btf),
		cmocka_unit_test(cut),
		cmocka_unit_test(corrupt_references),
		cmocka_unit_test(corrupt_declarations),
		cmocka_unit_test(declarations_too_large),
		cmocka_unit_test(members_without_size),
		cmocka_unit_test(members_outside),
		cmocka_unit_test(variables_too_large),
	};
	int failed;

	libbpf_set_print(quiet);
	close(mkstemp(file));
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(file);
	return failed;
}
