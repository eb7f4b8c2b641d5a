// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* request.c - see request.h. */
#include "service/request.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "service/json.h"

enum { WORD_MAX = 128, PATTERN_MAX = 256 };

bool cb_is_word(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+~-");

	return n && !text[n] && n <= WORD_MAX && *text != '.';
}

static int bad(const char **code, const char *word, int err)
{
	*code = word;
	return err;
}

/* ---- /v1/compile ------------------------------------------------------------------------------------------------ */

static int known_fields(const json_t *root, struct cb_err *e)
{
	static const char *const known[] = {"source", "name", "files", "flags", "arch", "kernel", "format"};
	const char *field;
	json_t *value;

	json_object_foreach((json_t *)root, field, value)
	{
		size_t i = 0;

		while (i < sizeof(known) / sizeof(*known) && strcmp(field, known[i]))
			i++;
		if (i == sizeof(known) / sizeof(*known))
			return cb_fail(e, EINVAL, "there is no field \"%.80s\"", field);
	}
	return 0;
}

/* A text, or "" where it is absent. NULL with the sentence when it is something else. */
static const char *text_field(const json_t *root, const char *field, struct cb_err *e)
{
	const json_t *value = json_object_get(root, field);

	if (!value)
		return "";
	if (!json_is_string(value))
		cb_fail(e, EINVAL, "\"%s\" must be a text", field);
	return json_string_value(value);
}

static int read_texts(struct cb_api_request *api, const json_t *root, const char **code, struct cb_err *e)
{
	const json_t *source = json_object_get(root, "source");
	const char *format;
	int f;

	if (!json_is_string(source))
		return bad(code, "bad_request", cb_fail(e, EINVAL, "\"source\" must be there, and a text"));
	api->source = json_string_value(source);
	api->source_len = json_string_length(source);
	api->name = text_field(root, "name", e);
	api->arch = text_field(root, "arch", e);
	api->kernel = text_field(root, "kernel", e);
	format = text_field(root, "format", e);
	if (!api->name || !api->arch || !api->kernel || !format)
		return bad(code, "bad_request", -EINVAL);
	if (*api->name && (strchr(api->name, '/') || cb_api_check_name(api->name, NULL)))
		return bad(code, "bad_name", cb_fail(e, EINVAL, "\"name\" must be a file's name without a directory"));
	if (*api->arch && !cb_is_word(api->arch))
		return bad(code, "bad_request", cb_fail(e, EINVAL, "\"arch\" must be like x86_64 or aarch64"));
	if (*api->kernel && !cb_is_word(api->kernel))
		return bad(code, "bad_request",
			   cb_fail(e, EINVAL, "\"kernel\" must be a release as uname -r says it, or a SHA-256"));
	f = *format ? cb_format_of(format) : CB_FORMAT_O;
	if (f < 0)
		return bad(code, "unknown_format",
			   cb_fail(e, EINVAL, "there is no format \"%.20s\", but o, so, h, skel", format));
	api->format = (enum cb_format)f;
	return 0;
}

static int compare_headers(const void *a, const void *b)
{
	return strcmp(((const struct cb_header *)a)->name, ((const struct cb_header *)b)->name);
}

static int read_headers(struct cb_sent *rq, const json_t *root, const char **code, struct cb_err *e)
{
	json_t *files = json_object_get(root, "files"), *text;
	size_t n = json_object_size(files), sum = rq->api.source_len;
	const char *name;

	if (files && !json_is_object(files))
		return bad(code, "bad_request", cb_fail(e, EINVAL, "\"files\" must be an object: {NAME: TEXT}"));
	if (n > CB_HEADERS_MAX)
		return bad(code, "too_large",
			   cb_fail(e, E2BIG, "%zu files; at most %d may be sent", n, CB_HEADERS_MAX));
	rq->headers = calloc(n + 1, sizeof(*rq->headers));
	if (!rq->headers)
		return cb_fail(e, ENOMEM, "out of memory");
	rq->api.headers = rq->headers;
	json_object_foreach(files, name, text)
	{
		struct cb_header *h = &rq->headers[rq->api.nheaders++];

		if (cb_api_check_name(name, e))
			return bad(code, "bad_name", -EINVAL);
		if (!json_is_string(text))
			return bad(code, "bad_request", cb_fail(e, EINVAL, "the file %s must be a text", name));
		*h = (struct cb_header){name, json_string_value(text), json_string_length(text)};
		sum += h->len;
	}
	if (sum > CB_SOURCE_MAX)
		return bad(code, "too_large",
			   cb_fail(e, E2BIG, "source and files have more than %d bytes", CB_SOURCE_MAX));
	qsort(rq->headers, rq->api.nheaders, sizeof(*rq->headers), compare_headers);
	return 0;
}

