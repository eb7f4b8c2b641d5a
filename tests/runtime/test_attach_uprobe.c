// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* uprobe and uretprobe: on a function of this program and of libc, by symbol, offset, process, and in words. */
#include <gelf.h>
#include <fcntl.h>
#include <sys/wait.h>

#include "tool.h"

/* What is probed. Visible and not inlined, so that the symbol table has it and each call is a call. */
int twice(int n);

__attribute__((noinline, used)) int twice(int n)
{
	__asm__ volatile("");
	return 2 * n;
}

/* 1 + 2 + ... + n through twice(); the sum of its results is n * (n + 1). */
static void work(int n)
{
	for (int i = 1; i <= n; i++)
		assert_int_equal(twice(i), 2 * i);
}

/* The tool with everything optional left out, loaded. */
static struct coolbpf *loaded(void)
{
	struct coolbpf *cb = tool_open("uprobe");

	must(cb, coolbpf_load(cb));
	return cb;
}

/* Where twice() stands in the file, from the ELF headers: its address less the segment's, plus the segment's offset. */
static uint64_t file_offset_of_twice(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	uint64_t addr = 0, offset = 0;
	Elf_Scn *scn = NULL;
	size_t n;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	assert_non_null(elf);
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr sh;

		gelf_getshdr(scn, &sh);
		for (size_t i = 0; sh.sh_type == SHT_SYMTAB && i < sh.sh_size / sh.sh_entsize; i++) {
			GElf_Sym sym;

			gelf_getsym(elf_getdata(scn, NULL), (int)i, &sym);
			if (!strcmp(elf_strptr(elf, sh.sh_link, sym.st_name), "twice"))
				addr = sym.st_value;
		}
	}
	assert_int_equal(elf_getphdrnum(elf, &n), 0);
	for (size_t i = 0; i < n; i++) {
		GElf_Phdr ph;

		gelf_getphdr(elf, (int)i, &ph);
		if (ph.p_type == PT_LOAD && addr >= ph.p_vaddr && addr < ph.p_vaddr + ph.p_filesz)
			offset = addr - ph.p_vaddr + ph.p_offset;
	}
	elf_end(elf);
	close(fd);
	assert_true(offset > 0);
	return offset;
}

static void by_symbol(void **state)
{
	struct coolbpf *cb = loaded();

	must(cb, coolbpf_attach_uprobe(cb, "on_entry", "/proc/self/exe", "twice", 0, 0, false));
	must(cb, coolbpf_attach_uprobe(cb, "on_return", "/proc/self/exe", "twice", 0, 0, true));
	assert_true(tool_attached(cb, "on_entry") && tool_attached(cb, "on_return"));
	assert_false(tool_attached(cb, "on_offset"));
	work(100);
	assert_int_equal(tool_count(cb, 0), 100);
	assert_int_equal(tool_count(cb, 1), 5050);
	assert_int_equal(tool_count(cb, 2), 100);
	assert_int_equal(tool_count(cb, 3), 10100);

	/* detached, it counts no more; the map can still be read */
	coolbpf_detach(cb);
	work(5);
	assert_int_equal(tool_count(cb, 0), 100);
	tool_end(cb);
}

static void by_offset(void **state)
{
	struct coolbpf *cb = loaded();

	must(cb, coolbpf_attach_uprobe(cb, "on_offset", "/proc/self/exe", NULL, file_offset_of_twice(), -1, false));
	work(7);
	assert_int_equal(tool_count(cb, 5), 7);
	tool_end(cb);
}

/* A program may be attached more than once: each place counts. */
static void twice_attached(void **state)
{
	struct coolbpf *cb = loaded();

	must(cb, coolbpf_attach_uprobe(cb, "on_entry", "/proc/self/exe", "twice", 0, 0, false));
	must(cb, coolbpf_attach_uprobe(cb, "on_entry", "/proc/self/exe", "twice", 0, 0, false));
	work(3);
	assert_int_equal(tool_count(cb, 0), 6);
	tool_end(cb);
}

