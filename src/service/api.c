// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * api.c - see api.h: the digest of a request, and what a stranger may put into one. api_json.c has the JSON.
 *
 * A flag is allowed by its form, never by not being on a list of bad ones: clang has some thousand flags, and gets more with
 * every version.
 */
#include "service/api.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

static const char *const formats[CB_FORMATS] = {"o", "so", "h", "skel"};

int cb_format_of(const char *name)
{
	for (int i = 0; i < CB_FORMATS; i++)
		if (!strcmp(formats[i], name))
			return i;
	return -1;
}

const char *cb_format_name(enum cb_format f)
{
	return formats[f];
}

/* ---- The digest ------------------------------------------------------------------------------------------------- */

/* Openssl's update fails only without memory, and remembers it: the end tells. */
static void add_field(EVP_MD_CTX *ctx, const void *data, size_t len)
{
	char head[32];
	int n = snprintf(head, sizeof(head), "%zu:", len);

	EVP_DigestUpdate(ctx, head, (size_t)n);
	EVP_DigestUpdate(ctx, data, len);
	EVP_DigestUpdate(ctx, ",", 1);
}

static void add_text(EVP_MD_CTX *ctx, const char *text)
{
	add_field(ctx, text ? text : "", text ? strlen(text) : 0);
}

static void add_number(EVP_MD_CTX *ctx, size_t n)
{
	char text[32];

	snprintf(text, sizeof(text), "%zu", n);
	add_text(ctx, text);
}

static void add_request(EVP_MD_CTX *ctx, const struct cb_api_request *rq)
{
	static const char version[] = "coolbpf request 1\n";
	size_t nflags = 0;

	while (rq->flags && rq->flags[nflags])
		nflags++;
	EVP_DigestUpdate(ctx, version, sizeof(version) - 1);
	add_field(ctx, rq->source, rq->source_len);
	add_text(ctx, rq->name);
	add_text(ctx, rq->arch);
	add_text(ctx, rq->kernel);
	add_text(ctx, cb_format_name(rq->format));
	add_number(ctx, nflags);
	for (size_t i = 0; i < nflags; i++)
		add_text(ctx, rq->flags[i]);
	add_number(ctx, rq->nheaders);
	for (size_t i = 0; i < rq->nheaders; i++) {
		add_text(ctx, rq->headers[i].name);
		add_field(ctx, rq->headers[i].text, rq->headers[i].len);
	}
}

int cb_api_request_digest(const struct cb_api_request *rq, char out[CB_SHA256_HEX])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool done = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;

	if (done) {
		add_request(ctx, rq);
		done = EVP_DigestFinal_ex(ctx, digest, NULL) == 1;
	}
	EVP_MD_CTX_free(ctx);
	if (!done)
		return -ENOMEM;
	cb_hex(digest, CB_SHA256, out);
	return 0;
}

/* ---- What a stranger may say ------------------------------------------------------------------------------------ */

enum { NAME_MAX_BYTES = 255, SHOWN = 80 };

/* Any control character, also one of UTF-8's second set (0xc2 0x80 to 0xc2 0x9f), which some terminals obey. */
static bool has_control(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f))
			return true;
	return false;
}

/* A stranger's text for a sentence: one line, not long. Bytes that are not ASCII are left out, not cut in the middle. */
static const char *shown(const char *text, char out[SHOWN + 4])
{
	size_t n = 0;

	for (; *text && n < SHOWN; text++)
		out[n++] = *text >= 0x20 && *text < 0x7f ? *text : '?';
	strcpy(out + n, *text ? "..." : "");
	return out;
}

static const char *wrong_name(const char *name)
{
	if (!*name)
		return "it is empty";
	if (strlen(name) > NAME_MAX_BYTES)
		return "it is longer than 255 bytes";
	if (*name == '/')
		return "it does not begin below the source's directory";
	if (has_control(name))
		return "it has a control character";
	for (const char *part = name;; part++) {
		size_t n = strcspn(part, "/");

		if (!n)
			return "a part of it is empty";
		if ((n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.'))
			return "a part of it is . or ..";
		part += n;
		if (!*part)
			return NULL;
	}
}

int cb_api_check_name(const char *name, struct cb_err *e)
{
	const char *wrong = wrong_name(name);
	char text[SHOWN + 4];

	return wrong ? cb_fail(e, EINVAL, "\"%s\" cannot be a header's name: %s", shown(name, text), wrong) : 0;
}

static size_t identifier(const char *text)
{
	size_t n = 0;

	if (isalpha((unsigned char)*text) || *text == '_')
		while (isalnum((unsigned char)text[n]) || text[n] == '_')
			n++;
	return n;
}

static const char *wrong_macro(const char *rest, bool value)
{
	size_t n = identifier(rest);

	if (!*rest)
		return value ? "the macro's name must stand in the same text: -DNAME=VALUE"
			     : "the macro's name must stand in the same text: -UNAME";
	if (!n || (rest[n] && rest[n] != '='))
		return "the macro's name must be an identifier";
	return rest[n] && !value ? "a macro that is removed has no value" : NULL;
}

static const char *wrong_dir(const char *dir)
{
	if (!*dir)
		return "the directory must stand in the same text: -IDIR";
	if (!strcmp(dir, "."))
		return NULL;
	/* to a compiler "-I-" is another option, and "=" stands for its system's root */
	if (*dir == '-' || *dir == '=' || wrong_name(dir))
		return "the directory must be one of headers that are sent: a relative path without . and ..";
	return NULL;
}

static size_t word(const char *text, const char *more)
{
	size_t n = 0;

	while (isalnum((unsigned char)text[n]) || (text[n] && strchr(more, text[n])))
		n++;
	return n;
}

static const char *wrong_warning(const char *rest)
{
	size_t n = isalpha((unsigned char)*rest) ? word(rest, "-+") : 0;

	if (n == 1 && rest[1] == ',' && strchr("alp", *rest))
		return "it hands arguments to another program";
	/* a name of one letter: none is a warning, and a, l, p are the above */
	if (n < 2 || (rest[n] && (rest[n] != '=' || !rest[n + 1] || rest[n + 1 + word(rest + n + 1, "-+_")])))
		return "a warning has the form -WNAME or -WNAME=VALUE";
	return NULL;
}

static const char *wrong_flag(const char *flag)
{
	static const char *const levels[] = {"-O0", "-O1", "-O2", "-O3", "-Os", "-Oz"};

	if (strlen(flag) > CB_FLAG_MAX)
		return "it is longer than 4096 bytes";
	if (has_control(flag))
		return "it has a control character";
	if (!strncmp(flag, "-D", 2))
		return wrong_macro(flag + 2, true);
	if (!strncmp(flag, "-U", 2))
		return wrong_macro(flag + 2, false);
	if (!strncmp(flag, "-I", 2))
		return wrong_dir(flag + 2);
	if (!strncmp(flag, "-W", 2))
		return wrong_warning(flag + 2);
	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++)
		if (!strcmp(flag, levels[i]))
			return NULL;
	return "a server takes -D, -U, -I of headers that are sent, -W, and -O0 to -O3, -Os, -Oz";
}

int cb_api_check_flag(const char *flag, struct cb_err *e)
{
	const char *wrong = wrong_flag(flag);
	char text[SHOWN + 4];

	return wrong ? cb_fail(e, EINVAL, "the flag \"%s\" is not allowed: %s", shown(flag, text), wrong) : 0;
}
