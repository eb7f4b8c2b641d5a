// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * cage.c - see cage.h.
 *
 *   parent: clone() with the namespaces --> child: waits
 *           maps its user or nobody     --> makes its tree, becomes that user, says what it got --> the caller's work
 */
#include "compile/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "compile/sandbox.h"

#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

/* Where the tree is made: a directory that every system has. Nothing of it is seen outside the child's namespace. */
#define ROOT "/tmp"
#define OLD  "/.old"

enum { NOBODY = 65534, DIRS_MAX = 128, ALIVE = 1 << 30 };

/* ---- the plan */

static void add_dir(void *ctx, const char *path)
{
	struct cb_cage *c = ctx;

	if (*path == '/')
		cb_buf_add(&c->dirs, path, strlen(path) + 1);
}

int cb_cage_plan(struct cb_cage *c, const char *clang, const char *const *readable, bool pid, struct cb_err *e)
{
	memset(c, 0, sizeof(*c));
	c->want = CB_CAGE_USER | CB_CAGE_NET | CB_CAGE_IPC | CB_CAGE_UTS | CB_CAGE_FILES | (pid ? CB_CAGE_PID : 0);
	if (!realpath(clang, c->clang))
		return cb_fail(e, errno, "cannot run %s: %s", clang, strerror(errno));
	cb_sandbox_program(clang, add_dir, c);
	for (; readable && *readable; readable++)
		add_dir(c, *readable);
	return c->dirs.failed ? cb_fail(e, ENOMEM, "out of memory") : 0;
}

void cb_cage_free(struct cb_cage *c)
{
	cb_buf_free(&c->dirs);
}

/* ---- the child's tree */

/* The part of path below ROOT: every directory of it, or with file an empty file at its end. */
static bool make_place(char *path, bool file)
{
	for (char *p = path + sizeof(ROOT);; p++) {
		char c = *p;
		int fd;

		if (c && c != '/')
			continue;
		*p = '\0';
		if (!c && file) {
			fd = access(path, F_OK) ? open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0444) : -1;
			if (fd >= 0)
				close(fd);
		} else if (mkdir(path, 0755) && errno != EEXIST && errno != EROFS) {
			return false;
		}
		*p = c;
		if (!c)
			return true;
	}
}

static bool make_read_only(const char *path)
{
	struct {
		uint64_t set, clear, propagation, userns;
	} attr = {.set = 1 | 2 | 4 /* MOUNT_ATTR_RDONLY, NOSUID, NODEV */};

	if (!syscall(SYS_mount_setattr, -1, path, 0x8000 /* AT_RECURSIVE */, &attr, sizeof(attr)))
		return true;
	/* before Linux 5.12; flags that are there may have to stay */
	return !mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL);
}

/* source: a descriptor. */
static bool bring(int source, const char *path)
{
	char from[32], to[PATH_MAX + sizeof(ROOT)];
	struct stat st;

	if (fstat(source, &st) || (size_t)snprintf(to, sizeof(to), ROOT "%s", path) >= sizeof(to))
		return false;
	snprintf(from, sizeof(from), "/proc/self/fd/%d", source);
	return make_place(to, !S_ISDIR(st.st_mode)) && !mount(from, to, NULL, MS_BIND | MS_REC, NULL) &&
	       make_read_only(to);
}

