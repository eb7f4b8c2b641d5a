// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * fuzz_api_answer.c - what a compile server answers, as its client reads it. Reads what strangers send.
 *
 * Whatever is taken must be whole: an object that has its digest, texts that end, a place for every diagnostic.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "service/api.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

static void check_diags(const struct cb_diags *d)
{
	struct cb_buf out = {0};

	check(d->n <= CB_DIAGS_MAX);
	for (size_t i = 0; i < d->n; i++)
		check(d->list[i].file && d->list[i].text && d->list[i].excerpt && d->list[i].severity <= CB_FATAL);
	cb_diags_print(d, &out);
	cb_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cb_api_answer a;
	struct cb_err e = {0};

	if (!cb_api_decode_answer(data, size, &a, &e)) {
		char digest[CB_SHA256_HEX];

		check(a.object.len);
		cb_sha256_hex(a.object.data, a.object.len, digest);
		check(!strcmp(digest, a.digest) && strlen(a.request) == CB_SHA256_HEX - 1);
		check(!a.is_signed || strlen(a.key) == CB_SHA256_HEX - 1);
		check(a.format < CB_FORMATS);
	} else {
		check(*e.text);
	}
	check_diags(&a.diags);
	cb_api_answer_free(&a);
	if (!cb_api_decode_error(data, size, &a, NULL))
		check(a.code && a.message);
	check_diags(&a.diags);
	cb_api_answer_free(&a);
	return 0;
}
