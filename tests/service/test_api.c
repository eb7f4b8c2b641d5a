// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_api.c - what a stranger may put into a request, and the digest of one. */
#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "service/api.h"

static void flags_that_are_allowed(void **state)
{
	static const char *const good[] = {
		"-DX",
		"-D_x9=",
		"-DNAME=1",
		"-DTEXT=\"a b; $(c) 'd'\"",
		"-DF=@file",
		"-DA==",
		"-D__x=é",
		"-UX",
		"-U__BPF_TRACING__",
		"-I.",
		"-Iinclude",
		"-Iinclude/net-2.0",
		"-I...",
		"-Ia b",
		"-Wall",
		"-Wextra",
		"-Werror",
		"-Weverything",
		"-Wno-all",
		"-Wformat=2",
		"-Wno-error=unused",
		"-Wc++-compat",
		"-Wno-gnu-variable-sized-type-not-at-end",
		"-O0",
		"-O1",
		"-O2",
		"-O3",
		"-Os",
		"-Oz",
		"-Wframe-larger-than=512",
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct cb_err e = {0};

		if (cb_api_check_flag(good[i], &e))
			fail_msg("%s: %s", good[i], e.text);
	}
}

/* Each must be refused with a sentence that names it and says this. */
static void flags_that_are_refused(void **state)
{
	static const struct {
		const char *flag, *says;
	} bad[] = {
		{"", "a server takes"},
		{"-", "a server takes"},
		{"--", "a server takes"},
		{"file.c", "a server takes"},
		{"@file", "a server takes"},
		{"-Xclang", "a server takes"},
		{"-Xpreprocessor", "a server takes"},
		{"-Xassembler", "a server takes"},
		{"-Xlinker", "a server takes"},
		{"-load", "a server takes"},
		{"-include", "a server takes"},
		{"-include/etc/shadow", "a server takes"},
		{"-imacros", "a server takes"},
		{"-include-pch", "a server takes"},
		{"-fplugin=/tmp/x.so", "a server takes"},
		{"-fpass-plugin=/tmp/x.so", "a server takes"},
		{"-fmodules", "a server takes"},
		{"-fmodule-file=x", "a server takes"},
		{"-mllvm", "a server takes"},
		{"-o", "a server takes"},
		{"-o/tmp/x", "a server takes"},
		{"-MD", "a server takes"},
		{"-MF/tmp/x", "a server takes"},
		{"-save-temps", "a server takes"},
		{"-ftime-trace=/tmp/x", "a server takes"},
		{"-dD", "a server takes"},
		{"-E", "a server takes"},
		{"-x", "a server takes"},
		{"-target", "a server takes"},
		{"-march=native", "a server takes"},
		{"-mcpu=v3", "a server takes"},
		{"-B/tmp", "a server takes"},
		{"-L/tmp", "a server takes"},
		{"-lc", "a server takes"},
		{"-isystem/etc", "a server takes"},
		{"-iquote.", "a server takes"},
		{"-idirafter/etc", "a server takes"},
		{"-isysroot/", "a server takes"},
		{"-iwithprefix", "a server takes"},
		{"--sysroot=/", "a server takes"},
		{"--config=/tmp/x", "a server takes"},
		{"--gcc-toolchain=/tmp", "a server takes"},
		{"-ivfsoverlay", "a server takes"},
		{"-resource-dir=/tmp", "a server takes"},
		{"-working-directory=/", "a server takes"},
		{"-fsanitize-blacklist=/etc/passwd", "a server takes"},
		{"-fprofile-use=/etc/passwd", "a server takes"},
		{"-fcrash-diagnostics-dir=/tmp", "a server takes"},
		{"-w", "a server takes"},
		{"-O", "a server takes"},
		{"-O4", "a server takes"},
		{"-Ofast", "a server takes"},
		{"-Og", "a server takes"},
		{"-O2 -o/tmp/x", "a server takes"},
		{"-O2,x", "a server takes"},
		{" -O2", "a server takes"},
		{"-d", "a server takes"},
		{"-D", "-DNAME=VALUE"},
		{"-D=1", "an identifier"},
		{"-D1X", "an identifier"},
		{"-DF(x)=x", "an identifier"},
		{"-DX Y", "an identifier"},
		{"-DX-Y=1", "an identifier"},
		{"-D X", "an identifier"},
		{"-Dé=1", "an identifier"},
		{"-DX=1\n#include \"/etc/shadow\"", "a control character"},
		{"-DX=1\r", "a control character"},
		{"-DX=\x1b[2J", "a control character"},
		{"-DX=\xc2\x9b", "a control character"},
		{"-U", "-UNAME"},
		{"-UX=1", "no value"},
		{"-U-", "an identifier"},
		{"-I", "-IDIR"},
		{"-I-", "must be one of headers"},
		{"-I/etc", "must be one of headers"},
		{"-I..", "must be one of headers"},
		{"-I../x", "must be one of headers"},
		{"-Ia/../..", "must be one of headers"},
		{"-Ia/./b", "must be one of headers"},
		{"-Ia//b", "must be one of headers"},
		{"-Ia/", "must be one of headers"},
		{"-I./a", "must be one of headers"},
		{"-I=/etc", "must be one of headers"},
		{"-W", "-WNAME"},
		{"-Wa,-I/etc", "another program"},
		{"-Wl,-T/etc/x", "another program"},
		{"-Wp,-include,/etc/shadow", "another program"},
		{"-Wa", "-WNAME"},
		{"-Wl=x", "-WNAME"},
		{"-Wp=,", "-WNAME"},
		{"-Wall,-Wp,x", "-WNAME"},
		{"-W-", "-WNAME"},
		{"-W=x", "-WNAME"},
		{"-Wformat=", "-WNAME"},
		{"-Wformat=2,3", "-WNAME"},
		{"-Wformat=/etc/x", "-WNAME"},
		{"-Wformat==2", "-WNAME"},
		{"-Wunused variable", "-WNAME"},
		{"-Wundef-prefix=a,b", "-WNAME"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct cb_err e = {0};

		assert_int_equal(cb_api_check_flag(bad[i].flag, &e), -EINVAL);
		if (!strstr(e.text, bad[i].says))
			fail_msg("%s: %s", bad[i].flag, e.text);
		if (!strpbrk(bad[i].flag, "\n\r\x1b") && !strstr(bad[i].flag, "\xc2") && !strstr(bad[i].flag, "\xc3"))
			assert_non_null(strstr(e.text, bad[i].flag));
		/* a sentence of one line, whatever was in the flag */
		for (const char *p = e.text; *p; p++)
			assert_true(*p >= 0x20);
	}
}

static void a_long_flag(void **state)
{
	char flag[CB_FLAG_MAX + 2] = "-DX=";
	struct cb_err e = {0};

	memset(flag + 4, 'x', CB_FLAG_MAX - 4);
	assert_int_equal(cb_api_check_flag(flag, &e), 0);
	flag[CB_FLAG_MAX] = 'x';
	assert_int_equal(cb_api_check_flag(flag, &e), -EINVAL);
	assert_true(strlen(e.text) < 200);
}

static void names_of_headers(void **state)
{
	static const char *const good[] = {"maps.h",  "net/tcp.h", "a",	  "a b.h", "...",
					   ".hidden", "a..b",	   "é.h", "-x.h",  "\\x"};
	static const struct {
		const char *name, *says;
	} bad[] = {
		{"", "empty"},
		{"/etc/shadow", "below"},
		{"..", ". or .."},
		{"../x.h", ". or .."},
		{"a/../b.h", ". or .."},
		{"a/..", ". or .."},
		{".", ". or .."},
		{"./a.h", ". or .."},
		{"a/./b.h", ". or .."},
		{"a//b.h", "part of it is empty"},
		{"a/", "part of it is empty"},
		{"//a", "below"},
		{"a\nb", "control"},
		{"\x01", "control"},
		{"a\x7f", "control"},
		{"a\xc2\x85", "control"},
	};
	char longest[258];
	struct cb_err e = {0};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (cb_api_check_name(good[i], &e))
			fail_msg("%s: %s", good[i], e.text);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(cb_api_check_name(bad[i].name, &e), -EINVAL);
		if (!strstr(e.text, bad[i].says))
			fail_msg("%s: %s", bad[i].name, e.text);
	}
	memset(longest, 'x', sizeof(longest));
	longest[255] = '\0';
	assert_int_equal(cb_api_check_name(longest, &e), 0);
	longest[255] = 'x';
	longest[256] = '\0';
	assert_int_equal(cb_api_check_name(longest, &e), -EINVAL);
}

