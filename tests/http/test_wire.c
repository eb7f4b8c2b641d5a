// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_wire.c - the grammar of HTTP/1.1: heads, fields, lengths, chunks; by the examples of RFC 9112 and by what it
 * forbids. */
#include "check.h"

#include <errno.h>
#include <string.h>

#include "http/wire.h"

static void a_head_ends_with_an_empty_line(void **state)
{
	static const struct {
		const char *text;
		ssize_t length;
	} cases[] = {
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27},
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\nbody", 27},
		{"GET / HTTP/1.1\r\n\r\n", 18},
		{"GET / HTTP/1.1\r\nHost: a\r\n", 0},
		{"GET / HTTP/1.1\r\nHost: a\r\n\r", 0},
		{"", 0},
		{"\r\n", 2},
		{"\r\nGET / HTTP/1.1\r\n\r\n", 2},
		{"GET / HTTP/1.1\nHost: a\n\n", -EBADMSG},
		{"GET / HTTP/1.1\r\nHost: a\n\r\n", -EBADMSG},
		{"GET / HTTP/1.1\r\nHost: a\r\n\n", -EBADMSG},
		{"\n", -EBADMSG},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct cb_head_scan whole = {0}, bytes = {0};
		ssize_t got = 0;

		assert_int_equal(cb_wire_head(&whole, cases[i].text, strlen(cases[i].text)), cases[i].length);
		for (size_t len = 0; len <= strlen(cases[i].text) && !got; len++)
			got = cb_wire_head(&bytes, cases[i].text, len);
		assert_int_equal(got, cases[i].length);
		assert_int_equal(bytes.lines, whole.lines);
	}
}

static void a_zero_byte_is_in_no_head(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n";
	struct cb_head_scan scan = {0};

	assert_int_equal(cb_wire_head(&scan, text, sizeof(text) - 1), -EBADMSG);
}

static void a_field_is_cut_into_name_and_value(void **state)
{
	static const struct {
		const char *line, *name, *value;
	} good[] = {
		{"Host: a", "Host", "a"},
		{"Host:a", "Host", "a"},
		{"Host: \t a \t ", "Host", "a"},
		{"X:", "X", ""},
		{"X: \t", "X", ""},
		{"X: a b\tc", "X", "a b\tc"},
		{"X: \xc3\xa4", "X", "\xc3\xa4"},
		{"!#$%&'*+-.^_`|~09azAZ: :", "!#$%&'*+-.^_`|~09azAZ", ":"},
	};
	static const char *const bad[] = {"",
					  ":",
					  ": a",
					  "Host",
					  "Host a",
					  "Host : a",
					  " Host: a",
					  "\tHost: a",
					  "Ho st: a",
					  "H(: a",
					  "H\xc3\xa4: a",
					  "X: a\rb",
					  "X: a\x01"
					  "b",
					  "X: \x7f",
					  "X: \v"};
	struct cb_field f;
	char line[64];

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		strcpy(line, good[i].line);
		assert_int_equal(cb_wire_field(line, &f), 0);
		assert_string_equal(f.name, good[i].name);
		assert_string_equal(f.value, good[i].value);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		strcpy(line, bad[i]);
		if (cb_wire_field(line, &f) != -EBADMSG)
			fail_msg("taken: \"%s\"", bad[i]);
	}
}

static void a_list_has_words(void **state)
{
	assert_true(cb_wire_has_word("close", "close"));
	assert_true(cb_wire_has_word("Keep-Alive, Close", "close"));
	assert_true(cb_wire_has_word(" ,, close\t,x", "close"));
	assert_false(cb_wire_has_word("closed", "close"));
	assert_false(cb_wire_has_word("not close", "close"));
	assert_false(cb_wire_has_word("", "close"));
	assert_false(cb_wire_has_word(NULL, "close"));
}

static void a_number_is_digits(void **state)
{
	uint64_t n;

	assert_true(cb_wire_number("0", 10, &n) && n == 0);
	assert_true(cb_wire_number("007", 10, &n) && n == 7);
	assert_true(cb_wire_number("18446744073709551615", UINT64_MAX, &n) && n == UINT64_MAX);
	assert_false(cb_wire_number("18446744073709551616", UINT64_MAX, &n));
	assert_false(cb_wire_number("11", 10, &n));
	for (size_t i = 0; i < 8; i++)
		assert_false(
			cb_wire_number((const char *[]){"", "+1", "-1", " 1", "1 ", "0x1", "1,1", "1e1"}[i], 100, &n));
}

static void escapes_are_decoded(void **state)
{
	static const char *const bad[] = {"%", "%4", "%4g", "%g4", "%00", "a%0", "%%41"};
	char text[64];

	strcpy(text, "/a%20b+%2f%C3%a4");
	assert_true(cb_wire_unescape(text, false));
	assert_string_equal(text, "/a b+/\xc3\xa4");
	strcpy(text, "a+b%2B");
	assert_true(cb_wire_unescape(text, true));
	assert_string_equal(text, "a b+");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		strcpy(text, bad[i]);
		assert_false(cb_wire_unescape(text, false));
	}
}

