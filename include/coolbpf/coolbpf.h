/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * coolbpf.h - libcoolbpf: open, set up, load, attach and read BPF tools.
 *
 *	struct coolbpf *cb = coolbpf_new(NULL);
 *	if (!cb || coolbpf_open_file(cb, "tool.bpf.o") || coolbpf_param_set(cb, "min", "1ms") ||
 *	    coolbpf_on_event(cb, NULL, my_function, my_context) || coolbpf_load(cb) || coolbpf_attach(cb))
 *		fprintf(stderr, "%s\n", cb ? coolbpf_errmsg(cb) : "out of memory");
 *	while (!stop)
 *		coolbpf_poll(cb, 100);
 *	coolbpf_free(cb);
 *
 * Errors: a function that returns int returns 0 (or a count, where it says so) or a negative errno; one that returns a
 * pointer returns NULL and sets errno. Both leave a sentence for people on the handle, see coolbpf_errmsg(). The end of a
 * list, -ERANGE, is no failure and leaves none.
 *
 * Ownership: what a function returns as const belongs to the handle and lives until coolbpf_free(), unless it says
 * otherwise. Whoever calls a _new() function calls its _free(), which takes NULL too.
 *
 * Threads: a handle is used by one thread at a time; different handles are independent.
 *
 * Option structs begin with their own size (sz), set by the caller to sizeof; fields that a newer header adds at the
 * end are taken as zero when an older program passes its smaller struct.
 */
#ifndef COOLBPF_COOLBPF_H
#define COOLBPF_COOLBPF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bpf_map;
struct bpf_object;
struct bpf_program;
struct btf;
struct coolbpf;

/* The library's version, "0.1.0". */
const char *coolbpf_version(void);

/* ---- The handle ------------------------------------------------------------------------------------------------- */

enum coolbpf_log_level { COOLBPF_LOG_WARN, COOLBPF_LOG_INFO, COOLBPF_LOG_DEBUG };

struct coolbpf_opts {
	size_t sz;
	/* BTF of the kernel to run on: a raw BTF or ELF file, or a kernel image. NULL: $BPF_CUSTOM_BTF, else /sys/kernel/btf/vmlinux. */
	const char *btf_path;
	/* Called with everything there is to say up to log_level, one line without its newline at a time. NULL:
	 * silence. COOLBPF_LOG_INFO tells which hook of a group of alternatives was taken and why the others were not.
	 */
	void (*log)(void *ctx, enum coolbpf_log_level level, const char *text);
	void *log_ctx;
	enum coolbpf_log_level log_level;
	/* For sources: further arguments for clang (-D, -I, ...), ending with NULL, and the clang to run (NULL: $CLANG,
	 * else the newest clang or clang-N in $PATH). */
	const char *const *cflags;
	const char *clang;
	/* For sources: servers that compile instead of this machine: URLs (http://HOST[:PORT], https://...) with commas in
	 * between, which are tried in turn. NULL: $COOLBPF_SERVER, else what the configuration file says, else (and with
	 * a clang above) none; "none": none. See coolbpf(1) for the environment and the file. */
	const char *server;
	/* A file with the token that a server asks for; the server's public key (a PEM file or 64 hexadecimal digits):
	 * what it has not signed is refused; a PEM file with the certificates that servers are checked by (NULL: the
	 * system's). NULL: environment, else configuration file. */
	const char *token_file;
	const char *public_key;
	const char *ca_file;
	/* For sources: the architecture of the machine that the program is to run on, as uname -m says it ("aarch64", "x86_64", also
	 * "arm64", "amd64"). NULL: this machine's; for another one btf_path must be given. */
	const char *arch;
};

/* A handle for one tool. NULL opts: the defaults. NULL with ENOMEM, or EINVAL for an sz that cannot be. */
struct coolbpf *coolbpf_new(const struct coolbpf_opts *opts);
/* Detach everything, unload, free. */
void coolbpf_free(struct coolbpf *cb);
/* The sentence that the last failing call on this handle left: what failed, on what, why, what to do. May span lines
 * (compiler and verifier messages). "" when nothing has failed. */
const char *coolbpf_errmsg(const struct coolbpf *cb);

/* ---- Open: an object (ELF) or a source -------------------------------------------------------------------------- */

/* A name that ends in .c is compiled, anything else must be an object. Errors: -ENOENT and what else opening a file
 * gives; -ENOEXEC not an ELF file; -EINVAL another architecture, no programs, corrupt BTF, does not compile. */
