// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * source.c - a source becomes an object: compiled here, or by a server when options, environment or configuration name one.
 */
#include "runtime/runtime.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/digest.h"
#include "base/file.h"
#include "compile/compile.h"
#include "compile/so.h"
#include "service/client.h"

/* A compiler that was named is one of this machine. */
static const struct cb_client_options here = {.server = "none"};

static int ask_server(struct coolbpf *cb, const struct cb_client_config *config, const struct cb_compile_request *rq,
		      enum cb_format format, void **object, size_t *size)
{
	struct cb_compile_answer answer;
	int err = cb_client_compile(config, rq, format, &answer, &cb->err);

	*object = answer.object;
	*size = answer.size;
	cb_diags_free(&answer.diags);
	return err;
}

/* Into a shared library, whose hash tells its users whether the source has changed. */
static int make_so(struct coolbpf *cb, const struct cb_compile_request *rq, void **object, size_t *size)
{
	char *source = NULL, hash[CB_SHA256_HEX];
	struct cb_so_meta meta = {.hash = hash};
	struct utsname machine;
	void *so = NULL;
	size_t len = rq->text_len, so_size = 0;
	int err = rq->text ? 0 : cb_file_read(rq->path, CB_SOURCE_MAX, &source, &len, &cb->err);

	uname(&machine);
	meta.arch = cb->arch ? cb->arch : machine.machine;
	meta.kern_version = machine.release;
	if (!err) {
		cb_sha256_hex(rq->text ? rq->text : source, len, hash);
		cb_listen(cb);
		err = cb_so_make(cb->arch, *object, *size, &meta, &so, &so_size, &cb->err);
		cb_listen(NULL);
	}
	free(source);
	free(*object);
	*object = so;
	*size = so_size;
	return err;
}

static int compile_here(struct coolbpf *cb, const struct cb_compile_request *rq, enum cb_format format, void **object,
			size_t *size)
{
	int err;

	cb_listen(cb); /* libbpf is at work there too */
	err = cb_compile(rq, object, size, &cb->err);
	cb_listen(NULL);
	if (!err && format == CB_FORMAT_SO)
		err = make_so(cb, rq, object, size);
	return err;
}

int cb_source_compile(struct coolbpf *cb, const char *text, const char *path, int format, void **object, size_t *size)
{
	const struct cb_compile_request rq = {
		.path = path,
		.text = text,
		.text_len = text ? strlen(text) : 0,
		.btf_path = cb->btf_path,
		.arch = cb->arch,
		.cflags = (const char *const *)cb->cflags,
		.clang = cb->clang,
		.cached = true,
		.log = &cb->log,
	};
	const struct cb_client_options given = {.server = cb->server,
						.token_file = cb->token_file,
						.public_key = cb->public_key,
						.ca_file = cb->ca_file};
	struct cb_client_config config;
	int err = cb_client_config_read(&config, cb->clang && !cb->server ? &here : &given, &cb->err);

	*object = NULL;
	if (!err)
		err = config.servers ? ask_server(cb, &config, &rq, (enum cb_format)format, object, size)
				     : compile_here(cb, &rq, (enum cb_format)format, object, size);
	cb_client_config_free(&config);
	return err;
}
