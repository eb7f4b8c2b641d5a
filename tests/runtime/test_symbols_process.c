// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Processes that make it hard: libraries that come later, files that change, ends, other namespaces, code from a JIT.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "coolbpf/coolbpf.h"
#include "symbols_child.h"

/* ---- Programs --------------------------------------------------------------------------------------------------- */

/* A library: one function in .dynsym, one only in .symtab. */
static const char lib_source[] = "static __attribute__((noinline)) int hidden_part(int x)\n"
				 "{\n"
				 "	volatile int v = x;\n"
				 "	return v * 3 + v;\n"
				 "}\n"
				 "int lib_entry(int x)\n"
				 "{\n"
				 "	return hidden_part(x) + hidden_part(x + 1);\n"
				 "}\n";

/* Says ready; then for each line on its input a path: dlopen it and say where it is. */
static const char loader_source[] = "#define _GNU_SOURCE\n"
				    "#include <dlfcn.h>\n"
				    "#include <stdio.h>\n"
				    "#include <string.h>\n"
				    "int main(void)\n"
				    "{\n"
				    "	char path[4096];\n"
				    "\n"
				    "	printf(\"ready\\n\");\n"
				    "	fflush(stdout);\n"
				    "	while (fgets(path, sizeof(path), stdin)) {\n"
				    "		path[strcspn(path, \"\\n\")] = 0;\n"
				    "		void *lib = dlopen(path, RTLD_NOW);\n"
				    "		printf(\"%p\\n\", lib ? dlsym(lib, \"lib_entry\") : 0);\n"
				    "		fflush(stdout);\n"
				    "	}\n"
				    "	return 0;\n"
				    "}\n";

/* In new mount and pid namespaces, with a /tmp of its own: JIT "code" and its map; per line of input one line more in
 * the map. Says the address of its code. */
static const char jit_source[] =
	"#define _GNU_SOURCE\n"
	"#include <sched.h>\n"
	"#include <stdio.h>\n"
	"#include <stdlib.h>\n"
	"#include <sys/mman.h>\n"
	"#include <sys/mount.h>\n"
	"#include <sys/prctl.h>\n"
	"#include <sys/wait.h>\n"
	"#include <unistd.h>\n"
	"int main(void)\n"
	"{\n"
	"	char *code, line[64], path[64];\n"
	"	int told[2];\n"
	"	FILE *map;\n"
	"	pid_t pid;\n"
	"\n"
	"	if (unshare(CLONE_NEWNS | CLONE_NEWPID) || mount(0, \"/\", 0, MS_REC | MS_PRIVATE, 0) ||\n"
	"	    mount(\"none\", \"/tmp\", \"tmpfs\", 0, 0) || pipe(told))\n"
	"		return 1;\n"
	"	pid = fork();\n"
	"	if (pid) {\n"
	"		printf(\"%d\\n\", pid);\n"
	"		fflush(stdout);\n"
	"		write(told[1], line, 1);\n"
	"		waitpid(pid, 0, 0);\n"
	"		return 0;\n"
	"	}\n"
	"	prctl(PR_SET_PDEATHSIG, 9);\n"
	"	read(told[0], line, 1);\n"
	"	code = mmap(0, 65536, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);\n"
	"	snprintf(path, sizeof(path), \"/tmp/perf-%d.map\", getpid());\n"
	"	map = fopen(path, \"w\");\n"
	"	fprintf(map, \"%lx 100 jit::one /app.js:1\\n\", (long)code);\n"
	"	fprintf(map, \"%lx 80 jit::two\\n\", (long)code + 0x100);\n"
	"	fflush(map);\n"
	"	printf(\"%p %s\\n\", code, path);\n"
	"	fflush(stdout);\n"
	"	for (int i = 0; fgets(line, sizeof(line), stdin); i++) {\n"
	"		fprintf(map, \"%lx 100 jit::later%d\\n\", (long)code + 0x1000 * (i + 1), i);\n"
	"		fflush(map);\n"
	"		printf(\"ok\\n\");\n"
	"		fflush(stdout);\n"
	"	}\n"
	"	return 0;\n"
	"}\n";

/* ---- Helpers ---------------------------------------------------------------------------------------------------- */

/* Longer than the library waits before it reads the maps of a process, or its perf map, again. */
static void let_time_pass(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 150 * 1000 * 1000}, NULL);
}

static void answer(struct child *c, char *line, int size)
{
	assert_non_null(fgets(line, size, c->out));
	line[strcspn(line, "\n")] = '\0';
}

/* Have the loader load dir/NAME: where lib_entry is. */
static uint64_t load(struct child *c, const char *name)
{
	char line[64];
	uint64_t addr;

	fprintf(c->in, "%s/%s\n", dir, name);
	fflush(c->in);
	answer(c, line, sizeof(line));
	addr = strtoull(line, NULL, 16);
	assert_true(addr > 4096);
	return addr;
}