int coolbpf_open_file(struct coolbpf *cb, const char *path);
/* An object in memory, copied. name is used in messages. */
int coolbpf_open_memory(struct coolbpf *cb, const void *data, size_t size, const char *name);
/* A source in memory. name ("tool.bpf.c") is used in messages and for #include "..." beside it. */
int coolbpf_open_source(struct coolbpf *cb, const char *text, const char *name);
/* The tool's name: the file's without directory and .bpf.c, .bpf.o, .o. */
const char *coolbpf_name(const struct coolbpf *cb);
/* What LBC_ABOUT says, or "". */
const char *coolbpf_about(const struct coolbpf *cb);
/* The object's bytes: what was opened, or what the compiler made. */
const void *coolbpf_object_data(const struct coolbpf *cb, size_t *size);
/* libbpf's object and the object's BTF, for what this library does not offer. They stay the handle's. */
struct bpf_object *coolbpf_bpf_object(const struct coolbpf *cb);
const struct btf *coolbpf_btf(const struct coolbpf *cb);

/* ---- Parameters (LBC_PARAM); set them between open and load ----------------------------------------------------- */

struct coolbpf_param {
	const char *name;
	const char *help;
	const char *type; /* as in C: "u32", "lbc_ns_t", "enum mode" */
	uint32_t type_id; /* in coolbpf_btf() */
	size_t size;
	/* the present value as text that coolbpf_param_set() takes back; valid until the next coolbpf_param_get() */
	const char *value;
};

size_t coolbpf_param_count(const struct coolbpf *cb);
/* The i-th, in the order of the source; -ERANGE past the end. */
int coolbpf_param_get(struct coolbpf *cb, size_t i, struct coolbpf_param *out);
/* Set from text, by the parameter's type: integers in decimal, 0x, 0, with K M G T (powers of 1024), durations with ns
 * us ms s m h (lbc_ns_t, lbc_us_t, lbc_ms_t), sizes, true/false/on/off/yes/no/1/0, enum names or values, characters of
 * a char array. -ENOENT no such parameter (the message lists those there are), -EINVAL not a value of this type (it
 * says what is), -ERANGE does not fit, -EBUSY already loaded. */
int coolbpf_param_set(struct coolbpf *cb, const char *name, const char *text);
/* Set from a value of exactly the parameter's size; -EINVAL otherwise. */
int coolbpf_param_set_value(struct coolbpf *cb, const char *name, const void *value, size_t size);

/* ---- Load and attach -------------------------------------------------------------------------------------------- */

/* Choose among alternative hooks, relocate, verify, load. -EACCES and -EINVAL with the verifier's last lines and the
 * source line they belong to; -EPERM with what right is missing. */
int coolbpf_load(struct coolbpf *cb);
/* Attach every program that was loaded and says where: by its section name, by LBC_ATTACH, or by
 * coolbpf_program_target(). Programs that say nothing stay unattached, unless no program says anything: -EINVAL. On an
 * error nothing stays attached. */
int coolbpf_attach(struct coolbpf *cb);
/* Detach everything; events already in the buffers can still be read, maps too. */
void coolbpf_detach(struct coolbpf *cb);

struct coolbpf_program {
	const char *name;
	const char *section;
	const char *hook; /* what was chosen or given as target, as text; "" before load and for programs without one */
	const char *group; /* LBC_ALTERNATIVE, or "" */
	bool loaded;	   /* false: an alternative that was not taken, or before load */
	bool attached;
	const char *reason; /* why it is not loaded, or "" */
	struct bpf_program *prog;
};

size_t coolbpf_program_count(const struct coolbpf *cb);
int coolbpf_program_get(const struct coolbpf *cb, size_t i, struct coolbpf_program *out);
/* Say where coolbpf_attach() attaches this program, in the words of LBC_ATTACH; before load. NULL: nowhere. -ENOENT. */
int coolbpf_program_target(struct coolbpf *cb, const char *program, const char *target);

/* Attach one program by hand, after load. Each adds a link that coolbpf_detach() removes; a program may be attached
 * more than once. program is its function's name. Errors are those of the kernel, -ENOENT for an unknown program,
 * function, file or interface, -EINVAL for a program of another type; the message says which. */
int coolbpf_attach_kprobe(struct coolbpf *cb, const char *program, const char *function, uint64_t offset, bool ret);
int coolbpf_attach_kprobe_multi(struct coolbpf *cb, const char *program, const char *pattern, bool ret);
/* binary: a path, or a library's name as in "libc" or "libc.so.6"; function: a symbol, or NULL with offset in the file;
 * pid: -1 any process, 0 this one. */
int coolbpf_attach_uprobe(struct coolbpf *cb, const char *program, const char *binary, const char *function,
			  uint64_t offset, pid_t pid, bool ret);
