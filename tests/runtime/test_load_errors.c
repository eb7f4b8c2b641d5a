// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* Opening and loading what cannot be opened or loaded: the errno, and words that say what, on what, why. */
#include <elf.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "runtime/lineinfo.h"
#include "tool.h"

#define HEAD "#include \"lbc.h\"\nchar LICENSE[] SEC(\"license\") = \"GPL\";\n"

static char dir[] = "/tmp/coolbpf-test-XXXXXX";

static const char *in_dir(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static const char *file_of(const char *name, const void *data, size_t size)
{
	const char *path = in_dir(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	close(fd);
	return path;
}

static struct coolbpf *handle(void)
{
	struct coolbpf *cb = coolbpf_new(NULL);

	assert_non_null(cb);
	return cb;
}

/* An object that is good, in memory: of params.bpf.c. The caller frees it. */
static char *good_object(size_t *size)
{
	struct coolbpf *cb = tool_open("params");
	const void *data = coolbpf_object_data(cb, size);
	char *copy = malloc(*size);

	memcpy(copy, data, *size);
	coolbpf_free(cb);
	return copy;
}

/* ---- Opening ----------------------------------------------------------------------------------------------------------- */

static void files(void **state)
{
	static const struct {
		const char *name, *content;
		int err;
		const char *words;
	} rows[] = {
		{"text.o", "this is no object, but it is long enough to hold an ELF header of 64 bytes", -ENOEXEC,
		 "text.o is not an ELF object; a source must end in .c"},
		{"empty.o", "", -ENOEXEC, "empty.o is not an ELF object"},
		{"short.o", "\177ELF", -ENOEXEC, "short.o is not an ELF object"},
		{"syntax.bpf.c", HEAD "SEC(\"socket\")\nint f(void *ctx) { return 0 }\n", -EINVAL, "syntax.bpf.c:4:"},
		{"include.bpf.c", "#include \"lbc.h\"\n#include \"no-such.h\"\n", -EINVAL, "no-such.h"},
		{"empty.bpf.c", HEAD, -EINVAL, "has no BPF programs"},
		{"maps.bpf.c", HEAD "LBC_ARRAY(m, int, int, 1);\n", -EINVAL, "has no BPF programs"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct coolbpf *cb = handle();

		must_refuse(cb, coolbpf_open_file(cb, file_of(rows[i].name, rows[i].content, strlen(rows[i].content))),
			    rows[i].err, rows[i].words);
		must_refuse(cb, coolbpf_load(cb), -EINVAL, "nothing has been opened");
		coolbpf_free(cb);
	}
	struct coolbpf *cb = handle();
	must_refuse(cb, coolbpf_open_file(cb, in_dir("absent.o")), -ENOENT, "absent.o");
	must_refuse(cb, coolbpf_open_file(cb, in_dir("absent.bpf.c")), -ENOENT, "absent.bpf.c");
	must_refuse(cb, coolbpf_open_file(cb, dir), -EISDIR, dir);
	/* a handle that has opened nothing yet may try again */
	must(cb, coolbpf_open_source(cb, HEAD "SEC(\"socket\") int f(void *c) { return 0; }\n", "x.bpf.c"));
	must_refuse(cb, coolbpf_open_source(cb, "", "y.bpf.c"), -EBUSY, "has already opened x");
	must_refuse(cb, coolbpf_attach(cb), -EINVAL, "nothing is loaded yet");
	coolbpf_free(cb);
}

static void elf_files_of_other_kinds(void **state)
{
	size_t size;
	char *object = good_object(&size);
	Elf64_Ehdr *h = (void *)object;
	struct coolbpf *cb = handle();

	must_refuse(cb, coolbpf_open_file(cb, "/proc/self/exe"), -EINVAL, "not a BPF object");
	coolbpf_free(cb);

	cb = handle();
	h->e_machine = EM_AARCH64;
	must_refuse(cb, coolbpf_open_memory(cb, object, size, "arm.o"), -EINVAL, "for machine 183, not a BPF object");
	coolbpf_free(cb);

	cb = handle();
	h->e_machine = EM_BPF;
	h->e_ident[EI_DATA] = h->e_ident[EI_DATA] == ELFDATA2LSB ? ELFDATA2MSB : ELFDATA2LSB;
	must_refuse(cb, coolbpf_open_memory(cb, object, size, "order.o"), -EINVAL, "another byte order");
	coolbpf_free(cb);

	cb = handle();
	must_refuse(cb, coolbpf_open_memory(cb, object, (size_t)1 << 30, "large.o"), -EFBIG, "large.o");
	coolbpf_free(cb);
	free(object);
}

/* Objects cut at every length, a header's offsets pointing anywhere: refused, not crashed. */
static void cut_objects(void **state)
{
	size_t size;
	char *object = good_object(&size);

	for (size_t n = 0; n < size; n += n < 64 ? 8 : size / 40) {
		char *exact = malloc(n ? n : 1);
		struct coolbpf *cb = handle();

		memcpy(exact, object, n);
		assert_true(coolbpf_open_memory(cb, exact, n, "cut.o") < 0);
		assert_string_not_equal(coolbpf_errmsg(cb), "");
		coolbpf_free(cb);
		free(exact);
	}
	free(object);
}

static void object_without_btf(void **state)
{
	struct coolbpf *cb = handle();
	static const char plain[] = "__attribute__((section(\"socket\"))) int f(void *c) { return 0; }\n";

	file_of("plain.c", plain, strlen(plain));
	output_of("clang -target bpf -O2 -c %s/plain.c -o %s/plain.o 2>&1", dir, dir);
	must_refuse(cb, coolbpf_open_file(cb, in_dir("plain.o")), -EINVAL, "plain.o has no BTF");
	coolbpf_free(cb);
}

static void options(void **state)
{
	struct coolbpf_opts opts = {.sz = 1};
	struct coolbpf *cb;

	errno = 0;
	assert_null(coolbpf_new(&opts));
	assert_int_equal(errno, EINVAL);
	/* a smaller struct of an older program: what it does not have is zero */
	opts = (struct coolbpf_opts){.sz = sizeof(size_t), .btf_path = "/no/such/btf"};
	cb = coolbpf_new(&opts);
	must(cb, coolbpf_open_source(cb, HEAD "SEC(\"socket\") int f(void *c) { return 0; }\n", "dir/x.bpf.c"));
	assert_string_equal(coolbpf_name(cb), "x");
	assert_string_equal(coolbpf_about(cb), "");
	must(cb, coolbpf_load(cb));
	must_refuse(cb, coolbpf_load(cb), -EBUSY, "x is already loaded");
	coolbpf_free(cb);
	coolbpf_free(NULL);
}

/* ---- The kernel's BTF -------------------------------------------------------------------------------------------------- */

/* A tool that is relocated to the kernel's types. */
#define RELOCATED                                                                                                      \
	HEAD "SEC(\"raw_tp/sched_switch\")\nint f(void *c) {\n\tstruct task_struct *t = (void "                        \
	     "*)bpf_get_current_task();\n"                                                                             \
	     "\treturn _(t->pid);\n}\n"

static void kernel_btf(void **state)
{
	char text[4096] = "no BTF at all, however long the text may be that stands here in its place";
	static const unsigned char cut[] = {0x9f, 0xeb, 1, 0, 24, 0, 0, 0, 0, 0, 0, 0,
					    255,  255,	0, 0, 0,  0, 0, 0, 9, 0, 0, 0};
	struct coolbpf_opts opts = {.sz = sizeof(opts)};
	struct coolbpf *cb = handle();
	const struct {
		const char *path, *words;
	} rows[] = {
		{"/no/such/btf", "/no/such/btf"},
		{strdup(file_of("text.btf", text, sizeof(text))), "text.btf"},
		{strdup(file_of("empty.btf", "", 0)), "empty.btf"},
		{strdup(file_of("cut.btf", cut, sizeof(cut))), "cut.btf"},
	};
	size_t size;
	char *object;

	must(cb, coolbpf_open_source(cb, RELOCATED, "test.bpf.c"));
	object = malloc(coolbpf_object_data(cb, &size) ? size : 1);
	memcpy(object, coolbpf_object_data(cb, &size), size);
	coolbpf_free(cb);
	for (size_t i = 0; i < 4; i++) {
		int err;

		opts.btf_path = rows[i].path;
		cb = coolbpf_new(&opts);
		/* it can be looked at without the kernel's BTF; loaded it cannot be */
		must(cb, coolbpf_open_memory(cb, object, size, "test.bpf.o"));
		err = coolbpf_load(cb);
		assert_true(err < 0);
		if (!strstr(coolbpf_errmsg(cb), rows[i].words))
			fail_msg("the message does not name %s: %s", rows[i].words, coolbpf_errmsg(cb));
		coolbpf_free(cb);

		/* a source is compiled for that kernel */
		cb = coolbpf_new(&opts);
		err = coolbpf_open_source(cb, RELOCATED, "test.bpf.c");
		assert_true(err < 0);
		assert_non_null(strstr(coolbpf_errmsg(cb), rows[i].words));
		coolbpf_free(cb);
		if (i)
			free((char *)rows[i].path);
	}
	free(object);
}

/* ---- What the kernel refuses ------------------------------------------------------------------------------------------- */

static void refused(const char *text, int err, const char *const *words)
{
	struct coolbpf *cb = tool_source(text);

	assert_int_equal(coolbpf_load(cb), err);
	for (; *words; words++)
		if (!strstr(coolbpf_errmsg(cb), *words))
			fail_msg("the message lacks \"%s\": %s", *words, coolbpf_errmsg(cb));
	must_refuse(cb, coolbpf_attach(cb), -EINVAL, "nothing is loaded yet");
	coolbpf_free(cb);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The line of the source that the verifier objects to is named, with file and number. */
static void verifier(void **state)
{
	refused(HEAD "LBC_HASH(m, int, long, 1);\n"
		     "\n"
		     "SEC(\"socket\")\n"
		     "int unchecked(void *ctx)\n"
		     "{\n"
		     "\tint zero = 0;\n"
		     "\tlong *value = bpf_map_lookup_elem(&m, &zero);\n"
		     "\n"
		     "\treturn *value;\n"
		     "}\n",
		-EACCES,
		WORDS("the kernel's verifier refuses program unchecked (socket): Permission denied",
		      "test.bpf.c:11: return *value;", "invalid mem access 'map_value_or_null'"));
	refused(HEAD "SEC(\"raw_tp\")\n"
		     "int outside(long *ctx)\n"
		     "{\n"
		     "\tint *p = (void *)ctx[0];\n"
		     "\n"
		     "\t*p = 1;\n"
		     "\treturn 0;\n"
		     "}\n",
		-EACCES, WORDS("refuses program outside (raw_tp)", "test.bpf.c:8: *p = 1;"));
	refused(HEAD "SEC(\"socket\") int endless(void *ctx)\n"
		     "{\n"
		     "\tfor (;;)\n"
		     "\t\tbpf_ktime_get_ns();\n"
		     "}\n",
		-EINVAL, WORDS("refuses program endless (socket)", "infinite loop detected"));
}

/* Kernels before 6.8 show the text of a line and not where it stands: that is looked up in the object. */
static void lines_of_older_kernels(void **state)
{
	struct coolbpf *cb = tool_source(HEAD "SEC(\"socket\")\n"
					      "int f(void *ctx)\n"
					      "{\n"
					      "\t\tbpf_ktime_get_ns();\n"
					      "\treturn bpf_get_prandom_u32() & 1;\n"
					      "}\n");
	char where[128];

	assert_int_equal(cb_lineinfo_find(cb, "bpf_ktime_get_ns();", where, sizeof(where)), 0);
	assert_string_equal(where, "test.bpf.c:6");
	assert_int_equal(cb_lineinfo_find(cb, "  return bpf_get_prandom_u32() & 1;", where, sizeof(where)), 0);
	assert_string_equal(where, "test.bpf.c:7");
	assert_int_equal(cb_lineinfo_find(cb, "return", where, sizeof(where)), -ENOENT);
	coolbpf_free(cb);
}

static void maps(void **state)
{
	refused(HEAD "struct big { char b[65536]; };\nLBC_ARRAY(large, int, struct big, 0x7fffffff);\n"
		     "SEC(\"socket\") int f(void *c) { int k = 0; return bpf_map_lookup_elem(&large, &k) != 0; }\n",
		-ENOMEM, WORDS("cannot load test: Cannot allocate memory\n  map 'large': failed to create"));
}

static void unknown_hooks(void **state)
{
	static const struct {
		const char *section, *words;
	} at_load[] =
		{
			{"tp_btf/no_such_point", "no_such_point"},
			{"fentry/no_such_function", "no_such_function"},
			{"lsm/no_such_hook", "no_such_hook"},
			{"iter/no_such_thing", "no_such_thing"},
		},
	  at_attach[] = {
		  {"tp/sched/no_such_event", "this kernel has no tracepoint sched/no_such_event"},
		  {"raw_tp/no_such_event", "this kernel has no raw tracepoint no_such_event"},
		  {"kprobe/no_such_function", "no_such_function"},
		  {"uprobe/libc:no_such_function", "has no function no_such_function"},
	  };

	for (size_t i = 0; i < 4; i++) {
		char text[512];
		struct coolbpf *cb;

		snprintf(text, sizeof(text), HEAD "SEC(\"%s\") int f(void *c) { return 0; }\n", at_load[i].section);
		cb = tool_source(text);
		assert_true(coolbpf_load(cb) < 0);
		if (!strstr(coolbpf_errmsg(cb), at_load[i].words))
			fail_msg("%s: %s", at_load[i].section, coolbpf_errmsg(cb));
		coolbpf_free(cb);

		snprintf(text, sizeof(text), HEAD "SEC(\"%s\") int f(void *c) { return 0; }\n", at_attach[i].section);
		cb = tool_source(text);
		must(cb, coolbpf_load(cb));
		assert_true(coolbpf_attach(cb) < 0);
		if (!strstr(coolbpf_errmsg(cb), at_attach[i].words))
			fail_msg("%s: %s", at_attach[i].section, coolbpf_errmsg(cb));
		coolbpf_free(cb);
	}
}

/* ---- In a child that has less ------------------------------------------------------------------------------------------ */

static void in_child(void (*test)(void))
{
	int status;
	pid_t child = fork();

	if (!child) {
		test();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void as_nobody(void)
{
	struct coolbpf *cb = tool_open("params");
	struct coolbpf *choice = tool_source(HEAD "SEC(\"raw_tp/a|b\") int f(void *c) { return 0; }\n");

	assert_int_equal(setgroups(0, NULL), 0);
	assert_int_equal(setgid(65534), 0);
	assert_int_equal(setuid(65534), 0);
	must_refuse(cb, coolbpf_load(cb), -EPERM, "CAP_BPF");
	assert_non_null(strstr(coolbpf_errmsg(cb), "it takes root"));
	coolbpf_free(cb);
	must_refuse(choice, coolbpf_load(choice), -EPERM, "it takes root");
	coolbpf_free(choice);
}

static void without_rights(void **state)
{
	in_child(as_nobody);
}

static void no_tracefs(void)
{
	struct coolbpf *cb = tool_source(HEAD "SEC(\"tp/sched/sched_switch\") int f(void *c) { return 0; }\n");

	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	while (!umount2("/sys/kernel/tracing", MNT_DETACH))
		;
	while (!umount2("/sys/kernel/debug", MNT_DETACH))
		;
	must(cb, coolbpf_load(cb));
	must_refuse(cb, coolbpf_attach(cb), -ENOENT, "tracefs is not mounted; mount -t tracefs");
	coolbpf_free(cb);
}

static void without_tracefs(void **state)
{
	in_child(no_tracefs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files),	  cmocka_unit_test(elf_files_of_other_kinds),
		cmocka_unit_test(cut_objects),	  cmocka_unit_test(object_without_btf),
		cmocka_unit_test(options),	  cmocka_unit_test(kernel_btf),
		cmocka_unit_test(verifier),	  cmocka_unit_test(lines_of_older_kernels),
		cmocka_unit_test(maps),		  cmocka_unit_test(unknown_hooks),
		cmocka_unit_test(without_rights), cmocka_unit_test(without_tracefs),
	};
	int failed;

	assert_non_null(mkdtemp(dir));
	failed = run_as_root(tests);
	output_of("rm -r %s", dir);
	return failed;
}
