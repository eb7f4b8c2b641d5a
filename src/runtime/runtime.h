/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * runtime.h - what the files of this room share: the handle.
 *
 *   object.c   open and close                       hooks.c    does this kernel have that hook?
 *   meta.c     what lbc.h wrote into the BTF        choose.c   one hook of several, before load
 *   param.c    parameters from and to text          attach.c   links, and where each program says it goes
 *   load.c     load; what a refusal means           target.c   the words of LBC_ATTACH and section names
 *   lineinfo.c where a source line stands           links.c    one function per way of attaching, to probes
 *   events.c   ring and perf buffers                netlinks.c the same to networks and cgroups
 *   map.c      lookup, walk, sum                    binary.c   the files of user probes, and what is in them
 *   symbols.c  names for addresses (symbols.h lists its files)
 */
#ifndef CB_RUNTIME_H
#define CB_RUNTIME_H

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "coolbpf/coolbpf.h"

struct cb_param {
	const char *name; /* in the BTF */
	const char *help; /* in the BTF */
	char *type;	  /* as in C */
	uint32_t type_id;
	uint32_t offset; /* in .rodata */
	uint32_t size;
};

struct cb_prog {
	struct bpf_program *prog;
	const char *name;
	const char *section; /* without a leading '?' */
	const char *group;   /* LBC_ALTERNATIVE, or "" */
	const char *tagged;  /* LBC_ATTACH, or NULL */
	uint32_t func_id;    /* in the BTF, for the order of the source; 0 unknown */
	char *given;	     /* by coolbpf_program_target(), or NULL; "" means nowhere */
	char *hook;	     /* where it goes, known since the load; NULL: nowhere */
	char *reason;	     /* why it is not loaded, or NULL */
	bool optional;	     /* its section begins with '?': loaded in a group, or when it is given a target */
	bool skip;	     /* an alternative that is not taken, or optional */
	bool attached;
};

struct cb_evmap {
	struct cb_runtime_map *map;
	bool ring;
	uint32_t type_id;
	uint32_t type_size;
	uint32_t pages;		     /* of a perf buffer, per CPU */
	struct cb_runtime_map *room; /* the map NAME__lbc, where the programs count what did not fit; or NULL */
	coolbpf_event_fn fn;
	void *ctx;
	coolbpf_event_fn call; /* what each event goes to, and the event, but for what differs from one to the next */
	void *call_ctx;
	struct coolbpf_event event;
	struct perf_buffer *pb;
	bool kernel_counts; /* the kernel keeps count of what the perf buffer could not take */
	uint64_t received, lost;
	void *copy; /* an aligned copy of a perf sample */
	size_t copy_size;
	struct coolbpf *cb;
};

struct cb_runtime_map {
	struct bpf_map *map;
	const char *show, *hist; /* "" when the object says nothing */
	uint32_t key_type_id, value_type_id;
	bool internal;
};

/* One thing to undo. Exactly one of link, and undo, is set. */
struct cb_link {
	struct bpf_link *link;
	int (*undo)(struct cb_link *l);
	size_t prog; /* index */
	int fd;	     /* of a socket that we opened, of a map, or -1; closed by undo where it is ours */
	int ifindex, attach_type;
	bool hook_ours; /* the clsact qdisc was not there before */
	uint32_t handle, priority;
};

struct coolbpf {
	struct cb_err err;
	struct cb_log log;
	coolbpf_event_fn event_fn; /* for event maps without their own */
	void *event_ctx;

	char *btf_path; /* or NULL */
	char **cflags;
	char *clang;
	char *server, *token_file, *public_key, *ca_file, *arch; /* as in coolbpf_opts */

	char *name;
	char *data; /* the object's bytes */
	size_t size;
	struct bpf_object *obj;
	const struct btf *btf; /* the object's, never NULL after open */
	const char *about;
	int mini_btf_fd; /* a memory file with the part of the kernel's BTF that the relocations need, or -1 */
	int btf_err;	 /* negative: why there is none although the object needs it, in btf_why too; said at load */
	struct cb_err btf_why;
	bool has_ringbuf_type; /* that part, or the BTF that the user named, knows ring buffers */

	struct cb_param *params;
	size_t nparams;
	char *rodata; /* initial value of .rodata: where the parameters stand; NULL without one */
	size_t rodata_size;
	struct cb_buf text; /* the last value that coolbpf_param_get() showed */