static void formats(void **state)
{
	assert_int_equal(cb_format_of("o"), CB_FORMAT_O);
	assert_int_equal(cb_format_of("so"), CB_FORMAT_SO);
	assert_int_equal(cb_format_of("h"), CB_FORMAT_H);
	assert_int_equal(cb_format_of("skel"), CB_FORMAT_SKEL);
	assert_int_equal(cb_format_of("O"), -1);
	assert_int_equal(cb_format_of(""), -1);
	assert_string_equal(cb_format_name(CB_FORMAT_SKEL), "skel");
}

static struct cb_api_request a_request(void)
{
	static const struct cb_header headers[] = {{"a.h", "int a;", 6}, {"b.h", "", 0}};
	static const char *const flags[] = {"-DX=1", "-O2", NULL};

	return (struct cb_api_request){
		.source = "int x;",
		.source_len = 6,
		.name = "tool.bpf.c",
		.headers = headers,
		.nheaders = 2,
		.flags = flags,
		.arch = "x86_64",
		.kernel = "6.1.0",
		.format = CB_FORMAT_SO,
	};
}

/* The digest is part of the protocol: sha256sum of the text that api.h describes, written out by hand. */
static void the_digest_of_a_request(void **state)
{
	static const char text[] = "coolbpf request 1\n6:int x;,10:tool.bpf.c,6:x86_64,5:6.1.0,2:so,1:2,5:-DX=1,3:-O2,"
				   "1:2,3:a.h,6:int a;,3:b.h,0:,";
	static const char least[] = "coolbpf request 1\n1:x,0:,0:,0:,1:o,1:0,1:0,";
	struct cb_api_request rq = a_request();
	char digest[CB_SHA256_HEX], expected[CB_SHA256_HEX];

	assert_int_equal(cb_api_request_digest(&rq, digest), 0);
	cb_sha256_hex(text, sizeof(text) - 1, expected);
	assert_string_equal(digest, expected);
	rq = (struct cb_api_request){.source = "x", .source_len = 1};
	assert_int_equal(cb_api_request_digest(&rq, digest), 0);
	cb_sha256_hex(least, sizeof(least) - 1, expected);
	assert_string_equal(digest, expected);
}