static unsigned open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

#define assert_named(s, pid, addr, want)                                                                               \
	do {                                                                                                           \
		struct coolbpf_symbol sym;                                                                             \
                                                                                                                       \
		assert_int_equal(coolbpf_symbols_user(s, pid, addr, &sym, 1), 1);                                      \
		assert_string_equal(sym.name, want);                                                                   \
	} while (0)

/* ---- Tests ------------------------------------------------------------------------------------------------------ */

static void library_that_comes_later(void **state)
{
	struct coolbpf_symbols *s = coolbpf_symbols_new();
	struct coolbpf_symbol sym[8];
	struct child c;
	uint64_t addr, hidden;

	write_source("loader.c", loader_source);
	write_source("lib.c", lib_source);
	command("gcc -g -O1 -o loader loader.c -ldl && gcc -g -O0 -shared -fPIC -o liblater.so lib.c && "
		"gcc -O1 -shared -fPIC -o libstripped.so lib.c && cp libstripped.so libstripped.whole && "
		"strip libstripped.so");
	c = start("loader");
	assert_named(s, c.pid, base_of(c.pid, "/loader") + address_of("loader", "main"), "main");
	addr = load(&c, "liblater.so");
	let_time_pass();
	assert_named(s, c.pid, addr, "lib_entry");
	assert_int_equal(coolbpf_symbols_user(s, c.pid,
					      base_of(c.pid, "/liblater.so") + address_of("liblater.so", "hidden_part"),
					      sym, 8),
			 1);
	assert_string_equal(sym[0].name, "hidden_part");
	assert_non_null(strstr(sym[0].module, "/liblater.so"));
	assert_non_null(strstr(sym[0].file, "lib.c"));
	assert_int_equal(sym[0].line, 2);

	/* only what .dynsym has; the function next to it is not taken for it */
	addr = load(&c, "libstripped.so");
	hidden = base_of(c.pid, "/libstripped.so") + address_of("libstripped.whole", "hidden_part");
	let_time_pass();
	assert_named(s, c.pid, addr, "lib_entry");
	assert_int_equal(coolbpf_symbols_user(s, c.pid, hidden, sym, 8), -ENOENT);
	stop(&c);
	coolbpf_symbols_free(s);
}

/* A library that everybody may write to is cut to nothing while we have it in use: no SIGBUS, and still its names. */
static void file_that_is_truncated(void **state)
{
	struct coolbpf_symbols *s = coolbpf_symbols_new();
	struct child c;
	uint64_t addr;

	write_source("loader.c", loader_source);
	write_source("lib.c", lib_source);
	command("gcc -g -O1 -o loader loader.c -ldl && gcc -g -O1 -shared -fPIC -o libcut.so lib.c && chmod 666 "
		"libcut.so");
	c = start("loader");
	addr = load(&c, "libcut.so");
	assert_named(s, c.pid, addr, "lib_entry");
	command(": >libcut.so");
	assert_named(s, c.pid, addr + 1, "lib_entry");
	let_time_pass();
	assert_named(s, c.pid, addr + 2, "lib_entry");
	stop(&c);
	coolbpf_symbols_free(s);
}

/* Asked about once, anywhere: then the process ends and its files are removed. */
static void process_that_has_ended(void **state)
{
	struct coolbpf_symbols *s = coolbpf_symbols_new();
	struct coolbpf_symbol sym;
	uint64_t base, main_addr, addr;
	struct child c;
	unsigned before;

	write_source("loader.c", loader_source);
	write_source("lib.c", lib_source);
	command("gcc -g -O1 -o loader loader.c -ldl && gcc -g -O1 -shared -fPIC -o libend.so lib.c");
	c = start("loader");
	base = base_of(c.pid, "/loader");
	main_addr = base + address_of("loader", "main");
	addr = load(&c, "libend.so");
	before = open_descriptors();
	/* in no function of anything: but now its maps are known */
	assert_int_equal(coolbpf_symbols_user(s, c.pid, 1, &sym, 1), -ENOENT);
	stop(&c);
	command("rm loader libend.so");
	let_time_pass();
	assert_named(s, c.pid, addr, "lib_entry");
	assert_named(s, c.pid, main_addr, "main");
	/* forgotten, it is gone; one that was never known is not there either */
	coolbpf_symbols_forget(s, c.pid);
	assert_int_equal(coolbpf_symbols_user(s, c.pid, main_addr, &sym, 1), -ENOENT);
	assert_string_equal(sym.name, "");
	assert_int_equal(coolbpf_symbols_user(s, 0x3fffffff, main_addr, &sym, 1), -ENOENT);
	assert_non_null(strstr(coolbpf_symbols_errmsg(s), "no process 1073741823"));
	coolbpf_symbols_forget(s, 0x3fffffff);
	coolbpf_symbols_free(s);
	assert_true(open_descriptors() <= before);
}

