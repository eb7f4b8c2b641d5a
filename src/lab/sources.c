// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * sources.c - see sources.h.
 *
 * "apt-get update --print-uris" says which archives and suites this machine's apt has, also before any list was
 * fetched. The one thing that apt does not say is Signed-By, which is read from the entry of that archive in its files
 * (sources.list(5)).
 */
#include "lab/sources.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "lab/apt.h"
#include "lab/store.h"

/* Debian's releases that have kernels with enough of eBPF, and the suites of them that hold kernels. A mirror that
 * has one no longer, or not yet, is asked and the suite left out. */
static const struct suite {
	const char *name;
	int release;
	bool security; /* in the archive debian-security */
} suites[] = {
	{"bullseye", 11, false},
	{"bullseye-security", 11, true},
	{"bookworm", 12, false},
	{"bookworm-updates", 12, false},
	{"bookworm-backports", 12, false},
	{"bookworm-security", 12, true},
	{"trixie", 13, false},
	{"trixie-backports", 13, false},
	{"trixie-security", 13, true},
	{"sid", 99, false},
};
enum { SUITES = sizeof(suites) / sizeof(suites[0]), FILE_MAX = 1 << 20 };
static const char keyring[] = "/usr/share/keyrings/debian-archive-keyring.gpg";

int cb_lab_suite_release(const char *name)
{
	size_t n = strcspn(name, "-/");

	for (size_t i = 0; i < SUITES; i++)
		if (!strncmp(suites[i].name, name, n) && !suites[i].name[n])
			return suites[i].release;
	return 0;
}

static bool is_security(const char *suite)
{
	size_t n = strlen(suite);

	return n > 9 && !strcmp(suite + n - 9, "-security");
}

/* Names that a machine's own sources may have instead. */
static bool is_debian_suite(const char *suite)
{
	static const char *const others[] = {"stable", "oldstable", "oldoldstable", "testing", "unstable", "forky"};
	size_t n = strcspn(suite, "-/");

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (!strncmp(others[i], suite, n) && !others[i][n])
			return true;
	return cb_lab_suite_release(suite);
}

/* ---- Signed-By --------------------------------------------------------------------------------------------------- */

/* The n-th stanza, or line; its length in *len. */
static const char *entry(const char *text, bool deb822, unsigned n, size_t *len)
{
	bool inside = false;
	const char *start = NULL;

	for (const char *p = text; *p;) {
		size_t line = strcspn(p, "\n");
		bool blank = strspn(p, " \t\r") >= line;

		if (!deb822 && !--n) {
			*len = line;
			return p;
		}
		if (deb822 && blank && start)
			break;
		if (deb822 && !blank && !inside && *p != '#' && !--n)
			start = p;
		/* a stanza of comments alone is none */
		inside = !blank && (inside || *p != '#');
		p += line + (p[line] == '\n');
		*len = start ? (size_t)(p - start) : 0;
	}
	return start;
}

/* "[arch=amd64 signed-by=/usr/share/keyrings/x.gpg]" */
static bool signed_by_line(const char *line, size_t len, struct cb_buf *out)
{
	static const char key[] = "signed-by=";
	const char *open = memchr(line, '[', len),
		   *close = open ? memchr(open, ']', len - (size_t)(open - line)) : NULL;

	for (const char *p = open; p && p < close; p++)
		if ((size_t)(close - p) >= sizeof(key) && !strncasecmp(p, key, sizeof(key) - 1) &&
		    (p[-1] == '[' || isspace((unsigned char)p[-1]))) {
			p += sizeof(key) - 1;
			cb_buf_add(out, p, strcspn(p, " \t]\n"));
			return true;
		}
	return false;
}

/* The field with the lines that continue it. */
static bool signed_by_stanza(const char *p, size_t len, struct cb_buf *out)
{
	static const char key[] = "Signed-By:";
	const char *end = p + len;
	bool found = false;

	while (p < end) {
		size_t line = strcspn(p, "\n");

		if (found && *p != ' ' && *p != '\t' && *p != '#')
			break;
		if (found && *p != '#') {
			cb_buf_ch(out, '\n');
			cb_buf_add(out, p, line);
		} else if (!found && !strncasecmp(p, key, sizeof(key) - 1)) {
			size_t skip = sizeof(key) - 1 + strspn(p + sizeof(key) - 1, " \t");

			cb_buf_add(out, p + skip, skip < line ? line - skip : 0);
			found = true;
		}
		p += line + (p[line] == '\n');
	}
	return found;
}

/* "file:///x" and "file:/x" are one; a slash at the end says nothing. Returns its length, 0: it is no address. */
static size_t plain_uri(const char *uri, size_t n, char out[CB_LAB_URI])
{
	enum { SCHEME = 5 }; /* "file:", "http:" */
	size_t skip = n > 7 && !strncmp(uri, "file:///", 8) ? 2 : 0;

	while (n && uri[n - 1] == '/')
		n--;
	*out = '\0';
	if (n < SCHEME + skip || n - skip + 1 >= CB_LAB_URI)
		return 0;
	memcpy(out, uri, SCHEME);
	memcpy(out + SCHEME, uri + SCHEME + skip, n - skip - SCHEME);
	out[n - skip] = '\0';
	return n - skip;
}

