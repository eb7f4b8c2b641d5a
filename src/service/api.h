/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * api.h - what client and server must agree on: /v1/compile's request, its digest, and its answer.
 *
 * The request, JSON (only source must be given):
 *	{"source": TEXT, "name": "tool.bpf.c", "files": {"maps.h": TEXT, ...}, "flags": ["-DX=1", ...], "arch": "x86_64",
 *	 "kernel": RELEASE or SHA-256 of the BTF, "format": "o"}
 * The answer:
 *	{"object": BASE64, "digest": SHA-256 of the object, "request": digest of the request, "signature": BASE64, "key": public
 *	 key in hexadecimal, "format": "o", "cached": true, "description": {...}, "diagnostics": [{"file", "line", "column",
 *	 "severity", "text", "excerpt"}, ...]}
 * An error: {"error": {"code": "does_not_compile", "message": TEXT}, "diagnostics": [...]}; the codes and their statuses stand
 * in docs/api.md. 404 "unknown_kernel" with a digest asks for PUT /v1/btf/DIGEST (zstd of the raw BTF), then again.
 */
#ifndef CB_SERVICE_API_H
#define CB_SERVICE_API_H

#include <stddef.h>

#include "base/digest.h"
#include "base/err.h"
#include "compile/compile.h"

enum cb_format { CB_FORMAT_O, CB_FORMAT_SO, CB_FORMAT_H, CB_FORMAT_SKEL, CB_FORMATS };

/* "o", "so", "h" (libcoolbpf's header), "skel" (libbpf's skeleton); -1 for another. */
int cb_format_of(const char *name);
const char *cb_format_name(enum cb_format f);

struct cb_api_request {
	const char *source;
	size_t source_len;
	const char *name; /* "tool.bpf.c" */
	const struct cb_header *headers; /* in the order of their names */
	size_t nheaders;
	const char *const *flags; /* NULL, or ends with NULL */
	const char *arch;   /* "x86_64" */
	const char *kernel; /* as sent */
	enum cb_format format;
};

/* SHA-256 over all fields, each with its length in front: two requests with one digest are one request. */
int cb_api_request_digest(const struct cb_api_request *rq, char out[CB_SHA256_HEX]);

/* Is this flag one that a client may give? -D, -U, -I DIR of sent headers, -W (but -Wa, -Wl, -Wp, ...), -O0 to -O3, -Os, -Oz;
 * each with its value in the same text. -EINVAL with the sentence that names the flag. */
int cb_api_check_flag(const char *flag, struct cb_err *e);
/* As cb_header says. */
int cb_api_check_name(const char *name, struct cb_err *e);

#endif