static void descriptors_are_given_back(void **state)
{
	const unsigned before = open_descriptors();
	struct coolbpf_symbols *s = coolbpf_symbols_new();
	struct child c;
	uint64_t addr;

	write_source("loader.c", loader_source);
	write_source("lib.c", lib_source);
	command("gcc -g -O1 -o loader loader.c -ldl && gcc -g -O1 -shared -fPIC -o libfd.so lib.c");
	c = start("loader");
	addr = load(&c, "libfd.so");
	assert_named(s, c.pid, addr, "lib_entry");
	coolbpf_symbols_free(s);
	stop(&c);
	assert_int_equal(open_descriptors(), before);
}

/* Two processes share what was read of a binary, also when it is a copy in another file. */
static void one_table_for_a_build_id(void **state)
{
	struct coolbpf_symbols *s = coolbpf_symbols_new();
	struct coolbpf_symbol sym;
	struct child a, b;
	const char *name;
	uint64_t main_addr;

	write_source("loader.c", loader_source);
	command("gcc -g -O1 -o loader loader.c -ldl && cp loader loader2");
	main_addr = address_of("loader", "main");
	a = start("loader");
	b = start("loader2");
	assert_int_equal(coolbpf_symbols_user(s, a.pid, base_of(a.pid, "/loader") + main_addr, &sym, 1), 1);
	name = sym.name;
	assert_int_equal(coolbpf_symbols_user(s, b.pid, base_of(b.pid, "/loader2") + main_addr, &sym, 1), 1);
	assert_ptr_equal(sym.name, name);
	assert_non_null(strstr(sym.module, "/loader2"));
	stop(&a);
	stop(&b);
	coolbpf_symbols_free(s);
}

/* A path that exists only in the mount namespace of the process, which then ends. */
static void another_mount_namespace(void **state)
{
	struct coolbpf_symbols *s;
	struct coolbpf_symbol sym;
	char script[TEXT + 64], line[64];
	struct child c;
	uint64_t base;
	long pid;

	if (getuid())
		skip_because("a mount namespace needs root");
	s = coolbpf_symbols_new();
	write_source("loader.c", loader_source);
	command("gcc -g -O1 -o loader loader.c -ldl && mkdir -p only_inside");
	snprintf(script, sizeof(script),
		 "#!/bin/sh\nexec unshare -m sh -c 'mount -t tmpfs none %s/only_inside && cp %s/loader "
		 "%s/only_inside/prog "
		 "&& echo $$ && exec %s/only_inside/prog'\n",
		 dir, dir, dir, dir);
	write_source("enter", script);
	command("chmod +x enter");
	snprintf(script, sizeof(script), "%s/enter", dir);
	c = start_in(NULL, script);
	answer(&c, line, sizeof(line));
	pid = strtol(line, NULL, 10);
	assert_int_equal(pid, c.pid);
	expect_ready(&c);
	base = base_of(c.pid, "/only_inside/prog");
	snprintf(script, sizeof(script), "%s/only_inside/prog", dir);
	assert_int_equal(access(script, F_OK), -1);
	assert_int_equal(coolbpf_symbols_user(s, c.pid, base + address_of("loader", "main"), &sym, 1), 1);
	assert_string_equal(sym.name, "main");
	assert_string_equal(sym.module, script);
	stop(&c);
	let_time_pass();
	assert_named(s, c.pid, base + address_of("loader", "main") + 4, "main");
	coolbpf_symbols_free(s);
}

static void code_from_a_jit(void **state)
{
	struct coolbpf_symbols *s;
	struct coolbpf_symbol sym;
	char line[256];
	struct child c;
	uint64_t code;
	pid_t pid;

	if (getuid())
		skip_because("namespaces need root");
	s = coolbpf_symbols_new();
	write_source("jit.c", jit_source);
	command("gcc -O1 -o jit jit.c");
	snprintf(line, sizeof(line), "%s/jit", dir);
	c = start_in(NULL, line);
	answer(&c, line, sizeof(line));
	pid = (pid_t)strtol(line, NULL, 10);
	answer(&c, line, sizeof(line));
	code = strtoull(line, NULL, 16);
	/* it knows itself by another number than we do, and its /tmp is not ours */
	assert_non_null(strstr(line, "/tmp/perf-1.map"));
	assert_int_equal(coolbpf_symbols_user(s, pid, code + 0x42, &sym, 1), 1);
	assert_string_equal(sym.name, "jit::one /app.js:1");
	assert_int_equal(sym.offset, 0x42);
	assert_string_equal(sym.module, "");
	assert_named(s, pid, code + 0x17f, "jit::two");
	assert_int_equal(coolbpf_symbols_user(s, pid, code + 0x180, &sym, 1), -ENOENT);
	assert_int_equal(coolbpf_symbols_user(s, pid, code + 0x1000, &sym, 1), -ENOENT);
	/* more is compiled */
	fprintf(c.in, "\n");
	fflush(c.in);
	answer(&c, line, sizeof(line));
	let_time_pass();
	assert_named(s, pid, code + 0x1010, "jit::later0");
	assert_named(s, pid, code + 0x42, "jit::one /app.js:1");
	stop(&c);
	let_time_pass();
	assert_named(s, pid, code + 0x1010, "jit::later0");
	coolbpf_symbols_free(s);
}

