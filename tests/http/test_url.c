// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_url.c - URLs, what redirections lead to (the examples of RFC 3986, 5.4, as far as they are for HTTP), proxies.
 *  */
#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "http/url.h"

static void urls_are_taken_apart(void **state)
{
	static const struct {
		const char *text;
		bool tls, v6;
		unsigned port;
		const char *host, *target, *user;
	} cases[] = {
		{"http://a", false, false, 80, "a", "/", NULL},
		{"https://a/", true, false, 443, "a", "/", NULL},
		{"HTTP://A.b:8080/c?d=e#f", false, false, 8080, "A.b", "/c?d=e", NULL},
		{"http://a?q", false, false, 80, "a", "/?q", NULL},
		{"http://a#f", false, false, 80, "a", "/", NULL},
		{"http://a:/", false, false, 80, "a", "/", NULL},
		{"http://[::1]:81/x", false, true, 81, "::1", "/x", NULL},
		{"https://[fe80::1]", true, true, 443, "fe80::1", "/", NULL},
		{"http://me:p%40ss@a/", false, false, 80, "a", "/", "me:p@ss"},
		{"http://a/%20/@:", false, false, 80, "a", "/%20/@:", NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct cb_url u;
		struct cb_err e = {0};

		if (cb_url_parse(&u, cases[i].text, &e))
			fail_msg("%s", e.text);
		assert_int_equal(u.tls, cases[i].tls);
		assert_int_equal(u.v6, cases[i].v6);
		assert_int_equal(u.port, cases[i].port);
		assert_string_equal(u.host, cases[i].host);
		assert_string_equal(u.target, cases[i].target);
		assert_int_equal(!u.user, !cases[i].user);
		if (u.user)
			assert_string_equal(u.user, cases[i].user);
		cb_url_free(&u);
	}
}

static void what_is_no_url_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"a",
		"/a",
		"ftp://a",
		"http:/a",
		"http://",
		"http:///a",
		"http://:80/",
		"http://a:0/",
		"http://a:x/",
		"http://a:65536/",
		"http://a b/",
		"http://a/ b",
		"http://a/\r\nX:",
		"http://[::1/",
		"http://[::1]x/",
		"http://[a]/",
		"http://a\x7f/",
		"http://a\\b",
		"http://\xc3\xa4/",
		"http://a:80:80/",
		"http://a%00b/",
		"http://u%zz@a/",
		"https//a",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct cb_url u;
		struct cb_err e = {0};

		if (cb_url_parse(&u, bad[i], &e) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
		assert_non_null(strstr(e.text, "not a URL"));
		cb_url_free(&u);
	}
}

static void redirections_are_followed(void **state)
{
	static const struct {
		const char *location, *host, *target;
		unsigned port;
		bool tls;
	} cases[] = {
		{"http://x/y", "x", "/y", 80, false},
		{"//x/y", "x", "/y", 443, true},
		{"/y", "a", "/y", 8443, true},
		{"y", "a", "/b/c/y", 8443, true},
		{"?y", "a", "/b/c/d;p?y", 8443, true},
		{"g/", "a", "/b/c/g/", 8443, true},
		{"g?y/z", "a", "/b/c/g?y/z", 8443, true},
		{"#s", "a", "/b/c/", 8443, true},
	};
	struct cb_url base, u;

	assert_int_equal(cb_url_parse(&base, "https://a:8443/b/c/d;p?q=/x/", NULL), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(cb_url_follow(&u, &base, cases[i].location, NULL), 0);
		assert_string_equal(u.host, cases[i].host);
		assert_string_equal(u.target, cases[i].target);
		assert_int_equal(u.port, cases[i].port);
		assert_int_equal(u.tls, cases[i].tls);
		cb_url_free(&u);
	}
	assert_int_equal(cb_url_follow(&u, &base, "ftp://x/", NULL), -EINVAL);
	cb_url_free(&u);
	assert_int_equal(cb_url_follow(&u, &base, "javascript:1", NULL), -EINVAL);
	cb_url_free(&u);
	cb_url_free(&base);
}

static bool listed(const char *url, const char *list)
{
	struct cb_url u;
	bool in;

	assert_int_equal(cb_url_parse(&u, url, NULL), 0);
	in = cb_url_in_list(&u, list);
	cb_url_free(&u);
	return in;
}

static void lists_name_hosts(void **state)
{
	assert_true(listed("http://a.org/", "a.org"));
	assert_true(listed("http://x.a.org/", "a.org"));
	assert_true(listed("http://x.a.org/", ".a.org"));
	assert_true(listed("http://A.ORG/", "b, .a.org"));
	assert_true(listed("http://x.a.org/", "*.a.org"));
	assert_true(listed("http://anything/", "*"));
	assert_true(listed("http://a.org:81/", "a.org:81"));
	assert_true(listed("http://10.1.2.3/", "192.168.0.0/16,10.0.0.0/8"));
	assert_true(listed("http://127.0.0.1/", "127.0.0.1"));
	assert_true(listed("http://[::1]/", "::1"));
	assert_true(listed("http://[::1]:81/", "[::1]:81"));
	assert_true(listed("http://[fd00::1]/", "fd00::/8"));
	assert_false(listed("http://ba.org/", "a.org"));
	assert_false(listed("http://a.org.b/", "a.org"));
	assert_false(listed("http://a.org:82/", "a.org:81"));
	assert_false(listed("http://11.1.2.3/", "10.0.0.0/8"));
	assert_false(listed("http://a.org/", ""));
	assert_false(listed("http://a.org/", ",, ,"));
	assert_false(listed("http://a.org/", NULL));
	assert_false(listed("http://a.org/", "."));
}

static const char *proxy_for(const char *url)
{
	struct cb_url u;
	const char *proxy;

	assert_int_equal(cb_url_parse(&u, url, NULL), 0);
	proxy = cb_url_proxy(&u);
	cb_url_free(&u);
	return proxy;
}

static void the_environment_names_proxies(void **state)
{
	static const char *const names[] = {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",
					    "all_proxy",  "ALL_PROXY",	"no_proxy",    "NO_PROXY"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unsetenv(names[i]);
	assert_null(proxy_for("http://a/"));
	setenv("http_proxy", "http://p:1", 1);
	assert_string_equal(proxy_for("http://a/"), "http://p:1");
	assert_null(proxy_for("https://a/"));
	setenv("HTTPS_PROXY", "http://p:2", 1);
	assert_string_equal(proxy_for("https://a/"), "http://p:2");
	setenv("https_proxy", "http://p:3", 1);
	assert_string_equal(proxy_for("https://a/"), "http://p:3");
	setenv("no_proxy", "a", 1);
	assert_null(proxy_for("http://a/"));
	assert_string_equal(proxy_for("http://b/"), "http://p:1");
	unsetenv("no_proxy");
	/* of a CGI program, any client's "Proxy: ..." header */
	unsetenv("http_proxy");
	setenv("HTTP_PROXY", "http://evil", 1);
	assert_null(proxy_for("http://a/"));
	unsetenv("HTTP_PROXY");
	setenv("http_proxy", "", 1);
	assert_null(proxy_for("http://a/"));
	unsetenv("http_proxy");
	unsetenv("https_proxy");
	unsetenv("HTTPS_PROXY");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(urls_are_taken_apart),		 cmocka_unit_test(what_is_no_url_is_refused),
		cmocka_unit_test(redirections_are_followed),	 cmocka_unit_test(lists_name_hosts),
		cmocka_unit_test(the_environment_names_proxies),
	};

	return cmocka_run_group_tests_name("http / url", tests, NULL, NULL);
}
