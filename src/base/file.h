/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* file.h - whole files, directories, paths. Errors name the path and the reason (see err.h). */
#ifndef CB_FILE_H
#define CB_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/* Read a whole file (also one of /proc or /sys, whose size is not known beforehand). *data is malloc'd with a zero
 * behind its len bytes; the caller frees it. A file of more than max bytes is -EFBIG. */
int cb_file_read(const char *path, size_t max, char **data, size_t *len, struct cb_err *e);

/* Write a whole file so that other processes see the old one or the new one, never a part: a file without a name (where
 * that cannot be, with one of its own), fsync, rename. On an error nothing is left behind. A new file has this mode, less
 * the umask; one that is replaced keeps its own. What is not a regular file (a pipe, a terminal) or has
 * no name any more (/dev/stdout may be such a file) is just written to. */
int cb_file_write(const char *path, const void *data, size_t len, mode_t mode, struct cb_err *e);

/* All of len bytes to a descriptor, through short writes and EINTR; 0 or -errno. */
int cb_write_all(int fd, const void *data, size_t len);

/* mkdir -p, directories get mode 0755. */
int cb_mkdirs(const char *path, struct cb_err *e);

/* An empty file without a name that is gone when its descriptor is closed; another process that gets the descriptor, or
 * this one by /proc/self/fd/N, can use it. Returns the descriptor (close-on-exec, above 2), or -errno. name is for
 * people who look into /proc. */
int cb_file_nameless(const char *name);

/* The directory for this user's cached files (not created): $COOLBPF_CACHE, else $XDG_CACHE_HOME/coolbpf, else
 * $HOME/.cache/coolbpf, else /var/cache/coolbpf. out holds PATH_MAX bytes. */
void cb_cache_dir(char *out, size_t size);

#endif
