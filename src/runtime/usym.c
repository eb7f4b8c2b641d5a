// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * usym.c - processes: what lies at an address of theirs.
 *
 *	process ---- mapping ----+                      (pid, start time; /proc/PID/maps at the first question)
 *	process ---- mapping ----+--> binary --+        (one file: device, inode, size, time of change)
 *	process ---- mapping -------> binary --+--> image   (one build id: symbols, DWARF)
 *
 * So a thousand processes, in whatever containers, share one table of libc. Binaries are identified at the first
 * question about a process, and those that are new are opened then: a process that has ended is still answered, also
 * where the file is deleted or its mount namespace is gone. Only so many descriptors are held for that; a file beyond
 * them has to be there still when it is needed.
 *
 * A file is opened by /proc/PID/map_files, which is the very file that is mapped, deleted or not, or, where that is not
 * allowed, by /proc/PID/root and its path, or /proc/PID/exe; these two must have the inode that the mapping shows.
 *
 * What is remembered of a process is checked now and then: an end is fine, another process of the same number starts
 * over, an address in no mapping has the maps read again.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "runtime/symbols.h"

enum {
	HELD_MAX = 128,		      /* descriptors of binaries that nobody asked about so far */
	CHECK_NS = 100 * 1000 * 1000, /* how long a process is taken to be still the same */
	REREAD_NS = 20 * 1000 * 1000, /* maps, and the map of a JIT, are not read again before that */
	PROC_FILE_MAX = 64 << 20,
	VDSO_MAX = 1 << 20,
	KNOWN_MIN = 4096, /* processes; with more, those that have ended are dropped */
};

struct cb_binary {
	int fd; /* held open for later, or -1 */
	bool tried;
	struct cb_image *image; /* of cb_usyms.images, or NULL */
};

/* A key of the map of binaries. */
struct identity {
	uint64_t device, inode, size, sec, nsec;
};

struct process {
	pid_t pid;
	bool loaded; /* false: forgotten */
	uint64_t start_time;
	uint64_t checked, read, jit_read; /* when, in ns */
	struct cb_maps maps;
	struct cb_perfmap jit;
	struct cb_binary vdso; /* without a descriptor */
};

