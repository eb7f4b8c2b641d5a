/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * api.h - what a .so exports: the functions that coolbpf's and pylcc's clients call after dlopen().
 *
 * Functions that give an int return 0 (or what is said), and a negative errno after a sentence on standard error; of those
 * on map elements only the errno, because clients ask for what may not be there. A client may call lbc_get_map_types()
 * before lbc_bpf_init(), everything else after it.
 */
#ifndef CB_SOLIB_API_H
#define CB_SOLIB_API_H

#define LBC_EXPORT __attribute__((visibility("default")))

/* Load the object; attach != 0: attach every program that its section says how to attach. log_level is libbpf's: 0
 * warnings, 1 information, 2 all; below 0 none but what this fails of. */
LBC_EXPORT int lbc_bpf_init(int log_level, int attach);
/* Detach and unload all. Loops end before. Does nothing when nothing is loaded. */
LBC_EXPORT void lbc_bpf_exit(void);

/* JSON text, owned by the library: hash, arch, kern_version, maps, ffi. */
LBC_EXPORT const char *lbc_get_map_types(void);

/* The number of the map of this name, or -1. */
LBC_EXPORT int lbc_bpf_get_maps_id(char *name);

/* Who gets the events of a perf or ring buffer; lost may be NULL. cpu is -1 for a ring buffer, which does not say. */
LBC_EXPORT int lbc_set_event_cb(int id, void (*cb)(void *ctx, int cpu, void *data, unsigned int size),
				void (*lost)(void *ctx, int cpu, unsigned long long count));
/* Wait for events and hand them over, until a signal (-EINTR), lbc_bpf_exit() (0), or an error. timeout, in milliseconds
 * or -1, is how long to wait at a time, as it always was: the loop goes on behind it. */
LBC_EXPORT int lbc_event_loop(int id, int timeout);

/* Per-CPU maps have one value here: the sum of integers, else the first CPU's that is not all zero. An update sets the
 * first CPU's value, and the others' to zero. */
LBC_EXPORT int lbc_map_lookup_elem(int id, const void *key, void *value);
LBC_EXPORT int lbc_map_lookup_elem_flags(int id, void *key, void *value, unsigned long flags);
/* On kernels that cannot do that with this map: looked up, then deleted. */
LBC_EXPORT int lbc_map_lookup_and_delete_elem(int id, void *key, void *value);
LBC_EXPORT int lbc_map_delete_elem(int id, void *key);
LBC_EXPORT int lbc_map_update_elem(int id, void *key, void *value);
LBC_EXPORT int lbc_map_get_next_key(int id, void *key, void *next_key);

/* attrs is a JSON object: names of struct perf_event_attr's members, with numbers or texts of numbers. */
LBC_EXPORT int lbc_attach_perf_event(const char *func, const char *attrs, int pid, int cpu, int group_fd, int flags);
LBC_EXPORT int lbc_attach_kprobe(char *func, char *sym);
LBC_EXPORT int lbc_attach_kretprobe(char *func, char *sym);
/* pid -1: any process. The offset is into the file. */
LBC_EXPORT int lbc_attach_uprobe(char *func, int pid, char *binary_path, unsigned long func_offset);
LBC_EXPORT int lbc_attach_uretprobe(char *func, int pid, char *binary_path, unsigned long func_offset);
LBC_EXPORT int lbc_attach_tracepoint(char *func, char *tp_category, char *tp_name);
LBC_EXPORT int lbc_attach_raw_tracepoint(char *func, char *tp_name);
LBC_EXPORT int lbc_attach_cgroup(char *func, int cgroup_fd);
LBC_EXPORT int lbc_attach_netns(char *func, int netns);
LBC_EXPORT int lbc_attach_xdp(char *func, int ifindex);

#endif