/* Only the process that was named: the same function in a child is not seen, or is the only one seen. */
static void by_pid(void **state)
{
	int go[2], status;
	struct coolbpf *cb = loaded();
	pid_t child;
	char byte;

	assert_int_equal(pipe(go), 0);
	child = fork();
	if (!child) {
		close(go[1]);
		if (read(go[0], &byte, 1) == 1)
			for (int i = 0; i < 11; i++)
				twice(1000);
		_exit(0);
	}
	close(go[0]);
	must(cb, coolbpf_attach_uprobe(cb, "on_entry", "/proc/self/exe", "twice", 0, child, false));
	work(4);
	assert_int_equal(write(go[1], "x", 1), 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	close(go[1]);
	assert_int_equal(tool_count(cb, 0), 11);
	assert_int_equal(tool_count(cb, 1), 11000);
	tool_end(cb);
}

static void libc_by_section_name(void **state)
{
	struct coolbpf *cb = tool_open("uprobe");
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	must(cb, coolbpf_param_set(cb, "pid", pid));
	must(cb, coolbpf_program_target(cb, "on_getppid", "libc:getppid"));
	must(cb, coolbpf_load(cb));
	must(cb, coolbpf_attach(cb));
	for (int i = 0; i < 9; i++)
		getppid();
	assert_int_equal(tool_count(cb, 4), 9);
	tool_end(cb);
}

static void library_names(void **state)
{
	static const char *const names[] = {"libc", "c", "libc.so.6"};

	for (int i = 0; i < 3; i++) {
		struct coolbpf *cb = loaded();

		must(cb, coolbpf_attach_uprobe(cb, "on_entry", names[i], "getppid", 0, 0, false));
		getppid();
		assert_int_equal(tool_count(cb, 0), 1);
		coolbpf_free(cb);
	}
}

/* LBC_ATTACH with parameters in it. */
static void in_words(void **state)
{
	struct coolbpf *cb = tool_open("uprobe");
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	must(cb, coolbpf_param_set(cb, "pid", pid));
	must(cb, coolbpf_param_set(cb, "binary", "/proc/self/exe"));
	must(cb, coolbpf_program_target(cb, "on_words", "$binary:$function,pid=$pid"));
	must(cb, coolbpf_load(cb));
	must(cb, coolbpf_attach(cb));
	work(21);
	assert_int_equal(tool_count(cb, 6), 21);
	assert_int_equal(tool_count(cb, 0), 0);
	tool_end(cb);
}

static void by_target_after_load(void **state)
{
	struct coolbpf *cb = loaded();

	must(cb, coolbpf_attach_target(cb, "on_entry", "/proc/self/exe:twice"));
	must(cb, coolbpf_attach_target(cb, "on_return", "/proc/self/exe:twice"));
	work(2);
	assert_int_equal(tool_count(cb, 0), 2);
	assert_int_equal(tool_count(cb, 3), 6);
	tool_end(cb);
}

static void refusals(void **state)
{
	struct coolbpf *cb = loaded();

	must_refuse(cb, coolbpf_attach_uprobe(cb, "on_entry", "/proc/self/exe", "no_such", 0, 0, false), -ENOENT,
		    "has no function no_such");
	must_refuse(cb, coolbpf_attach_uprobe(cb, "on_entry", "libnothing", "f", 0, 0, false), -ENOENT,
		    "there is no binary or library libnothing");
	must_refuse(cb, coolbpf_attach_uprobe(cb, "on_entry", "/no/such", "f", 0, 0, false), -ENOENT, "/no/such");
	must_refuse(cb, coolbpf_attach_uprobe(cb, "on_entry", "/proc/self/exe", "twice", 0, 999999999, false), -ESRCH,
		    "there is no process 999999999");
	must_refuse(cb, coolbpf_attach_uprobe(cb, "nobody", "/proc/self/exe", "twice", 0, 0, false), -ENOENT,
		    "there is no program nobody; there is on_entry");
	must_refuse(cb, coolbpf_attach_tracepoint(cb, "on_entry", "sched", "sched_switch"), -EINVAL,
		    "cannot be attached to a tracepoint");
	must_refuse(cb, coolbpf_attach_uprobe(cb, "on_words", "/proc/self/exe", "twice", 0, 0, false), -EINVAL,
		    "was not loaded");
	must_refuse(cb, coolbpf_attach_target(cb, "on_entry", "nothing"), -EINVAL, "BINARY:FUNCTION");
	must_refuse(cb, coolbpf_attach_target(cb, "on_entry", "$nothing:f"), -EINVAL, "there is no parameter nothing");
	must_refuse(cb, coolbpf_attach_target(cb, "on_entry", "/proc/self/exe:twice,pid=x"), -EINVAL, "pid=x");
	/* nothing was attached by all that, and no program here says where it goes */
	must_refuse(cb, coolbpf_attach(cb), -EINVAL, "says where to attach");
	work(3);
	assert_int_equal(tool_count(cb, 0), 0);
	tool_end(cb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_symbol),
		cmocka_unit_test(by_offset),
		cmocka_unit_test(twice_attached),
		cmocka_unit_test(by_pid),
		cmocka_unit_test(libc_by_section_name),
		cmocka_unit_test(library_names),
		cmocka_unit_test(in_words),
		cmocka_unit_test(by_target_after_load),
		cmocka_unit_test(refusals),
	};

	return run_as_root(tests);
}
