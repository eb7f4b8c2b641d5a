// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* agent_kernel.c - what the guest's kernel says and holds. See agent.h. */
#include "lab/agent.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"

enum {
	KMSG_WARNING = 4, /* level; what is below is worse */
	RECORD = 8192,	  /* the kernel's limit of a record read, 2 * PRINTK_MESSAGE_MAX at most */
	MODULE_SECONDS = 20,
	REMOVE_SECONDS = 3,
	LEFT_SECONDS = 3,
	/* bits of /proc/sys/kernel/tainted, Documentation/admin-guide/tainted-kernels.rst */
	TAINT_BAD_PAGE = 1 << 5,
	TAINT_DIED = 1 << 7,
	TAINT_WARNED = 1 << 9,
	TAINT_LOCKUP = 1 << 14,
};

/* ---- Messages -------------------------------------------------------------------------------------------------------- */

/* In messages of warning level and worse. */
static bool is_alarming(const char *text)
{
	static const char *const signs[] = {"WARNING:",
					    "BUG:",
					    "BUG at ",
					    "Oops",
					    "[ cut here ]",
					    "KASAN:",
					    "KCSAN:",
					    "KFENCE:",
					    "UBSAN:",
					    "general protection fault",
					    "Unable to handle kernel",
					    "possible recursive locking",
					    "possible circular locking",
					    "suspicious RCU usage",
					    "inconsistent lock state",
					    "blocked for more than",
					    "detected stall",
					    "self-detected stall",
					    "soft lockup",
					    "hard LOCKUP",
					    "bad: scheduling from",
					    "scheduling while atomic",
					    "refcount_t:"};

	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
		if (strstr(text, signs[i]))
			return true;
	return false;
}

/* "LEVEL,SEQUENCE,TIME,FLAGS[,...];TEXT\n KEY=VALUE\n": Documentation/ABI/testing/dev-kmsg. */
static void read_record(struct job *j, char *record)
{
	char *text = strchr(record, ';'), *end;

	if (!text || (strtoul(record, &end, 10) & 7) > KMSG_WARNING)
		return;
	text++;
	text[strcspn(text, "\n")] = '\0';
	j->warned |= is_alarming(text);
	agent_add(j, KMSG, text, strlen(text));
	agent_add(j, KMSG, "\n", 1);
}

void agent_read_kmsg(struct agent *a, struct job *j)
{
	char record[RECORD + 1];
	ssize_t n;

	/* EPIPE: messages were overwritten before they were read */
	while ((n = read(a->kmsg, record, RECORD)) > 0 || (n < 0 && (errno == EPIPE || errno == EINTR))) {
		record[n > 0 ? n : 0] = '\0';
		if (j)
			read_record(j, record);
	}
}

void agent_end_kmsg(struct job *j)
{
	static const char line[] = "<7>coolbpf lab: a job has ended\n";
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

	/* The kernel holds a message back that has no newline at its end (that of bpf_probe_write_user() in 6.1 has none) until the
	 * next one comes. */
	if (fd >= 0) {
		cb_write_all(fd, line, sizeof(line) - 1);
		close(fd);
	}
	agent_read_kmsg(j->a, j);
}

unsigned long agent_taint(void)
{
	unsigned long bits = 0;
	char *text;
	size_t len;

	if (!cb_file_read("/proc/sys/kernel/tainted", 64, &text, &len, NULL)) {
		bits = strtoul(text, NULL, 10);
		free(text);
	}
	return bits;
}

void agent_check_taint(struct job *j)
{
	unsigned long fresh = agent_taint() & ~j->taint;

	/* a kernel that has warned once does not become more tainted: then the messages tell */
	j->warned |= (fresh & (TAINT_BAD_PAGE | TAINT_DIED | TAINT_WARNED | TAINT_LOCKUP)) != 0;
	if (fresh & (TAINT_BAD_PAGE | TAINT_DIED | TAINT_LOCKUP))
		agent_wants_boot(j->a, "the kernel is damaged (taint %lu) behind %s", agent_taint(), j->spec->name);
}

/* ---- Modules --------------------------------------------------------------------------------------------------------- */

