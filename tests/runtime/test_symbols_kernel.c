// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* Kernel names on the kernel that runs, against a plain reading of /proc/kallsyms. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "coolbpf/coolbpf.h"

struct line {
	uint64_t addr;
	char type, name[512], module[64];
};

/* Every line, read the slow way. *hidden: they have no addresses. */
static struct line *read_lines(size_t *count, bool *hidden)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	struct line *lines = NULL;
	char text[1024];

	*count = 0;
	*hidden = true;
	while (f && fgets(text, sizeof(text), f)) {
		struct line l = {0};

		if (sscanf(text, "%" SCNx64 " %c %511s [%63[^]]]", &l.addr, &l.type, l.name, l.module) < 3)
			continue;
		/* grows when the count is a power of two */
		if (!(*count & (*count - 1)))
			lines = realloc(lines, (*count ? 2 * *count : 1) * sizeof(*lines));
		lines[(*count)++] = l;
		*hidden = *hidden && !l.addr;
	}
	if (f)
		fclose(f);
	return lines;
}

static void names_are_those_of_kallsyms(void **state)
{
	struct coolbpf_symbols *s = coolbpf_symbols_new();
	struct coolbpf_symbol sym;
	size_t count, asked = 0;
	struct line *lines;
	bool hidden;

	lines = read_lines(&count, &hidden);
	if (hidden) {
		free(lines);
		coolbpf_symbols_free(s);
		skip_because("this kernel hides its addresses from us");
	}
	for (size_t i = 0; i < count; i++) {
		const struct line *l = &lines[i];

		/* Rust names come demangled; of several names for one address the first is taken; BPF programs come and go */
		if (strchr("aA", l->type) || !strncmp(l->name, "_R", 2) || !strcmp(l->module, "bpf") ||
		    (i && lines[i - 1].addr == l->addr))
			continue;
		assert_int_equal(coolbpf_symbols_kernel(s, l->addr, &sym), 0);
		assert_string_equal(sym.name, l->name);
		assert_string_equal(sym.module, l->module);
		assert_int_equal(sym.offset, 0);
		assert_string_equal(sym.file, "");
		assert_false(sym.inlined);
		if (i + 1 < count && lines[i + 1].addr > l->addr + 2) {
			assert_int_equal(coolbpf_symbols_kernel(s, l->addr + 2, &sym), 0);
			assert_string_equal(sym.name, l->name);
			assert_int_equal(sym.offset, 2);
		}
		asked++;
	}
	assert_true(asked > 1000);
	assert_int_equal(coolbpf_symbols_kernel(s, 0, &sym), -ENOENT);
	assert_int_equal(coolbpf_symbols_kernel(s, 0x7fff12345678, &sym), -ENOENT);
	assert_int_equal(coolbpf_symbols_kernel(s, UINT64_MAX, &sym), -ENOENT);
	assert_non_null(strstr(coolbpf_symbols_errmsg(s), "0xffffffffffffffff"));
	/* forgotten, and read again */
	coolbpf_symbols_forget(s, 0);
	assert_int_equal(coolbpf_symbols_kernel(s, lines[count / 2].addr, &sym), 0);
	coolbpf_symbols_free(s);
	free(lines);
}

/* In a child: 0 as it should be, 1 wrong, 77 nothing is hidden from this user. */
static int ask_as_nobody(void)
{
	struct coolbpf_symbols *s = coolbpf_symbols_new();
	struct coolbpf_symbol sym;
	size_t count;
	bool hidden;
	int err;

	if (setgid(65534) || setuid(65534))
		return 1;
	free(read_lines(&count, &hidden));
	err = coolbpf_symbols_kernel(s, 0xffffffff81000000, &sym);
	if (!hidden)
		return err == -EPERM ? 1 : 77;
	if (err != -EPERM || !strstr(coolbpf_symbols_errmsg(s), "kptr_restrict"))
		return 1;
	/* the second question as well */
	err = coolbpf_symbols_kernel(s, 0xffffffff81000000, &sym);
	coolbpf_symbols_free(s);
	return err != -EPERM;
}

static void hidden_addresses_are_eperm(void **state)
{
	int status;
	pid_t pid;

	if (getuid())
		skip_because("becoming another user needs root");
	pid = fork();
	if (!pid)
		_exit(ask_as_nobody());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip_because("this kernel hides nothing from other users (kptr_restrict, perf_event_paranoid)");
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_those_of_kallsyms),
		cmocka_unit_test(hidden_addresses_are_eperm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