/* Is this archive among the words of an entry, outside comments? */
static bool names_archive(const char *text, size_t len, const char *uri)
{
	char want[CB_LAB_URI], have[CB_LAB_URI];
	size_t n = plain_uri(uri, strlen(uri), want);

	for (size_t at = 0; n && at < len;) {
		size_t word = strcspn(text + at, " \t\n");

		if (text[at] == '#')
			word = strcspn(text + at, "\n");
		else if (plain_uri(text + at, word < len - at ? word : len - at, have) == n && !strcmp(have, want))
			return true;
		at += word + 1;
	}
	return false;
}

bool cb_lab_signed_by(const char *text, bool deb822, const char *uri, struct cb_buf *out)
{
	const char *at;
	size_t len;

	for (unsigned n = 1; (at = entry(text, deb822, n, &len)); n++)
		if (names_archive(at, len, uri) &&
		    (deb822 ? signed_by_stanza(at, len, out) : signed_by_line(at, len, out)))
			return true;
	return false;
}

static bool find_in_file(const char *path, const char *uri, struct cb_buf *out)
{
	size_t len, n = strlen(path);
	bool deb822 = n > 8 && !strcmp(path + n - 8, ".sources"), found;
	char *text;

	if ((!deb822 && (n < 5 || strcmp(path + n - 5, ".list"))) || cb_file_read(path, FILE_MAX, &text, &len, NULL))
		return false;
	found = cb_lab_signed_by(text, deb822, uri, out);
	free(text);
	return found;
}

/* places: the output of apt-config, LIST='FILE' and PARTS='DIR/' in lines. */
static void find_in_places(const char *places, const char *uri, struct cb_buf *out)
{
	char list[PATH_MAX] = "", parts[PATH_MAX] = "", path[PATH_MAX];
	const char *at = strstr(places, "PARTS='");
	const struct dirent *one;
	bool found;
	DIR *d;

	sscanf(places, "LIST='%4095[^']'", list);
	if (at)
		sscanf(at, "PARTS='%4095[^']'", parts);
	found = find_in_file(list, uri, out);
	d = found ? NULL : opendir(parts);
	while (d && !found && (one = readdir(d)))
		if (!cb_lab_path(path, NULL, "%s%s", parts, one->d_name))
			found = find_in_file(path, uri, out);
	if (d)
		closedir(d);
}

/* Which keys sign this archive. */
static int find_keys(struct cb_lab_archive *a, struct cb_lab_hold *h, struct cb_err *e)
{
	static const char *const argv[] = {
		"apt-config", "shell", "LIST", "Dir::Etc::sourcelist/f", "PARTS", "Dir::Etc::sourceparts/d", NULL};
	struct cb_buf out = {0};
	const struct cb_lab_prog p = {.argv = argv, .out = &out};
	int err = *a->uri ? cb_lab_prog_run(&p, h, NULL, e) : 0;

	if (!err && *a->uri)
		find_in_places(cb_buf_cstr(&out), a->uri, &a->signed_by);
	cb_buf_free(&out);
	/* an entry without is signed by any key that apt trusts; Debian's own are in this file */
	if (!err && !a->signed_by.len && !access(keyring, R_OK))
		cb_buf_str(&a->signed_by, keyring);
	return err;
}

/* ---- What apt has ------------------------------------------------------------------------------------------------ */

/* "'URI/dists/SUITE/InRelease' NAME 0" */
static void take_suite(struct cb_lab_sources *s, const char *line)
{
	static const char dists[] = "/dists/", end[] = "/InRelease'";
	const char *at = strstr(line, dists), *stop = at ? strstr(at, end) : NULL, *name;
	struct cb_lab_archive *a;
	char suite[64];
	int release;

	if (*line != '\'' || !stop || at - line >= CB_LAB_URI)
		return;
	name = at + sizeof(dists) - 1;
	if (snprintf(suite, sizeof(suite), "%.*s", (int)(stop - name), name) >= (int)sizeof(suite) ||
	    !is_debian_suite(suite))
		return;
	release = cb_lab_suite_release(suite);
	if (release > s->own_release)
		s->own_release = release;
	a = is_security(suite) ? &s->security : &s->main;
	if (!*a->uri) /* the first is preferred by apt too */
		snprintf(a->uri, CB_LAB_URI, "%.*s/", (int)(at - line - 1), line + 1);
}

static int ask_apt(struct cb_lab_sources *s, struct cb_lab_hold *h, struct cb_err *e)
{
	static const char *const argv[] = {"apt-get", "update", "--print-uris", NULL};
	struct cb_buf out = {0};
	const struct cb_lab_prog p = {.argv = argv, .out = &out};
	char *rest = NULL, *text;
	int err = cb_lab_prog_run(&p, h, NULL, e);

	text = err || !out.len ? NULL : (char *)cb_buf_cstr(&out);
	for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line; line = strtok_r(NULL, "\n", &rest))
		take_suite(s, line);
	cb_buf_free(&out);
	if (!err)
		err = find_keys(&s->main, h, e);
	return err ? err : find_keys(&s->security, h, e);
}

