// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * fuzz_request.c - the bodies of POST /v1/compile and POST /lbc. What is let through is what a compiler may be given.
 * Reads what strangers send.
 */
#include <stdlib.h>
#include <string.h>

#include "service/json.h"
#include "service/request.h"

static void check(const struct cb_api_request *api)
{
	char digest[CB_SHA256_HEX];

	if (strlen(api->source) != api->source_len || api->nheaders > CB_HEADERS_MAX)
		abort();
	for (size_t i = 0; i < api->nheaders; i++)
		if (cb_api_check_name(api->headers[i].name, NULL) ||
		    (i && strcmp(api->headers[i - 1].name, api->headers[i].name) >= 0))
			abort();
	for (size_t i = 0; api->flags && api->flags[i]; i++)
		if (cb_api_check_flag(api->flags[i], NULL))
			abort();
	if ((*api->arch && !cb_is_word(api->arch)) || (*api->kernel && !cb_is_word(api->kernel)))
		abort();
	cb_api_request_digest(api, digest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cb_err e = {0};
	struct cb_sent rq;
	const char *code;
	json_t *list;

	if (!cb_sent_read(&rq, (const char *)data, size, &code, &e))
		check(&rq.api);
	else if (!*e.text || !*code)
		abort();
	cb_sent_free(&rq);
	list = cb_json_parse((const char *)data, size, NULL);
	for (size_t i = 0; i < json_array_size(list) && i < CB_LBC_MAX; i++) {
		struct cb_lbc_request lr;

		e.text[0] = '\0';
		if (cb_lbc_request_read(&lr, json_array_get(list, i), &e)) {
			if (!*e.text)
				abort();
		} else if (lr.compile.api.source) {
			check(&lr.compile.api);
		}
		cb_lbc_request_free(&lr);
	}
	json_decref(list);
	return 0;
}