int coolbpf_attach_usdt(struct coolbpf *cb, const char *program, const char *binary, const char *provider,
			const char *name, pid_t pid);
int coolbpf_attach_tracepoint(struct coolbpf *cb, const char *program, const char *category, const char *name);
int coolbpf_attach_raw_tracepoint(struct coolbpf *cb, const char *program, const char *name);
/* fentry, fexit, fmod_ret, tp_btf, lsm: their target is part of the load; say it by the section name or
 * coolbpf_program_target(), then attach here. */
int coolbpf_attach_trace(struct coolbpf *cb, const char *program);
/* An iterator: its link, to be read through coolbpf_iter_fd(). */
int coolbpf_attach_iter(struct coolbpf *cb, const char *program);

struct coolbpf_perf_opts {
	size_t sz;
	uint32_t type;	 /* PERF_TYPE_* */
	uint64_t config; /* PERF_COUNT_* */
	uint64_t period; /* one of period and freq (per second) */
	uint64_t freq;
	pid_t pid;		  /* -1 every process, 0 this one */
	int cpu;		  /* -1 every CPU */
	uint64_t bp_addr, bp_len; /* PERF_TYPE_BREAKPOINT */
	uint32_t bp_type;
};

int coolbpf_attach_perf_event(struct coolbpf *cb, const char *program, const struct coolbpf_perf_opts *opts);
/* On one interface; flags are XDP_FLAGS_* (0: the kernel chooses). */
int coolbpf_attach_xdp(struct coolbpf *cb, const char *program, const char *interface, uint32_t flags);
int coolbpf_attach_tc(struct coolbpf *cb, const char *program, const char *interface, bool egress);
int coolbpf_attach_cgroup(struct coolbpf *cb, const char *program, const char *path);
/* To a socket that the caller has; it is not closed. */
int coolbpf_attach_socket(struct coolbpf *cb, const char *program, int socket_fd);
/* To a packet socket that this opens on an interface (NULL: all). */
int coolbpf_attach_socket_interface(struct coolbpf *cb, const char *program, const char *interface);
/* sk_skb (stream parser or verdict) and sk_msg programs: to a sockmap or sockhash of the same object. */
int coolbpf_attach_sockmap(struct coolbpf *cb, const char *program, const char *map);
/* In the words of LBC_ATTACH, for every program type. */
int coolbpf_attach_target(struct coolbpf *cb, const char *program, const char *target);

/* A descriptor to read an attached iterator's text from; the caller closes it. */
int coolbpf_iter_fd(struct coolbpf *cb, const char *program);

/* ---- Events ----------------------------------------------------------------------------------------------------- */

struct coolbpf_event {
	const char *map;  /* the event map's name */
	const void *data; /* aligned to 8 bytes; valid during the call */
	size_t size;	  /* at least the type's size when type_id is not 0 */
	uint32_t type_id; /* in coolbpf_btf(); 0: the object does not say */
	int cpu;	  /* of a perf buffer; -1 for a ring buffer, which does not tell */
};

/* Returns 0, or a negative value that stops the present poll and comes back from it. What stands behind that event is
 * left to the next poll; a loop on coolbpf_epoll_fd() must then call coolbpf_consume() once without being told to. */
typedef int (*coolbpf_event_fn)(void *ctx, const struct coolbpf_event *event);

/* Have fn called for each event of one map (NULL: of every map that has no function of its own); before load. -ENOENT
 * no such event map, -EBUSY already loaded. */
int coolbpf_on_event(struct coolbpf *cb, const char *map, coolbpf_event_fn fn, void *ctx);
/* Wait up to timeout_ms (-1: without end) and pass on what has come. Returns the number of events, 0 at a time-out or a
 * signal, or a negative errno. */
int coolbpf_poll(struct coolbpf *cb, int timeout_ms);
/* Pass on what is there without waiting. */
int coolbpf_consume(struct coolbpf *cb);
/* A descriptor that polls readable when coolbpf_consume() has something to do, for other event loops; stays the
 * handle's. Before load: -EINVAL. */
int coolbpf_epoll_fd(const struct coolbpf *cb);

struct coolbpf_event_map {
	const char *map;
	bool ring;	   /* ring buffer; otherwise perf buffer */
	uint32_t type_id;  /* of the event, in coolbpf_btf(); 0 unknown */
	uint64_t received; /* events passed on */
	uint64_t lost;	   /* events for which there was no room */
};

size_t coolbpf_event_map_count(const struct coolbpf *cb);
int coolbpf_event_map_get(struct coolbpf *cb, size_t i, struct coolbpf_event_map *out);

