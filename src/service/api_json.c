// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * api_json.c - requests and answers as JSON (see api.h).
 *
 * What comes from a server is read with suspicion: every field by its type and range, and what is missing is either allowed
 * to be or named.
 */
#include "service/api.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static int no_memory(struct cb_err *e)
{
	return cb_fail(e, ENOMEM, "out of memory");
}

/* ---- The request ------------------------------------------------------------------------------------------------ */

/* Bytes of the UTF-8 character at p, 0 when it is none (RFC 3629). */
static size_t utf8_char(const unsigned char *p, size_t left)
{
	static const struct {
		unsigned char first_low, first_high, second_low, second_high, bytes;
	} forms[] = {
		{0x01, 0x7f, 0, 0, 1},	     {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		size_t n = forms[i].bytes;

		if (*p < forms[i].first_low || *p > forms[i].first_high)
			continue;
		if (n > left || (n > 1 && (p[1] < forms[i].second_low || p[1] > forms[i].second_high)))
			return 0;
		for (size_t k = 2; k < n; k++)
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		return n;
	}
	return 0;
}

/* JSON carries text: say where one is none. */
static int check_text(const char *name, const char *text, size_t len, struct cb_err *e)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + len;
	unsigned line = 1;
	size_t n;

	for (; p < end; p += n) {
		n = utf8_char(p, (size_t)(end - p));
		if (!n)
			return cb_fail(e, EINVAL,
				       "%s:%u: the byte 0x%02x is not UTF-8 text, which is what a server can be sent",
				       name, line, *p);
		line += *p == '\n';
	}
	return 0;
}

static json_t *files_json(const struct cb_api_request *rq)
{
	json_t *files = json_object();

	for (size_t i = 0; files && i < rq->nheaders; i++) {
		const struct cb_header *h = &rq->headers[i];

		if (json_object_set_new(files, h->name, json_stringn(h->text, h->len))) {
			json_decref(files);
			return NULL;
		}
	}
	return files;
}

static json_t *flags_json(const struct cb_api_request *rq)
{
	json_t *flags = json_array();

	for (size_t i = 0; flags && rq->flags && rq->flags[i]; i++)
		if (json_array_append_new(flags, json_string(rq->flags[i]))) {
			json_decref(flags);
			return NULL;
		}
	return flags;
}

/* A field that is not given is left out; which jansson cannot tell from no memory by a NULL. */
static int set_text(json_t *object, const char *field, const char *text)
{
	return text && *text ? json_object_set_new(object, field, json_string(text)) : 0;
}

static json_t *request_json(const struct cb_api_request *rq)
{
	json_t *root = json_object();

	if (root && !json_object_set_new(root, "source", json_stringn(rq->source, rq->source_len)) &&
	    !set_text(root, "name", rq->name) && !json_object_set_new(root, "files", files_json(rq)) &&
	    !json_object_set_new(root, "flags", flags_json(rq)) && !set_text(root, "arch", rq->arch) &&
	    !set_text(root, "kernel", rq->kernel) && !set_text(root, "format", cb_format_name(rq->format)))
		return root;
	json_decref(root);
	return NULL;
}

static int check_texts(const struct cb_api_request *rq, struct cb_err *e)
{
	const char *const fields[] = {rq->name, rq->arch, rq->kernel};
	int err = check_text(rq->name ? rq->name : "the source", rq->source, rq->source_len, e);

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields) && !err; i++)
		if (fields[i])
			err = check_text(fields[i], fields[i], strlen(fields[i]), e);
	for (size_t i = 0; rq->flags && rq->flags[i] && !err; i++)
		err = check_text(rq->flags[i], rq->flags[i], strlen(rq->flags[i]), e);
	for (size_t i = 0; i < rq->nheaders && !err; i++) {
		err = check_text(rq->headers[i].name, rq->headers[i].name, strlen(rq->headers[i].name), e);
		if (!err)
			err = check_text(rq->headers[i].name, rq->headers[i].text, rq->headers[i].len, e);
	}
	return err;
}

static int add_bytes(const char *data, size_t len, void *out)
{
	cb_buf_add(out, data, len);
	return ((struct cb_buf *)out)->failed ? -1 : 0;
}

int cb_api_encode_request(const struct cb_api_request *rq, struct cb_buf *out, struct cb_err *e)
{
	int err = check_texts(rq, e);
	json_t *root;

	if (err)
		return err;
	root = request_json(rq);
	if (!root || json_dump_callback(root, add_bytes, out, JSON_COMPACT))
		err = no_memory(e);
	json_decref(root);
	return err;
}

/* ---- The answer ------------------------------------------------------------------------------------------------- */

static int wrong(struct cb_err *e, const char *what)
{
	return cb_fail(e, EPROTO, "the server's answer cannot be used: %s", what);
}

/* What goes to a terminal is not to command it: control characters, also UTF-8's second set of them, become '?'. */
static void tame(char *text)
{
	unsigned char before = 0;

	for (char *p = text; *p; p++) {
		unsigned char c = (unsigned char)*p;

		if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
			*p = '?';
		else if (before == 0xc2 && c >= 0x80 && c <= 0x9f)
			p[-1] = *p = '?';
		before = c;
	}
}

/* A text field, copied; NULL stays where there is none. */
static int copy_text(const json_t *object, const char *field, char **out, struct cb_err *e)
{
	const char *text = json_string_value(json_object_get(object, field));

	if (!text)
		return 0;
	*out = strdup(text);
	if (!*out)
		return no_memory(e);
	tame(*out);
	return 0;
}

