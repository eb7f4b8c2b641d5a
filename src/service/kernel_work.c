// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* kernel_work.c - see kernel_work.h. */
#include "service/kernel_work.h"

#include <bpf/btf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "base/file.h"
#include "btf/bytes.h"
#include "btf/index.h"
#include "btf/kernel.h"
#include "btf/check.h"
#include "service/archive.h"
#include "service/json.h"
#include "service/kernel_types.h"
#include "service/kernels.h"

enum { ZSTD_LEVEL = 6, NAME_LONGEST = 4096 /* eight times the kernel's own KSYM_NAME_LEN */, JSON_MAX = 16 << 20 };

/* ---- Questions -------------------------------------------------------------------------------------------------- */

static int load(struct cb_kernel_work *kw, const struct cb_work *w, struct cb_err *e)
{
	if (kw->btf && !strcmp(kw->digest, w->digest))
		return 0;
	btf__free(kw->btf);
	kw->btf = cb_btf_kernel_load(w->btf, e);
	if (!kw->btf)
		return errno ? -errno : -EINVAL;
	snprintf(kw->digest, sizeof(kw->digest), "%s", w->digest);
	return 0;
}

static json_t *ask(const struct btf *btf, const struct cb_work *w)
{
	switch (w->kind) {
	case CB_WORK_TYPE:
		return cb_types_named(btf, w->pattern);
	case CB_WORK_FUNCS:
		return cb_functions(btf, w->pattern);
	case CB_WORK_STRUCT:
		return cb_lbc_struct(btf, w->pattern);
	case CB_WORK_LBC_TYPE:
		return cb_lbc_type(btf, w->pattern);
	default:
		return cb_lbc_functions(btf, w->pattern, w->ret, w->arg);
	}
}

static int answer(struct cb_kernel_work *kw, const struct cb_work *w, char **json, struct cb_err *e)
{
	json_t *value;
	int err = load(kw, w, e);

	if (err)
		return err;
	value = ask(kw->btf, w);
	*json = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	json_decref(value);
	if (!*json)
		return cb_fail(e, ENOMEM, "out of memory");
	return strlen(*json) <= JSON_MAX ? 0 : cb_fail(e, EFBIG, "the answer is larger than %d bytes", JSON_MAX);
}

/* ---- BTF out and in --------------------------------------------------------------------------------------------- */

static int pack(const void *data, size_t len, struct cb_buf *out, struct cb_err *e)
{
	size_t n;

	if (!cb_buf_reserve(out, ZSTD_compressBound(len)))
		return cb_fail(e, ENOMEM, "out of memory");
	n = ZSTD_compress(out->data, out->cap, data, len, ZSTD_LEVEL);
	if (ZSTD_isError(n))
		return cb_fail(e, ENOMEM, "cannot pack: %s", ZSTD_getErrorName(n));
	out->len = n;
	return 0;
}

static int give_btf(const struct cb_work *w, struct cb_buf *out, struct cb_err *e)
{
	char *data;
	size_t len;
	int err = cb_file_read(w->btf, CB_BTF_MAX, &data, &len, e);

	if (err)
		return err;
	if (w->compressed)
		err = pack(data, len, out, e);
	else
		cb_buf_add(out, data, len);
	free(data);
	return !err && out->failed ? cb_fail(e, ENOMEM, "out of memory") : err;
}

/* One long name, used by a hundred thousand members, would fill the memory of whoever asks for them. */
static bool has_long_name(const void *btf, size_t len)
{
	struct cb_btf_view v;

	if (cb_btf_view(btf, len, &v, NULL))
		return false;
	for (size_t at = 0, n; at < v.strs_len; at += n + 1) {
		n = strlen(v.strs + at);
		if (n > NAME_LONGEST)
			return true;
	}
	return false;
}

