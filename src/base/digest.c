// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * digest.c - see digest.h.
 *
 * SHA-256 by OpenSSL's plain functions: the one that goes through its providers loads those first, which takes a millisecond
 * of a command that lives for five.
 */
#define OPENSSL_API_COMPAT 10100
#include "base/digest.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>

void cb_sha256(const void *data, size_t len, unsigned char out[CB_SHA256])
{
	SHA256_CTX state;

	SHA256_Init(&state);
	SHA256_Update(&state, data, len);
	SHA256_Final(out, &state);
}

void cb_sha256_hex(const void *data, size_t len, char out[CB_SHA256_HEX])
{
	unsigned char digest[CB_SHA256];

	cb_sha256(data, len, digest);
	cb_hex(digest, sizeof(digest), out);
}

void cb_hex(const void *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[p[i] >> 4];
		*out++ = digits[p[i] & 15];
	}
	*out = '\0';
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool cb_unhex(const char *text, void *out, size_t len)
{
	unsigned char *p = out;

	if (strlen(text) != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		p[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

void cb_base64(struct cb_buf *out, const void *data, size_t len)
{
	/* what OpenSSL encodes at once is an int long; this many bytes fit, and are whole groups of three */
	enum { PIECE = 3 << 20 };
	const unsigned char *p = data;

	for (size_t n; len; p += n, len -= n) {
		n = len < PIECE ? len : PIECE;
		if (!cb_buf_reserve(out, (n + 2) / 3 * 4 + 1)) /* it puts a zero behind */
			return;
		out->len += (size_t)EVP_EncodeBlock((unsigned char *)out->data + out->len, p, (int)n);
	}
}

static bool is_base64(const char *text, size_t len)
{
	size_t pad = 0;

	if (len % 4)
		return false;
	while (pad < 2 && pad < len && text[len - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i < len - pad; i++) {
		char c = text[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
		      c == '/'))
			return false;
	}
	return true;
}

bool cb_unbase64(struct cb_buf *out, const char *text, size_t len)
{
	enum { PIECE = 4 << 20 };
	size_t pad = 0;

	if (!is_base64(text, len) || !cb_buf_reserve(out, len / 4 * 3))
		return false;
	if (!len)
		return true;
	pad = (size_t)(text[len - 1] == '=') + (size_t)(text[len - 2] == '=');
	for (size_t n; len; text += n, len -= n) {
		n = len < PIECE ? len : PIECE;
		out->len += (size_t)EVP_DecodeBlock((unsigned char *)out->data + out->len, (const unsigned char *)text,
						    (int)n);
	}
	out->len -= pad;
	return true;
}
