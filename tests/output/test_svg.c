// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * test_svg.c - flame graphs: where the boxes stand, what they say, and what names cannot do to the file. Expected places
 * are worked out by hand: 1180 pixels for the whole weight, from x = 10; rows of 17, the uppermost at y = 62; half a pixel
 * between boxes.
 */
#include <stdlib.h>

#include "fixture.h"

static struct cb_stacks *stacks;
static struct cb_buf svg;

static int new_stacks(void **state)
{
	stacks = cb_stacks_new();
	return !stacks;
}

static int free_stacks(void **state)
{
	cb_stacks_free(stacks);
	cb_buf_free(&svg);
	return 0;
}

static void add(const char *folded, uint64_t weight)
{
	char *text = strdup(folded), *rest;
	const char *frames[64];
	size_t n = 0;

	for (char *f = strtok_r(text, ";", &rest); f; f = strtok_r(NULL, ";", &rest))
		frames[n++] = f;
	assert_int_equal(cb_stacks_add(stacks, frames, n, weight), 0);
	free(text);
}

static const char *draw(const char *unit)
{
	svg.len = 0;
	assert_int_equal(cb_stacks_svg(stacks, "profile", unit, &svg), 0);
	return cb_buf_cstr(&svg);
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("not there: %s", part);
}

static void assert_has_not(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("there: %s", part);
}

static size_t count(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)); text++)
		n++;
	return n;
}

static void test_places(void **state)
{
	const char *text;

	add("main;b_[k]", 30);
	add("main", 20);
	add("main;a", 50);
	text = draw("samples");
	assert_has(text, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1200\" height=\"143\">");
	assert_has(text, ">profile</text>");
	assert_has(text, ">100 samples</text>");
	assert_has(text, "<g data-from=\"0\" data-to=\"100\"><title>all (100 samples, 100.00%)</title>"
			 "<rect x=\"10.00\" y=\"96\" width=\"1179.50\" height=\"16\"");
	assert_has(text, "<title>main (100 samples, 100.00%)</title>"
			 "<rect x=\"10.00\" y=\"79\" width=\"1179.50\" height=\"16\"");
	assert_has(text, "<g data-from=\"0\" data-to=\"50\"><title>a (50 samples, 50.00%)</title>"
			 "<rect x=\"10.00\" y=\"62\" width=\"589.50\" height=\"16\"");
	assert_has(text, "<g data-from=\"50\" data-to=\"80\"><title>b (kernel, 30 samples, 30.00%)</title>"
			 "<rect x=\"600.00\" y=\"62\" width=\"353.50\" height=\"16\"");
	assert_has(text, "<text x=\"603.00\" y=\"74\">b</text>");
	assert_int_equal(count(text, "<title>"), 4);
}

/* The same function, called from two places, is two boxes; recursion is a box on a box. */
static void test_callers_apart(void **state)
{
	const char *text;

	add("a;read", 1);
	add("b;read;read", 1);
	text = draw("samples");
	assert_int_equal(count(text, "<title>read ("), 3);
	assert_has(text, "<g data-from=\"0\" data-to=\"1\"><title>read (1 sample, 50.00%)");
	assert_int_equal(count(text, "<g data-from=\"1\" data-to=\"2\"><title>read (1 sample, 50.00%)"), 2);
}

static void test_units(void **state)
{
	add("f", 1234567);
	assert_has(draw("samples"), "f (1,234,567 samples, 100.00%)");
	assert_has(draw("ns"), "f (1.23ms, 100.00%)");
	assert_has(draw("us"), "f (1.23s, 100.00%)");
	assert_has(draw("bytes"), "f (1.2M bytes, 100.00%)");
	assert_has(draw("<b>"), "f (1,234,567 &lt;b&gt;, 100.00%)");
}

/* A process may call itself what it likes. */
static void test_names_cannot_break_out(void **state)
{
	const char *text;

	add("]]></script><script>alert(1)</script>", 1000);
	add("\"/><image href='x'/>&amp", 1000);
	add("\xff\xef\xbf\xbe\x1b[31m", 1000);
	text = draw("samples");
	assert_has(text, "<title>]]&gt;&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt; (");
	assert_has(text, "<title>&quot;/&gt;&lt;image href=&#39;x&#39;/&gt;&amp;amp (");
	/* U+FFFE is a character, but not one of XML's */
	assert_has(text, "<title>\xef\xbf\xbd\xef\xbf\xbd [31m (");
	assert_int_equal(count(text, "<script"), 1);
	assert_int_equal(count(text, "]]>"), 1);
	svg.len = 0;
	assert_int_equal(cb_stacks_svg(stacks, "</text><script>", "samples", &svg), 0);
	assert_has(cb_buf_cstr(&svg), ">&lt;/text&gt;&lt;script&gt;</text>");
}

