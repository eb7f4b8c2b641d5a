// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * source.c - a source becomes an object: compiled here, or by a server when options, environment or configuration name one.
 */
#include "runtime/runtime.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/digest.h"
#include "base/file.h"
#include "btf/kernel.h"
#include "compile/args.h"
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
	meta.arch = rq->arch ? rq->arch : machine.machine;
	meta.kern_version = machine.release;
	if (!err) {
		cb_sha256_hex(rq->text ? rq->text : source, len, hash);
		cb_listen(cb);
		err = cb_so_make(meta.arch, *object, *size, &meta, &so, &so_size, &cb->err);
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

/* The architecture that was asked for, or NULL. Of another one the running kernel knows nothing. */
static int choose_arch(struct coolbpf *cb, const char **arch)
{
	struct utsname machine;

	*arch = NULL;
	if (!cb->arch)
		return 0;
	*arch = cb_arch_known(cb->arch);
	if (!*arch)
		return cb_fail(&cb->err, EINVAL,
			       "there is no architecture \"%s\"; it is called as uname -m says it: x86_64, aarch64",
			       cb->arch);
	if (!uname(&machine) && strcmp(*arch, machine.machine) &&
	    cb_btf_kernel_is_running(cb_btf_kernel_path(cb->btf_path)))
		return cb_fail(&cb->err, EINVAL,
			       "the running kernel's types are not those of %s; name a kernel image or BTF of that "
			       "with --btf FILE",
			       *arch);
	return 0;
}

int cb_source_compile(struct coolbpf *cb, const char *text, const char *path, int format, void **object, size_t *size)
{
	struct cb_compile_request rq = {
		.path = path,
		.text = text,
		.text_len = text ? strlen(text) : 0,
		.btf_path = cb->btf_path,
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
	int err = choose_arch(cb, &rq.arch);

	*object = NULL;
	if (err)
		return err;
	err = cb_client_config_read(&config, cb->clang && !cb->server ? &here : &given, &cb->err);
	if (!err)
		err = config.servers ? ask_server(cb, &config, &rq, (enum cb_format)format, object, size)
				     : compile_here(cb, &rq, (enum cb_format)format, object, size);
	cb_client_config_free(&config);
	return err;
}
