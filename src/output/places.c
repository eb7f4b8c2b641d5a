// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * places.c - control groups and block devices by number; see places.h.
 *
 * A control group's id is the inode number of its directory in the cgroup2 hierarchy, so one walk over that hierarchy
 * names them all. Groups come and go: an id that is not known starts another walk, but at most one a second, for events
 * from a group that has ended would otherwise walk the tree each time. Names of groups that have ended are kept.
 */
#include "output/places.h"

#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/hmap.h"

struct cb_places {
	char *root; /* of the cgroup2 hierarchy, "" when there is none */
	struct cb_hmap cgroups, devs;
	time_t walked; /* CLOCK_MONOTONIC seconds of the last walk, 0 never */
};

/* mountinfo (proc(5)): "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw"; the fifth word is the mount point. */
static char *find_cgroup_root(void)
{
	char *text, *line, *rest, *root = NULL;
	size_t len;

	if (cb_file_read("/proc/self/mountinfo", 16 << 20, &text, &len, NULL))
		return strdup("");
	for (line = strtok_r(text, "\n", &rest); line && !root; line = strtok_r(NULL, "\n", &rest)) {
		char point[PATH_MAX];

		if (strstr(line, " - cgroup2 ") && sscanf(line, "%*s %*s %*s %*s %4095s", point) == 1)
			root = strdup(point);
	}
	free(text);
	return root ? root : strdup("");
}

struct cb_places *cb_places_new(const char *cgroup_root)
{
	struct cb_places *p = calloc(1, sizeof(*p));

	/* without a root given it is looked for at the first question: most plans never ask */
	if (p && cgroup_root && !(p->root = strdup(cgroup_root))) {
		free(p);
		return NULL;
	}
	return p;
}

static void free_names(struct cb_hmap *m)
{
	size_t pos = 0;
	void *name;

	while ((name = cb_hmap_next(m, &pos, NULL, NULL)))
		free(name);
	cb_hmap_free(m);
}

void cb_places_free(struct cb_places *p)
{
	if (!p)
		return;
	free_names(&p->cgroups);
	free_names(&p->devs);
	free(p->root);
	free(p);
}

static void remember(struct cb_hmap *m, uint64_t id, const char *name)
{
	char *old = cb_hmap_get(m, &id, sizeof(id)), *copy;

	if (old && !strcmp(old, name))
		return;
	copy = strdup(name);
	if (!copy || cb_hmap_put(m, &id, sizeof(id), copy))
		free(copy);
	else
		free(old);
}

static void walk_cgroups(struct cb_places *p)
{
	size_t root_len = strlen(p->root);
	char *roots[] = {p->root, NULL};
	FTSENT *entry;
	FTS *fts;

	if (!root_len)
		return;
	fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	if (!fts)
		return;
	while ((entry = fts_read(fts)))
		if (entry->fts_info == FTS_D)
			remember(&p->cgroups, entry->fts_statp->st_ino,
				 entry->fts_path[root_len] ? entry->fts_path + root_len : "/");
	fts_close(fts);
}

const char *cb_places_cgroup(struct cb_places *p, uint64_t id)
{
	const char *name = cb_hmap_get(&p->cgroups, &id, sizeof(id));
	struct timespec now;

	if (name)
		return name;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (p->walked && now.tv_sec - p->walked < 1)
		return NULL;
	p->walked = now.tv_sec ? now.tv_sec : 1;
	if (!p->root && !(p->root = find_cgroup_root()))
		return NULL;
	walk_cgroups(p);
	return cb_hmap_get(&p->cgroups, &id, sizeof(id));
}

const char *cb_places_dev(struct cb_places *p, uint32_t dev)
{
	uint64_t id = dev;
	const char *name = cb_hmap_get(&p->devs, &id, sizeof(id));
	char link[64], target[PATH_MAX];
	ssize_t n;

	if (name)
		return *name ? name : NULL;
	snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", dev >> 20, dev & 0xfffff);
	n = readlink(link, target, sizeof(target) - 1);
	target[n < 0 ? 0 : n] = '\0';
	name = strrchr(target, '/');
	/* that there is none is remembered too, as "" */
	remember(&p->devs, id, name ? name + 1 : "");
	name = cb_hmap_get(&p->devs, &id, sizeof(id));
	return name && *name ? name : NULL;
}