/* 0.1 pixels are 1/11800 of the width. */
static void test_thin_ones_left_out(void **state)
{
	const char *text;

	add("wide", 1000000 - 85 - 84);
	add("seen", 85);
	add("unseen;deep;deeper", 84);
	text = draw("samples");
	assert_has(text, "<title>seen (");
	assert_has_not(text, "unseen");
	assert_has_not(text, "deep");
	assert_has(text, "height=\"126\""); /* of all, and one row */
}

/* Each label, at 7.25 pixels for a column, and 3 on either side, is not wider than its box. */
static void test_labels_fit(void **state)
{
	size_t labels = 0, cut = 0;
	char name[64];

	for (unsigned i = 1; i < 40; i++) {
		snprintf(name, sizeof(name), "f%u_%.*s", i, (int)(i % 7), "longer");
		add(name, i);
	}
	/* CJK characters take two columns */
	add("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x81\xae\xe9\x96\xa2\xe6\x95\xb0", 90);
	for (const char *g = draw("samples"); (g = strstr(g, "<g data-from")); g++) {
		const char *end = strstr(g, "</g>"), *text = strstr(g, "<text");
		double width = strtod(strstr(g, "width=\"") + strlen("width=\""), NULL);
		double columns = 0;

		if (!text || text > end)
			continue;
		labels++;
		for (text = strchr(text, '>') + 1; *text != '<'; text++)
			if ((*text & 0xc0) != 0x80)
				columns += (unsigned char)*text >= 0xe1 ? 2 : 1;
		cut += text[-1] == '.' && text[-2] == '.';
		assert_true(columns * 7.25 + 6 <= width + 0.51);
	}
	assert_true(cut > 5);
	assert_true(labels > cut + 5);
}

/* #rrggbb of the box with this title */
static void colour_of(const char *title, unsigned rgb[3])
{
	const char *at = strstr(cb_buf_cstr(&svg), title);

	assert_non_null(at);
	at = strstr(at, "fill=\"#");
	assert_int_equal(sscanf(at, "fill=\"#%2x%2x%2x\"", &rgb[0], &rgb[1], &rgb[2]), 3);
}

static void test_colours(void **state)
{
	unsigned user[3], kernel[3], inlined[3], jit[3], again[3];

	add("f;f_[k]", 1);
	add("f;f_[i]", 1);
	add("f;f_[j]", 1);
	draw("samples");
	colour_of("<title>f (3 samples", user);
	colour_of("<title>f (kernel", kernel);
	colour_of("<title>f (inlined", inlined);
	colour_of("<title>f (JIT", jit);
	assert_true(user[0] > user[1] && user[1] > user[2]);		 /* red to yellow */
	assert_true(kernel[2] > kernel[1] && kernel[1] > kernel[0]);	 /* blue */
	assert_true(inlined[1] > inlined[0] && inlined[2] > inlined[0]); /* between green and blue */
	assert_true(jit[1] > jit[0] && jit[0] > jit[2]);		 /* green */
	assert_has(cb_buf_cstr(&svg), ">inlined</text>");
	/* another picture */
	add("main;g;f", 17);
	draw("ns");
	colour_of("<title>f (17ns", again);
	assert_memory_equal(again, user, sizeof(user));
}

/* A browser that opens it asks nobody for anything. */
static void test_self_contained(void **state)
{
	const char *text;

	add("main", 1);
	text = draw("samples");
	assert_has_not(text, "https:");
	assert_int_equal(count(text, "http:"), count(text, "xmlns=\"http://www.w3.org/"));
	assert_has_not(text, "href");
	assert_has_not(text, "@import");
	assert_has_not(text, "url(");
	assert_has(text, "<style>");
	assert_has(text, "<script><![CDATA[");
}

static void test_nothing(void **state)
{
	const char *text = draw("samples");

	assert_has(text, ">0 samples</text>");
	assert_int_equal(count(text, "<title>"), 0);
	assert_has(text, "</svg>\n");
}

static void test_large_weights(void **state)
{
	add("a", UINT64_MAX / 2);
	add("b", UINT64_MAX);
	assert_has(draw("samples"), "<title>all (18,446,744,073,709,551,615 samples, 100.00%)</title>");
	assert_has(draw("samples"), "data-to=\"18446744073709551615\"><title>b (");
}

static void test_deep(void **state)
{
	enum { DEPTH = 3000 };
	const char **frames = malloc(DEPTH * sizeof(*frames));

	assert_non_null(frames);
	for (int i = 0; i < DEPTH; i++)
		frames[i] = i % 2 ? "even" : "odd";
	assert_int_equal(cb_stacks_add(stacks, frames, DEPTH, 1), 0);
	assert_int_equal(count(draw("samples"), "<title>"), DEPTH + 1);
	free(frames);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, new_stacks, free_stacks)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_places),
		TEST(test_callers_apart),
		TEST(test_units),
		TEST(test_names_cannot_break_out),
		TEST(test_thin_ones_left_out),
		TEST(test_labels_fit),
		TEST(test_colours),
		TEST(test_self_contained),
		TEST(test_nothing),
		TEST(test_large_weights),
		TEST(test_deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