static int insert(struct job *j, const void *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST)) {
		fprintf(stderr, "%s\n", strerror(errno));
		return 1;
	}
	return 0;
}

/* The last message of the kernel's that speaks of this module says more than an error number ("Unknown symbol ..."). */
static void add_kernel_reason(struct job *j, const char *name)
{
	const struct cb_buf *said = &j->stream[KMSG].keep.head;
	const char *line, *last = NULL, *end, *newline;
	size_t last_len = 0;

	agent_read_kmsg(j->a, j);
	end = said->data + said->len;
	for (line = said->data; line < end; line = newline + 1) {
		newline = memchr(line, '\n', (size_t)(end - line));
		if (!newline)
			break;
		if (memmem(line, (size_t)(newline - line), name, strlen(name))) {
			last = line;
			last_len = (size_t)(newline - line);
		}
	}
	if (last)
		cb_fail_more(&j->message, EIO, " (%.*s)", (int)last_len, last);
}

/* "/lab/7/my-mod.ko": my_mod. */
static void module_name(const char *path, char *out, size_t size)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;

	snprintf(out, size, "%.*s", (int)strcspn(base, "."), base);
	for (; *out; out++)
		if (*out == '-')
			*out = '_';
}

int agent_insert_modules(struct job *j)
{
	for (; j->spec->insmod[j->inserted]; j->inserted++) {
		const char *path = j->spec->insmod[j->inserted];
		uint64_t now = agent_now(), left = j->until > now ? j->until - now : 0;
		int status =
			agent_help(j, insert, path, left < MODULE_SECONDS * SECOND ? left : MODULE_SECONDS * SECOND);
		char name[64];

		if (!status)
			continue;
		module_name(path, name, sizeof(name));
		if (status < 0 || status > 128)
			agent_wants_boot(j->a, "inserting the module %s did not come back", name);
		cb_fail(&j->message, EIO, "cannot insert the module %s: %s", path,
			status < 0     ? "it did not come back"
			: status > 128 ? "the kernel crashed in it"
			: j->note.len  ? cb_buf_cstr(&j->note)
				       : "no reason is known");
		if (status > 0 && status < 128)
			add_kernel_reason(j, name);
		return -EIO;
	}
	return 0;
}

static int take_out(struct job *j, const void *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) && errno != ENOENT ? errno : 0;
}

/* One that is in use for a moment longer is tried again. */
static int remove_module(struct job *j, const char *name)
{
	uint64_t until = agent_now() + REMOVE_SECONDS * SECOND, wait;
	int err;

	for (;;) {
		err = agent_help(j, take_out, name, MODULE_SECONDS * SECOND);
		if ((err != EAGAIN && err != EBUSY) || agent_now() >= until)
			return err;
		for (wait = agent_now() + SECOND / 20; agent_now() < wait;)
			agent_turn(j, wait);
	}
}

void agent_remove_modules(struct job *j)
{
	while (j->inserted) {
		char name[64];
		int err;

		module_name(j->spec->insmod[--j->inserted], name, sizeof(name));
		err = remove_module(j, name);
		if (err)
			agent_wants_boot(j->a, "the module %s cannot be removed: %s", name,
					 err < 0 || err > 128 ? "it did not come back" : strerror(err));
	}
}

/* ---- What is left ---------------------------------------------------------------------------------------------------- */

static const struct {
	const char *what;
	int (*next)(uint32_t id, uint32_t *next);
	int (*open)(uint32_t id);
} left_kinds[LEFT_KINDS] = {{"program", bpf_prog_get_next_id, bpf_prog_get_fd_by_id},
			    {"map", bpf_map_get_next_id, bpf_map_get_fd_by_id},
			    {"link", bpf_link_get_next_id, bpf_link_get_fd_by_id}};

static const char *const left_files[LEFT_FILES] = {"/sys/kernel/tracing/kprobe_events",
						   "/sys/kernel/tracing/uprobe_events"};

