// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * client.c - see client.h.
 *
 *   source -> its headers (collect.c) -> the kernel's name -> the request and its digest -> cache
 *                                                                                       \-> servers (ask.c) -> cache
 *
 * An answer is kept as the text that came, so that one from the cache goes through the same checks as one from a server.
 */
#include "service/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/file.h"
#include "btf/index.h"
#include "btf/kernel.h"
#include "compile/cache.h"
#include "service/ask.h"
#include "service/collect.h"

enum { CACHE_MAX = 256 << 20 };

struct job {
	const struct cb_client_config *config;
	const struct cb_compile_request *rq;
	char *read; /* the source, when it was a file */
	const char *source;
	size_t source_len;
	struct cb_collected collected;
	struct utsname machine;
	struct cb_btf_index kernel;
	struct cb_api_request api;
	char request[CB_SHA256_HEX];
	struct cb_verify_key *key;
	char cache_dir[PATH_MAX];
	struct cb_cache cache;
	char cache_key[CB_SHA256_HEX];
	struct cb_ask ask;
	struct cb_err *e;
};

/* ---- The request ------------------------------------------------------------------------------------------------ */

static int read_source(struct job *j)
{
	const struct cb_compile_request *rq = j->rq;
	int err = rq->text ? 0 : cb_file_read(rq->path, CB_SOURCE_MAX, &j->read, &j->source_len, j->e);

	if (err)
		return err;
	j->source = rq->text ? rq->text : j->read;
	if (rq->text)
		j->source_len = rq->text_len;
	if (j->source_len > CB_SOURCE_MAX)
		return cb_fail(j->e, E2BIG, "%s is larger than %d bytes", rq->path, CB_SOURCE_MAX);
	return 0;
}

/* The kernel that the program is to run on, by the digest of its BTF; where it has none, by its release, of which a server may
 * have the BTF. A file that was named must be there. */
static int read_kernel(struct job *j)
{
	const char *path = cb_btf_kernel_path(j->rq->btf_path);
	struct cb_err why = {0};
	int err = cb_btf_index_open(path, j->cache_dir, &j->kernel, &why);

	if (!err) {
		j->api.kernel = j->kernel.digest;
	} else if (err == -ENOENT && cb_btf_kernel_is_running(path)) {
		cb_say(j->rq->log, CB_INFO, "this kernel has no BTF; the server is told its release, %s",
		       j->machine.release);
		j->api.kernel = j->machine.release;
		err = 0;
	}
	return err ? cb_fail(j->e, -err, "%s", why.text) : 0;
}

static int make_request(struct job *j, enum cb_format format)
{
	const char *slash = strrchr(j->rq->path, '/');

	j->api.source = j->source;
	j->api.source_len = j->source_len;
	j->api.name = slash ? slash + 1 : j->rq->path;
	j->api.headers = j->collected.headers;
	j->api.nheaders = j->collected.nheaders;
	j->api.flags = (const char *const *)j->collected.flags;
	j->api.arch = j->rq->arch ? j->rq->arch : j->machine.machine;
	j->api.format = format;
	return cb_api_request_digest(&j->api, j->request) ? cb_fail(j->e, ENOMEM, "out of memory") : 0;
}

static int prepare(struct job *j, enum cb_format format)
{
	int err;

	uname(&j->machine);
	cb_cache_dir(j->cache_dir, sizeof(j->cache_dir));
	err = read_source(j);
	if (!err)
		err = cb_collect(&j->collected, j->rq->path, j->source, j->source_len, j->rq->cflags, j->e);
	if (!err)
		err = read_kernel(j);
	if (!err)
		err = make_request(j, format);
	if (!err && j->config->public_key)
		err = cb_verify_key_read(j->config->public_key, &j->key, j->e);
	if (err)
		return err;
	j->ask = (struct cb_ask){
		.config = j->config,
		.log = j->rq->log,
		.name = j->rq->path,
		.request = j->request,
		.format = format,
		.key = j->key,
		.btf = j->kernel.btf,
		.btf_size = j->kernel.btf_size,
		.btf_digest = j->kernel.digest,
	};
	return 0;
}

/* ---- The cache -------------------------------------------------------------------------------------------------- */

/* An answer depends on the request, on who must have signed it, and on our version: another one's lbc.h is another. */
static void open_cache(struct job *j)
{
	char id[CB_SHA256_HEX] = "", text[512];
	int n;

	if (j->key)
		cb_verify_key_id(j->key, id);
	n = snprintf(text, sizeof(text), "coolbpf answer 1\n%s\n%s\n%s\n", COOLBPF_VERSION, j->request, id);
	cb_sha256_hex(text, (size_t)n, j->cache_key);
	if (snprintf(j->cache.dir, sizeof(j->cache.dir), "%s/answers", j->cache_dir) >= (int)sizeof(j->cache.dir))
		j->cache.dir[0] = '\0';
	j->cache.max_bytes = CACHE_MAX;
}

