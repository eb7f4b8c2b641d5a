/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * output.h - typed values for people and programs.
 *
 * A plan (plan.c) is a BTF type compiled into a flat list of fields, each with its offset, how it prints and, for JSON,
 * its key already quoted; formatting a record walks that list and knows nothing of BTF any more.
 *
 *   BTF type --cb_plan_new--> plan --+-- cb_printer (table | JSON lines | CSV) --> descriptor
 *                                    +-- cb_filter  ("pid == 42 && comm ~ \"ngi*\"")
 *                                    +-- cb_show    (histogram, top N, table of a map)
 *                                    +-- cb_stacks  (folded, flame graph)
 */
#ifndef CB_OUTPUT_H
#define CB_OUTPUT_H

#include <bpf/btf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* ---- What the room cannot know by itself: names for addresses, asked of its user ------------------------------------ */

struct cb_resolver {
	void *ctx;
	/* Append the frames of a stack, innermost first, each as a zero-terminated name, to out; NULL op or a negative
	 * return: unknown. map_hint is the name of the field that holds the id. tgid is 0 when the record has none.
	 * Functions that were inlined end in "_[i]", those of a JIT compiler in "_[j]"; an address without a name is
	 * "[binary+0x12]", or "0x12" where no binary is known. */
	int (*stack)(void *ctx, bool user, int32_t id, uint32_t tgid, const char *map_hint, struct cb_buf *out);
	/* Append "symbol+0x12" for a kernel address. */
	int (*ksym)(void *ctx, uint64_t addr, struct cb_buf *out);
};

/* ---- Plan ----------------------------------------------------------------------------------------------------------- */

struct cb_plan;

/* type_id: a struct (its members are the fields; members of nested structs become outer.inner; anonymous ones are
 * entered), or anything else (one field named `name`). The BTF must outlive the plan; resolver may be NULL. */
struct cb_plan *cb_plan_new(const struct btf *btf, uint32_t type_id, const char *name, const struct cb_resolver *r,
			    struct cb_err *e);
void cb_plan_free(struct cb_plan *p);
/* Bytes that a record must have at least. */
size_t cb_plan_size(const struct cb_plan *p);
size_t cb_plan_fields(const struct cb_plan *p);
const char *cb_plan_field_name(const struct cb_plan *p, size_t i);
/* As in C: "lbc_ns_t", "char[16]", "enum mode". */
const char *cb_plan_field_type(const struct cb_plan *p, size_t i);
/* One field as people read it ("1.50ms", "10.0.0.1"). */
void cb_plan_text(const struct cb_plan *p, size_t i, const void *record, struct cb_buf *out);
/* The whole record as a JSON object without newline; a plan of one unnamed field gives its bare value. */
void cb_plan_json(const struct cb_plan *p, const void *record, struct cb_buf *out);

/* Text (up to its first NUL, at most len bytes) as a JSON string with its quotes. Bytes that are not UTF-8 (RFC 3629)
 * become U+FFFD each. */
void cb_json_quote(const char *text, size_t len, struct cb_buf *out);

/* ---- Printer: a stream of records ------------------------------------------------------------------------------------ */

enum cb_format { CB_TABLE, CB_JSON, CB_CSV };

struct cb_printer;

/* Writes to fd, which stays the caller's. Several printers (event types) may share one fd. To a pipe or terminal whole
 * lines are written after each cb_printer_flush(); to a file in large blocks. with_type: JSON objects get a member
 * "event": name first, when a tool has several event types. */
struct cb_printer *cb_printer_new(const struct cb_plan *p, enum cb_format format, int fd, const char *name,
				  bool with_type, struct cb_err *e);
/* Write pr's records through other's buffer, so that the records of both stay in order. Before pr's first record; both
 * have the same fd and format. */
