// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_index.c - what an index finds, when it is made anew, and BTF that it refuses. */
#include "check.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "btf/index.h"
#include "fail_alloc.h"

FAIL_ALLOC(void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size))

static const char RUNNING[] = "/sys/kernel/btf/vmlinux";

static char dir[64]; /* the cache of one test */

static int make_dir(void **state)
{
	strcpy(dir, "/tmp/coolbpf-test-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

/* The path of the only file in the cache that ends in this. */
static const char *cached(const char *suffix)
{
	static char path[PATH_MAX];
	char btf[128];
	const struct dirent *entry;
	DIR *d;

	snprintf(btf, sizeof(btf), "%s/btf", dir);
	*path = '\0';
	d = opendir(btf);
	while (d && (entry = readdir(d)))
		if (strlen(entry->d_name) > strlen(suffix) &&
		    !strcmp(entry->d_name + strlen(entry->d_name) - strlen(suffix), suffix)) {
			assert_string_equal(path, "");
			snprintf(path, sizeof(path), "%s/%s", btf, entry->d_name);
		}
	if (d)
		closedir(d);
	return path;
}

static ino_t inode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

/* int; struct s { int f; }; typedef int t; enum e { A, B }; enum { C, A }; struct s { }; struct t; */
static struct btf *some_types(void)
{
	struct btf *btf = btf__new_empty();
	int i32 = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);

	btf__add_struct(btf, "s", 4);
	btf__add_field(btf, "f", i32, 0, 0);
	btf__add_typedef(btf, "t", i32);
	btf__add_enum(btf, "e", 4);
	btf__add_enum_value(btf, "A", 0);
	btf__add_enum_value(btf, "B", 1);
	btf__add_enum(btf, "", 4);
	btf__add_enum_value(btf, "C", 0);
	btf__add_enum_value(btf, "A", 1);
	btf__add_struct(btf, "s", 0);
	btf__add_fwd(btf, "t", BTF_FWD_STRUCT);
	return btf;
}

static int make_of(struct btf *btf, struct cb_btf_index *ix, struct cb_err *e)
{
	__u32 size;
	const void *raw = btf__raw_data(btf, &size);

	return cb_btf_index_make(raw, size, dir, ix, e);
}

static struct btf_type *type_of(struct btf *btf, __u32 id)
{
	return (struct btf_type *)btf__type_by_id(btf, id);
}

static uint32_t first(const struct cb_btf_index *ix, const char *name, enum cb_btf_space space)
{
	return cb_btf_index_first(ix, cb_btf_name_hash(name, strlen(name)), name, strlen(name), space);
}

static void names(void **state)
{
	struct btf *btf = some_types();
	struct cb_btf_index ix;

	assert_int_equal(make_of(btf, &ix, NULL), 0);
	btf__free(btf);
	assert_int_equal(ix.count, 8);
	assert_int_equal(cb_btf_index_named(&ix, "s", 1, 0), 2);
	assert_int_equal(cb_btf_index_named(&ix, "s", 1, 2), 6);
	assert_int_equal(cb_btf_index_named(&ix, "s", 1, 6), 0);
	assert_int_equal(cb_btf_index_named(&ix, "t", 1, 0), 3);
	assert_int_equal(cb_btf_index_named(&ix, "t", 1, 3), 7);
	assert_int_equal(cb_btf_index_named(&ix, "B", 1, 0), 4);
	assert_int_equal(cb_btf_index_named(&ix, "A", 1, 4), 5);
	assert_int_equal(cb_btf_index_named(&ix, "int", 3, 0), 0);
	assert_int_equal(cb_btf_index_named(&ix, "s and more", 1, 0), 2);
	assert_int_equal(cb_btf_index_named(&ix, "s\0", 2, 0), 0);
	assert_int_equal(cb_btf_index_named(&ix, "", 0, 0), 0);
	assert_int_equal(first(&ix, "t", CB_BTF_IDENTS), 3);
	assert_int_equal(first(&ix, "t", CB_BTF_FORWARD), 7);
	assert_int_equal(first(&ix, "t", CB_BTF_TAGS), 0);
	assert_int_equal(first(&ix, "C", CB_BTF_IDENTS), 5);
	assert_int_equal(cb_btf_index_before(&ix, "s", CB_BTF_TAGS, 6), 1);
	assert_int_equal(ix.marks[6] & CB_BTF_NOT_FIRST, CB_BTF_NOT_FIRST);
	assert_int_equal(ix.marks[2] & CB_BTF_NOT_FIRST, 0);
	assert_int_equal(ix.marks[5] & CB_BTF_VALUE_TWICE, CB_BTF_VALUE_TWICE);
	cb_btf_index_close(&ix);
}

/* libbpf is the judge: a name is found by both or by none; and types are aligned as it says. */
static void running_kernel(void **state)
{
	struct cb_btf_index ix;
	struct btf *btf;

	if (access(RUNNING, R_OK))
		skip_because("this kernel has no BTF");
	btf = btf__parse(RUNNING, NULL);
	assert_int_equal(cb_btf_index_open(RUNNING, dir, &ix, NULL), 0);
	assert_int_equal(ix.count, btf__type_cnt(btf));
	for (__u32 id = 1; id < ix.count; id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const char *name = btf__name_by_offset(btf, t->name_off);
		uint32_t found = 0;

		if (btf_is_composite(t) || btf_is_any_enum(t))
			assert_int_equal(cb_btf_index_align(&ix, id), btf__align_of(btf, id));
		assert_memory_equal(t, cb_btf_index_type(&ix, id), sizeof(*t));
		if (!*name || !(btf_is_composite(t) || btf_is_any_enum(t) || btf_is_typedef(t) || btf_is_fwd(t)))
			continue;
		while ((found = cb_btf_index_named(&ix, name, strlen(name), found)) && found < id)
			;
		assert_int_equal(found, id);
		if (!(ix.marks[id] & CB_BTF_NOT_FIRST) && !btf_is_fwd(t) && !btf_is_any_enum(t))
			assert_int_equal(btf__find_by_name_kind(btf, name, btf_kind(t)), id);
	}
	assert_int_equal(cb_btf_index_named(&ix, "no_such_type", 12, 0), 0);
	btf__free(btf);
	cb_btf_index_close(&ix);
}

static void kept(void **state)
{
	struct cb_btf_index ix, again;
	ino_t inode;

	if (access(RUNNING, R_OK))
		skip_because("this kernel has no BTF");
	assert_int_equal(cb_btf_index_open(RUNNING, dir, &ix, NULL), 0);
	inode = inode_of(cached(".idx"));
	assert_true(*cached(".of"));
	assert_int_equal(cb_btf_index_open(RUNNING, dir, &again, NULL), 0);
	assert_int_equal(inode_of(cached(".idx")), inode);
	assert_string_equal(again.digest, ix.digest);
	cb_btf_index_close(&again);
	assert_int_equal(cb_btf_index_find_digest(ix.digest, dir, &again, NULL), 0);
	cb_btf_index_close(&again);
	cb_btf_index_close(&ix);
}

static void unknown_digests(void **state)
{
	static const char *const digests[] = {"", "abc", "../../etc/passwd",
					      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"};
	struct cb_btf_index ix;

	for (size_t i = 0; i < sizeof(digests) / sizeof(*digests); i++)
		assert_int_equal(cb_btf_index_find_digest(digests[i], dir, &ix, NULL), -ENOENT);
}

/* What does not look whole is made anew. */
static void damaged(void **state)
{
	struct btf *btf = some_types();
	struct cb_btf_index ix;
	char path[PATH_MAX], *whole, *data;
	size_t size, len;

	assert_int_equal(make_of(btf, &ix, NULL), 0);
	cb_btf_index_close(&ix);
	snprintf(path, sizeof(path), "%s", cached(".idx"));
	assert_int_equal(cb_file_read(path, 1 << 20, &whole, &size, NULL), 0);
	for (size_t cut = 0; cut < size; cut += 7) {
		assert_int_equal(cb_file_write(path, whole, cut, 0644, NULL), 0);
		assert_int_equal(make_of(btf, &ix, NULL), 0);
		assert_int_equal(cb_btf_index_named(&ix, "B", 1, 0), 4);
		cb_btf_index_close(&ix);
		assert_int_equal(cb_file_read(path, 1 << 20, &data, &len, NULL), 0);
		assert_int_equal(len, size);
		assert_memory_equal(data, whole, size);
		free(data);
	}
	/* magic, byte order, version, sizes, digest, sum */
	for (size_t at = 0; at < 120; at++) {
		whole[at] ^= 1;
		assert_int_equal(cb_file_write(path, whole, size, 0644, NULL), 0);
		whole[at] ^= 1;
		assert_int_equal(make_of(btf, &ix, NULL), 0);
		cb_btf_index_close(&ix);
		assert_int_equal(cb_file_read(path, 1 << 20, &data, &len, NULL), 0);
		assert_memory_equal(data, whole, size);
		free(data);
	}
	free(whole);
	btf__free(btf);
}

static void no_cache(void **state)
{
	struct btf *btf = some_types();
	struct cb_btf_index ix;
	__u32 size;
	const void *raw = btf__raw_data(btf, &size);

	assert_int_equal(cb_btf_index_make(raw, size, NULL, &ix, NULL), 0);
	assert_int_equal(cb_btf_index_named(&ix, "s", 1, 0), 2);
	cb_btf_index_close(&ix);
	assert_int_equal(cb_btf_index_make(raw, size, "/proc/nowhere", &ix, NULL), 0);
	assert_int_equal(cb_btf_index_named(&ix, "s", 1, 0), 2);
	cb_btf_index_close(&ix);
	btf__free(btf);
}

/* A file that is written anew is another one, at once. */
static void changed_file(void **state)
{
	struct btf *btf = some_types();
	struct cb_btf_index ix;
	char path[128], digest[CB_SHA256_HEX];
	struct timespec then[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	__u32 size;
	const void *raw = btf__raw_data(btf, &size);

	snprintf(path, sizeof(path), "%s/file.btf", dir);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(cb_file_write(path, raw, size, 0644, NULL), 0);
		assert_int_equal(utimensat(AT_FDCWD, path, then, 0), 0);
		assert_int_equal(cb_btf_index_open(path, dir, &ix, NULL), 0);
		if (i)
			assert_string_not_equal(digest, ix.digest);
		strcpy(digest, ix.digest);
		cb_btf_index_close(&ix);
		btf__add_int(btf, "long", 8, 0);
		raw = btf__raw_data(btf, &size);
	}
	btf__free(btf);
}

static void other_byte_order(void **state)
{
	struct btf *btf = some_types();
	struct cb_btf_index ix, same;

	assert_int_equal(make_of(btf, &ix, NULL), 0);
	btf__set_endianness(btf, btf__endianness(btf) == BTF_BIG_ENDIAN ? BTF_LITTLE_ENDIAN : BTF_BIG_ENDIAN);
	assert_int_equal(make_of(btf, &same, NULL), 0);
	assert_string_not_equal(ix.digest, same.digest);
	assert_int_equal(ix.count, same.count);
	assert_int_equal(cb_btf_index_named(&same, "B", 1, 0), 4);
	cb_btf_index_close(&ix);
	cb_btf_index_close(&same);
	btf__free(btf);
}

static void assert_refused(struct btf *btf, const char *words)
{
	struct cb_btf_index ix;
	struct cb_err e = {0};

	assert_int_equal(make_of(btf, &ix, &e), -EINVAL);
	btf__free(btf);
	if (!strstr(e.text, words))
		fail_msg("'%s' does not say '%s'", e.text, words);
	assert_string_equal(cached(".idx"), "");
}

static void corrupt(void **state)
{
	struct btf *btf = some_types();
	int id;

	type_of(btf, 3)->type = 3;
	assert_refused(btf, "type 3 refers to what is not there, or to itself");
	btf = some_types();
	type_of(btf, 3)->type = 77;
	assert_refused(btf, "type 3 refers to what is not there");
	btf = some_types();
	type_of(btf, 3)->name_off = 12345;
	assert_refused(btf, "type 3 refers to what is not there");
	btf = some_types();
	btf_members(type_of(btf, 2))->type = 2; /* contains itself */
	assert_refused(btf, "type 2 refers to what is not there, or to itself");
	btf = some_types();
	btf_members(type_of(btf, 2))->name_off = 12345;
	assert_refused(btf, "type 2 refers to what is not there");
	btf = some_types();
	btf_enum(type_of(btf, 4))->name_off = 12345;
	assert_refused(btf, "type 4 refers to what is not there");
	btf = some_types();
	type_of(btf, 4)->size = 3;
	assert_refused(btf, "type 4 refers to what is not there");
	btf = some_types();
	id = btf__add_ptr(btf, 1);
	type_of(btf, id)->type = id; /* a pointer to itself */
	assert_refused(btf, "type 8 refers to what is not there, or to itself");
	btf = some_types();
	id = btf__add_array(btf, 1, 1, 0x20000000);
	btf__add_var(btf, "v", BTF_VAR_GLOBAL_ALLOCATED, id);
	assert_refused(btf, "the variable 9 is larger than any memory");
	btf = some_types();
	id = btf__add_func_proto(btf, 0);
	id = btf__add_func(btf, "f", BTF_FUNC_GLOBAL, id);
	btf_members(type_of(btf, 2))->type = id; /* a member that is a function */
	assert_refused(btf, "type 2 refers to what is not there");
}

/* Structs inside each other, deeper than any compiler's: the innermost first, and the outermost. */
static void deep(void **state)
{
	enum { DEEP = 300 };
	struct btf *btf = some_types();
	uint32_t first = btf__type_cnt(btf);

	for (uint32_t id = first; id < first + DEEP; id++) {
		btf__add_struct(btf, "deep", 4);
		btf__add_field(btf, "in", id == first ? 1 : (int)id - 1, 0, 0);
	}
	assert_refused(btf, "is too large");
	btf = some_types();
	for (uint32_t id = first; id < first + DEEP; id++) {
		btf__add_struct(btf, "deep", 4);
		btf__add_field(btf, "in", id + 1 == first + DEEP ? 1 : (int)id + 1, 0, 0);
	}
	assert_refused(btf, "is too large");
}

static void cut(void **state)
{
	struct btf *btf = some_types();
	struct cb_btf_index ix;
	__u32 size;
	const void *raw = btf__raw_data(btf, &size);

	for (__u32 len = 0; len < size; len++) {
		void *copy = malloc(len + 1);

		memcpy(copy, raw, len);
		assert_int_equal(cb_btf_index_make(copy, len, dir, &ix, NULL), -EINVAL);
		free(copy);
	}
	btf__free(btf);
}

static void no_file(void **state)
{
	struct cb_btf_index ix;

	assert_int_equal(cb_btf_index_open("/nonexistent", dir, &ix, NULL), -ENOENT);
	cb_btf_index_close(&ix);
}

static void no_memory(void **state)
{
	struct btf *btf = some_types();
	__u32 size;
	const void *raw = btf__raw_data(btf, &size);
	int err = -ENOMEM;

	for (long n = 1; err; n++) {
		struct cb_btf_index ix;

		fail_at = n;
		err = cb_btf_index_make(raw, size, NULL, &ix, NULL);
		fail_at = 0;
		assert_true(err == 0 || err == -ENOMEM);
		assert_true(n < 100);
		if (!err) {
			assert_true(n > 3);
			cb_btf_index_close(&ix);
		}
	}
	btf__free(btf);
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return 0;
}

#define in_dir(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_dir(names),	   in_dir(running_kernel), in_dir(kept),	 in_dir(unknown_digests),
		in_dir(damaged),   in_dir(no_cache),	   in_dir(changed_file), in_dir(other_byte_order),
		in_dir(corrupt),   in_dir(deep),	   in_dir(cut),		 in_dir(no_file),
		in_dir(no_memory),
	};

	libbpf_set_print(quiet);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