/* ---- Maps ------------------------------------------------------------------------------------------------------- */

struct coolbpf_map {
	const char *name;
	uint32_t type; /* BPF_MAP_TYPE_* */
	uint32_t key_size, value_size, max_entries;
	uint32_t key_type_id, value_type_id; /* in coolbpf_btf(); 0 unknown */
	const char *show;		     /* LBC_SHOW, or "" */
	const char *hist;		     /* "log2", "log10" (LBC_HIST2, LBC_HIST10), or "" */
	bool percpu;
	bool internal; /* .rodata and its like, and what lbc.h made for itself */
	int fd;	       /* -1 before load */
	struct bpf_map *map;
};

size_t coolbpf_map_count(const struct coolbpf *cb);
int coolbpf_map_get(const struct coolbpf *cb, size_t i, struct coolbpf_map *out);
int coolbpf_map_find(struct coolbpf *cb, const char *name, struct coolbpf_map *out); /* -ENOENT lists the maps */

/* key and value have the map's sizes. Values of per-CPU maps: one value per possible CPU, each in a place of value_size
 * rounded up to 8 bytes; coolbpf_map_value_room() is the size of all. -ENOENT no such entry. */
size_t coolbpf_map_value_room(const struct coolbpf_map *m);
int coolbpf_map_lookup(struct coolbpf *cb, const char *map, const void *key, void *value);
int coolbpf_map_update(struct coolbpf *cb, const char *map, const void *key, const void *value, uint64_t flags);
int coolbpf_map_delete(struct coolbpf *cb, const char *map, const void *key);
/* Sum a per-CPU value (one place per CPU, as above) into out (value_size bytes): integers, and the integer members and
 * array elements of structs, are added; everything else is taken from the first CPU where it is not zero. */
int coolbpf_map_sum(struct coolbpf *cb, const struct coolbpf_map *m, const void *value, void *out);

/* Return other than 0 to stop; a negative value comes back from coolbpf_map_each(). */
typedef int (*coolbpf_map_fn)(void *ctx, const void *key, const void *value);

enum { COOLBPF_EACH_DELETE = 1 /* take the entries out of the map while reading them */ };

/* Every entry, in the map's order; in batches where the kernel has them. Entries that are added or removed meanwhile
 * may or may not be seen; an entry that stays is seen once. Values of per-CPU maps come as for lookup. */
int coolbpf_map_each(struct coolbpf *cb, const char *map, unsigned flags, coolbpf_map_fn fn, void *ctx);
/* The addresses of one stack, innermost first; returns how many (at most max), -ENOENT for an id that is not there. */
int coolbpf_map_stack(struct coolbpf *cb, const char *map, int32_t id, uint64_t *addrs, size_t max);

/* ---- Symbols ---------------------------------------------------------------------------------------------------- */

struct coolbpf_symbols;

struct coolbpf_symbol {
	const char *name;   /* demangled; valid until the next call on the same handle */
	uint64_t offset;    /* from the symbol's start; 0 for an inlined frame */
	const char *module; /* kernel module, or path of the binary; "" for the kernel itself */
	const char *file;   /* source file, or "" */
	unsigned line;	    /* or 0 */
	bool inlined;	    /* the next frame out is the function it was inlined into */
};

/* Names for addresses of the kernel and of processes. Costs nothing until the first question. */
struct coolbpf_symbols *coolbpf_symbols_new(void);
void coolbpf_symbols_free(struct coolbpf_symbols *s);
/* The sentence that the last failing call on this handle left; "" when nothing has failed. */
const char *coolbpf_symbols_errmsg(const struct coolbpf_symbols *s);
/* -ENOENT: unknown. -EPERM: the kernel hides its addresses (kernel.kptr_restrict). */
int coolbpf_symbols_kernel(struct coolbpf_symbols *s, uint64_t addr, struct coolbpf_symbol *out);
/* The frames of one user address of a process, innermost first: more than one where functions were inlined. Returns how
 * many (at most max), or -ENOENT; where at least the file is known, out[0] then has it as module, with the offset in
 * it, and "" as name. A process that has ended is remembered if it was asked about before. A return address names the
 * instruction after the call: for those ask for one less. */
int coolbpf_symbols_user(struct coolbpf_symbols *s, pid_t pid, uint64_t addr, struct coolbpf_symbol *out, size_t max);
/* Forget what is known of a process (it has exec'ed, or its maps have changed); pid 0: of the kernel (modules or BPF
 * programs have come or gone). */
void coolbpf_symbols_forget(struct coolbpf_symbols *s, pid_t pid);

#ifdef __cplusplus
}
#endif

#endif /* COOLBPF_COOLBPF_H */