static int read_flags(struct cb_sent *rq, const json_t *root, const char **code, struct cb_err *e)
{
	const json_t *flags = json_object_get(root, "flags");
	size_t n = json_array_size(flags);

	if (flags && !json_is_array(flags))
		return bad(code, "bad_request", cb_fail(e, EINVAL, "\"flags\" must be a list of texts"));
	if (n > CB_FLAGS_MAX)
		return bad(code, "too_large", cb_fail(e, E2BIG, "%zu flags; at most %d may be given", n, CB_FLAGS_MAX));
	rq->flags = calloc(n + 1, sizeof(*rq->flags));
	if (!rq->flags)
		return cb_fail(e, ENOMEM, "out of memory");
	rq->api.flags = rq->flags;
	for (size_t i = 0; i < n; i++) {
		rq->flags[i] = json_string_value(json_array_get(flags, i));
		if (!rq->flags[i])
			return bad(code, "bad_request", cb_fail(e, EINVAL, "\"flags\" must be a list of texts"));
		if (cb_api_check_flag(rq->flags[i], e))
			return bad(code, "bad_flag", -EINVAL);
	}
	return 0;
}

int cb_sent_read(struct cb_sent *rq, const char *body, size_t len, const char **code, struct cb_err *e)
{
	int err;

	*rq = (struct cb_sent){0};
	*code = "internal";
	rq->root = cb_json_parse(body, len, e);
	if (!rq->root)
		return bad(code, "bad_json", -EINVAL);
	if (!json_is_object(rq->root))
		return bad(code, "bad_request", cb_fail(e, EINVAL, "the body must be a JSON object"));
	if (known_fields(rq->root, e))
		return bad(code, "bad_request", -EINVAL);
	err = read_texts(&rq->api, rq->root, code, e);
	if (!err)
		err = read_headers(rq, rq->root, code, e);
	return err ? err : read_flags(rq, rq->root, code, e);
}

void cb_sent_free(struct cb_sent *rq)
{
	json_decref(rq->root);
	free(rq->headers);
	free(rq->flags);
	free(rq->split);
	*rq = (struct cb_sent){0};
}

/* ---- /lbc ------------------------------------------------------------------------------------------------------- */

/* "-DX=1 -O2" into its words, which are checked. */
static int split_env(struct cb_sent *rq, const char *env, struct cb_err *e)
{
	size_t n = 0;

	rq->split = strdup(env);
	rq->flags = calloc(CB_FLAGS_MAX + 1, sizeof(*rq->flags));
	if (!rq->split || !rq->flags)
		return cb_fail(e, ENOMEM, "out of memory");
	for (char *save, *word = strtok_r(rq->split, " \t\r\n", &save); word; word = strtok_r(NULL, " \t\r\n", &save)) {
		if (n == CB_FLAGS_MAX)
			return cb_fail(e, E2BIG, "more than %d flags in env", CB_FLAGS_MAX);
		if (cb_api_check_flag(word, e))
			return -EINVAL;
		rq->flags[n++] = word;
	}
	rq->api.flags = rq->flags;
	return 0;
}