static void every_field_changes_the_digest(void **state)
{
	static const struct cb_header other_text[] = {{"a.h", "int b;", 6}, {"b.h", "", 0}};
	static const struct cb_header other_name[] = {{"a.hi", "nt a;", 5}, {"b.h", "", 0}};
	static const char *const other_flags[] = {"-DX=1-O2", NULL};
	struct cb_api_request all[9];
	char digests[9][CB_SHA256_HEX];

	for (size_t i = 0; i < 9; i++)
		all[i] = a_request();
	all[1].source_len = 5;
	all[2].name = "tool.bpf.cx";
	all[3].headers = other_text;
	all[4].headers = other_name;
	all[5].flags = other_flags;
	all[6].arch = "aarch64";
	all[7].kernel = NULL;
	all[8].format = CB_FORMAT_O;
	for (size_t i = 0; i < 9; i++) {
		assert_int_equal(cb_api_request_digest(&all[i], digests[i]), 0);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(digests[i], digests[k]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_that_are_allowed),
		cmocka_unit_test(flags_that_are_refused),
		cmocka_unit_test(a_long_flag),
		cmocka_unit_test(names_of_headers),
		cmocka_unit_test(formats),
		cmocka_unit_test(the_digest_of_a_request),
		cmocka_unit_test(every_field_changes_the_digest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
