/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * wire.h - what the guest says to the host over a serial port: lines
 *
 *	@lab DIGEST JSON
 *
 * JSON is one object in ASCII without a newline, DIGEST 16 hexadecimal digits of cb_hash() over it. Anything else that comes
 * over the port (what a program writes to it, the kernel's own words if its console is there) is text, also in
 * front of a frame on the same line. A frame into which such text fell is no frame any more, but text.
 *
 * The messages; "t" is the kind:
 *
 *	hello	{release}			the agent runs
 *	beat	{}				each second
 *	begin	{job}
 *	data	{s, d}				bytes (base64) of the job's stream s: "out", "err", "work_out", "work_err", "kmsg"
 *	cut	{s, n}				n bytes are left out here
 *	end	{job, end, status, work, left, warned, message?, ready, total}
 *	bye	{why?}				it reboots; with why before its jobs are done
 */
#ifndef CB_LAB_WIRE_H
#define CB_LAB_WIRE_H

#include <stddef.h>
#include <jansson.h>

#include "base/buf.h"

enum { CB_WIRE_LINE = 16384 /* a line is at most so long, with its newline; of a longer one the rest is text again */ };

/* The same in both ends, or they would not understand each other: a text that stands in each program that has the agent. */
extern const char cb_wire_version[];

/* Append the frame; false when memory runs out or it does not fit into a line. */
bool cb_wire_frame(struct cb_buf *out, const json_t *message);

struct cb_wire {
	/* message is the wire's; it is freed when the call returns */
	void (*frame)(void *ctx, json_t *message);
	/* Without its newline; not terminated. */
	void (*text)(void *ctx, const char *line, size_t len);
	void *ctx;
	struct cb_buf line; /* what has come of the line that is not complete */
};

void cb_wire_feed(struct cb_wire *w, const void *data, size_t len);
/* Nothing more comes: what is there of a line is text. */
void cb_wire_end(struct cb_wire *w);
void cb_wire_free(struct cb_wire *w);

#endif