static int check_btf(const void *btf, size_t len, const char *digest, struct cb_err *e)
{
	char is[CB_SHA256_HEX];
	struct cb_btf_index ix;
	struct btf *parsed;
	int err;

	cb_sha256_hex(btf, len, is);
	if (strcmp(is, digest))
		return cb_fail(e, EBADMSG, "this BTF has the SHA-256 %s, not %s", is, digest);
	if (has_long_name(btf, len))
		return cb_fail(e, EINVAL, "this is no kernel's BTF: a name has more than %d bytes", NAME_LONGEST);
	/* what the index asks of it is stricter: libbpf's writer of C divides by alignments */
	err = cb_btf_index_make(btf, len, NULL, &ix, e);
	if (err)
		return cb_fail_in(e, err, "this is no BTF to work with");
	cb_btf_index_close(&ix);
	parsed = cb_btf_parse(btf, len, e);
	if (!parsed)
		return cb_fail_in(e, errno ? -errno : -EINVAL, "this is no BTF to work with");
	btf__free(parsed);
	return 0;
}

/* The packed one is for other servers and later days, the raw one for the workers. */
static int store_btf(const struct cb_kernel_work *kw, const struct cb_work *w, struct cb_err *e)
{
	char path[PATH_MAX];
	void *raw;
	size_t len;
	int err = cb_unzstd(w->data, w->len, CB_BTF_MAX, &raw, &len, e);

	if (err)
		return err;
	err = check_btf(raw, len, w->digest, e);
	if (!err && *kw->uploads) {
		snprintf(path, sizeof(path), "%s/%s.btf.zst", kw->uploads, w->digest);
		err = cb_file_write(path, w->data, w->len, 0644, e);
	}
	if (!err)
		err = cb_file_write(w->btf, raw, len, 0644, e);
	free(raw);
	return err;
}

/* ---- The archive ------------------------------------------------------------------------------------------------ */

static int unpack(const struct cb_work *w, const struct cb_buf *packed, struct cb_err *e)
{
	void *raw;
	size_t len;
	int err = cb_unzstd(packed->data, packed->len, CB_BTF_MAX, &raw, &len, e);

	if (err)
		return err;
	err = check_btf(raw, len, w->digest, e);
	if (!err)
		err = cb_file_write(w->btf, raw, len, 0644, e);
	free(raw);
	return err;
}

bool cb_kernel_work_ready(const struct cb_kernel_work *kw, const struct cb_work *w, struct cb_buf *frame)
{
	struct cb_buf packed = {0};
	struct cb_err e = {0};
	int err;

	if (!*w->fetch || !access(w->btf, R_OK))
		return true;
	err = cb_archive_get(kw->archive, w->fetch, w->digest, kw->fetch_ms, &packed, &e);
	if (!err) {
		err = unpack(w, &packed, &e);
		if (err)
			cb_fail_in(&e, err, "%s/%s.btf.zst of the archive", w->fetch, w->digest);
	}
	cb_buf_free(&packed);
	if (err)
		cb_outcome_write(frame, &(struct cb_outcome){.err = CB_ERR_NO_KERNEL, .message = e.text});
	return !err;
}

/* ---- Dispatch --------------------------------------------------------------------------------------------------- */

void cb_kernel_work(struct cb_kernel_work *kw, const struct cb_work *w, struct cb_buf *frame)
{
	struct cb_buf bytes = {0};
	struct cb_err e = {0};
	char *json = NULL;
	struct cb_outcome o;
	int err;

	if (w->kind == CB_WORK_BTF)
		err = give_btf(w, &bytes, &e);
	else if (w->kind == CB_WORK_STORE)
		err = store_btf(kw, w, &e);
	else if (w->kind == CB_WORK_INDEX)
		err = cb_archive_get_index(kw->archive, kw->fetch_ms, &bytes, &e);
	else
		err = answer(kw, w, &json, &e);
	o = (struct cb_outcome){
		.err = -err,
		.message = err ? e.text : "",
		.bytes = err ? "" : bytes.data,
		.len = err ? 0 : bytes.len,
		.json = err ? "" : json,
	};
	cb_outcome_write(frame, &o);
	free(json);
	cb_buf_free(&bytes);
}

void cb_kernel_work_end(struct cb_kernel_work *kw)
{
	btf__free(kw->btf);
}
