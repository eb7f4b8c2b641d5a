/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * tool.h - what the tests of the runtime share: a tool of tests/runtime/bpf, opened; calls that must go well or must be
 * refused in certain words; a network of one's own; and proof that nothing of a tool is left.
 *
 * They load programs, so they need root. Without it main() says so and the report counts the file as skipped.
 */
#ifndef CB_TESTS_TOOL_H
#define CB_TESTS_TOOL_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "check.h"
#include "coolbpf/coolbpf.h"

/* The tool tests/runtime/bpf/NAME.bpf.c, compiled once in this process. The test fails with the compiler's words. */
struct coolbpf *tool_open(const char *name);
/* The same with options; sz is set here. */
struct coolbpf *tool_open_with(const char *name, struct coolbpf_opts opts);
/* A tool whose source stands in the test. */
struct coolbpf *tool_source(const char *text);

/* A call that must not fail; its value. */
#define must(cb, call)                                                                                                 \
	({                                                                                                             \
		int must_rc = (call);                                                                                  \
		if (must_rc < 0)                                                                                       \
			fail_msg("%s: %s (%s)", #call, coolbpf_errmsg(cb), strerror(-must_rc));                        \
		must_rc;                                                                                               \
	})

/* A call that must give this negative errno and a message with these words. */
#define must_refuse(cb, call, err, words)                                                                              \
	do {                                                                                                           \
		assert_int_equal((call), (err));                                                                       \
		if (!strstr(coolbpf_errmsg(cb), (words)))                                                              \
			fail_msg("%s: the message lacks \"%s\": %s", #call, (words), coolbpf_errmsg(cb));              \
	} while (0)

/* Slot i of the array that bpf/count.h declares. */
uint64_t tool_count(struct coolbpf *cb, uint32_t i);
/* It becomes that, and no more: the kernel may put off to a thread of its own the packets that it receives. */
void tool_must_count(struct coolbpf *cb, uint32_t i, uint64_t expected);
/* Does coolbpf_program_get() say that this program is attached? */
bool tool_attached(struct coolbpf *cb, const char *program);

/* Remember the ids of the tool's programs and maps, and after coolbpf_detach() and coolbpf_free() see that the
 * kernel knows no link of these programs, and none of these programs and maps, any more. */
struct tool_ids {
	unsigned progs[16], maps[16];
	size_t nprogs, nmaps;
};

struct tool_ids tool_ids(struct coolbpf *cb);
unsigned tool_links(const struct tool_ids *ids);
void tool_must_be_gone(const struct tool_ids *ids);
/* Detach and free, with both checks. */
void tool_end(struct coolbpf *cb);

/* What a command prints, without the last newline; the test fails when it cannot be run. Valid until the next call. */
const char *output_of(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Move this process to a network namespace of its own, with lo up; once. */
void own_network(void);
/* Send n UDP datagrams of so many bytes to 127.0.0.1:port; nobody needs to listen. */
void send_udp(unsigned n, size_t size, unsigned short port);

/* Where cgroup v2 is mounted, or NULL. */
const char *cgroup2_mount(void);

/* Descriptors that this process has open. */
size_t open_fds(void);

/* Are there kprobes? Asked without the library: the reason in words, or NULL when there are. */
const char *no_kprobes(void);
/* Can a program be attached to the entry of kernel functions, or to an LSM hook (type and attach type as of libbpf)? The
 * same. */
const char *no_trampoline(enum bpf_prog_type type, enum bpf_attach_type attach, const char *function);

/* Run a test in a child to which the kernel answers EINVAL for these bpf() commands (the second may be -1), as kernels
 * do that do not know them. */
void without_bpf(int command, int another, void (*test)(void **));

int tool_run(const struct CMUnitTest *tests, size_t n);
#define run_as_root(tests) tool_run(tests, sizeof(tests) / sizeof(*(tests)))

#endif
