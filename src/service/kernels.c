// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* kernels.c - see kernels.h. */
#include "service/kernels.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/file.h"
#include "btf/bytes.h"
#include "compile/args.h"
#include "service/archive.h"

static const char RUNNING[] = "/sys/kernel/btf/vmlinux";

int cb_is_digest(const char *text)
{
	unsigned char bytes[CB_SHA256];

	return cb_unhex(text, bytes, sizeof(bytes));
}

int cb_unzstd(const void *data, size_t len, size_t max, void **out, size_t *out_len, struct cb_err *e)
{
	unsigned long long told = ZSTD_getFrameContentSize(data, len);
	size_t room = told <= max ? (size_t)told : max, n;
	char *to;

	if (told == ZSTD_CONTENTSIZE_ERROR)
		return cb_fail(e, EINVAL, "this is not zstd");
	if (told != ZSTD_CONTENTSIZE_UNKNOWN && told > max)
		return cb_fail(e, EFBIG, "unpacked, this has more than %zu bytes", max);
	to = malloc(room + 1);
	if (!to)
		return cb_fail(e, ENOMEM, "out of memory");
	n = ZSTD_decompress(to, room, data, len);
	if (ZSTD_isError(n)) {
		free(to);
		if (ZSTD_getErrorCode(n) == ZSTD_error_dstSize_tooSmall)
			return cb_fail(e, EFBIG, "unpacked, this has more than %zu bytes", max);
		return cb_fail(e, EINVAL, "this does not unpack: %s", ZSTD_getErrorName(n));
	}
	to[n] = '\0';
	*out = to;
	*out_len = n;
	return 0;
}

/* ---- The list --------------------------------------------------------------------------------------------------- */

static struct cb_kernel *add(struct cb_kernels *k, const char *arch, const char *release, const char *digest)
{
	struct cb_kernel *list = reallocarray(k->list, k->n + 1, sizeof(*list)), *one;

	if (!list)
		return NULL;
	k->list = list;
	one = &list[k->n++];
	*one = (struct cb_kernel){0};
	snprintf(one->arch, sizeof(one->arch), "%s", arch);
	snprintf(one->release, sizeof(one->release), "%s", release);
	snprintf(one->digest, sizeof(one->digest), "%.*s", CB_SHA256_HEX - 1, digest);
	return one;
}

static int compare(const void *pa, const void *pb)
{
	const struct cb_kernel *a = pa, *b = pb;
	int c = strcmp(a->arch, b->arch);

	if (!c)
		c = strverscmp(a->release, b->release);
	/* what is here is found first */
	if (!c)
		c = a->archived - b->archived;
	return c ? c : strcmp(a->digest, b->digest);
}

/* "5.10.0-1.el9.x86_64" is also found as "5.10.0-1.el9": distributions differ in what uname says. */
static bool is_release(const struct cb_kernel *k, const char *release)
{
	size_t len = strlen(release);

	return !strncmp(k->release, release, len) &&
	       (!k->release[len] || (k->release[len] == '.' && !strcmp(k->release + len + 1, k->arch)));
}

const struct cb_kernel *cb_kernels_find(const struct cb_kernels *k, const char *arch, const char *kernel)
{
	const char *wanted = *arch ? arch : k->arch;
	const struct cb_kernel *other = NULL;
	struct utsname u;

	if (!*kernel) {
		uname(&u);
		kernel = u.release;
	}
	for (size_t i = 0; i < k->n; i++) {
		const struct cb_kernel *one = &k->list[i];

		if (!strcmp(one->digest, kernel))
			return one;
		if (!*one->release || !is_release(one, kernel))
			continue;
		if (!strcmp(one->arch, wanted))
			return one;
		if (!other)
			other = one;
	}
	return *arch ? NULL : other;
}

void cb_kernels_free(struct cb_kernels *k)
{
	for (size_t i = 0; i < k->n; i++)
		free(k->list[i].path);
	free(k->list);
	*k = (struct cb_kernels){0};
}

/* ---- Files ------------------------------------------------------------------------------------------------------ */

/* Where the raw BTF of what is packed, sent or fetched is. NULL: no memory. */
static char *unpacked_path(const char *work_dir, const char *digest)
{
	char *path;

	return asprintf(&path, "%s/%s.btf", work_dir, digest) < 0 ? NULL : path;
}

/* Digest and path of raw BTF that is in memory or in a file. */
static int finish(struct cb_kernel *one, const void *btf, size_t size, const char *path, const char *work_dir,
		  struct cb_err *e)
{
	struct stat st;