static bool bring_proc(bool own)
{
	if (mkdir(ROOT "/proc", 0555))
		return false;
	/* another proc than the machine's may not be mounted where that one is partly hidden */
	if (own && !mount("proc", ROOT "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		return true;
	return !mount("/proc", ROOT "/proc", NULL, MS_BIND | MS_REC, NULL);
}

static bool change_root(void)
{
	return !mkdir(ROOT OLD, 0700) && !syscall(SYS_pivot_root, ROOT, ROOT OLD) && !chdir("/") &&
	       !umount2(OLD, MNT_DETACH) && !rmdir(OLD) &&
	       !mount(NULL, "/", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL);
}

/* All sources are opened before the first mount, which may hide them. */
static bool make_tree(const struct cb_cage *c)
{
	const char *paths[DIRS_MAX];
	int fds[DIRS_MAX], n = 0;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return false;
	for (const char *p = c->dirs.data; p < c->dirs.data + c->dirs.len && n < DIRS_MAX; p += strlen(p) + 1) {
		fds[n] = open(p, O_PATH | O_CLOEXEC);
		paths[n] = p;
		n += fds[n] >= 0;
	}
	if (mount("tmpfs", ROOT, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m"))
		return false;
	for (int i = 0; i < n; i++) {
		if (!bring(fds[i], paths[i]))
			return false;
		close(fds[i]);
	}
	return bring_proc(c->want & CB_CAGE_PID) && change_root();
}

/* ---- the child */

/* Not by libc's functions, which would speak to threads that only the parent has. */
static bool become(uid_t uid, gid_t gid)
{
	return !syscall(SYS_setresgid, gid, gid, gid) && !syscall(SYS_setresuid, uid, uid, uid);
}

/* What has been got, or 0: the child cannot go on. */
static unsigned enter(const struct cb_cage *c, unsigned got, bool mapped, bool root)
{
	if (got & CB_CAGE_USER && !mapped)
		return 0;
	if (root)
		syscall(SYS_setgroups, 0, NULL);
	/* In a namespace whose only user is nobody, only nobody can make files, and becoming it takes no privilege away: that
	 * comes with exec. */
	if (root && got & CB_CAGE_USER && !become(NOBODY, NOBODY))
		return 0;
	if (got & CB_CAGE_UTS && syscall(SYS_sethostname, "clang", 5))
		got &= ~(unsigned)CB_CAGE_UTS;
	if (got & CB_CAGE_FILES && !make_tree(c))
		return 0;
	if (root && !(got & CB_CAGE_USER) && !become(NOBODY, NOBODY))
		return 0;
	return got | ALIVE;
}

/* ---- the parent */

static bool write_file(pid_t pid, const char *name, const char *text)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text);
}

/* Root's child becomes nobody, whose files are nobody's; another user's stays that user. */
static bool map_user(pid_t pid, bool root)
{
	unsigned uid = root ? NOBODY : geteuid(), gid = root ? NOBODY : getegid();
	char text[64];

	if (!root)
		write_file(pid, "setgroups", "deny"); /* there since Linux 3.19 */
	snprintf(text, sizeof(text), "%u %u 1", gid, gid);
	if (!write_file(pid, "gid_map", text))
		return false;
	snprintf(text, sizeof(text), "%u %u 1", uid, uid);
	return write_file(pid, "uid_map", text);
}

static unsigned long clone_flags(unsigned want)
{
	return (want & CB_CAGE_USER ? CLONE_NEWUSER : 0) | (want & CB_CAGE_PID ? CLONE_NEWPID : 0) |
	       (want & CB_CAGE_NET ? CLONE_NEWNET : 0) | (want & CB_CAGE_IPC ? CLONE_NEWIPC : 0) |
	       (want & CB_CAGE_UTS ? CLONE_NEWUTS : 0) | (want & CB_CAGE_FILES ? CLONE_NEWNS : 0);
}

static pid_t clone_child(unsigned want)
{
#ifdef __s390x__
	return (pid_t)syscall(SYS_clone, 0, clone_flags(want) | SIGCHLD, 0, 0, 0);
#else
	return (pid_t)syscall(SYS_clone, clone_flags(want) | SIGCHLD, 0, 0, 0, 0);
#endif
}

static pid_t try(struct cb_cage *c, unsigned want)
{
	bool root = geteuid() == 0, mapped;
	int pair[2], status;
	unsigned got = 0;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	pid = clone_child(want);
	if (!pid) {
		if (recv(pair[1], &mapped, sizeof(mapped), 0) != sizeof(mapped))
			_exit(126);
		got = enter(c, want, mapped, root);
		if (send(pair[1], &got, sizeof(got), MSG_NOSIGNAL) != sizeof(got) || !got)
			_exit(126);
		close(pair[0]);
		close(pair[1]);
		return 0;
	}
	if (pid < 0)
		pid = -errno;
	close(pair[1]);
	if (pid > 0) {
		mapped = want & CB_CAGE_USER ? map_user(pid, root) : true;
		if (send(pair[0], &mapped, sizeof(mapped), MSG_NOSIGNAL) != sizeof(mapped) ||
		    recv(pair[0], &got, sizeof(got), 0) != sizeof(got) || !got) {
			kill(pid, SIGKILL);
			while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
				;
			pid = -EPERM;
		}
		c->got = got & ~(unsigned)ALIVE;
	}
	close(pair[0]);
	return pid;
}

pid_t cb_cage_fork(struct cb_cage *c)
{
	/* what is given up, step by step: a tree that some mount forbids, users, all */
	const unsigned without[] = {0, CB_CAGE_FILES, CB_CAGE_USER, CB_CAGE_USER | CB_CAGE_FILES, ~0U};
	pid_t pid = -EPERM;

	for (size_t i = 0; i < sizeof(without) / sizeof(*without) && pid < 0 && pid != -EAGAIN && pid != -ENOMEM; i++)
		pid = try(c, c->want & ~without[i]);
	return pid;
}
