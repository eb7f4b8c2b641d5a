// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* wire.c - see wire.h. */
#include "http/wire.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

enum {
	MAX_CHUNK_DIGITS = 15, /* of a chunk's size: below 2^60, so that sums do not overflow */
	MAX_EXTRA = 8192, /* bytes of chunk extensions and trailers, which nobody reads: a body is not made of them */
};

/* Which bytes may stand in a token (RFC 9110, 5.6.2). */
static const bool token_chars[256] = {
	['0' ... '9'] = true, ['A' ... 'Z'] = true,  ['a' ... 'z'] = true,
	['!'] = true,	      ['#' ... '\''] = true,			   /* # $ % & ' */
	['*' ... '+'] = true, ['-' ... '.'] = true,  ['^' ... '`'] = true, /* ^ _ ` */
	['|'] = true,	      ['~'] = true,
};

static bool in_token(char c)
{
	return token_chars[(unsigned char)c];
}

/* In a field's value (RFC 9110, 5.5): no control character but the tab. */
static bool in_value(char c)
{
	return c == '\t' || ((unsigned char)c >= ' ' && c != 0x7f);
}

ssize_t cb_wire_head(struct cb_head_scan *scan, const char *data, size_t len)
{
	const char *lf;

	while (scan->at < len && (lf = memchr(data + scan->at, '\n', len - scan->at))) {
		size_t i = (size_t)(lf - data);

		if (!i || data[i - 1] != '\r')
			return -EBADMSG;
		scan->lines++;
		if (i - 1 == scan->at)
			return memchr(data, '\0', i) ? -EBADMSG : (ssize_t)i + 1;
		scan->at = i + 1;
	}
	return 0;
}

char *cb_wire_line(char **at)
{
	char *line = *at, *end = strchr(line, '\n');

	end[-1] = '\0';
	*at = end + 1;
	return line;
}

bool cb_wire_is_token(const char *text)
{
	const char *p = text;

	while (in_token(*p))
		p++;
	return p > text && !*p;
}

int cb_wire_field(char *line, struct cb_field *out)
{
	char *p = line, *end;

	while (in_token(*p))
		p++;
	/* nothing between the name and its colon; a folded line begins with a space and fails here too */
	if (p == line || *p != ':')
		return -EBADMSG;
	*p++ = '\0';
	while (*p == ' ' || *p == '\t')
		p++;
	out->name = line;
	out->value = p;
	for (end = p; *p; p++) {
		if (!in_value(*p))
			return -EBADMSG;
		if (*p != ' ' && *p != '\t')
			end = p + 1;
	}
	*end = '\0';
	return 0;
}

const char *cb_wire_find(const struct cb_field *fields, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcasecmp(fields[i].name, name))
			return fields[i].value;
	return NULL;
}

bool cb_wire_has_word(const char *value, const char *word)
{
	size_t len = strlen(word), n;

	for (const char *p = value; p && *p; p += n) {
		p += strspn(p, ", \t");
		n = strcspn(p, ",");
		if (n >= len && !strncasecmp(p, word, len) && strspn(p + len, " \t") == n - len)
			return true;
	}
	return false;
}

bool cb_wire_number(const char *text, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9' || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*text - '0'), &v))
			return false;
	}
	*out = v;
	return v <= max;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool cb_wire_unescape(char *text, bool plus_is_space)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (*from == '%') {
			int high = hex_digit(from[1]), low = high < 0 ? -1 : hex_digit(from[2]);

			if (low < 0 || !(high | low))
				return false;
			*to++ = (char)(high << 4 | low);
			from += 2;
		} else {
			*to++ = *from == '+' && plus_is_space ? ' ' : *from;
		}
	}
	*to = '\0';
	return true;
}

static int take_length(const char *value, struct cb_framing *out, const char **why)
{
	if (out->has_length) {
		*why = "more than one Content-Length";
		return 400;
	}
	out->has_length = true;
	if (cb_wire_number(value, INT64_MAX, &out->length))
		return 0;
	*why = "Content-Length is not a number";
	if (!*value || strspn(value, "0123456789") != strlen(value))
		return 400;
	*why = "Content-Length is too large";
	return 413;
}

static int take_coding(const char *value, struct cb_framing *out, const char **why)
{
	if (out->chunked) {
		*why = "more than one Transfer-Encoding";
		return 400;
	}
	out->chunked = true;
	if (!strcasecmp(value, "chunked"))
		return 0;
	*why = "the only Transfer-Encoding here is chunked";
	return 501;
}