/* ---- What is wanted ---------------------------------------------------------------------------------------------- */

/* The archive of security updates beside a mirror: ".../debian/" and ".../debian-security/". */
static void guess_security(struct cb_lab_sources *s)
{
	size_t n = strlen(s->main.uri);

	while (n && s->main.uri[n - 1] == '/')
		n--;
	if (!n || snprintf(s->security.uri, CB_LAB_URI, "%.*s-security/", (int)n, s->main.uri) >= CB_LAB_URI)
		*s->security.uri = '\0';
	if (!s->security.signed_by.len)
		cb_buf_add(&s->security.signed_by, s->main.signed_by.data, s->main.signed_by.len);
}

static int use_mirror(struct cb_lab_sources *s, const char *mirror, struct cb_err *e)
{
	size_t n = strstr(mirror, ":/") && !strpbrk(mirror, " \t\n\"") ? plain_uri(mirror, strlen(mirror), s->main.uri)
								       : 0;

	if (!n)
		return cb_fail(e, EINVAL, "\"%s\" is no address of a mirror (like http://mirror.example/debian)",
			       mirror);
	strcpy(s->main.uri + n, "/");
	guess_security(s);
	return 0;
}

static int add_suite(struct cb_lab_sources *s, const char *name, struct cb_err *e)
{
	struct cb_lab_archive *a = is_security(name) ? &s->security : &s->main;
	size_t n = strlen(name);

	if (!n || n >= sizeof(a->suites[0]) || name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-")])
		return cb_fail(e, EINVAL, "\"%s\" is no name of a suite (like bookworm-security)", name);
	if (a->n == CB_LAB_SUITES)
		return cb_fail(e, E2BIG, "more than %d suites", CB_LAB_SUITES);
	memcpy(a->suites[a->n++], name, n + 1);
	return 0;
}

int cb_lab_sources_plan(struct cb_lab_sources *s, struct cb_lab_hold *h, const struct cb_lab_fetch *opts,
			struct cb_err *e)
{
	int err;

	*s = (struct cb_lab_sources){0};
	err = ask_apt(s, h, e);
	if (!err && opts->mirror)
		err = use_mirror(s, opts->mirror, e);
	if (!err && !*s->main.uri)
		err = cb_fail(e, ENOENT, "this machine's apt has no archive of Debian; name one with --mirror URL");
	if (!err && !*s->security.uri)
		guess_security(s);
	for (size_t i = 0; !err && opts->suites && opts->suites[i]; i++)
		err = add_suite(s, opts->suites[i], e);
	for (size_t i = 0; !err && !opts->suites && i < SUITES; i++)
		err = add_suite(s, suites[i].name, e);
	if (err)
		cb_lab_sources_free(s);
	return err;
}

void cb_lab_sources_free(struct cb_lab_sources *s)
{
	cb_buf_free(&s->main.signed_by);
	cb_buf_free(&s->security.signed_by);
}

static bool drop_from(struct cb_lab_archive *a, const char *uri, const char *suite)
{
	char own[CB_LAB_URI], other[CB_LAB_URI];

	if (!plain_uri(a->uri, strlen(a->uri), own) || !plain_uri(uri, strlen(uri), other) || strcmp(own, other))
		return false;
	for (unsigned i = 0; i < a->n; i++)
		if (!strcmp(a->suites[i], suite)) {
			memmove(a->suites[i], a->suites[i + 1], (a->n - i - 1) * sizeof(a->suites[0]));
			a->n--;
			return true;
		}
	return false;
}

bool cb_lab_sources_drop(struct cb_lab_sources *s, const char *uri, const char *suite)
{
	return drop_from(&s->main, uri, suite) || drop_from(&s->security, uri, suite);
}

unsigned cb_lab_sources_left(const struct cb_lab_sources *s)
{
	return s->main.n + s->security.n;
}

static void write_archive(const struct cb_lab_archive *a, const char *arch, struct cb_buf *out)
{
	if (!a->n || !*a->uri)
		return;
	/* only the lists of packages: no translations, no descriptions of programs */
	cb_buf_printf(out,
		      "Types: deb\nURIs: %s\nComponents: main\nArchitectures: %s\nTargets: Packages\nSuites:", a->uri,
		      arch);
	for (unsigned i = 0; i < a->n; i++)
		cb_buf_printf(out, " %s", a->suites[i]);
	if (a->signed_by.len) {
		cb_buf_str(out, "\nSigned-By: ");
		cb_buf_add(out, a->signed_by.data, a->signed_by.len);
	}
	cb_buf_str(out, "\n\n");
}

void cb_lab_sources_write(const struct cb_lab_sources *s, const char *arch, struct cb_buf *out)
{
	write_archive(&s->main, arch, out);
	write_archive(&s->security, arch, out);
}