	struct cb_prog *progs;
	size_t nprogs;
	struct cb_runtime_map *maps;
	size_t nmaps;
	struct cb_evmap *evmaps;
	size_t nevmaps;

	bool loaded;
	struct cb_link *links;
	size_t nlinks;
	struct ring_buffer *rb;
	int epoll_fd;
	int callback_error;
	bool unread; /* a callback stopped the last reading: there may be more */

	struct cb_buf libbpf_said; /* its warnings since the last cb_listen() */
	struct cb_hooks *hooks;	   /* what was found out about this kernel, or NULL */
};

/* meta.c: fill params, progs, maps, evmaps and about from the object and its BTF. */
int cb_meta_read(struct coolbpf *cb);
/* Index of a program; -1 with the sentence set to what programs there are. */
long cb_prog_find(struct coolbpf *cb, const char *name);
struct cb_runtime_map *cb_map_named(struct coolbpf *cb, const char *name);

/* param.c: append the value at p as text that cb_param_parse() takes. */
void cb_param_format(const struct coolbpf *cb, const struct cb_param *p, const void *value, struct cb_buf *out);
struct cb_param *cb_param_find(struct coolbpf *cb, const char *name);

/* object.c: everything that libbpf prints from here on in this thread belongs to this handle; cb_listen(NULL) ends it.
 * Warnings are kept in libbpf_said. */
void cb_listen(struct coolbpf *cb);
/* The tool's name (malloc'd) of a file's. */
char *cb_tool_name(const char *path);

/* source.c: the object (malloc'd) of a source: text, or what path holds. format: enum cb_format. */
int cb_source_compile(struct coolbpf *cb, const char *text, const char *path, int format, void **object, size_t *size);

/* source.c: the object (malloc'd) of a source: text, or what path holds. format: enum cb_format. */
int cb_source_compile(struct coolbpf *cb, const char *text, const char *path, int format, void **object, size_t *size);

/* choose.c: decide for each group and each section with "|" which hook is taken; before load. */
int cb_choose_hooks(struct coolbpf *cb);

/* hooks.c */
struct cb_hooks;
void cb_hooks_free(struct cb_hooks *h);
/* Does this kernel have it? kind is the part of the section name in front of the target ("kprobe", "fentry", ...), target
 * the rest. 0, or a negative errno with the reason in why. */
int cb_hook_probe(struct coolbpf *cb, const char *kind, const char *target, struct cb_err *why);
/* May this process load a tracing program at all? 0 or a negative errno. */
int cb_bpf_allowed(void);
/* Where tracefs is mounted, or NULL. */
const char *cb_tracefs(void);

/* target.c: the parts of a section name. kind points into a static table (NULL: not one that we know); *target to the rest
 * of the section ("" for none). */
struct cb_kind;
const struct cb_kind *cb_kind_of(const char *section, const char **target);
const char *cb_kind_name(const struct cb_kind *k);
/* The kind needs a target before load (its BTF id is part of the load). */
bool cb_kind_target_at_load(const struct cb_kind *k);
/* Attach prog i at target (NULL or "": where the section says). */
int cb_attach_at(struct coolbpf *cb, size_t i, const char *target);
/* Replace $name by the parameter's value. NULL with errno and the sentence set; the caller frees it. */
char *cb_target_expand(struct coolbpf *cb, const char *text);
/* The target of program i that section, tag or caller give, expanded, as malloc'd text: "" for none. NULL: as above. */
char *cb_target_of(struct coolbpf *cb, size_t i);

/* links.c: remember what coolbpf_detach() has to undo; taken over, which is to say undone, even when that fails. */
int cb_link_add_undo(struct coolbpf *cb, const struct cb_link *l, const char *what);
/* Undo all links from this index on, the last first. */
void cb_links_drop(struct coolbpf *cb, size_t from);

/* events.c */
/* Before load: make perf buffers of ring buffers where the kernel has none. */
int cb_events_prepare(struct coolbpf *cb);
/* After load. */
int cb_events_open(struct coolbpf *cb);
void cb_events_close(struct coolbpf *cb);

/* The kernel's own error, which should not leave it and does; libc has no words for it. */
enum { CB_ENOTSUPP = 524 };

/* load.c: a sentence for an errno that bpf() gave, with what to do about it. */
const char *cb_bpf_hint(int err);

#endif