int cb_wire_framing(const struct cb_field *fields, size_t n, struct cb_framing *out, const char **why)
{
	int status = 0;

	*out = (struct cb_framing){0};
	for (size_t i = 0; i < n; i++) {
		int wrong = 0;

		if (!strcasecmp(fields[i].name, "Content-Length"))
			wrong = take_length(fields[i].value, out, why);
		else if (!strcasecmp(fields[i].name, "Transfer-Encoding"))
			wrong = take_coding(fields[i].value, out, why);
		status = status ? status : wrong;
	}
	/* whichever of the two is wrong: one that tells both wants to be understood in two ways */
	if (out->chunked && out->has_length) {
		*why = "both Content-Length and Transfer-Encoding";
		return 400;
	}
	return status;
}

enum chunk_state {
	CHUNK_SIZE, /* its digits */
	CHUNK_EXT,  /* ";..." behind them */
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER_START, /* of a line behind the last chunk */
	CHUNK_TRAILER_NAME,
	CHUNK_TRAILER_VALUE,
	CHUNK_TRAILER_LF,
	CHUNK_END_LF,
	CHUNK_DONE,
};

/* One byte of a chunk's frame: the next state, or -EBADMSG. */
static int chunk_step(struct cb_chunks *c, char ch)
{
	int digit = hex_digit(ch);

	if ((c->state == CHUNK_EXT || c->state >= CHUNK_TRAILER_START) && ++c->extra > MAX_EXTRA)
		return -EBADMSG;
	switch (c->state) {
	case CHUNK_SIZE:
		if (digit >= 0) {
			c->left = c->left << 4 | (unsigned)digit;
			return ++c->digits > MAX_CHUNK_DIGITS ? -EBADMSG : CHUNK_SIZE;
		}
		if (!c->digits)
			return -EBADMSG;
		return ch == '\r' ? CHUNK_SIZE_LF : ch == ';' ? CHUNK_EXT : -EBADMSG;
	case CHUNK_EXT:
		return ch == '\r' ? CHUNK_SIZE_LF : in_value(ch) ? CHUNK_EXT : -EBADMSG;
	case CHUNK_SIZE_LF:
		c->digits = 0;
		return ch != '\n' ? -EBADMSG : c->left ? CHUNK_DATA : CHUNK_TRAILER_START;
	case CHUNK_DATA_CR:
		return ch == '\r' ? CHUNK_DATA_LF : -EBADMSG;
	case CHUNK_DATA_LF:
		return ch == '\n' ? CHUNK_SIZE : -EBADMSG;
	case CHUNK_TRAILER_START:
		return ch == '\r' ? CHUNK_END_LF : in_token(ch) ? CHUNK_TRAILER_NAME : -EBADMSG;
	case CHUNK_TRAILER_NAME:
		return ch == ':' ? CHUNK_TRAILER_VALUE : in_token(ch) ? CHUNK_TRAILER_NAME : -EBADMSG;
	case CHUNK_TRAILER_VALUE:
		return ch == '\r' ? CHUNK_TRAILER_LF : in_value(ch) ? CHUNK_TRAILER_VALUE : -EBADMSG;
	case CHUNK_TRAILER_LF:
		return ch == '\n' ? CHUNK_TRAILER_START : -EBADMSG;
	case CHUNK_END_LF:
		return ch == '\n' ? CHUNK_DONE : -EBADMSG;
	default:
		return -EBADMSG;
	}
}

ssize_t cb_chunks_next(struct cb_chunks *c, const char *in, size_t len, const char **data, size_t *data_len)
{
	size_t i = 0;

	*data = in;
	*data_len = 0;
	while (i < len && c->state != CHUNK_DATA && c->state != CHUNK_DONE) {
		int next = chunk_step(c, in[i++]);

		if (next < 0)
			return next;
		c->state = next;
	}
	if (c->state == CHUNK_DATA) {
		*data = in + i;
		*data_len = len - i < c->left ? len - i : (size_t)c->left;
		c->left -= *data_len;
		i += *data_len;
		if (!c->left)
			c->state = CHUNK_DATA_CR;
	}
	return (ssize_t)i;
}

bool cb_chunks_done(const struct cb_chunks *c)
{
	return c->state == CHUNK_DONE;
}