	one->size = size;
	cb_sha256_hex(btf, size, one->digest);
	one->path = path ? strdup(path) : unpacked_path(work_dir, one->digest);
	if (!one->path)
		return cb_fail(e, ENOMEM, "out of memory");
	if (path)
		return 0;
	if (!stat(one->path, &st) && (size_t)st.st_size == size)
		return 0;
	return cb_file_write(one->path, btf, size, 0644, e);
}

static bool is_btf(const void *data, size_t size)
{
	struct btf_header h;

	if (size < sizeof(h))
		return false;
	memcpy(&h, data, sizeof(h));
	return h.magic == BTF_MAGIC;
}

static int read_file(struct cb_kernel *one, const char *path, bool packed, const char *work_dir, struct cb_err *e)
{
	char *data = NULL;
	void *raw = NULL;
	size_t len = 0, raw_len = 0;
	int err = cb_file_read(path, CB_BTF_MAX, &data, &len, e);

	if (err)
		return err;
	if (packed) {
		err = cb_unzstd(data, len, CB_BTF_MAX, &raw, &raw_len, e);
		free(data);
		if (err)
			return cb_fail_in(e, err, "%s", path);
		data = raw;
		len = raw_len;
	}
	err = is_btf(data, len) ? finish(one, data, len, packed ? NULL : path, work_dir, e)
				: cb_fail(e, EINVAL, "%s is no raw BTF", path);
	free(data);
	return err;
}

/* The name without its ending; false when it is not one of ours. */
static bool split_name(const char *name, char *stem, size_t size, bool *packed)
{
	static const char *const endings[] = {".btf", ".btf.zst"};
	size_t len = strlen(name);

	for (int i = 0; i < 2; i++) {
		size_t n = strlen(endings[i]);

		if (len <= n || strcmp(name + len - n, endings[i]))
			continue;
		snprintf(stem, size, "%.*s", (int)(len - n), name);
		*packed = i;
		return len - n < size;
	}
	return false;
}

/* arch: that of the directory, or NULL. */
static int add_file(struct cb_kernels *k, const char *path, const char *name, const char *arch, const char *work_dir,
		    struct cb_err *e)
{
	char stem[CB_KERNEL_NAME];
	const char *dot;
	struct cb_kernel *one;
	bool packed;
	int err;

	if (!split_name(name, stem, sizeof(stem), &packed))
		return 0;
	dot = strrchr(stem, '.');
	if (!arch)
		arch = dot ? cb_arch_known(dot + 1) : NULL;
	if (cb_is_digest(stem) && (one = add(k, "", "", stem)))
		one->sent = packed;
	else
		one = add(k, arch ? arch : k->arch, stem, "");
	if (!one)
		return cb_fail(e, ENOMEM, "out of memory");
	err = read_file(one, path, packed, work_dir, e);
	if (err)
		free(k->list[--k->n].path);
	return err;
}

static int add_dir(struct cb_kernels *k, const char *dir, const char *arch, const char *work_dir, struct cb_err *e)
{
	DIR *d = opendir(dir);
	struct dirent *de;
	char path[PATH_MAX];
	struct stat st;
	int err = 0;

	if (!d)
		return cb_fail(e, errno, "cannot read %s: %s", dir, strerror(errno));
	while (err != -ENOMEM && (de = readdir(d))) {
		struct cb_err why = {0};

		if (de->d_name[0] == '.' ||
		    snprintf(path, sizeof(path), "%s/%s", dir, de->d_name) >= (int)sizeof(path) || stat(path, &st))
			continue;
		if (S_ISDIR(st.st_mode))
			err = !arch && cb_arch_known(de->d_name)
				      ? add_dir(k, path, cb_arch_known(de->d_name), work_dir, &why)
				      : 0;
		else
			err = add_file(k, path, de->d_name, arch, work_dir, &why);
		if (err)
			fprintf(stderr, "coolbpf: %s\n", why.text);
	}
	closedir(d);
	return err == -ENOMEM ? cb_fail(e, ENOMEM, "out of memory") : 0;
}

static int add_running(struct cb_kernels *k, const char *work_dir, struct cb_err *e)
{
	struct cb_kernel *one;
	struct utsname u;

	uname(&u);
	snprintf(k->arch, sizeof(k->arch), "%s", u.machine);
	if (access(RUNNING, R_OK))
		return 0;
	one = add(k, u.machine, u.release, "");
	return one ? read_file(one, RUNNING, false, work_dir, e) : cb_fail(e, ENOMEM, "out of memory");
}

/* ---- The archive ------------------------------------------------------------------------------------------------ */