void cb_printer_join(struct cb_printer *pr, struct cb_printer *other);
/* 0, or -EPIPE, -ENOSPC, ... of the write that failed (with a sentence naming it). */
int cb_printer_record(struct cb_printer *pr, const void *record, struct cb_err *e);
int cb_printer_flush(struct cb_printer *pr, struct cb_err *e);
void cb_printer_free(struct cb_printer *pr);

/* ---- Filter ---------------------------------------------------------------------------------------------------------- */

struct cb_filter;

/* Expression over the plan's fields: == != < <= > >= ~ (glob) !~ && || ! ( ) and bare fields; values are numbers (0x, K M
 * G, ns us ms s), "text", enum names, addresses (10.0.0.1, ::1), true, false. -EINVAL with the column and what is wrong;
 * an unknown field lists those there are. */
struct cb_filter *cb_filter_new(const struct cb_plan *p, const char *text, struct cb_err *e);
bool cb_filter_match(const struct cb_filter *f, const void *record);
void cb_filter_free(struct cb_filter *f);

/* ---- Maps ------------------------------------------------------------------------------------------------------------ */

struct cb_show;

struct cb_show_spec {
	const char *title; /* the map's name */
	const char *how;   /* LBC_SHOW's text; "" : "table", or a histogram when hist is not "" */
	const char *hist;  /* "log2", "log10", "" */
	const struct btf *btf;
	uint32_t key_type_id, value_type_id;
	enum cb_format format;
	const struct cb_resolver *resolver;
};

/* Collect a map's entries (one value each: per-CPU values already summed), then print them all as one block. */
struct cb_show *cb_show_new(const struct cb_show_spec *spec, struct cb_err *e);
int cb_show_add(struct cb_show *s, const void *key, const void *value);
/* Append the block and forget the entries. width: columns of the terminal, 0 unlimited. */
int cb_show_render(struct cb_show *s, unsigned width, struct cb_buf *out, struct cb_err *e);
/* What the values of a map shown as stacks count: "ns", "us", "ms", "bytes", or "samples". */
const char *cb_show_unit(const struct cb_show *s);
/* True when how ends in "clear". */
bool cb_show_clears(const struct cb_show *s);
void cb_show_free(struct cb_show *s);

/* ---- Stacks ---------------------------------------------------------------------------------------------------------- */

struct cb_stacks;

/* Weighted stacks: equal ones are added up. NULL: no memory. */
struct cb_stacks *cb_stacks_new(void);
/* frames: n names, outermost first, of any bytes. A ';' becomes ':', control characters blanks, bytes that are not UTF-8
 * U+FFFD, an empty name "[unknown]". No frames or no weight: nothing is added. 0 or -ENOMEM. */
int cb_stacks_add(struct cb_stacks *s, const char *const *frames, size_t n, uint64_t weight);
size_t cb_stacks_count(const struct cb_stacks *s);
/* "a;b;c 42" lines sorted by text. */
void cb_stacks_folded(const struct cb_stacks *s, struct cb_buf *out);
/* One self-contained SVG file: hover, click to zoom, search. unit: "ns", "us", "ms" (durations), "bytes", or a plural word
 * such as "samples". Names ending in "_[k]", "_[i]", "_[j]" (kernel, inlined, JIT) have their own hues. 0 or -ENOMEM. */
int cb_stacks_svg(const struct cb_stacks *s, const char *title, const char *unit, struct cb_buf *out);
/* Add the stack of one record with this weight: comm (if it has that), the frames of its lbc_ustack_t fields, and those of
 * its lbc_kstack_t fields with "_[k]" behind their names. Addresses without a name become the name of their binary, those in
 * a row one frame. A type without stacks adds nothing. 0 or -ENOMEM. */
int cb_plan_stacks(const struct cb_plan *p, const void *record, uint64_t weight, struct cb_stacks *s);
/* Add the stacks of the entries collected in a map, their values (or first integer) the weights, and forget the entries. */
int cb_show_stacks(struct cb_show *show, struct cb_stacks *s);
void cb_stacks_free(struct cb_stacks *s);

#endif