static size_t list_ids(int (*next)(uint32_t, uint32_t *), uint32_t **ids)
{
	uint32_t id = 0, *more;
	size_t n = 0;

	*ids = NULL;
	while (!next(id, &id)) {
		more = realloc(*ids, (n + 1) * sizeof(**ids));
		if (!more)
			break;
		*ids = more;
		more[n++] = id;
	}
	return n;
}

static unsigned int count_lines(const char *path)
{
	unsigned int n = 0;
	char *text;
	size_t len;

	if (cb_file_read(path, 16 << 20, &text, &len, NULL))
		return 0;
	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	free(text);
	return n;
}

void agent_count(struct left *l)
{
	for (int i = 0; i < LEFT_KINDS; i++)
		l->kind[i].n = list_ids(left_kinds[i].next, &l->kind[i].id);
	for (int i = 0; i < LEFT_FILES; i++)
		l->probes[i] = count_lines(left_files[i]);
}

void agent_left_free(struct left *l)
{
	for (int i = 0; i < LEFT_KINDS; i++)
		free(l->kind[i].id);
	*l = (struct left){0};
}

static void add_name(struct job *j, const char *what, const char *name)
{
	if (*j->message.text)
		cb_fail_more(&j->message, 0, ", %s %s", what, name);
	else
		cb_fail(&j->message, 0, "%s %s", what, name);
}

static void name_bpf(struct job *j, int kind, uint32_t id)
{
	char what[32], text[BPF_OBJ_NAME_LEN + 16];
	union {
		struct bpf_prog_info prog;
		struct bpf_map_info map;
	} info = {0};
	uint32_t len = sizeof(info);
	int fd = left_kinds[kind].open(id);
	const char *name = "";

	if (fd >= 0 && kind < 2 && !bpf_obj_get_info_by_fd(fd, &info, &len))
		name = kind ? info.map.name : info.prog.name;
	if (fd >= 0)
		close(fd);
	snprintf(what, sizeof(what), "BPF %s", left_kinds[kind].what);
	snprintf(text, sizeof(text), "%u%s%s", id, *name ? " " : "", name);
	add_name(j, what, text);
}

/* New ones stand last. */
static void name_probe(struct job *j, const char *path)
{
	char *text;
	size_t len;

	if (cb_file_read(path, 16 << 20, &text, &len, NULL))
		return;
	while (len && text[len - 1] == '\n')
		text[--len] = '\0';
	while (len && text[len - 1] != '\n')
		len--;
	if (text[len])
		add_name(j, "probe", text + len);
	free(text);
}

/* How many of a kind are not in before? Ids ascend. The first is named, where named is true. */
static unsigned int fresh(struct job *j, const struct left *now, int kind, bool named)
{
	const uint32_t *id = now->kind[kind].id, *before = j->before.kind[kind].id;
	size_t at = 0, m = j->before.kind[kind].n;
	unsigned int count = 0;

	for (size_t i = 0; i < now->kind[kind].n; i++) {
		while (at < m && before[at] < id[i])
			at++;
		if (at < m && before[at] == id[i])
			continue;
		if (named && !count)
			name_bpf(j, kind, id[i]);
		count++;
	}
	return count;
}

static unsigned int count_fresh(struct job *j, const struct left *now, bool named)
{
	unsigned int n = 0;

	for (int i = 0; i < LEFT_KINDS; i++)
		n += fresh(j, now, i, named);
	for (int i = 0; i < LEFT_FILES; i++) {
		unsigned int before = j->before.probes[i];

		if (now->probes[i] <= before)
			continue;
		n += now->probes[i] - before;
		if (named)
			name_probe(j, left_files[i]);
	}
	return n;
}

unsigned int agent_left(struct job *j)
{
	uint64_t until = agent_now() + LEFT_SECONDS * SECOND;
	unsigned int n;

	for (;;) {
		struct left now;

		agent_count(&now);
		n = count_fresh(j, &now, false);
		/* a job that did not end as it should has its message already */
		if (n && agent_now() >= until && !*j->message.text)
			count_fresh(j, &now, true);
		agent_left_free(&now);
		if (!n || agent_now() >= until)
			return n;
		agent_turn(j, agent_now() + SECOND / 50);
	}
}