struct adding {
	struct cb_kernels *kernels;
	size_t local; /* so many were there before */
	const char *work_dir;
};

/* The same BTF in a file of this machine's. What a client has sent may go. */
static const struct cb_kernel *local_one(const struct adding *a, const char *digest)
{
	for (size_t i = 0; i < a->local; i++)
		if (!a->kernels->list[i].sent && !strcmp(a->kernels->list[i].digest, digest))
			return &a->kernels->list[i];
	return NULL;
}

static int add_archived(void *ctx, const char *arch, const char *release, const char *digest)
{
	struct adding *a = ctx;
	struct cb_kernel *one = add(a->kernels, arch, release, digest);
	const struct cb_kernel *local;

	if (!one)
		return -ENOMEM;
	local = local_one(a, digest);
	one->archived = !local;
	one->path = local ? strdup(local->path) : unpacked_path(a->work_dir, digest);
	return one->path ? 0 : -ENOMEM;
}

static int add_index(struct cb_kernels *k, const char *json, size_t len, const char *work_dir, struct cb_err *e)
{
	struct adding a = {.kernels = k, .local = k->n, .work_dir = work_dir};
	int err = cb_archive_read_index(json, len, add_archived, &a, e);

	return err ? cb_fail_in(e, err, "index.json of the archive") : 0;
}

/* Of those that are sorted. */
static void drop_twins(struct cb_kernels *k)
{
	size_t n = 0;

	for (size_t i = 0; i < k->n; i++) {
		const struct cb_kernel *last = n ? &k->list[n - 1] : NULL;

		if (last && !strcmp(last->arch, k->list[i].arch) && !strcmp(last->release, k->list[i].release) &&
		    !strcmp(last->digest, k->list[i].digest))
			free(k->list[i].path);
		else
			k->list[n++] = k->list[i];
	}
	k->n = n;
}

/* ---- All -------------------------------------------------------------------------------------------------------- */

int cb_kernels_read(struct cb_kernels *k, const char *dir, const char *index, size_t index_len, const char *work_dir,
		    struct cb_err *e)
{
	struct cb_kernels fresh = {0};
	int err = cb_mkdirs(work_dir, e);

	if (!err)
		err = add_running(&fresh, work_dir, e);
	if (!err && dir)
		err = add_dir(&fresh, dir, NULL, work_dir, e);
	if (!err && index)
		err = add_index(&fresh, index, index_len, work_dir, e);
	if (err) {
		cb_kernels_free(&fresh);
		return err;
	}
	if (fresh.n)
		qsort(fresh.list, fresh.n, sizeof(*fresh.list), compare);
	drop_twins(&fresh);
	cb_kernels_free(k);
	*k = fresh;
	return 0;
}

static void remove_file(const char *dir, const char *digest, const char *ending)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s%s", dir, digest, ending) < (int)sizeof(path))
		unlink(path);
}

/* But for the last one of all kernels. */
static struct cb_kernel *oldest_sent(const struct cb_kernels *k, uint64_t *bytes)
{
	struct cb_kernel *oldest = NULL;

	*bytes = 0;
	for (size_t i = k->n; i-- > 0;) {
		if (!k->list[i].sent)
			continue;
		*bytes += k->list[i].size;
		if (i + 1 < k->n)
			oldest = &k->list[i];
	}
	return oldest;
}

static void make_room(struct cb_kernels *k, const char *work_dir, const char *dir, uint64_t max)
{
	struct cb_kernel *one;
	uint64_t bytes;

	while ((one = oldest_sent(k, &bytes)) && bytes > max) {
		remove_file(work_dir, one->digest, ".btf");
		remove_file(work_dir, one->digest, ".idx"); /* what btf/index.h has made of it */
		remove_file(dir, one->digest, ".btf.zst");
		free(one->path);
		k->n--;
		memmove(one, one + 1, (size_t)(k->list + k->n - one) * sizeof(*one));
	}
}

int cb_kernels_add_upload(struct cb_kernels *k, const char *digest, const char *work_dir, const char *dir, uint64_t max)
{
	struct cb_kernel *one;
	struct stat st;

	if (cb_kernels_find(k, "", digest))
		return 0;
	one = add(k, "", "", digest);
	if (!one)
		return -ENOMEM;
	one->path = unpacked_path(work_dir, digest);
	if (!one->path) {
		k->n--;
		return -ENOMEM;
	}
	one->size = stat(one->path, &st) ? 0 : (size_t)st.st_size;
	one->sent = true;
	make_room(k, work_dir, dir, max);
	return 0;
}
