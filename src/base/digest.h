/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* digest.h - SHA-256, and bytes as hexadecimal and base64 text. The only room of base that needs a library: OpenSSL's. */
#ifndef CB_DIGEST_H
#define CB_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum { CB_SHA256 = 32, CB_SHA256_HEX = 2 * CB_SHA256 + 1 /* with its zero */ };

void cb_sha256(const void *data, size_t len, unsigned char out[CB_SHA256]);
/* The same as 64 lower-case hexadecimal digits and a zero. */
void cb_sha256_hex(const void *data, size_t len, char out[CB_SHA256_HEX]);

/* 2 * len lower-case digits and a zero. */
void cb_hex(const void *data, size_t len, char *out);
/* False when text is not exactly 2 * len hexadecimal digits. */
bool cb_unhex(const char *text, void *out, size_t len);

/* RFC 4648, 4, with padding, without line breaks. */
void cb_base64(struct cb_buf *out, const void *data, size_t len);
/* Append the bytes; false when text is not that (out then holds nothing more than before) or memory ran out. */
bool cb_unbase64(struct cb_buf *out, const char *text, size_t len);

#endif
