/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * sign.h - signatures of objects: Ed25519 (RFC 8032), keys as PEM files, as OpenSSL's command writes and reads them.
 *
 * What is signed is a text, so that an object is bound to what was asked for: nobody who stands between can hand out another
 * object of the same server.
 *
 *	"coolbpf object 1\n" REQUEST-DIGEST "\n" OBJECT-DIGEST "\n"		(digests: SHA-256, 64 hexadecimal digits)
 *
 * Keys may be used by any number of threads at once.
 */
#ifndef CB_SERVICE_SIGN_H
#define CB_SERVICE_SIGN_H

#include <stdbool.h>

#include "base/digest.h"
#include "base/err.h"

enum { CB_SIGNATURE = 64 };

struct cb_sign_key; /* a private key */
struct cb_verify_key;

/* A new pair: private key into path (mode 0600), public key into path.pub. -EEXIST when one of them is there; both or none
 * are written. */
int cb_keygen(const char *path, struct cb_err *e);
/* -EINVAL: not a private Ed25519 key in PEM, or one that a password protects. */
int cb_sign_key_read(const char *path, struct cb_sign_key **key, struct cb_err *e);
void cb_sign_key_free(struct cb_sign_key *key);
/* A PEM file, or the 64 hexadecimal digits that cb_sign_key_id() gives and keygen prints. */
int cb_verify_key_read(const char *path_or_hex, struct cb_verify_key **key, struct cb_err *e);
void cb_verify_key_free(struct cb_verify_key *key);
/* The raw public key as 64 hexadecimal digits. */
void cb_sign_key_id(const struct cb_sign_key *key, char out[CB_SHA256_HEX]);
void cb_verify_key_id(const struct cb_verify_key *key, char out[CB_SHA256_HEX]);

/* The same key and digests give the same signature. -EINVAL: a digest is not one. */
int cb_sign(const struct cb_sign_key *key, const char *request_digest, const char *object_digest,
	    unsigned char signature[CB_SIGNATURE], struct cb_err *e);
bool cb_verify(const struct cb_verify_key *key, const char *request_digest, const char *object_digest,
	       const unsigned char signature[CB_SIGNATURE]);

#endif
