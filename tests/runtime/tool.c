// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* tool.c - see tool.h. */
#include "tool.h"

#include <arpa/inet.h>
#include <bpf/btf.h>
#include <dirent.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <mntent.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Objects that this process has compiled already. */
static struct {
	char *name;
	void *data;
	size_t size;
} compiled[16];

static struct coolbpf *new_handle(struct coolbpf_opts *opts)
{
	struct coolbpf *cb;

	opts->sz = sizeof(*opts);
	cb = coolbpf_new(opts);
	assert_non_null(cb);
	return cb;
}

struct coolbpf *tool_open_with(const char *name, struct coolbpf_opts opts)
{
	const char *src = getenv("SRC");
	struct coolbpf *cb = new_handle(&opts);
	char path[PATH_MAX];
	size_t i = 0;

	while (i < 15 && compiled[i].name && strcmp(compiled[i].name, name))
		i++;
	if (compiled[i].name) {
		must(cb, coolbpf_open_memory(cb, compiled[i].data, compiled[i].size, name));
		return cb;
	}
	if (src)
		snprintf(path, sizeof(path), "%s/tests/runtime/bpf/%s.bpf.c", src, name);
	else /* a guest of the lab: there is no compiler, and objects stand here */
		snprintf(path, sizeof(path), "%s.bpf.o", name);
	must(cb, coolbpf_open_file(cb, path));
	const void *data = coolbpf_object_data(cb, &compiled[i].size);
	compiled[i].name = strdup(name);
	compiled[i].data = malloc(compiled[i].size);
	assert_non_null(compiled[i].data);
	memcpy(compiled[i].data, data, compiled[i].size);
	return cb;
}

struct coolbpf *tool_open(const char *name)
{
	return tool_open_with(name, (struct coolbpf_opts){0});
}

struct coolbpf *tool_source(const char *text)
{
	struct coolbpf_opts opts = {0};
	struct coolbpf *cb = new_handle(&opts);

	must(cb, coolbpf_open_source(cb, text, "test.bpf.c"));
	return cb;
}

uint64_t tool_count(struct coolbpf *cb, uint32_t i)
{
	uint64_t v = 0;

	must(cb, coolbpf_map_lookup(cb, "counts", &i, &v));
	return v;
}

void tool_must_count(struct coolbpf *cb, uint32_t i, uint64_t expected)
{
	for (int tries = 6000; tool_count(cb, i) < expected && tries; tries--)
		usleep(10000);
	assert_int_equal(tool_count(cb, i), expected);
}

bool tool_attached(struct coolbpf *cb, const char *program)
{
	struct coolbpf_program p;

	for (size_t i = 0; !coolbpf_program_get(cb, i, &p); i++)
		if (!strcmp(p.name, program))
			return p.attached;
	fail_msg("no program %s", program);
	return false;
}

/* ---- What the kernel still holds ----------------------------------------------------------------------------------- */

struct tool_ids tool_ids(struct coolbpf *cb)
{
	struct tool_ids ids = {0};
	struct coolbpf_program p;
	struct coolbpf_map m;

	for (size_t i = 0; !coolbpf_program_get(cb, i, &p); i++) {
		struct bpf_prog_info info = {0};
		__u32 len = sizeof(info);

		if (!p.loaded)
			continue;
		assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(p.prog), &info, &len), 0);
		assert_true(ids.nprogs < 16);
		ids.progs[ids.nprogs++] = info.id;
	}
	for (size_t i = 0; !coolbpf_map_get(cb, i, &m); i++) {
		struct bpf_map_info info = {0};
		__u32 len = sizeof(info);

		assert_int_equal(bpf_obj_get_info_by_fd(m.fd, &info, &len), 0);
		assert_true(ids.nmaps < 16);
		ids.maps[ids.nmaps++] = info.id;
	}
	return ids;
}

const char *output_of(const char *fmt, ...)
{
	static char text[65536];
	char command[1024];
	va_list ap;
	size_t n;
	FILE *f;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	f = popen(command, "re");
	if (!f)
		fail_msg("cannot run %s", command);
	n = fread(text, 1, sizeof(text) - 1, f);
	pclose(f);
	while (n && text[n - 1] == '\n')
		n--;
	text[n] = '\0';
	return text;
}

/* The kernel is asked by libbpf's calls alone, nothing of ours. (bpftool says the same, but to list one thing it loads a program
 * that looks for the owners of all, which takes a second in an emulator.) */
unsigned tool_links(const struct tool_ids *ids)
{
	unsigned n = 0;
	__u32 id = 0;

	while (!bpf_link_get_next_id(id, &id)) {
		struct bpf_link_info info = {0};
		__u32 len = sizeof(info);
		int fd = bpf_link_get_fd_by_id(id);

		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len))
			for (size_t i = 0; i < ids->nprogs; i++)
				n += info.prog_id == ids->progs[i];
		if (fd >= 0)
			close(fd);
	}
	return n;
}

