// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * test_so.c - cb_so_make() on objects that are none, cut, or changed in any byte, and without memory: an error with a
 * sentence and nothing left, or a library. What a library does is solib.bats's.
 */
#include "check.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../compile/fixture.h"
#include "compile/so.h"
#include "fail_alloc.h"

FAIL_ALLOC(char *, strdup, (const char *s), (s))

static const struct cb_so_meta meta = {.hash = "h", .arch = "x86_64", .kern_version = "4.19.91"};

static int make_object(void **state)
{
	static const char source[] = "#include \"lbc.h\"\n"
				     "struct inner { u8 a; u64 b; } __attribute__((packed));\n"
				     "struct data { u32 pid; char comm[16]; struct inner inner[2]; u32 bits : 3; };\n"
				     "LBC_PERF_OUTPUT(out, struct data, 8);\n"
				     "LBC_HASH(hash, struct data, struct inner, 16);\n"
				     "LBC_HIST2(hist);\n"
				     "LBC_STACK(stacks, 16);\n"
				     "SEC(\"raw_tracepoint/sched_process_exec\") int on_exec(void *ctx) { return 0; }\n"
				     "char _license[] SEC(\"license\") = \"GPL\";\n";

	if (fixture_make(state))
		return -1;
	assert_compiles(*state, "so.bpf.c", source);
	return 0;
}

static int try_arch(struct fixture *f, const char *arch, const void *object, size_t size)
{
	size_t so_size = 1;
	void *so = &so_size;
	int err;

	f->err.text[0] = '\0';
	err = cb_so_make(arch, object, size, &meta, &so, &so_size, &f->err);
	if (err) {
		assert_null(so);
		assert_int_equal(so_size, 0);
		assert_true(f->err.text[0]);
	} else {
		assert_memory_equal(so, ELFMAG, SELFMAG);
		assert_true(so_size > size);
		assert_non_null(memmem(so, so_size, object, size));
	}
	free(so);
	return err;
}

static void architectures(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(try_arch(f, "x86_64", f->object, f->size), 0);
	assert_int_equal(try_arch(f, "aarch64", f->object, f->size), 0);
	assert_int_equal(try_arch(f, NULL, f->object, f->size), 0);
	assert_int_equal(try_arch(f, "", f->object, f->size), -ENOTSUP);
	assert_int_equal(try_arch(f, "s390x", f->object, f->size), -ENOTSUP);
	assert_says(f, "x86_64 and aarch64, not for s390x");
}

static void no_objects(void **state)
{
	struct fixture *f = *state;
	Elf64_Ehdr *head = malloc(f->size);

	assert_int_equal(try_arch(f, "x86_64", "", 0), -EINVAL);
	assert_int_equal(try_arch(f, "x86_64", "text", 4), -EINVAL);
	memcpy(head, f->object, f->size);
	head->e_machine = EM_X86_64;
	assert_int_equal(try_arch(f, "x86_64", head, f->size), -EINVAL);
	assert_says(f, "not a BPF object");
	free(head);
}

static void without_btf(void **state)
{
	struct fixture *f = *state;
	char *copy = malloc(f->size), *name;

	memcpy(copy, f->object, f->size);
	while ((name = memmem(copy, f->size, "\0.BTF", 6)))
		name[2] = 'b';
	assert_int_equal(try_arch(f, "x86_64", copy, f->size), -EINVAL);
	assert_says(f, "the object has no BTF");
	free(copy);
}

/* No length of it is an object, but for the last bytes that only fill up. */
static void cut(void **state)
{
	struct fixture *f = *state;

	for (size_t size = 0; size + sizeof(Elf64_Shdr) < f->size; size += 13) {
		char *copy = malloc(size ? size : 1);

		memcpy(copy, f->object, size);
		assert_true(try_arch(f, "x86_64", copy, size) < 0);
		free(copy);
	}
}

/* Whatever a byte is changed to, there is an answer; sanitizers see the rest. */
static void changed(void **state)
{
	struct fixture *f = *state;
	unsigned char *copy = malloc(f->size);

	for (size_t at = 0; at < f->size; at += 3) {
		memcpy(copy, f->object, f->size);
		copy[at] ^= 0xff;
		try_arch(f, "x86_64", copy, f->size);
	}
	free(copy);
}

static void no_memory(void **state)
{
	struct fixture *f = *state;
	int err = -ENOMEM;
	long n;

	for (n = 1; err; n++) {
		fail_at = n;
		err = try_arch(f, "x86_64", f->object, f->size);
		/* well only when none failed: nobody went on without what there was no memory for */
		assert_int_equal(err, fail_at ? 0 : -ENOMEM);
	}
	fail_at = 0;
	assert_true(n > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(architectures), cmocka_unit_test(no_objects), cmocka_unit_test(without_btf),
		cmocka_unit_test(cut),		 cmocka_unit_test(changed),    cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, make_object, fixture_remove);
}