/* These clients compare it with what their .so says of itself, to see whether it is still good. */
static int hash(struct cb_lbc_request *lr, const char *code, size_t len, const char *env)
{
	struct cb_buf both = {0};
	int err;

	cb_buf_add(&both, code, len);
	cb_buf_str(&both, env);
	err = both.failed ? -ENOMEM : 0;
	cb_sha256_hex(both.data, both.len, lr->hash);
	cb_buf_free(&both);
	return err;
}

static int read_code(struct cb_lbc_request *lr, const json_t *element, struct cb_err *e)
{
	struct cb_api_request *api = &lr->compile.api;
	const json_t *code = json_object_get(element, "code");
	const char *env = text_field(element, "env", e);

	if (!env)
		return -EINVAL;
	if (!json_is_string(code))
		return cb_fail(e, EINVAL, "cmd \"%s\" needs \"code\", a text", lr->cmd);
	api->source = json_string_value(code);
	api->source_len = json_string_length(code);
	api->name = "lbc.bpf.c";
	api->arch = lr->arch;
	api->kernel = lr->ver;
	api->format = !strcmp(lr->cmd, "c") ? CB_FORMAT_SO : CB_FORMAT_O;
	if (api->source_len > CB_SOURCE_MAX)
		return cb_fail(e, E2BIG, "the source has more than %d bytes", CB_SOURCE_MAX);
	if (hash(lr, api->source, api->source_len, env))
		return cb_fail(e, ENOMEM, "out of memory");
	return split_env(&lr->compile, env, e);
}

/* func, struct and type have their question in a field of the same name. */
static int read_question(struct cb_lbc_request *lr, const json_t *element, struct cb_err *e)
{
	const json_t *what = json_object_get(element, lr->cmd);

	lr->ret = text_field(element, "ret", e);
	lr->arg = text_field(element, "arg", e);
	if (!lr->ret || !lr->arg)
		return -EINVAL;
	if (!json_is_string(what) || json_string_length(what) > PATTERN_MAX)
		return cb_fail(e, EINVAL, "cmd \"%s\" needs \"%s\", a text", lr->cmd, lr->cmd);
	lr->pattern = json_string_value(what);
	if (strchr(lr->ret, ';'))
		return cb_fail(e, EINVAL, "bad ret key.");
	if (strchr(lr->arg, ';'))
		return cb_fail(e, EINVAL, "bad arg key.");
	if ((*lr->ret || *lr->arg) && *lr->pattern && !strchr(lr->pattern, '%'))
		return cb_fail(e, EINVAL, "query value error.");
	return 0;
}

int cb_lbc_request_read(struct cb_lbc_request *lr, json_t *element, struct cb_err *e)
{
	*lr = (struct cb_lbc_request){.cmd = "", .pattern = "", .ret = "", .arg = ""};
	if (!json_is_object(element))
		return cb_fail(e, EINVAL, "a request must be a JSON object with cmd, ver, arch");
	lr->cmd = text_field(element, "cmd", e);
	lr->arch = text_field(element, "arch", e);
	lr->ver = text_field(element, "ver", e);
	if (!lr->cmd || !lr->arch || !lr->ver) {
		lr->cmd = lr->cmd ? lr->cmd : "";
		return -EINVAL;
	}
	if ((*lr->arch && !cb_is_word(lr->arch)) || (*lr->ver && !cb_is_word(lr->ver)))
		return cb_fail(e, EINVAL, "arch and ver must be what uname -m and uname -r say");
	if (!strcmp(lr->cmd, "c") || !strcmp(lr->cmd, "obj"))
		return read_code(lr, element, e);
	if (!strcmp(lr->cmd, "func") || !strcmp(lr->cmd, "struct") || !strcmp(lr->cmd, "type"))
		return read_question(lr, element, e);
	if (!strcmp(lr->cmd, "btf"))
		return 0;
	return cb_fail(e, EINVAL, "there is no cmd \"%.80s\" here, but c, obj, btf, func, struct, type", lr->cmd);
}

void cb_lbc_request_free(struct cb_lbc_request *lr)
{
	cb_sent_free(&lr->compile);
}
