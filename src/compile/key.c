// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * key.c - see key.h.
 *
 * Each part has its length in front, so that no two lists of parts are the same bytes. The compiler is told by its file: to
 * ask it for its version would take as long as a small compile.
 */
#include "compile/key.h"

#include <bpf/libbpf.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "compile/headers.h"

static void part(struct cb_buf *b, const void *data, size_t len)
{
	uint64_t size = len;

	cb_buf_add(b, &size, sizeof(size));
	cb_buf_add(b, data, len);
}

static void text_part(struct cb_buf *b, const char *text)
{
	part(b, text, strlen(text));
}

static bool compiler(struct cb_buf *b, const char *clang)
{
	struct stat st;

	if (stat(clang, &st))
		return false;
	text_part(b, clang);
	part(b, &st.st_dev, sizeof(st.st_dev));
	part(b, &st.st_ino, sizeof(st.st_ino));
	part(b, &st.st_size, sizeof(st.st_size));
	part(b, &st.st_mtim, sizeof(st.st_mtim));
	return true;
}

/* -D, -U, -I, -W, -O: with those that stand for their values in the next word. */
static bool flags(struct cb_buf *b, const char *const *list)
{
	for (; list && *list; list++) {
		if ((*list)[0] != '-' || !(*list)[1] || !strchr("DUIWO", (*list)[1]))
			return false;
		text_part(b, *list);
		if (!(*list)[2] && list[1])
			text_part(b, *++list);
	}
	return true;
}

/* What may be another at the next time, or come from a file that was not seen. */
static bool settled(const char *text, size_t len)
{
	static const char *const words[] = {"__DATE__", "__TIME__", "__TIMESTAMP__", "__has_include",
					    ".incbin",	"#embed",   "# embed",	     "include_next"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (memmem(text, len, words[i], strlen(words[i])))
			return false;
	return true;
}

bool cb_compile_key(const struct cb_compile_request *rq, const struct cb_vmlinux *v, const char *clang,
		    const char *base, const char *text, size_t len, char key[CB_SHA256_HEX])
{
	const struct cb_includes *in = &v->includes;
	struct cb_buf b = {0};
	struct utsname u;
	bool known = !in->unknown && settled(text, len);

	uname(&u);
	text_part(&b, "coolbpf object 1 " COOLBPF_VERSION);
	text_part(&b, libbpf_version_string());
	part(&b, cb_lbc_h, cb_lbc_h_len);
	text_part(&b, rq->arch ? rq->arch : u.machine);
	text_part(&b, v->indexed ? v->index.digest : "");
	text_part(&b, rq->whole_header ? "whole" : "slice");
	text_part(&b, base);
	part(&b, text, len);
	known = known && compiler(&b, clang) && flags(&b, rq->cflags);
	for (size_t i = 0; known && i < in->n; i++) {
		text_part(&b, in->list[i].name);
		part(&b, in->list[i].text, in->list[i].len);
		known = in->list[i].library || settled(in->list[i].text, in->list[i].len);
	}
	/* of the compiler's own, or of the machine; or an error that comes again */
	for (size_t i = 0; i < in->nmissing; i++)
		text_part(&b, in->missing[i]);
	known = known && !b.failed;
	if (known)
		cb_sha256_hex(b.data, b.len, key);
	cb_buf_free(&b);
	return known;
}
