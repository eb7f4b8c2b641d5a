/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * loader.h - the loader inside each .so, for its own files.
 *
 * A client calls dlopen(), then the lbc_ functions of api.h, which have no handle: what is loaded is one static state, and
 * a .so holds one object. This room knows libbpf and the C library alone, and nothing of it is linked into coolbpf.
 *
 * Threads: maps may be read and written by any; each event map has one thread at a time, which sets its callbacks and
 * runs its loop; lbc_bpf_init(), lbc_bpf_exit() and lbc_attach_...() are for one thread at a time, as with libbpf.
 */
#ifndef CB_SOLIB_LOADER_H
#define CB_SOLIB_LOADER_H

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef void lbc_event_fn(void *ctx, int cpu, void *data, unsigned int size);
typedef void lbc_lost_fn(void *ctx, int cpu, unsigned long long count);

/* A map that carries events: one of the two buffers is there once the client has set its callbacks. */
struct lbc_events {
	struct perf_buffer *perf;
	struct ring_buffer *ring;
	lbc_event_fn *event;
	lbc_lost_fn *lost;
	struct bpf_map *room;		 /* counts, for each CPU, what found no place in the ring (lbc.h), or NULL */
	unsigned long long lost_already; /* told to the client */
	atomic_bool busy;		 /* a loop is under way */
};

struct lbc_map {
	struct bpf_map *map;
	int fd;
	bool percpu;
	bool sums;	     /* per CPU, and its values are integers, which are added up */
	unsigned int pages;  /* of a perf buffer, for each CPU */
	size_t value_stride; /* per CPU: bytes from one CPU's value to the next */
	struct lbc_events events;
};

struct lbc_loader {
	struct bpf_object *object; /* NULL: nothing is loaded */
	struct lbc_map *maps;	   /* a map's number for the client is its place here */
	int nmaps, ncpus;
	struct bpf_link **links;
	size_t nlinks;
	pid_t owner;	   /* the process that loaded: a child of fork() must not take its hooks away */
	int log_level;	   /* as libbpf's; below 0: none */
	int stop_fd;	   /* an eventfd: wakes all loops at the end */
	atomic_int nloops; /* that are under way */
	char said[4096];   /* the last that libbpf warned of, since lbc_forget() */
	size_t said_len;
	atomic_flag said_lock;
};

extern struct lbc_loader lbc_loader __attribute__((visibility("hidden")));

/* A sentence on standard error, with what libbpf had to say; returns -err. err is a positive errno. */
int lbc_fail(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* libbpf's next warnings belong to something new. */
void lbc_forget(void);

/* The map of this number, or NULL with a sentence that begins with the function's name. */
struct lbc_map *lbc_map_at(const char *function, int id);
/* The map of this name, or NULL. */
struct bpf_map *lbc_map_named(const char *name, const char *suffix);

/* maps.c: fill in lbc_loader.maps before the load (list) and after it (ready). */
int lbc_maps_list(void);
int lbc_maps_ready(void);

/* events.c */
void lbc_events_free(struct lbc_map *m);

/* attach.c: every program that its section says how to attach. */
int lbc_attach_all(void);
void lbc_detach_all(void);

/* perf_attr.c: from the JSON object of lbc_attach_perf_event(). -EINVAL with a sentence. */
struct perf_event_attr;
int lbc_perf_attr(const char *json, struct perf_event_attr *attr);

/* payload.c: the object and the text in this library; NULL in a bare template. */
const struct lbc_payload *lbc_payload(void);

#endif