struct cb_usyms {
	struct cb_hmap processes; /* by pid */
	size_t known_max;
	struct cb_hmap binaries; /* by struct identity */
	struct cb_hmap images;	 /* by build id and size, or by struct identity when there is none */
	unsigned held;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* ---- Binaries and images ---------------------------------------------------------------------------------------- */

/* Open the file of a mapping; -1 when it is out of reach. */
static int open_mapped(pid_t pid, const struct cb_mapping *m, struct stat *st)
{
	char path[3][PATH_MAX];

	snprintf(path[0], PATH_MAX, "/proc/%d/map_files/%lx-%lx", pid, (unsigned long)m->start, (unsigned long)m->end);
	snprintf(path[1], PATH_MAX, "/proc/%d/root%s", pid, m->path);
	snprintf(path[2], PATH_MAX, "/proc/%d/exe", pid);
	for (int i = 0; i < 3; i++) {
		int fd;

		/* ask before opening: opening a device or a pipe has effects */
		if (stat(path[i], st) || !S_ISREG(st->st_mode) || (i && st->st_ino != m->inode))
			continue;
		fd = open(path[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (fd < 0)
			continue;
		if (!fstat(fd, st) && S_ISREG(st->st_mode) && (!i || st->st_ino == m->inode))
			return fd;
		close(fd);
	}
	return -1;
}

static struct identity identity(const struct stat *st)
{
	return (struct identity){.device = st->st_dev,
				 .inode = st->st_ino,
				 .size = (uint64_t)st->st_size,
				 .sec = (uint64_t)st->st_mtim.tv_sec,
				 .nsec = (uint64_t)st->st_mtim.tv_nsec};
}

/* The binary of a mapping; NULL when its file is out of reach or there is no memory. */
static struct cb_binary *find_binary(struct cb_usyms *u, pid_t pid, const struct cb_mapping *m)
{
	struct cb_binary *b;
	struct identity id;
	struct stat st;
	int fd = open_mapped(pid, m, &st);

	if (fd < 0)
		return NULL;
	id = identity(&st);
	b = cb_hmap_get(&u->binaries, &id, sizeof(id));
	if (!b) {
		b = calloc(1, sizeof(*b));
		if (b && cb_hmap_put(&u->binaries, &id, sizeof(id), b)) {
			free(b);
			b = NULL;
		}
		if (b && u->held < HELD_MAX) {
			b->fd = fd;
			u->held++;
			return b;
		}
		if (b)
			b->fd = -1;
	}
	close(fd);
	return b;
}

/* Takes fd. */
static struct cb_image *find_image(struct cb_usyms *u, int fd, const struct stat *st, pid_t pid, const char *path)
{
	struct {
		struct identity file; /* with a build id only its size */
		unsigned char build_id[CB_BUILD_ID_MAX];
	} key = {.file = identity(st)};
	struct cb_image *img;
	char root[32];

	/* the size tells a stripped file from the same one with symbols */
	if (cb_file_build_id(fd, key.build_id))
		key.file = (struct identity){.size = (uint64_t)st->st_size};
	img = cb_hmap_get(&u->images, &key, sizeof(key));
	if (img) {
		close(fd);
		return img;
	}
	snprintf(root, sizeof(root), "/proc/%d/root", pid);
	img = cb_image_new(fd, path, root);
	if (img && cb_hmap_put(&u->images, &key, sizeof(key), img)) {
		cb_image_free(img);
		img = NULL;
	}
	return img;
}

static struct cb_image *binary_image(struct cb_usyms *u, struct cb_binary *b, pid_t pid, const struct cb_mapping *m)
{
	struct stat st;
	int fd = b->fd;

	if (b->tried)
		return b->image;
	b->tried = true;
	if (fd >= 0) {
		b->fd = -1;
		u->held--;
		if (fstat(fd, &st)) {
			close(fd);
			return NULL;
		}
	} else {
		fd = open_mapped(pid, m, &st);
		if (fd < 0)
			return NULL;
	}
	b->image = find_image(u, fd, &st, pid, m->path);
	return b->image;
}

/* The vdso is in no file: copied out of the process into one of ours. */
static int vdso_copy(pid_t pid, const struct cb_mapping *m)
{
	size_t size = m->end - m->start;
	int from, to = -1;
	char path[32];
	char *data;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	from = size <= VDSO_MAX ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (from < 0)
		return -1;
	data = malloc(size);
	if (data && pread(from, data, size, (off_t)m->start) == (ssize_t)size)
		to = memfd_create("coolbpf-vdso", MFD_CLOEXEC);
	if (to >= 0 && cb_write_all(to, data, size)) {
		close(to);
		to = -1;
	}
	free(data);
	close(from);
	return to;
}

/* ---- Processes -------------------------------------------------------------------------------------------------- */

/* Field 22 of /proc/PID/stat, in clock ticks since boot; 0 when the process is not there. */
static uint64_t start_time(pid_t pid)
{
	char path[32], text[1024];
	uint64_t v = 0;
	ssize_t n;
	char *p;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	/* the name in parentheses may hold anything, parentheses too */
	p = strrchr(text, ')');
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (p)
		v = strtoull(p + 1, NULL, 10);
	return v;
}

static bool is_vdso(const struct cb_mapping *m)
{
	return !m->inode && !strcmp(m->path, "[vdso]");
}

static bool may_be_jit(const struct cb_mapping *m)
{
	return !m->inode && m->path[0] != '[';
}

/* The pid by which the process knows itself: the last of NSpid in /proc/PID/status. */
static pid_t own_pid(pid_t pid, uid_t *uid)
{
	char path[32], *text, *line, *end;
	pid_t own = pid;
	size_t len;

	*uid = 0;
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (cb_file_read(path, PROC_FILE_MAX, &text, &len, NULL))
		return pid;
	line = strstr(text, "\nUid:");
	if (line)
		*uid = (uid_t)strtoul(line + 5, NULL, 10);
	line = strstr(text, "\nNSpid:");
	if (line) {
		line += 7;
		end = strchr(line, '\n');
		if (end)
			*end = '\0';
		for (char *p = line; *p;) {
			own = (pid_t)strtol(p, &p, 10);
			p += strspn(p, " \t");
			if (*p && (*p < '0' || *p > '9'))
				break;
		}
	}
	free(text);
	return own;
}

static void read_jit(struct process *p, uint64_t now)
{
	char path[80];
	uid_t uid;
	pid_t own;

	if (p->jit_read && now - p->jit_read < REREAD_NS)
		return;
	p->jit_read = now;
	own = own_pid(p->pid, &uid);
	snprintf(path, sizeof(path), "/proc/%d/root/tmp/perf-%d.map", p->pid, own);
	cb_perfmap_update(&p->jit, path, uid);
}

/* Read the maps (again). False, and what is known stays, when the process is not there. */
static bool read_maps(struct cb_usyms *u, struct process *p, uint64_t now)
{
	struct cb_maps maps;
	bool jit = false;
	char path[32];
	char *text;
	size_t len;

	p->read = now;
	snprintf(path, sizeof(path), "/proc/%d/maps", p->pid);
	if (cb_file_read(path, PROC_FILE_MAX, &text, &len, NULL))
		return false;
	/* the maps of a process that has just ended, and of kernel threads, are empty */
	if (cb_maps_parse(text, len, &maps))
		return false;
	if (!maps.count) {
		cb_maps_free(&maps);
		return false;
	}
	cb_maps_free(&p->maps);
	p->maps = maps;
	for (size_t i = 0; i < maps.count; i++) {
		struct cb_mapping *m = &maps.v[i];

		if (m->inode)
			m->binary = find_binary(u, p->pid, m);
		else if (is_vdso(m))
			m->binary = &p->vdso;
		jit = jit || may_be_jit(m);
	}
	if (jit)
		read_jit(p, now);
	return true;
}

static void forget(struct process *p)
{
	cb_maps_free(&p->maps);
	cb_perfmap_free(&p->jit);
	*p = (struct process){.pid = p->pid};
}

/* Drop the processes that have ended, when there are many. */
static void sweep(struct cb_usyms *u)
{
	struct cb_hmap kept = {0};
	struct process *p;
	size_t pos = 0;

	if (u->processes.used < u->known_max)
		return;
	while ((p = cb_hmap_next(&u->processes, &pos, NULL, NULL))) {
		bool gone = kill(p->pid, 0) && errno == ESRCH;

		if (!gone && p->loaded && !cb_hmap_put(&kept, &p->pid, sizeof(p->pid), p))
			continue;
		forget(p);
		free(p);
	}
	cb_hmap_free(&u->processes);
	u->processes = kept;
	u->known_max = kept.used * 2 > KNOWN_MIN ? kept.used * 2 : KNOWN_MIN;
}

/* The process, with its maps read; NULL when it is not there and never was asked about. */
static struct process *find_process(struct cb_usyms *u, pid_t pid, uint64_t now)
{
	struct process *p = cb_hmap_get(&u->processes, &pid, sizeof(pid));
	uint64_t started;

	if (p && p->loaded && now - p->checked < CHECK_NS)
		return p;
	started = start_time(pid);
	if (p && p->loaded && (!started || started == p->start_time)) {
		p->checked = now;
		return p;
	}
	if (!started)
		return NULL;
	if (!p) {
		sweep(u);
		p = calloc(1, sizeof(*p));
		if (!p)
			return NULL;
		p->pid = pid;
		if (cb_hmap_put(&u->processes, &pid, sizeof(pid), p)) {
			free(p);
			return NULL;
		}
	}
	forget(p);
	p->start_time = started;
	p->checked = now;
	p->loaded = read_maps(u, p, now);
	return p->loaded ? p : NULL;
}

struct cb_usyms *cb_usyms_new(void)
{
	struct cb_usyms *u = calloc(1, sizeof(*u));

	if (u)
		u->known_max = KNOWN_MIN;
	return u;
}

static struct cb_image *mapping_image(struct cb_usyms *u, struct process *p, struct cb_mapping *m)
{
	struct stat st;
	int fd;

	if (!m->binary)
		return NULL;
	if (m->binary != &p->vdso)
		return binary_image(u, m->binary, p->pid, m);
	if (!p->vdso.tried) {
		p->vdso.tried = true;
		fd = vdso_copy(p->pid, m);
		if (fd >= 0 && fstat(fd, &st))
			close(fd);
		else if (fd >= 0)
			p->vdso.image = find_image(u, fd, &st, p->pid, "[vdso]");
	}
	return p->vdso.image;
}

int cb_usyms_find(struct cb_usyms *u, pid_t pid, uint64_t addr, struct coolbpf_symbol *out, size_t max,
		  struct cb_err *e)
{
	const uint64_t now = now_ns();
	struct process *p = find_process(u, pid, now);
	const struct cb_jitsym *jit;
	struct cb_mapping *m;
	struct cb_image *img;
	int n = -ENOENT;

	if (!max)
		return 0;
	out[0] = (struct coolbpf_symbol){.name = "", .module = "", .file = ""};
	if (!p)
		return cb_fail(e, ENOENT, "cannot name 0x%llx: there is no process %d", (unsigned long long)addr, pid);
	m = cb_maps_find(&p->maps, addr);
	if (!m && now - p->read >= REREAD_NS && read_maps(u, p, now))
		m = cb_maps_find(&p->maps, addr);
	if (m) {
		out[0].module = m->path;
		out[0].offset = addr - m->start + m->offset;
		img = mapping_image(u, p, m);
		n = img ? cb_image_frames(img, out[0].offset, out, max) : -ENOENT;
		for (int i = 0; i < n; i++)
			out[i].module = m->path;
		if (n > 0)
			return n;
	}
	jit = cb_perfmap_find(&p->jit, addr);
	if (!jit) {
		read_jit(p, now);
		jit = cb_perfmap_find(&p->jit, addr);
	}
	if (jit) {
		out[0].name = p->jit.names.data + jit->name;
		out[0].offset = addr - jit->start;
		return 1;
	}
	if (m && *m->path)
		return cb_fail(e, ENOENT, "%s has no symbol for offset 0x%llx", m->path,
			       (unsigned long long)out[0].offset);
	return cb_fail(e, ENOENT, "process %d has no known code at 0x%llx", pid, (unsigned long long)addr);
}

void cb_usyms_forget(struct cb_usyms *u, pid_t pid)
{
	struct process *p = cb_hmap_get(&u->processes, &pid, sizeof(pid));

	if (p)
		forget(p);
}

void cb_usyms_free(struct cb_usyms *u)
{
	struct cb_binary *b;
	struct cb_image *img;
	struct process *p;
	size_t pos = 0;

	if (!u)
		return;
	while ((p = cb_hmap_next(&u->processes, &pos, NULL, NULL))) {
		forget(p);
		free(p);
	}
	for (pos = 0; (b = cb_hmap_next(&u->binaries, &pos, NULL, NULL)); free(b))
		if (b->fd >= 0)
			close(b->fd);
	for (pos = 0; (img = cb_hmap_next(&u->images, &pos, NULL, NULL));)
		cb_image_free(img);
	cb_hmap_free(&u->processes);
	cb_hmap_free(&u->binaries);
	cb_hmap_free(&u->images);
	free(u);
}