/* 0 when the cache has the answer. What is in there but cannot be used is as if it were not. */
static int from_cache(struct job *j, struct cb_api_answer *a)
{
	struct cb_buf json = {0};
	struct cb_err why = {0};
	int err = *j->cache.dir ? cb_cache_get(&j->cache, j->cache_key, &json, &why) : -ENOENT;

	*a = (struct cb_api_answer){0};
	if (!err)
		err = cb_api_decode_answer(json.data, json.len, a, &why);
	if (!err)
		err = cb_ask_check(&j->ask, a, &why);
	cb_buf_free(&json);
	if (err && err != -ENOENT)
		cb_say(j->rq->log, CB_INFO, "the answer in the cache is not used: %s", why.text);
	else if (!err)
		cb_say(j->rq->log, CB_INFO, "%s: a server's answer from %s is used", j->rq->path, j->cache.dir);
	return err;
}

static void into_cache(struct job *j, const struct cb_buf *json)
{
	struct cb_err why = {0};

	if (*j->cache.dir && cb_cache_put(&j->cache, j->cache_key, json->data, json->len, &why))
		cb_say(j->rq->log, CB_INFO, "the answer is not kept: %s", why.text);
}

/* ---- The answer ------------------------------------------------------------------------------------------------- */

static int from_servers(struct job *j, struct cb_api_answer *a)
{
	struct cb_buf json = {0};
	int err = cb_api_encode_request(&j->api, &j->ask.body, j->e);

	if (!err)
		err = cb_ask(&j->ask, &json, a, j->e);
	if (!err)
		into_cache(j, &json);
	cb_buf_free(&json);
	cb_buf_free(&j->ask.body);
	return err;
}

/* Files by the names that the user knows. */
static int rename_files(const struct job *j, struct cb_diags *d)
{
	for (size_t i = 0; i < d->n; i++) {
		char *name = *d->list[i].file ? cb_collected_name(&j->collected, d->list[i].file) : strdup("");

		if (!name)
			return cb_fail(j->e, ENOMEM, "out of memory");
		free(d->list[i].file);
		d->list[i].file = name;
	}
	return 0;
}

static void say_warnings(const struct job *j, char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")))
		if (*line || text)
			cb_say(j->rq->log, CB_WARN, "%s", line);
}

/* What the compiler said, as a local compile says it. */
static int say(const struct job *j, int err, const struct cb_diags *d, const char *message)
{
	struct cb_buf text = {0};

	cb_diags_print(d, &text);
	while (text.len && text.data[text.len - 1] == '\n')
		text.len--;
	cb_buf_ch(&text, '\0');
	if (text.failed)
		err = cb_fail(j->e, ENOMEM, "out of memory");
	else if (err)
		cb_fail(j->e, EINVAL, "%s does not compile:\n%s", j->rq->path, d->n ? text.data : message);
	else if (d->n)
		say_warnings(j, text.data);
	cb_buf_free(&text);
	return err;
}

static bool does_not_compile(const struct cb_api_answer *a)
{
	return a->code && !strcmp(a->code, "does_not_compile");
}

/* Into the form of a local compile; takes out of a what it can. */
static int finish(struct job *j, int err, struct cb_api_answer *from, struct cb_compile_answer *to)
{
	if (err && !does_not_compile(from))
		return err;
	to->diags = from->diags;
	from->diags = (struct cb_diags){0};
	if (rename_files(j, &to->diags))
		return -ENOMEM;
	err = say(j, err, &to->diags, from->message);
	if (err)
		return err;
	to->object = from->object.data;
	to->size = from->object.len;
	from->object = (struct cb_buf){0};
	return 0;
}

static int compile(struct job *j, enum cb_format format, struct cb_api_answer *a)
{
	int err = prepare(j, format);

	if (err)
		return err;
	open_cache(j);
	if (!from_cache(j, a))
		return 0;
	cb_api_answer_free(a);
	*a = (struct cb_api_answer){0};
	return from_servers(j, a);
}

int cb_client_compile(const struct cb_client_config *c, const struct cb_compile_request *rq, enum cb_format format,
		      struct cb_compile_answer *a, struct cb_err *e)
{
	struct job j = {.config = c, .rq = rq, .e = e};
	struct cb_api_answer answer = {0};
	int err;

	*a = (struct cb_compile_answer){0};
	err = finish(&j, compile(&j, format, &answer), &answer, a);
	cb_api_answer_free(&answer);
	cb_verify_key_free(j.key);
	cb_collected_free(&j.collected);
	cb_btf_index_close(&j.kernel);
	free(j.read);
	return err;
}