/* exec keeps the number of a process but nothing else: what forget is for. */
static void another_program_by_exec(void **state)
{
	struct coolbpf_symbols *s = coolbpf_symbols_new();
	char path[TEXT], line[64];
	struct child c;

	write_source("loader.c", loader_source);
	write_source("lib.c", lib_source);
	command("gcc -g -O1 -o loader loader.c -ldl && printf '#!/bin/sh\\necho first\\nread line\\nexec %s/loader\\n' "
		">script && chmod +x script",
		dir);
	snprintf(path, sizeof(path), "%s/script", dir);
	c = start_in(NULL, path);
	answer(&c, line, sizeof(line));
	assert_string_equal(line, "first");
	coolbpf_symbols_user(s, c.pid, 1, &(struct coolbpf_symbol){0}, 1);
	fprintf(c.in, "\n");
	fflush(c.in);
	expect_ready(&c);
	coolbpf_symbols_forget(s, c.pid);
	assert_named(s, c.pid, base_of(c.pid, "/loader") + address_of("loader", "main"), "main");
	stop(&c);
	coolbpf_symbols_free(s);
}

/* The code that the kernel maps into every process, in no file: ground truth is the dynamic linker's. */
static void vdso(void **state)
{
	void *lib = dlopen("linux-vdso.so.1", RTLD_NOW | RTLD_NOLOAD);
	struct coolbpf_symbols *s;
	struct coolbpf_symbol sym;
	void *f;

	if (!lib || !(f = dlsym(lib, "__vdso_clock_gettime")))
		skip_because("this architecture has no linux-vdso.so.1 with __vdso_clock_gettime");
	s = coolbpf_symbols_new();
	assert_int_equal(coolbpf_symbols_user(s, getpid(), (uint64_t)(uintptr_t)f + 1, &sym, 1), 1);
	assert_non_null(strstr(sym.name, "clock_gettime"));
	assert_int_equal(sym.offset, 1);
	assert_string_equal(sym.module, "[vdso]");
	coolbpf_symbols_free(s);
}

/* Files that are mapped but are no programs, or broken ones. */
static void broken_files(void **state)
{
	struct coolbpf_symbols *s = coolbpf_symbols_new();
	struct coolbpf_symbol sym;
	struct child c;
	uint64_t addr;

	/* the file is changed under the mapping: all of it but the ELF header is noise then, then all of it */
	write_source("loader.c", loader_source);
	write_source("lib.c", lib_source);
	command("gcc -g -O1 -o loader loader.c -ldl");
	for (int i = 0; i < 3; i++) {
		command("gcc -g -O1 -shared -fPIC -o libbroken%d.so lib.c", i);
		c = start("loader");
		addr = load(&c, i == 0 ? "libbroken0.so" : i == 1 ? "libbroken1.so" : "libbroken2.so");
		command("size=$(stat -c %%s libbroken%d.so) && head -c $((size - %d)) /dev/urandom | dd "
			"of=libbroken%d.so "
			"bs=1 seek=%d conv=notrunc status=none",
			i,
			i == 0	 ? 64
			: i == 1 ? 800
				 : 0,
			i,
			i == 0	 ? 64
			: i == 1 ? 800
				 : 0);
		assert_true(coolbpf_symbols_user(s, c.pid, addr, &sym, 1) < 2);
		stop(&c);
	}
	coolbpf_symbols_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(library_that_comes_later),
		cmocka_unit_test(file_that_is_truncated),
		cmocka_unit_test(process_that_has_ended),
		cmocka_unit_test(descriptors_are_given_back),
		cmocka_unit_test(one_table_for_a_build_id),
		cmocka_unit_test(another_mount_namespace),
		cmocka_unit_test(code_from_a_jit),
		cmocka_unit_test(another_program_by_exec),
		cmocka_unit_test(vdso),
		cmocka_unit_test(broken_files),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
