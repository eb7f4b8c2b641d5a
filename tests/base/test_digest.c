// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* Digests and texts of bytes: the vectors of FIPS 180-2 and RFC 4648. */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "check.h"

static void test_sha256(void **state)
{
	char hex[CB_SHA256_HEX];

	(void)state;
	cb_sha256_hex("abc", 3, hex);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	cb_sha256_hex("", 0, hex);
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void test_hex(void **state)
{
	unsigned char bytes[3] = {0};
	char hex[7];

	(void)state;
	cb_hex("\x00\x9f\xff", 3, hex);
	assert_string_equal(hex, "009fff");
	assert_true(cb_unhex("009fFF", bytes, 3));
	assert_memory_equal(bytes, "\x00\x9f\xff", 3);
	assert_false(cb_unhex("009ff", bytes, 3));
	assert_false(cb_unhex("009fff0", bytes, 3));
	assert_false(cb_unhex("009ffg", bytes, 3));
}

static void test_base64(void **state)
{
	static const struct {
		const char *plain, *text;
	} vectors[] = {{"", ""},
		       {"f", "Zg=="},
		       {"fo", "Zm8="},
		       {"foo", "Zm9v"},
		       {"foob", "Zm9vYg=="},
		       {"fooba", "Zm9vYmE="},
		       {"foobar", "Zm9vYmFy"}};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		struct cb_buf b = {0};

		cb_base64(&b, vectors[i].plain, strlen(vectors[i].plain));
		assert_string_equal(cb_buf_cstr(&b), vectors[i].text);
		b.len = 0;
		assert_true(cb_unbase64(&b, vectors[i].text, strlen(vectors[i].text)));
		assert_string_equal(cb_buf_cstr(&b), vectors[i].plain);
		cb_buf_free(&b);
	}
}

static void test_base64_large(void **state)
{
	enum { SIZE = (7 << 20) + 5 };
	struct cb_buf text = {0}, back = {0};
	unsigned char *data = malloc(SIZE);

	(void)state;
	assert_non_null(data);
	for (size_t i = 0; i < SIZE; i++)
		data[i] = (unsigned char)(i * 2654435761u >> 13);
	cb_base64(&text, data, SIZE);
	assert_int_equal(text.len, (SIZE + 2) / 3 * 4);
	assert_true(cb_unbase64(&back, text.data, text.len));
	assert_int_equal(back.len, SIZE);
	assert_memory_equal(back.data, data, SIZE);
	free(data);
	cb_buf_free(&text);
	cb_buf_free(&back);
}

static void test_base64_bad(void **state)
{
	static const char *const bad[] = {
		"Z", "Zg", "Zg=", "Zg===", "=Zg=", "Z===", "====", "Zm9\n", "Zm9-", "Zg==Zg==", "Zm 9"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct cb_buf b = {0};

		if (cb_unbase64(&b, bad[i], strlen(bad[i])))
			fail_msg("\"%s\" was taken", bad[i]);
		assert_int_equal(b.len, 0);
		cb_buf_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256),	     cmocka_unit_test(test_hex),	cmocka_unit_test(test_base64),
		cmocka_unit_test(test_base64_large), cmocka_unit_test(test_base64_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
