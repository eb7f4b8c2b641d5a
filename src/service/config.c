// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * config.c - where the client's settings come from (see client.h).
 *
 * The file has lines "name = value"; # begins a comment at the start of a line. A path in it that is not absolute is one
 * beside the file.
 */
#include "service/client.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/units.h"

enum { CONFIG_MAX = 64 << 10, TIMEOUT_MS = 60000, TIMEOUT_MAX_S = 86400 };

/* The word for a server that means: compile here, whatever environment and file say. */
#define HERE "none"

static int no_memory(struct cb_err *e)
{
	return cb_fail(e, ENOMEM, "out of memory");
}

/* ---- One setting ------------------------------------------------------------------------------------------------ */

/* A setting as text, before all sources have been asked. */
enum setting { SERVER, TOKEN_FILE, PUBLIC_KEY, CA_FILE, CERT_FILE, KEY_FILE, TIMEOUT, SETTINGS };

static const struct {
	const char *name, *env;
	bool path;
} settings[SETTINGS] = {
	[SERVER] = {"server", "COOLBPF_SERVER", false},
	[TOKEN_FILE] = {"token_file", "COOLBPF_TOKEN_FILE", true},
	[PUBLIC_KEY] = {"public_key", "COOLBPF_PUBLIC_KEY", true},
	[CA_FILE] = {"ca_file", NULL, true},
	[CERT_FILE] = {"cert_file", NULL, true},
	[KEY_FILE] = {"key_file", NULL, true},
	[TIMEOUT] = {"timeout", NULL, false},
};

/* Takes over value (malloc'd, or NULL without memory). */
static int set(char *texts[SETTINGS], enum setting s, char *value, struct cb_err *e)
{
	if (!value)
		return no_memory(e);
	texts[s] = value;
	return 0;
}

/* ---- The file --------------------------------------------------------------------------------------------------- */

static char *trim(char *text)
{
	size_t n;

	while (isspace((unsigned char)*text))
		text++;
	n = strlen(text);
	while (n && isspace((unsigned char)text[n - 1]))
		n--;
	text[n] = '\0';
	return text;
}

static bool is_key_id(const char *text)
{
	unsigned char raw[CB_SHA256];

	return cb_unhex(text, raw, sizeof(raw));
}

static char *from_file(const char *path, enum setting s, const char *value)
{
	const char *slash = strrchr(path, '/');
	char *text = NULL;

	if (!settings[s].path || *value == '/' || !slash || (s == PUBLIC_KEY && is_key_id(value)))
		return strdup(value);
	return asprintf(&text, "%.*s/%s", (int)(slash - path), path, value) < 0 ? NULL : text;
}

/* given: of this file, in which each name stands once; texts: a setting that is there already has been said elsewhere. */
static int read_line(char *line, const char *path, unsigned number, bool given[SETTINGS], char *texts[SETTINGS],
		     struct cb_err *e)
{
	char *equals = strchr(line, '='), *name = trim(line), *value;
	int s = 0;

	if (!*name || *name == '#')
		return 0;
	if (!equals)
		return cb_fail(e, EINVAL, "%s:%u: a line has the form \"name = value\"", path, number);
	*equals = '\0';
	name = trim(name);
	value = trim(equals + 1);
	while (s < SETTINGS && strcmp(settings[s].name, name))
		s++;
	if (s == SETTINGS)
		return cb_fail(e, EINVAL,
			       "%s:%u: there is no setting \"%s\"; there are server, token_file, public_key, ca_file, "
			       "cert_file, key_file, timeout",
			       path, number, name);
	if (!*value)
		return cb_fail(e, EINVAL, "%s:%u: %s has no value", path, number, name);
	if (given[s])
		return cb_fail(e, EINVAL, "%s:%u: %s stands in this file twice", path, number, name);
	given[s] = true;
	return texts[s] ? 0 : set(texts, (enum setting)s, from_file(path, (enum setting)s, value), e);
}

static int read_file(const char *path, char *texts[SETTINGS], struct cb_err *e)
{
	bool given[SETTINGS] = {false};
	unsigned number = 0;
	char *data, *rest, *line;
	size_t len;
	int err = cb_file_read(path, CONFIG_MAX, &data, &len, e);

	if (err)
		return err;
	if (memchr(data, '\0', len))
		err = cb_fail(e, EINVAL, "%s is not a text", path);
	rest = data;
	while (!err && (line = strsep(&rest, "\n")))
		err = read_line(line, path, ++number, given, texts, e);
	free(data);
	return err;
}

