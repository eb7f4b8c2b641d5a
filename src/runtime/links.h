/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * links.h - one function per way of attaching. i is the program's index; the handle is loaded. Each checks the program's
 * type, attaches, remembers the link, and on failure leaves a sentence that names program, target, reason and remedy.
 */
#ifndef CB_LINKS_H
#define CB_LINKS_H

#include "runtime/runtime.h"

int cb_attach_kprobe(struct coolbpf *cb, size_t i, const char *function, uint64_t offset, bool ret);
int cb_attach_kprobe_multi(struct coolbpf *cb, size_t i, const char *pattern, bool ret);
int cb_attach_ksyscall(struct coolbpf *cb, size_t i, const char *name, bool ret);
int cb_attach_uprobe(struct coolbpf *cb, size_t i, const char *binary, const char *function, uint64_t offset, pid_t pid,
		     bool ret);
int cb_attach_usdt(struct coolbpf *cb, size_t i, const char *binary, const char *provider, const char *name, pid_t pid);
int cb_attach_tracepoint(struct coolbpf *cb, size_t i, const char *category, const char *name);
int cb_attach_raw_tracepoint(struct coolbpf *cb, size_t i, const char *name);
int cb_attach_trace(struct coolbpf *cb, size_t i);
int cb_attach_iter(struct coolbpf *cb, size_t i);
int cb_attach_perf(struct coolbpf *cb, size_t i, const struct coolbpf_perf_opts *o);
int cb_attach_xdp(struct coolbpf *cb, size_t i, const char *interface, uint32_t flags);
int cb_attach_tc(struct coolbpf *cb, size_t i, const char *interface, bool egress);
/* ours: the socket is closed with the link, and on an error. */
int cb_attach_socket(struct coolbpf *cb, size_t i, int socket_fd, bool ours);
int cb_attach_socket_interface(struct coolbpf *cb, size_t i, const char *interface);
int cb_attach_cgroup(struct coolbpf *cb, size_t i, const char *path);
int cb_attach_sockmap(struct coolbpf *cb, size_t i, const char *map);
int cb_attach_auto(struct coolbpf *cb, size_t i);

/* The file that a uprobe means: a path as it is, or the shared library that a bare name ("libc", "c", "libssl.so.3")
 * finds in the directories of the dynamic linker. out holds PATH_MAX. -ENOENT. */
int cb_find_binary(const char *name, char *out, size_t size);
/* Has the file this function, or, with a provider, this USDT marker? */
bool cb_binary_has(const char *path, const char *provider, const char *name);

/* Does this machine have the event that "EVENT[,option=value...]" (changed) asks for? 0, or a negative errno and why. */
int cb_perf_probe(struct coolbpf *cb, char *target, struct cb_err *why);
/* Open an event and nothing else; a descriptor, or a negative errno. */
int cb_perf_open(const struct coolbpf_perf_opts *o, int cpu);

#endif
