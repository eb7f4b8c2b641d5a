// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_sign.c - keys and signatures, against RFC 8032 (7.1) and OpenSSL's command. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "service/sign.h"

static char dir[] = "/tmp/coolbpf-sign-test.XXXXXX";
static char request[CB_SHA256_HEX], object[CB_SHA256_HEX];

static int enter_dir(void **state)
{
	cb_sha256_hex("request", 7, request);
	cb_sha256_hex("object", 6, object);
	return !mkdtemp(dir) || chdir(dir);
}

static int leave_dir(void **state)
{
	return chdir("/") || system("rm -r /tmp/coolbpf-sign-test.*");
}

static void write_file(const char *name, const void *data, size_t len)
{
	struct cb_err e = {0};

	if (cb_file_write(name, data, len, 0600, &e))
		fail_msg("%s", e.text);
}

/* What sign.h says is signed, written down once more. */
static void write_signed_text(void)
{
	char text[256];
	int n = snprintf(text, sizeof(text), "coolbpf object 1\n%s\n%s\n", request, object);

	write_file("text", text, (size_t)n);
}

/* Run one command; its exit status. */
static int run(const char *command)
{
	int status = system(command);

	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void need_openssl(void)
{
	if (run("openssl version >/dev/null 2>&1"))
		skip_because("there is no openssl command");
}

static struct cb_sign_key *sign_key(const char *path)
{
	struct cb_sign_key *key = NULL;
	struct cb_err e = {0};

	if (cb_sign_key_read(path, &key, &e))
		fail_msg("%s", e.text);
	return key;
}

static struct cb_verify_key *verify_key(const char *path_or_hex)
{
	struct cb_verify_key *key = NULL;
	struct cb_err e = {0};

	if (cb_verify_key_read(path_or_hex, &key, &e))
		fail_msg("%s", e.text);
	return key;
}

static void a_new_pair(void **state)
{
	struct cb_err e = {0};
	struct stat st;
	char id[CB_SHA256_HEX], public_id[CB_SHA256_HEX];
	unsigned char signature[CB_SIGNATURE];
	struct cb_sign_key *key;
	struct cb_verify_key *public;

	assert_int_equal(cb_keygen("new", &e), 0);
	assert_int_equal(stat("new", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	key = sign_key("new");
	public = verify_key("new.pub");
	cb_sign_key_id(key, id);
	cb_verify_key_id(public, public_id);
	assert_string_equal(id, public_id);
	assert_int_equal(cb_sign(key, request, object, signature, &e), 0);
	assert_true(cb_verify(public, request, object, signature));
	cb_verify_key_free(public);
	public = verify_key(id);
	assert_true(cb_verify(public, request, object, signature));
	cb_verify_key_free(public);
	cb_sign_key_free(key);
}

static void nothing_is_overwritten(void **state)
{
	struct cb_err e = {0};

	write_file("there", "mine", 4);
	assert_int_equal(cb_keygen("there", &e), -EEXIST);
	assert_non_null(strstr(e.text, "there is there already"));
	assert_int_equal(access("there.pub", F_OK), -1);
	write_file("half.pub", "mine", 4);
	assert_int_equal(cb_keygen("half", &e), -EEXIST);
	assert_int_equal(access("half", F_OK), -1);
	assert_int_equal(cb_keygen("no/such/directory", &e), -ENOENT);
}

static void anything_else_is_refused(void **state)
{
	struct cb_err e = {0};
	unsigned char signature[CB_SIGNATURE];
	char other[CB_SHA256_HEX];
	struct cb_sign_key *key;
	struct cb_verify_key *public, *stranger;

	assert_int_equal(cb_keygen("a", &e), 0);
	assert_int_equal(cb_keygen("b", &e), 0);
	key = sign_key("a");
	public = verify_key("a.pub");
	stranger = verify_key("b.pub");
	cb_sha256_hex("other", 5, other);
	assert_int_equal(cb_sign(key, request, object, signature, &e), 0);
	assert_false(cb_verify(stranger, request, object, signature));
	assert_false(cb_verify(public, other, object, signature));
	assert_false(cb_verify(public, request, other, signature));
	assert_false(cb_verify(public, object, request, signature));
	assert_false(cb_verify(public, request, "", signature));
	assert_false(cb_verify(public, "abc\n", object, signature));
	for (size_t i = 0; i < CB_SIGNATURE; i++) {
		signature[i] ^= 1;
		assert_false(cb_verify(public, request, object, signature));
		signature[i] ^= 1;
	}
	assert_true(cb_verify(public, request, object, signature));
	assert_int_equal(cb_sign(key, "abc", object, signature, &e), -EINVAL);
	cb_sign_key_free(key);
	cb_verify_key_free(public);
	cb_verify_key_free(stranger);
}

/* The three secret keys of RFC 8032, 7.1, and the public keys that belong to them. PKCS #8's frame around a secret key is 16
 * bytes (RFC 8410, 10.3). */
static void keys_of_rfc_8032(void **state)
{
	static const struct {
		const char *secret, *public;
	} vectors[] = {
		{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
		 "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"},
		{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
		 "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"},
		{"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
		 "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"},
	};

	for (size_t i = 0; i < 3; i++) {
		unsigned char der[16 + 32] = "\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
		char id[CB_SHA256_HEX];
		struct cb_buf pem = {0};
		struct cb_sign_key *key;

		assert_true(cb_unhex(vectors[i].secret, der + 16, 32));
		cb_buf_str(&pem, "-----BEGIN PRIVATE KEY-----\n");
		cb_base64(&pem, der, sizeof(der));
		cb_buf_str(&pem, "\n-----END PRIVATE KEY-----\n");
		write_file("rfc", pem.data, pem.len);
		key = sign_key("rfc");
		cb_sign_key_id(key, id);
		assert_string_equal(id, vectors[i].public);
		cb_sign_key_free(key);
		cb_buf_free(&pem);
	}
}

/* Ed25519 has one signature for one key and text: OpenSSL's command must make the same, and accept ours. */
static void as_the_openssl_command(void **state)
{
	struct cb_err e = {0};
	unsigned char signature[CB_SIGNATURE];
	struct cb_sign_key *key;

	need_openssl();
	write_signed_text();
	assert_int_equal(cb_keygen("ours", &e), 0);
	key = sign_key("ours");
	assert_int_equal(cb_sign(key, request, object, signature, &e), 0);
	cb_sign_key_free(key);
	write_file("signature", signature, sizeof(signature));
	assert_int_equal(run("openssl pkeyutl -verify -rawin -pubin -inkey ours.pub -in text -sigfile signature "
			     ">/dev/null 2>&1"),
			 0);
	assert_int_equal(run("openssl pkeyutl -sign -rawin -inkey ours -in text -out theirs 2>/dev/null"), 0);
	assert_int_equal(run("cmp signature theirs"), 0);
	assert_int_equal(run("echo >>text"), 0);
	assert_int_not_equal(run("openssl pkeyutl -verify -rawin -pubin -inkey ours.pub -in text -sigfile signature "
				 ">/dev/null 2>&1"),
			     0);
}

static void keys_of_the_openssl_command(void **state)
{
	struct cb_err e = {0};
	unsigned char *signature;
	char *data;
	size_t len;
	struct cb_verify_key *public;

	need_openssl();
	write_signed_text();
	assert_int_equal(run("openssl genpkey -algorithm ed25519 -out theirs.key 2>/dev/null && "
			     "openssl pkey -in theirs.key -pubout -out theirs.pub && "
			     "openssl pkeyutl -sign -rawin -inkey theirs.key -in text -out sig"),
			 0);
	assert_int_equal(cb_file_read("sig", CB_SIGNATURE, &data, &len, &e), 0);
	assert_int_equal(len, CB_SIGNATURE);
	signature = (unsigned char *)data;
	public = verify_key("theirs.pub");
	assert_true(cb_verify(public, request, object, signature));
	cb_verify_key_free(public);
	free(data);
}

static void files_that_are_no_keys(void **state)
{
	static const struct {
		const char *make, *file, *says;
		bool public, private;
	} bad[] = {
		{"openssl genpkey -algorithm ed25519 -out key", "key", "holds no public key", true, false},
		{"openssl genpkey -algorithm ed25519 | openssl pkey -pubout -out pub", "pub", "holds no private key",
		 false, true},
		{"openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-256 -out ec", "ec",
		 "another kind than Ed25519", false, true},
		{"openssl genpkey -algorithm x25519 | openssl pkey -pubout -out x.pub", "x.pub", "another kind", true,
		 false},
		{"openssl genpkey -algorithm ed25519 -aes256 -pass pass:secret -out locked", "locked", "a password",
		 false, true},
		{"echo hello >text.txt", "text.txt", "holds no", true, true},
		{": >empty", "empty", "holds no", true, true},
		{"true", "absent", "No such file", true, true},
		/* one digit short of a key: taken for a file's name */
		{"true", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511", "No such file", true, true},
	};

	need_openssl();
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct cb_sign_key *key;
		struct cb_verify_key *public;
		struct cb_err e = {0};
		char command[512];

		snprintf(command, sizeof(command), "{ %s; } 2>/dev/null", bad[i].make);
		assert_int_equal(run(command), 0);
		if (bad[i].private) {
			assert_true(cb_sign_key_read(bad[i].file, &key, &e) < 0);
			if (!strstr(e.text, bad[i].says))
				fail_msg("%s: %s", bad[i].make, e.text);
		}
		if (bad[i].public) {
			assert_true(cb_verify_key_read(bad[i].file, &public, &e) < 0);
			if (!strstr(e.text, bad[i].says))
				fail_msg("%s: %s", bad[i].make, e.text);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_pair),
		cmocka_unit_test(nothing_is_overwritten),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(keys_of_rfc_8032),
		cmocka_unit_test(as_the_openssl_command),
		cmocka_unit_test(keys_of_the_openssl_command),
		cmocka_unit_test(files_that_are_no_keys),
	};

	return cmocka_run_group_tests(tests, enter_dir, leave_dir);
}
