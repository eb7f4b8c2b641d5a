// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* tokens.c - see tokens.h. */
#include "service/tokens.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"

enum { FILE_MAX = 4 << 20 };

struct token {
	struct cb_node node;
	char name[];
};

static void digest(const struct cb_tokens *t, const char *token, size_t len, unsigned char out[CB_SHA256])
{
	unsigned char both[CB_SHA256 + CB_TOKEN_MAX];

	memcpy(both, t->secret, CB_SHA256);
	memcpy(both + CB_SHA256, token, len);
	cb_sha256(both, CB_SHA256 + len, out);
}

static int add(struct cb_tokens *t, const char *token, const char *name)
{
	struct token *one = malloc(sizeof(*one) + strlen(name) + 1);

	if (!one)
		return -ENOMEM;
	strcpy(one->name, name);
	digest(t, token, strlen(token), one->node.key);
	if (cb_table_get(&t->table, one->node.key)) {
		free(one);
		return -EEXIST;
	}
	if (cb_table_put(&t->table, &one->node)) {
		free(one);
		return -ENOMEM;
	}
	return 0;
}

static int read_line(struct cb_tokens *t, char *line, const char *path, unsigned n, struct cb_err *e)
{
	char *save, *token = strtok_r(line, " \t\r", &save), *name = strtok_r(NULL, "\r", &save);
	int err;

	if (!token || *token == '#')
		return 0;
	if (name)
		name += strspn(name, " \t");
	if (!name || !*name)
		return cb_fail(e, EINVAL, "%s:%u: a line must be: TOKEN NAME", path, n);
	if (strlen(token) < CB_TOKEN_MIN || strlen(token) > CB_TOKEN_MAX)
		return cb_fail(e, EINVAL, "%s:%u: a token must have %d to %d characters", path, n, CB_TOKEN_MIN,
			       CB_TOKEN_MAX);
	err = add(t, token, name);
	if (err == -EEXIST)
		return cb_fail(e, EINVAL, "%s:%u: this token stands in the file already", path, n);
	return err ? cb_fail(e, ENOMEM, "out of memory") : 0;
}

static void warn_readable(const char *path)
{
	struct stat st;

	if (!stat(path, &st) && (st.st_mode & S_IROTH))
		fprintf(stderr, "coolbpf: every user of this machine can read %s; chmod 600 it\n", path);
}

int cb_tokens_read(struct cb_tokens *t, const char *path, struct cb_err *e)
{
	struct cb_tokens fresh = {0};
	unsigned n = 0;
	size_t len;
	char *data = NULL, *rest;
	int err = cb_file_read(path, FILE_MAX, &data, &len, e);

	if (err)
		return err;
	warn_readable(path);
	if (getrandom(fresh.secret, sizeof(fresh.secret), 0) < 0)
		err = cb_fail(e, errno, "no random numbers: %s", strerror(errno));
	rest = data;
	while (!err && rest) {
		char *line = strsep(&rest, "\n");

		err = read_line(&fresh, line, path, ++n, e);
	}
	if (data)
		explicit_bzero(data, len);
	free(data);
	if (err) {
		cb_tokens_free(&fresh);
		return err;
	}
	cb_tokens_free(t);
	*t = fresh;
	return 0;
}

void cb_tokens_free(struct cb_tokens *t)
{
	struct cb_node *n;

	while ((n = cb_table_any(&t->table))) {
		cb_table_del(&t->table, n);
		free(CB_CONTAINER(n, struct token, node));
	}
	cb_table_free(&t->table);
}

const char *cb_tokens_name(const struct cb_tokens *t, const char *header)
{
	static const char scheme[] = "Bearer ";
	unsigned char key[CB_SHA256];
	const struct cb_node *n;
	size_t len;

	if (!header || strncasecmp(header, scheme, sizeof(scheme) - 1))
		return NULL;
	header += sizeof(scheme) - 1;
	header += strspn(header, " ");
	len = strlen(header);
	if (len < CB_TOKEN_MIN || len > CB_TOKEN_MAX)
		return NULL;
	digest(t, header, len, key);
	n = cb_table_get(&t->table, key);
	return n ? CB_CONTAINER(n, struct token, node)->name : NULL;
}