/* The one that is used; "" when there is none. Whoever names one by the environment means it to be there. */
static void find_file(char path[PATH_MAX])
{
	const char *dir = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME"), *named = getenv("COOLBPF_CONFIG");

	*path = '\0';
	if (named && *named) {
		snprintf(path, PATH_MAX, "%s", named);
		return;
	}
	if (dir && *dir == '/')
		snprintf(path, PATH_MAX, "%s/coolbpf/config", dir);
	else if (home && *home == '/')
		snprintf(path, PATH_MAX, "%s/.config/coolbpf/config", home);
	if (!*path || access(path, F_OK))
		snprintf(path, PATH_MAX, "/etc/coolbpf/config");
	if (access(path, F_OK))
		*path = '\0';
}

/* ---- All of them ------------------------------------------------------------------------------------------------ */

static int gather(const struct cb_client_options *o, char *texts[SETTINGS], struct cb_err *e)
{
	const char *const options[SETTINGS] = {o->server, o->token_file, o->public_key, o->ca_file, NULL, NULL, NULL};
	char path[PATH_MAX];
	int err = 0;

	for (int s = 0; s < SETTINGS && !err; s++) {
		const char *env = settings[s].env ? getenv(settings[s].env) : NULL;
		const char *value = options[s] ? options[s] : env;

		if (value && *value)
			err = set(texts, (enum setting)s, strdup(value), e);
	}
	if (err || (texts[SERVER] && !strcmp(texts[SERVER], HERE)))
		return err;
	find_file(path);
	return *path ? read_file(path, texts, e) : 0;
}

static int check_url(const char *url, struct cb_err *e)
{
	const char *host = !strncmp(url, "http://", 7) ? url + 7 : !strncmp(url, "https://", 8) ? url + 8 : NULL;

	if (!host || !*host || *host == '/' || strpbrk(url, " \t\r\n\"<>?#"))
		return cb_fail(e, EINVAL, "\"%s\" is not the URL of a server (http://HOST[:PORT] or https://)", url);
	return 0;
}

static int split_servers(struct cb_client_config *c, char *list, struct cb_err *e)
{
	size_t n = 0;
	char *one;
	int err = 0;

	if (!strcmp(list, HERE))
		return 0;
	while (!err && (one = strsep(&list, ","))) {
		char **more = reallocarray(c->servers, n + 2, sizeof(*more));
		size_t len;

		if (!more)
			return no_memory(e);
		c->servers = more;
		one = trim(one);
		err = check_url(one, e);
		for (len = strlen(one); len && one[len - 1] == '/'; len--)
			one[len - 1] = '\0';
		c->servers[n] = strdup(one);
		c->servers[n + 1] = NULL;
		if (!c->servers[n++] && !err)
			err = no_memory(e);
	}
	return err;
}

static int read_timeout(struct cb_client_config *c, const char *text, struct cb_err *e)
{
	uint64_t ns;

	if (cb_parse_duration(text, 1000000000, &ns) || ns < 1000000 || ns > TIMEOUT_MAX_S * 1000000000ULL)
		return cb_fail(e, EINVAL, "the setting timeout is \"%s\": a time between 1ms and 1d, as in 30s", text);
	c->timeout_ms = (unsigned)(ns / 1000000);
	return 0;
}

int cb_client_config_read(struct cb_client_config *c, const struct cb_client_options *o, struct cb_err *e)
{
	static const struct cb_client_options none;
	char *texts[SETTINGS] = {NULL};
	int err = gather(o ? o : &none, texts, e);

	*c = (struct cb_client_config){.timeout_ms = TIMEOUT_MS};
	if (!err && texts[SERVER])
		err = split_servers(c, texts[SERVER], e);
	if (!err && texts[TIMEOUT])
		err = read_timeout(c, texts[TIMEOUT], e);
	if (!err && !texts[CERT_FILE] != !texts[KEY_FILE])
		err = cb_fail(e, EINVAL, "cert_file and key_file are needed both, or none of them");
	c->token_file = texts[TOKEN_FILE];
	c->public_key = texts[PUBLIC_KEY];
	c->ca_file = texts[CA_FILE];
	c->cert_file = texts[CERT_FILE];
	c->key_file = texts[KEY_FILE];
	free(texts[SERVER]);
	free(texts[TIMEOUT]);
	return err;
}

void cb_client_config_free(struct cb_client_config *c)
{
	for (char **s = c->servers; s && *s; s++)
		free(*s);
	free(c->servers);
	free(c->token_file);
	free(c->public_key);
	free(c->ca_file);
	free(c->cert_file);
	free(c->key_file);
	*c = (struct cb_client_config){0};
}
