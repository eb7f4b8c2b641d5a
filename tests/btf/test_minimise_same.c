// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * test_minimise_same.c - relocating against minimised BTF gives the instructions that relocating against the whole
 * gives. The judge is libbpf itself: it relocates each object twice, and a handler for the programs' section keeps the
 * instructions that it is about to hand to the kernel.
 */
#include "check.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "btf/minimise.h"
#include "relocs.h"

static const char *const cases[] = {"fields",	"direct", "bitfields", "enums",	 "exists",   "sizes",
				    "flavours", "nested", "arrays",    "unions", "typedefs", "missing"};

struct relocated {
	int err; /* of the load; -ECANCELED is ours: the instructions are there */
	size_t count;
	struct bpf_insn insns[512];
};

static struct relocated *keep;

static int take_instructions(struct bpf_program *p, struct bpf_prog_load_opts *opts, long cookie)
{
	keep->count = bpf_program__insn_cnt(p);
	assert_true(keep->count <= sizeof(keep->insns) / sizeof(*keep->insns));
	memcpy(keep->insns, bpf_program__insns(p), keep->count * sizeof(*keep->insns));
	return -ECANCELED;
}

static void relocate(const struct object *o, const char *btf_path, struct relocated *out)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = btf_path);
	struct bpf_object *obj = bpf_object__open_mem(o->data, o->size, &opts);

	assert_non_null(obj);
	memset(out, 0, sizeof(*out));
	keep = out;
	out->err = bpf_object__load(obj);
	bpf_object__close(obj);
}

/* *size becomes the minimised one's. */
static void assert_same(const struct object *o, const char *name, const char *btf_path, size_t *size)
{
	static struct relocated whole, part;
	struct cb_err e = {0};
	char path[32];
	void *mini;
	int fd;

	if (cb_btf_minimise(o->data, o->size, btf_path, &mini, size, &e))
		fail_msg("%s, %s: %s", name, btf_path, e.text);
	assert_non_null(mini);
	fd = cb_file_nameless("minimised");
	assert_int_equal(cb_write_all(fd, mini, *size), 0);
	free(mini);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	relocate(o, btf_path, &whole);
	relocate(o, path, &part);
	close(fd);
	if (whole.err != part.err || whole.count != part.count ||
	    memcmp(whole.insns, part.insns, whole.count * sizeof(*whole.insns)))
		fail_msg("%s differs against %s: %d, %d", name, btf_path, whole.err, part.err);
}

static void assert_all_same(const char *btf_path)
{
	struct stat st;
	size_t size;

	assert_int_equal(stat(btf_path, &st), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct object o = read_object(cases[i]);

		assert_same(&o, cases[i], btf_path, &size);
		free(o.data);
		assert_true(size * 10 < (size_t)st.st_size);
	}
}

static void running_kernel(void **state)
{
	if (geteuid())
		skip_because("relocating is part of loading, which needs root");
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		skip_because("this kernel has no BTF");
	assert_all_same("/sys/kernel/btf/vmlinux");
}

/* The cases do ask something: known answers of the running kernel. */
static void answers(void **state)
{
	struct object o = read_object("exists");
	static struct relocated r;
	bool found = false;

	if (geteuid())
		skip_because("relocating is part of loading, which needs root");
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		skip_because("this kernel has no BTF");
	relocate(&o, "/sys/kernel/btf/vmlinux", &r);
	free(o.data);
	assert_int_equal(r.err, -ECANCELED);
	/* a type that exists became "r = 1", and one that does not "r = 0" */
	for (size_t i = 0; i < r.count; i++)
		found |= r.insns[i].code == (BPF_ALU64 | BPF_MOV | BPF_K) && r.insns[i].imm == 1;
	assert_true(found);
}

static void old_kernels(void **state)
{
	char pattern[PATH_MAX], command[3 * PATH_MAX], btf[] = "/tmp/coolbpf-test-btf.XXXXXX";
	glob_t files;
	int fd;

	if (geteuid())
		skip_because("relocating is part of loading, which needs root");
	snprintf(pattern, sizeof(pattern), "%s/../shared/data/btf/*.btf.zst", getenv("SRC"));
	if (glob(pattern, 0, NULL, &files))
		skip_because("there is no BTF of old kernels in ../shared/data/btf beside the source tree");
	fd = mkstemp(btf);
	assert_true(fd >= 0);
	close(fd);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		snprintf(command, sizeof(command), "zstd -dqfc '%s' > %s", files.gl_pathv[i], btf);
		assert_int_equal(system(command), 0);
		assert_all_same(btf);
	}
	unlink(btf);
	globfree(&files);
}

/* Two structs of one name and several flavours, which no kernel here has. */
static void several_candidates(void **state)
{
	static const char *const with[] = {"ambiguous", "contradiction"};
	struct btf *btf = btf__new_empty();
	char path[] = "/tmp/coolbpf-test-btf.XXXXXX";
	int fd = mkstemp(path), i32 = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	const void *raw;
	__u32 size;
	size_t mini;

	if (geteuid()) {
		close(fd);
		unlink(path);
		btf__free(btf);
		skip_because("relocating is part of loading, which needs root");
	}
	for (int i = 0; i < 2; i++) {
		btf__add_struct(btf, "twins_same", 8);
		btf__add_field(btf, i ? "x" : "a", i32, 0, 0);
		btf__add_field(btf, "b", i32, 32, 0);
		btf__add_struct(btf, "unrelated", 4);
		btf__add_field(btf, "b", i32, 0, 0);
		btf__add_struct(btf, "twins_differ", 8);
		btf__add_field(btf, "b", i32, i ? 32 : 0, 0);
		btf__add_enum(btf, "twin_enum", 4);
		btf__add_enum_value(btf, "TWIN_VALUE", 7);
	}
	btf__add_struct(btf, "flavoured___there", 8);
	btf__add_field(btf, "a", i32, 0, 0);
	btf__add_struct(btf, "flavoured", 8);
	btf__add_field(btf, "b", i32, 32, 0);
	btf__add_struct(btf, "flavoured_not___x", 8);
	btf__add_field(btf, "b", i32, 0, 0);
	raw = btf__raw_data(btf, &size);
	assert_int_equal(cb_write_all(fd, raw, size), 0);
	close(fd);
	btf__free(btf);
	for (int i = 0; i < 2; i++) {
		struct object o = read_object(with[i]);

		assert_same(&o, with[i], path, &mini);
		free(o.data);
	}
	unlink(path);
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(running_kernel),
		cmocka_unit_test(answers),
		cmocka_unit_test(old_kernels),
		cmocka_unit_test(several_candidates),
	};
	LIBBPF_OPTS(libbpf_prog_handler_opts, handler, .prog_prepare_load_fn = take_instructions);

	libbpf_set_print(quiet);
	if (libbpf_register_prog_handler("relocs", BPF_PROG_TYPE_SOCKET_FILTER, 0, &handler) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
