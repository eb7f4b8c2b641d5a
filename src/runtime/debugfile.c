// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * debugfile.c - where the separate debug file of a binary is, and files that others may change.
 *
 * Looked at in this order, on this machine and, for a process in a container, in its own root:
 *
 *	/usr/lib/debug/.build-id/93/ac61...8540.debug      by build id
 *	DIR/LINK   DIR/.debug/LINK   /usr/lib/debug/DIR/LINK   by .gnu_debuglink, DIR being the binary's directory
 *
 * A file found by its link must have the binary's build id, or, where that has none, the checksum of the link. We do not
 * use libdwfl's own search: with $DEBUGINFOD_URLS set it would wait for servers on the Internet in the middle of a trace.
 */
#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/symbols.h"

static const char debug_dir[] = "/usr/lib/debug";

enum { COPY_MAX = 512 << 20 };

static int copy(int from, off_t size)
{
	int to = memfd_create("coolbpf-symbols", MFD_CLOEXEC);
	off_t at = 0;

	while (to >= 0 && at < size) {
		ssize_t n = sendfile(to, from, &at, (size_t)(size - at));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			close(to);
			to = -1;
		}
	}
	return to;
}

int cb_file_own(int fd)
{
	struct stat st;
	int mine = -1;

	if (!fstat(fd, &st) && S_ISREG(st.st_mode)) {
		if ((!st.st_uid || st.st_uid == geteuid()) && !(st.st_mode & (S_IWGRP | S_IWOTH)))
			return fd;
		if (st.st_size <= COPY_MAX)
			mine = copy(fd, st.st_size);
	}
	close(fd);
	return mine;
}

static int open_own(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? -1 : cb_file_own(fd);
}

/* The checksum of .gnu_debuglink: the CRC-32 of IEEE 802.3, bits reflected, over the whole file. */
static bool has_crc(int fd, uint32_t want)
{
	uint32_t table[256], crc = ~0u;
	unsigned char piece[16384];
	off_t at = 0;
	ssize_t n;

	for (uint32_t i = 0; i < 256; i++) {
		table[i] = i;
		for (int bit = 0; bit < 8; bit++)
			table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320 : 0);
	}
	while ((n = pread(fd, piece, sizeof(piece), at)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			crc = crc >> 8 ^ table[(crc ^ piece[i]) & 0xff];
		at += n;
	}
	return !n && ~crc == want;
}

size_t cb_file_build_id(int fd, unsigned char id[CB_BUILD_ID_MAX])
{
	Elf *elf;
	const void *found;
	ssize_t len;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	len = elf ? dwelf_elf_gnu_build_id(elf, &found) : -1;
	if (len < 2 || len > CB_BUILD_ID_MAX)
		len = 0;
	memcpy(id, len ? found : "", (size_t)len);
	elf_end(elf);
	return (size_t)len;
}

static bool has_build_id(int fd, const unsigned char *id, int len)
{
	unsigned char found[CB_BUILD_ID_MAX];

	return cb_file_build_id(fd, found) == (size_t)len && !memcmp(found, id, (size_t)len);
}

static int by_build_id(const char *root, const unsigned char *id, int len)
{
	char path[PATH_MAX], hex[2 * CB_BUILD_ID_MAX + 1];
	int fd;

	if (len < 2 || len > CB_BUILD_ID_MAX)
		return -1;
	for (int i = 0; i < len; i++)
		sprintf(hex + 2 * i, "%02x", id[i]);
	snprintf(path, sizeof(path), "%s%s/.build-id/%.2s/%s.debug", root, debug_dir, hex, hex + 2);
	fd = open_own(path);
	if (fd >= 0 && !has_build_id(fd, id, len)) {
		close(fd);
		return -1;
	}
	return fd;
}

static int by_link(const char *root, const char *binary, const char *link, GElf_Word crc, const unsigned char *id,
		   int id_len)
{
	const char *slash = strrchr(binary, '/');
	int dir_len = slash ? (int)(slash - binary) : 0;
	const char *const forms[][2] = {{"", ""}, {"", "/.debug"}, {debug_dir, ""}};

	/* the link is a file's name: the binary does not get to choose a directory */
	if (strchr(link, '/') || binary[0] != '/')
		return -1;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		char path[PATH_MAX];
		int fd;

		if ((size_t)snprintf(path, sizeof(path), "%s%s%.*s%s/%s", root, forms[i][0], dir_len, binary,
				     forms[i][1], link) >= sizeof(path))
			continue;
		fd = open_own(path);
		if (fd < 0)
			continue;
		if (id_len > 0 ? has_build_id(fd, id, id_len) : has_crc(fd, crc))
			return fd;
		close(fd);
	}
	return -1;
}

/* dwz moves what several debug files have in common into one more; its name is relative to the debug file's. Only
 * debug files of packages have one, so it must lie in /usr/lib/debug. */
static int common_file(const char *debug_file, const char *link)
{
	char path[PATH_MAX], real[PATH_MAX];
	const char *slash = strrchr(debug_file, '/');

	if (link[0] == '/')
		snprintf(path, sizeof(path), "%s", link);
	else if ((size_t)snprintf(path, sizeof(path), "%.*s/%s", slash ? (int)(slash - debug_file) : 0, debug_file,
				  link) >= sizeof(path))
		return -1;
	if (!realpath(path, real) || strncmp(real, debug_dir, sizeof(debug_dir) - 1))
		return -1;
	return open_own(real);
}

int cb_debugfile_find(Dwfl_Module *mod, void **userdata, const char *modname, Dwarf_Addr base, const char *file_name,
		      const char *link, GElf_Word crc, char **found)
{
	const struct cb_debugfile_request *rq = userdata ? *userdata : NULL;
	const unsigned char *id = NULL;
	GElf_Addr note;
	int id_len, fd = -1;

	*found = NULL;
	errno = 0;
	if (!rq)
		return -1;
	/* libdwfl asks for the common file of dwz in the same words, but without a checksum */
	if (link && !crc)
		return file_name ? common_file(file_name, link) : -1;
	id_len = dwfl_module_build_id(mod, &id, &note);
	for (int own = 0; own < 2 && fd < 0; own++) {
		const char *root = own ? rq->root : "";

		if (own && !*root)
			break;
		fd = by_build_id(root, id, id_len);
		if (fd < 0 && link)
			fd = by_link(root, rq->path, link, crc, id, id_len);
	}
	errno = 0;
	return fd;
}
