// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* sign.c - see sign.h. OpenSSL does the mathematics; here are files, sentences and the text that is signed. */
#include "service/sign.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/file.h"

enum { KEY_FILE_MAX = 64 << 10 };

/* A key is OpenSSL's; the two names keep a private one from being taken for a public one. */
#define PKEY(key) ((EVP_PKEY *)(key))

/* ---- Reading ---------------------------------------------------------------------------------------------------- */

/* Instead of asking at the terminal. */
static int no_password(char *buf, int size, int writing, void *asked)
{
	(void)buf;
	(void)size;
	(void)writing;
	*(bool *)asked = true;
	return -1;
}

static int read_pem(const char *path, bool private, EVP_PKEY **key, struct cb_err *e)
{
	const char *kind = private ? "private" : "public";
	bool asked = false;
	char *data;
	size_t len;
	BIO *bio;
	int err = cb_file_read(path, KEY_FILE_MAX, &data, &len, e);

	if (err)
		return err;
	bio = BIO_new_mem_buf(data, (int)len);
	*key = NULL;
	if (bio)
		*key = private ? PEM_read_bio_PrivateKey(bio, NULL, no_password, &asked)
			       : PEM_read_bio_PUBKEY(bio, NULL, no_password, &asked);
	BIO_free(bio);
	OPENSSL_cleanse(data, len);
	free(data);
	ERR_clear_error();
	if (!bio)
		return cb_fail(e, ENOMEM, "cannot read %s: out of memory", path);
	if (!*key)
		return cb_fail(e, EINVAL, "%s %s %s key (PEM, as coolbpf keygen writes it)", path,
			       asked ? "is protected by a password and cannot be used as a" : "holds no", kind);
	if (EVP_PKEY_get_id(*key) != EVP_PKEY_ED25519) {
		EVP_PKEY_free(*key);
		return cb_fail(e, EINVAL, "%s holds a key of another kind than Ed25519; coolbpf keygen makes one",
			       path);
	}
	return 0;
}

int cb_sign_key_read(const char *path, struct cb_sign_key **key, struct cb_err *e)
{
	EVP_PKEY *pkey;
	int err = read_pem(path, true, &pkey, e);

	if (!err)
		*key = (struct cb_sign_key *)pkey;
	return err;
}

int cb_verify_key_read(const char *path_or_hex, struct cb_verify_key **key, struct cb_err *e)
{
	unsigned char raw[CB_SHA256];
	EVP_PKEY *pkey;
	int err = 0;

	if (cb_unhex(path_or_hex, raw, sizeof(raw))) {
		pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, raw, sizeof(raw));
		ERR_clear_error();
		if (!pkey)
			err = cb_fail(e, ENOMEM, "cannot use the public key %s: out of memory", path_or_hex);
	} else {
		err = read_pem(path_or_hex, false, &pkey, e);
	}
	if (!err)
		*key = (struct cb_verify_key *)pkey;
	return err;
}

void cb_sign_key_free(struct cb_sign_key *key)
{
	EVP_PKEY_free(PKEY(key));
}

void cb_verify_key_free(struct cb_verify_key *key)
{
	EVP_PKEY_free(PKEY(key));
}

static void key_id(const EVP_PKEY *key, char out[CB_SHA256_HEX])
{
	unsigned char raw[CB_SHA256] = {0};
	size_t len = sizeof(raw);

	EVP_PKEY_get_raw_public_key(key, raw, &len);
	cb_hex(raw, sizeof(raw), out);
}

void cb_sign_key_id(const struct cb_sign_key *key, char out[CB_SHA256_HEX])
{
	key_id(PKEY(key), out);
}

void cb_verify_key_id(const struct cb_verify_key *key, char out[CB_SHA256_HEX])
{
	key_id(PKEY(key), out);
}

/* ---- A new pair ------------------------------------------------------------------------------------------------- */

/* A file that was not there before. */
static int write_new(const char *path, mode_t mode, BIO *text, struct cb_err *e)
{
	char *data;
	long len = BIO_get_mem_data(text, &data);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	int err;

	if (fd < 0 && errno == EEXIST)
		return cb_fail(e, EEXIST, "%s is there already; remove it or choose another name", path);
	if (fd < 0)
		return cb_fail(e, errno, "cannot write %s: %s", path, strerror(errno));
	err = cb_write_all(fd, data, (size_t)len);
	if (!err && fsync(fd))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	if (!err)
		return 0;
	unlink(path);
	return cb_fail(e, -err, "cannot write %s: %s", path, strerror(-err));
}

static int write_pair(const char *path, const EVP_PKEY *key, struct cb_err *e)
{
	BIO *private = BIO_new(BIO_s_secmem()), *public = BIO_new(BIO_s_mem());
	char *public_path = NULL;
	int err;

	if (asprintf(&public_path, "%s.pub", path) < 0)
		public_path = NULL;
	if (!private || !public || !public_path || !PEM_write_bio_PrivateKey(private, key, NULL, NULL, 0, NULL, NULL) ||
	    !PEM_write_bio_PUBKEY(public, key)) {
		err = cb_fail(e, ENOMEM, "cannot make a key: out of memory");
	} else {
		err = write_new(public_path, 0644, public, e);
		if (!err && (err = write_new(path, 0600, private, e)))
			unlink(public_path);
	}
	free(public_path);
	BIO_free(private);
	BIO_free(public);
	return err;
}

int cb_keygen(const char *path, struct cb_err *e)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	int err;

	if (!key)
		err = cb_fail(e, EIO, "cannot make a key: %s",
			      ERR_reason_error_string(ERR_peek_error()) ?: "no memory");
	else
		err = write_pair(path, key, e);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return err;
}

/* ---- Signatures ------------------------------------------------------------------------------------------------- */

enum { TEXT = 256 };

/* Its length, or 0 when one of them is no digest. */
static size_t text_to_sign(const char *request_digest, const char *object_digest, char text[TEXT])
{
	unsigned char raw[CB_SHA256];

	if (!cb_unhex(request_digest, raw, sizeof(raw)) || !cb_unhex(object_digest, raw, sizeof(raw)))
		return 0;
	return (size_t)snprintf(text, TEXT, "coolbpf object 1\n%s\n%s\n", request_digest, object_digest);
}

int cb_sign(const struct cb_sign_key *key, const char *request_digest, const char *object_digest,
	    unsigned char signature[CB_SIGNATURE], struct cb_err *e)
{
	char text[TEXT];
	size_t len = text_to_sign(request_digest, object_digest, text), n = CB_SIGNATURE;
	EVP_MD_CTX *ctx;
	bool done;

	if (!len)
		return cb_fail(e, EINVAL, "what is to be signed are not two SHA-256 digests");
	ctx = EVP_MD_CTX_new();
	done = ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, PKEY(key)) == 1 &&
	       EVP_DigestSign(ctx, signature, &n, (const unsigned char *)text, len) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return done ? 0 : cb_fail(e, ENOMEM, "cannot sign: out of memory");
}

bool cb_verify(const struct cb_verify_key *key, const char *request_digest, const char *object_digest,
	       const unsigned char signature[CB_SIGNATURE])
{
	char text[TEXT];
	size_t len = text_to_sign(request_digest, object_digest, text);
	EVP_MD_CTX *ctx = len ? EVP_MD_CTX_new() : NULL;
	bool good = ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, PKEY(key)) == 1 &&
		    EVP_DigestVerify(ctx, signature, CB_SIGNATURE, (const unsigned char *)text, len) == 1;

	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good;
}