static int read_digest(const json_t *root, const char *field, char out[CB_SHA256_HEX], struct cb_err *e)
{
	const char *text = json_string_value(json_object_get(root, field));
	unsigned char raw[CB_SHA256];

	if (!text || !cb_unhex(text, raw, sizeof(raw)))
		return cb_fail(e, EPROTO, "the server's answer cannot be used: its \"%s\" is not 64 hexadecimal digits",
			       field);
	cb_hex(raw, sizeof(raw), out);
	return 0;
}

static int read_signature(const json_t *root, struct cb_api_answer *a, struct cb_err *e)
{
	const json_t *field = json_object_get(root, "signature");
	struct cb_buf raw = {0};
	int err = 0;

	if (!field || json_is_null(field))
		return 0;
	if (!json_is_string(field) || !cb_unbase64(&raw, json_string_value(field), json_string_length(field)) ||
	    raw.len != CB_SIGNATURE)
		err = raw.failed ? no_memory(e) : wrong(e, "its signature is not 64 bytes in base64");
	else
		memcpy(a->signature, raw.data, CB_SIGNATURE);
	cb_buf_free(&raw);
	a->is_signed = !err;
	return err ? err : read_digest(root, "key", a->key, e);
}

static int read_object(const json_t *root, struct cb_api_answer *a, struct cb_err *e)
{
	const json_t *field = json_object_get(root, "object");
	char digest[CB_SHA256_HEX];
	int err = read_digest(root, "digest", a->digest, e);

	if (err)
		return err;
	if (!json_is_string(field) || !json_string_length(field))
		return wrong(e, "it has no \"object\"");
	if (!cb_unbase64(&a->object, json_string_value(field), json_string_length(field)))
		return a->object.failed ? no_memory(e) : wrong(e, "its \"object\" is not base64");
	cb_sha256_hex(a->object.data, a->object.len, digest);
	return strcmp(digest, a->digest) ? wrong(e, "its object has another digest than it says") : 0;
}

static unsigned read_unsigned(const json_t *object, const char *field)
{
	json_int_t v = json_integer_value(json_object_get(object, field));

	return v > 0 && v <= INT_MAX ? (unsigned)v : 0;
}

static const char *text_of(const json_t *object, const char *field)
{
	const char *text = json_string_value(json_object_get(object, field));

	return text ? text : "";
}

static void tame_diag(struct cb_diag *d)
{
	tame(d->file);
	tame(d->text);
	tame(d->context);
	tame(d->excerpt);
}

static int read_diags(const json_t *root, struct cb_diags *d, struct cb_err *e)
{
	const json_t *list = json_object_get(root, "diagnostics");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *from = json_array_get(list, i);
		int severity = cb_severity_of(text_of(from, "severity"));
		const struct cb_diag diag = {
			.file = (char *)text_of(from, "file"),
			.line = read_unsigned(from, "line"),
			.column = read_unsigned(from, "column"),
			.severity = severity < 0 ? CB_ERROR : (enum cb_severity)severity,
			.text = (char *)text_of(from, "text"),
			.context = (char *)text_of(from, "context"),
			.excerpt = (char *)text_of(from, "excerpt"),
		};

		if (cb_diags_add(d, &diag))
			return no_memory(e);
		tame_diag(&d->list[d->n - 1]);
	}
	return 0;
}

static int read_description(const json_t *root, struct cb_api_answer *a, struct cb_err *e)
{
	const json_t *field = json_object_get(root, "description");
	struct cb_buf text = {0};

	if (!json_is_object(field))
		return 0;
	if (!json_dump_callback(field, add_bytes, &text, JSON_COMPACT) && !text.failed)
		a->description = strndup(text.data, text.len);
	cb_buf_free(&text);
	return a->description ? 0 : no_memory(e);
}

static int load(const void *json, size_t len, json_t **root, struct cb_err *e)
{
	json_error_t why;

	*root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &why);
	if (!*root) /* without memory jansson says nothing at most places */
		return !*why.text || json_error_code(&why) == json_error_out_of_memory ? no_memory(e)
										       : wrong(e, why.text);
	if (json_is_object(*root))
		return 0;
	json_decref(*root);
	return wrong(e, "it is not a JSON object");
}

int cb_api_decode_answer(const void *json, size_t len, struct cb_api_answer *a, struct cb_err *e)
{
	const char *format;
	json_t *root;
	int err;

	*a = (struct cb_api_answer){0};
	err = load(json, len, &root, e);
	if (err)
		return err;
	format = json_string_value(json_object_get(root, "format"));
	if (!format || cb_format_of(format) < 0)
		err = wrong(e, "it does not say its \"format\"");
	else
		a->format = (enum cb_format)cb_format_of(format);
	if (!err)
		err = read_object(root, a, e);
	if (!err)
		err = read_digest(root, "request", a->request, e);
	if (!err)
		err = read_signature(root, a, e);
	if (!err)
		err = read_description(root, a, e);
	if (!err)
		err = read_diags(root, &a->diags, e);
	a->cached = json_is_true(json_object_get(root, "cached"));
	json_decref(root);
	return err;
}

int cb_api_decode_error(const void *json, size_t len, struct cb_api_answer *a, struct cb_err *e)
{
	const json_t *error;
	json_t *root;
	int err;

	*a = (struct cb_api_answer){0};
	err = load(json, len, &root, e);
	if (err)
		return err;
	error = json_object_get(root, "error");
	err = copy_text(error, "code", &a->code, e);
	if (!err)
		err = copy_text(error, "message", &a->message, e);
	if (!err && (!a->code || !a->message))
		err = wrong(e, "it is an error without code and message");
	if (!err)
		err = read_diags(root, &a->diags, e);
	json_decref(root);
	return err;
}

void cb_api_answer_free(struct cb_api_answer *a)
{
	cb_buf_free(&a->object);
	cb_diags_free(&a->diags);
	free(a->description);
	free(a->code);
	free(a->message);
}