/* The kernel frees programs and maps after a grace period, so each question is asked for a while. */
static void must_vanish(const char *kind, int (*by_id)(__u32 id), unsigned id)
{
	int fd = -1;

	for (int i = 0; i < 6000; i++) {
		fd = by_id(id);
		if (fd == -ENOENT)
			return;
		if (fd >= 0)
			close(fd);
		usleep(10000);
	}
	fail_msg("%s %u is still there (%d): %s", kind, id, fd, output_of("bpftool %s show id %u", kind, id));
}

void tool_must_be_gone(const struct tool_ids *ids)
{
	for (size_t i = 0; i < ids->nprogs; i++)
		must_vanish("prog", bpf_prog_get_fd_by_id, ids->progs[i]);
	for (size_t i = 0; i < ids->nmaps; i++)
		must_vanish("map", bpf_map_get_fd_by_id, ids->maps[i]);
}

void tool_end(struct coolbpf *cb)
{
	struct tool_ids ids = tool_ids(cb);
	struct coolbpf_program p;

	coolbpf_detach(cb);
	assert_int_equal(tool_links(&ids), 0);
	for (size_t i = 0; !coolbpf_program_get(cb, i, &p); i++)
		assert_false(p.attached);
	coolbpf_free(cb);
	tool_must_be_gone(&ids);
}

/* ---- Places to work in --------------------------------------------------------------------------------------------- */

void own_network(void)
{
	static bool done;
	struct ifreq ifr = {.ifr_name = "lo"};
	int fd;

	if (done)
		return;
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(ioctl(fd, SIOCGIFFLAGS, &ifr), 0);
	ifr.ifr_flags |= IFF_UP;
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &ifr), 0);
	close(fd);
	done = true;
}

void send_udp(unsigned n, size_t size, unsigned short port)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char bytes[2048] = "coolbpf";

	assert_true(fd >= 0 && size <= sizeof(bytes));
	while (n--)
		assert_int_equal(sendto(fd, bytes, size, 0, (struct sockaddr *)&to, sizeof(to)), size);
	close(fd);
	/* the kernel may put off to a thread of its own what it receives, most of all where it is emulated */
	usleep(20000);
}

const char *cgroup2_mount(void)
{
	static char path[PATH_MAX];
	FILE *f = setmntent("/proc/self/mounts", "re");
	struct mntent *m;

	path[0] = '\0';
	while (f && (m = getmntent(f)))
		if (!strcmp(m->mnt_type, "cgroup2") && !*path)
			snprintf(path, sizeof(path), "%s", m->mnt_dir);
	if (f)
		endmntent(f);
	return *path ? path : NULL;
}

size_t open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* ---- What this kernel lacks ---------------------------------------------------------------------------------------- */

const char *no_kprobes(void)
{
	if (*output_of("grep -m1 -w register_kprobe /proc/kallsyms"))
		return NULL;
	return "this kernel is built without kprobes: /proc/kallsyms has no register_kprobe";
}

const char *no_trampoline(enum bpf_prog_type type, enum bpf_attach_type attach, const char *function)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach);
	struct btf *btf = btf__load_vmlinux_btf();
	int id = btf ? btf__find_by_name_kind(btf, function, BTF_KIND_FUNC) : 0, prog, link;
	static char reason[256];

	btf__free(btf);
	if (id <= 0) {
		snprintf(reason, sizeof(reason), "this kernel's BTF has no function %s", function);
		return reason;
	}
	opts.attach_btf_id = (__u32)id;
	prog = bpf_prog_load(type, "cb_test", "GPL", insns, 2, &opts);
	if (prog < 0) {
		snprintf(reason, sizeof(reason), "this kernel refuses to load a program for %s: %s", function,
			 strerror(-prog));
		return reason;
	}
	link = bpf_raw_tracepoint_open(NULL, prog);
	close(prog);
	if (link < 0) {
		snprintf(reason, sizeof(reason), "this kernel refuses to attach to %s: %s", function, strerror(-link));
		return reason;
	}
	close(link);
	return NULL;
}

static void refuse_bpf(int command, int another)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)command, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)another, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {.len = sizeof(code) / sizeof(*code), .filter = code};

	assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
}

void without_bpf(int command, int another, void (*test)(void **))
{
	union bpf_attr attr = {0};
	int status;
	pid_t child = fork();

	if (!child) {
		refuse_bpf(command, another);
		if (syscall(SYS_bpf, command, &attr, sizeof(attr)) != -1 || errno != EINVAL)
			_exit(100);
		test(NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int tool_run(const struct CMUnitTest *tests, size_t n)
{
	int failed;

	if (geteuid()) {
		printf("1..0 # SKIP needs root, to load programs into the kernel\n");
		return 0;
	}
	failed = _cmocka_run_group_tests("runtime", tests, n, NULL, NULL);
	for (size_t i = 0; i < sizeof(compiled) / sizeof(*compiled); i++) {
		free(compiled[i].name);
		free(compiled[i].data);
	}
	return failed;
}
