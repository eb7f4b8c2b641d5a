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

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "compile/compile.h"
#include "compile/diag.h"
#include "service/sign.h"

enum cb_format { CB_FORMAT_O, CB_FORMAT_SO, CB_FORMAT_H, CB_FORMAT_SKEL, CB_FORMATS };

/* "o", "so", "h" (libcoolbpf's header), "skel" (libbpf's skeleton); -1 for another. */
int cb_format_of(const char *name);
const char *cb_format_name(enum cb_format f);

/* ---- The request ------------------------------------------------------------------------------------------------ */

enum { CB_FLAGS_MAX = 256, CB_FLAG_MAX = 4096 /* bytes of one */ };

struct cb_api_request {
	const char *source;
	size_t source_len;
	const char *name;		 /* "tool.bpf.c"; of the text fields NULL is the same as "" */
	const struct cb_header *headers; /* in the order of their names */
	size_t nheaders;
	const char *const *flags; /* NULL, or ends with NULL */
	const char *arch;	  /* "x86_64" */
	const char *kernel;	  /* as sent */
	enum cb_format format;
};

/* Two requests with one digest are one request: SHA-256 over
 *
 *	"coolbpf request 1\n" source name arch kernel format NUMBER flag ... NUMBER header-name header-text ...
 *
 * each but the first as a netstring, LENGTH ":" BYTES "," (the numbers too); flags as they are sent, headers in the order of the
 * bytes of their names. -ENOMEM. */
int cb_api_request_digest(const struct cb_api_request *rq, char out[CB_SHA256_HEX]);

/* Is this flag one that a client may give?
 *
 *	-DNAME[=VALUE] -UNAME	NAME an identifier
 *	-IDIR			of headers that are sent, checked as their names are; "-I." is the source's own
 *	-WNAME[=VALUE]		letters, digits, - and +; so neither -Wa,... -Wl,... nor -Wp,...
 *	-O0 -O1 -O2 -O3 -Os -Oz
 *
 * -EINVAL with the sentence that names the flag. */
int cb_api_check_flag(const char *flag, struct cb_err *e);
/* A header's name: as cb_header says. */
int cb_api_check_name(const char *name, struct cb_err *e);

/* The request as JSON. -EINVAL: a text is not UTF-8, or has a byte 0 (the sentence says where); -ENOMEM. */
int cb_api_encode_request(const struct cb_api_request *rq, struct cb_buf *out, struct cb_err *e);

/* ---- The answer ------------------------------------------------------------------------------------------------- */

/* What a server said. The text fields are malloc'd; NULL where it did not say it. */
struct cb_api_answer {
	/* of a success */
	struct cb_buf object;
	char digest[CB_SHA256_HEX], request[CB_SHA256_HEX];
	enum cb_format format;
	bool cached, is_signed;
	unsigned char signature[CB_SIGNATURE];
	char key[CB_SHA256_HEX];
	char *description; /* JSON */
	/* of a failure */
	char *code, *message;
	/* of both */
	struct cb_diags diags;
};

/* Of a 2xx answer; -EPROTO with what is wrong with it. That the digest is the object's has been checked then; what was
 * asked for, and who signed, are the caller's to check. cb_api_answer_free() after any. */
int cb_api_decode_answer(const void *json, size_t len, struct cb_api_answer *a, struct cb_err *e);
/* Of an error's answer; -EPROTO when it is not one of ours (a proxy's page). */
int cb_api_decode_error(const void *json, size_t len, struct cb_api_answer *a, struct cb_err *e);
void cb_api_answer_free(struct cb_api_answer *a);

#endif
