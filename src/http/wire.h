/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * wire.h - the grammar of HTTP/1.1 (RFC 9112) that requests and replies share: where a head ends, its lines, how long
 * the body is, chunks.
 *
 * Strict on purpose: where two readers could understand the same bytes in two ways (the root of request smuggling), the
 * message is refused. So a line ends with CRLF and nothing else, a line is never folded, a length is told once.
 */
#ifndef CB_HTTP_WIRE_H
#define CB_HTTP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct cb_field {
	const char *name, *value;
};

/* How far a head has been looked through, so that one that comes byte by byte is looked at once. Starts zeroed. */
struct cb_head_scan {
	size_t at;	/* where the line begins whose end is not there yet */
	unsigned lines; /* with the empty one */
};

/* The length of the head at data, with the empty line behind it (2: an empty line is all there is); 0: not all of it is
 * there; -EBADMSG: a line that does not end with CRLF, a zero byte. */
ssize_t cb_wire_head(struct cb_head_scan *scan, const char *data, size_t len);

/* Cut the line at *at out of a head that cb_wire_head() has measured: returns it with a zero in place of its CRLF and
 * moves *at to the next one. */
char *cb_wire_line(char **at);

/* One "Name: value" line, cut in place. 0 or -EBADMSG. */
int cb_wire_field(char *line, struct cb_field *out);

/* The first field of this name (in any case), or NULL. */
const char *cb_wire_find(const struct cb_field *fields, size_t n, const char *name);

/* Whether a list "a, b" holds this word, in any case. value may be NULL. */
bool cb_wire_has_word(const char *value, const char *word);

/* A token (RFC 9110, 5.6.2) of at least one character. */
bool cb_wire_is_token(const char *text);

/* A decimal number of digits alone; false when it is none or above max. */
bool cb_wire_number(const char *text, uint64_t max, uint64_t *out);

/* Percent escapes, in place; false for one that is none, or that hides a zero byte. */
bool cb_wire_unescape(char *text, bool plus_is_space);

/* How the length of a body is told. */
struct cb_framing {
	bool chunked, has_length;
	uint64_t length;
};

/* 0, or the HTTP status that fits what is wrong with it (400, 413, 501), with the reason in *why. */
int cb_wire_framing(const struct cb_field *fields, size_t n, struct cb_framing *out, const char **why);

/* A body in chunks, taken apart as it comes. Starts zeroed. */
struct cb_chunks {
	int state;
	unsigned digits; /* of the size that is being read */
	unsigned extra;	 /* bytes of extensions and trailers so far */
	uint64_t left;	 /* of the chunk */
};

/* Take the next bytes: returns how many of len were used, with a piece of the body in *data and *data_len (0: none in
 * these); or -EBADMSG. To be called until all is used or cb_chunks_done(). */
ssize_t cb_chunks_next(struct cb_chunks *c, const char *in, size_t len, const char **data, size_t *data_len);
bool cb_chunks_done(const struct cb_chunks *c);

#endif