static void the_length_of_a_body_is_told_once(void **state)
{
	static const struct {
		struct cb_field fields[2];
		int status;
		bool chunked, has_length;
		uint64_t length;
	} cases[] = {
		{{{"A", "b"}, {"C", "d"}}, 0, false, false, 0},
		{{{"content-length", "0"}, {"C", "d"}}, 0, false, true, 0},
		{{{"Content-Length", "123"}, {"C", "d"}}, 0, false, true, 123},
		{{{"Transfer-Encoding", "Chunked"}, {"C", "d"}}, 0, true, false, 0},
		{{{"Content-Length", "5"}, {"Content-Length", "5"}}, 400, false, false, 0},
		{{{"Content-Length", "5"}, {"content-LENGTH", "6"}}, 400, false, false, 0},
		{{{"Content-Length", "5, 5"}, {"C", "d"}}, 400, false, false, 0},
		{{{"Content-Length", "+5"}, {"C", "d"}}, 400, false, false, 0},
		{{{"Content-Length", "-5"}, {"C", "d"}}, 400, false, false, 0},
		{{{"Content-Length", "0x5"}, {"C", "d"}}, 400, false, false, 0},
		{{{"Content-Length", ""}, {"C", "d"}}, 400, false, false, 0},
		{{{"Content-Length", "99999999999999999999999"}, {"C", "d"}}, 413, false, false, 0},
		{{{"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}}, 400, false, false, 0},
		{{{"Transfer-Encoding", "chunked"}, {"Content-Length", "5"}}, 400, false, false, 0},
		{{{"Transfer-Encoding", "gzip"}, {"Content-Length", "5"}}, 400, false, false, 0},
		{{{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}}, 400, false, false, 0},
		{{{"Transfer-Encoding", "gzip, chunked"}, {"C", "d"}}, 501, false, false, 0},
		{{{"Transfer-Encoding", "xchunked"}, {"C", "d"}}, 501, false, false, 0},
		{{{"Transfer-Encoding", "chunked, identity"}, {"C", "d"}}, 501, false, false, 0},
		{{{"Transfer-Encoding", "\"chunked\""}, {"C", "d"}}, 501, false, false, 0},
		{{{"Transfer-Encoding", ""}, {"C", "d"}}, 501, false, false, 0},
	};
	const char *why;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct cb_framing f;

		why = NULL;
		assert_int_equal(cb_wire_framing(cases[i].fields, 2, &f, &why), cases[i].status);
		if (cases[i].status) {
			assert_non_null(why);
			continue;
		}
		assert_int_equal(f.chunked, cases[i].chunked);
		assert_int_equal(f.has_length, cases[i].has_length);
		assert_int_equal(f.length, cases[i].length);
	}
}

/* Decode in pieces of `step` bytes: the length of the body, or -EBADMSG, or -1 when it did not end. */
static ssize_t decode(const char *text, size_t step, char *body)
{
	struct cb_chunks c = {0};
	size_t len = strlen(text), at = 0, n = 0, piece_len;
	const char *piece;

	while (at < len && !cb_chunks_done(&c)) {
		ssize_t used = cb_chunks_next(&c, text + at, len - at < step ? len - at : step, &piece, &piece_len);

		if (used < 0)
			return used;
		assert_true(used > 0);
		memcpy(body + n, piece, piece_len);
		n += piece_len;
		at += (size_t)used;
	}
	body[n] = '\0';
	return cb_chunks_done(&c) && at == len ? (ssize_t)n : -1;
}

static void chunks_make_a_body(void **state)
{
	static const struct {
		const char *text, *body;
	} good[] = {
		{"0\r\n\r\n", ""},
		{"5\r\nhello\r\n0\r\n\r\n", "hello"},
		{"5\r\nhello\r\n00007\r\n, world\r\n000\r\n\r\n", "hello, world"},
		{"A\r\n0123456789\r\n0\r\n\r\n", "0123456789"},
		{"a;x=y;z=\"1\"\r\n0123456789\r\n0;last\r\n\r\n", "0123456789"},
		{"1\r\n\r\r\n1\r\n\n\r\n0\r\n\r\n", "\r\n"},
		{"1\r\na\r\n0\r\nX-Trailer: 1\r\nY: 2\r\n\r\n", "a"},
	};
	static const char *const bad[] = {
		"\r\n",
		"x\r\n",
		"-1\r\na\r\n",
		"+1\r\na\r\n0\r\n\r\n",
		"0x1\r\na\r\n0\r\n\r\n",
		" 1\r\na",
		"1 \r\na",
		"1\na\n0\n\n",
		"1\r\nab\r\n0\r\n\r\n",
		"1\r\na0\r\n\r\n",
		"1\r\na\n",
		"1\r\na\r\r",
		"0\r\n\n",
		"0\r\n X: folded\r\n\r\n",
		"0\r\nX\x01: 1\r\n\r\n",
		"1;a\n\r\na",
		"1;\x01\r\na",
		"1000000000000000\r\na",
		"0\r\nX: 1\n\r\n",
	};
	char body[64];

	for (size_t step = 1; step < 40; step++) {
		for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
			assert_int_equal(decode(good[i].text, step, body), strlen(good[i].body));
			assert_string_equal(body, good[i].body);
		}
		for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
			if (decode(bad[i], step, body) != -EBADMSG)
				fail_msg("taken by %zu: \"%s\"", step, bad[i]);
	}
}

static void chunks_are_not_made_of_extensions(void **state)
{
	static char text[20000];
	char body[64];

	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "1;", 2);
	assert_int_equal(decode(text, 1000, body), -EBADMSG);
	memcpy(text, "0\r\nx:", 5);
	assert_int_equal(decode(text, 1000, body), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_ends_with_an_empty_line),
		cmocka_unit_test(a_zero_byte_is_in_no_head),
		cmocka_unit_test(a_field_is_cut_into_name_and_value),
		cmocka_unit_test(a_list_has_words),
		cmocka_unit_test(a_number_is_digits),
		cmocka_unit_test(escapes_are_decoded),
		cmocka_unit_test(the_length_of_a_body_is_told_once),
		cmocka_unit_test(chunks_make_a_body),
		cmocka_unit_test(chunks_are_not_made_of_extensions),
	};

	return cmocka_run_group_tests_name("http / wire", tests, NULL, NULL);
}
