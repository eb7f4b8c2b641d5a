// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_wire.c - frames among noise. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "lab/wire.h"

/* What comes out, one item a line: "frame: JSON" or "text: ..." */
struct seen {
	struct cb_wire wire;
	struct cb_buf all;
};

static void on_frame(void *ctx, json_t *message)
{
	struct seen *s = ctx;
	char *text = json_dumps(message, JSON_COMPACT);

	cb_buf_printf(&s->all, "frame: %s\n", text);
	free(text);
}

static void on_text(void *ctx, const char *line, size_t len)
{
	struct seen *s = ctx;

	cb_buf_printf(&s->all, "text: %.*s\n", (int)len, line);
}

static void check(const char *input, size_t step, const char *want)
{
	struct seen s = {.wire = {.frame = on_frame, .text = on_text, .ctx = &s}};
	size_t len = strlen(input);

	for (size_t i = 0; i < len; i += step)
		cb_wire_feed(&s.wire, input + i, i + step < len ? step : len - i);
	cb_wire_end(&s.wire);
	assert_string_equal(cb_buf_cstr(&s.all), want);
	cb_wire_free(&s.wire);
	cb_buf_free(&s.all);
}

static char *frame(const char *json)
{
	json_t *message = json_loads(json, 0, NULL);
	struct cb_buf out = {0};

	assert_true(cb_wire_frame(&out, message));
	cb_buf_cstr(&out);
	json_decref(message);
	return out.data;
}

static void a_frame_is_one_line_of_ascii(void **state)
{
	char *f = frame("{\"t\":\"end\",\"message\":\"line 1\\nline 2 \\u00fc\"}");

	/* FNV-1a, its upper half folded into the lower, of what stands behind it: by a calculation of its own */
	uint64_t hash = 0xcbf29ce484222325ULL;
	char digest[17];

	for (const char *p = strchr(f, '{'); *p != '\n'; p++)
		hash = (hash ^ (unsigned char)*p) * 0x100000001b3ULL;
	hash ^= hash >> 32;
	snprintf(digest, sizeof(digest), "%016llx", (unsigned long long)hash);
	assert_memory_equal(f, "@lab ", 5);
	assert_memory_equal(f + 5, digest, 16);
	assert_string_equal(f + 21, " {\"t\":\"end\",\"message\":\"line 1\\nline 2 \\u00FC\"}\n");
	free(f);
}

static void frames_and_text_come_in_order(void **state)
{
	char *f = frame("{\"t\":\"beat\"}"), input[512];

	/* text of a kernel that shares the port; a carriage return that a terminal's driver adds; text in front on the line */
	snprintf(input, sizeof(input), "[    0.1] booting\r\n%s\n\nnoise %.*s\r\nlast", f, (int)strlen(f) - 1, f);
	for (size_t step = 1; step < 64; step++)
		check(input, step,
		      "text: [    0.1] booting\nframe: {\"t\":\"beat\"}\ntext: noise \nframe: {\"t\":\"beat\"}\ntext: "
		      "last\n");
	free(f);
}

static void a_damaged_frame_is_text(void **state)
{
	char *f = frame("{\"t\":\"beat\"}"), input[512], want[600];

	for (size_t i = 0; i + 1 < strlen(f); i++) {
		snprintf(input, sizeof(input), "%.*s!%s", (int)i, f, f + i);
		snprintf(want, sizeof(want), "text: %s", input);
		/* in front of it, noise does no harm */
		if (i)
			check(input, 100, want);
		snprintf(input, sizeof(input), "%s", f);
		input[i] ^= 1;
		if (input[i] == '\n')
			continue;
		snprintf(want, sizeof(want), "text: %s", input);
		check(input, 100, want);
	}
	free(f);
}

static void a_frame_holds_an_object(void **state)
{
	/* the right digest of "[1]", which is not one, by the same calculation as above */
	uint64_t hash = 0xcbf29ce484222325ULL;
	char input[64], want[80];

	for (const char *p = "[1]"; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 0x100000001b3ULL;
	hash ^= hash >> 32;
	snprintf(input, sizeof(input), "@lab %016llx [1]\n", (unsigned long long)hash);
	snprintf(want, sizeof(want), "text: %s", input);
	check(input, 100, want);
}

static void a_line_without_end_does_not_grow(void **state)
{
	struct seen s = {.wire = {.frame = on_frame, .text = on_text, .ctx = &s}};
	char chunk[1000];

	memset(chunk, 'x', sizeof(chunk));
	for (int i = 0; i < 1000; i++) {
		cb_wire_feed(&s.wire, chunk, sizeof(chunk));
		assert_true(s.wire.line.cap <= 2 * CB_WIRE_LINE);
	}
	cb_wire_end(&s.wire);
	/* nothing of it is lost: "text: " and a newline come with each piece */
	assert_int_equal(s.all.len, 1000000 + 7 * ((1000000 + CB_WIRE_LINE - 1) / CB_WIRE_LINE));
	cb_wire_free(&s.wire);
	cb_buf_free(&s.all);
}

static void a_message_that_is_too_long_is_no_frame(void **state)
{
	char *text = calloc(1, CB_WIRE_LINE + 1);
	struct cb_buf out = {0};
	json_t *message;

	memset(text, 'x', CB_WIRE_LINE);
	message = json_pack("{ss}", "t", text);
	assert_false(cb_wire_frame(&out, message));
	assert_int_equal(out.len, 0);
	json_decref(message);
	cb_buf_free(&out);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_is_one_line_of_ascii),
		cmocka_unit_test(frames_and_text_come_in_order),
		cmocka_unit_test(a_damaged_frame_is_text),
		cmocka_unit_test(a_frame_holds_an_object),
		cmocka_unit_test(a_line_without_end_does_not_grow),
		cmocka_unit_test(a_message_that_is_too_long_is_no_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
