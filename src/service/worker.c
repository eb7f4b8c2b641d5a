// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* worker.c - see worker.h. */
#include "service/worker.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "compile/cache.h"
#include "compile/clang.h"
#include "compile/so.h"
#include "compile/zygote.h"
#include "service/json.h"
#include "service/kernel_work.h"
#include "service/work.h"

enum {
	SOCKET = 3,
	KEPT_MEMORY = 8 << 20,
	/* What the server, whose one thread packs it into JSON, is to be busy with: some tenths of a second. */
	MADE_MAX = 8 << 20,
	DESCRIPTION_MAX = 2 << 20,
	DIAGNOSTICS_MAX = 1 << 20, /* clang prints any number of warnings */
};

/* Of address space: hostile BTF can be small and have declarations of gigabytes. The largest kernels need a fourth of it. */
static const rlim_t MEMORY_MAX = (rlim_t)4 << 30;

struct worker {
	const struct cb_makers *makers;
	struct cb_worker_config config;
	struct cb_buf config_frame; /* holds config's texts */
	char clang[PATH_MAX], clang_headers[PATH_MAX];
	struct cb_zygote *zygote;
	struct cb_cache answers;
	uint64_t evicted_told; /* of what answers has dropped */
	struct cb_kernel_work kernels;
};

/* ---- Frames ----------------------------------------------------------------------------------------------------- */

/* False at the end. */
static bool read_all(void *data, size_t len)
{
	char *at = data;

	while (len) {
		ssize_t n = read(SOCKET, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static bool read_frame(struct cb_buf *b)
{
	struct cb_frame_head head;

	b->len = 0;
	if (!read_all(&head, sizeof(head)) || head.magic != CB_FRAME_MAGIC || head.len > CB_FRAME_MAX ||
	    !cb_buf_reserve(b, head.len) || !read_all(b->data, head.len))
		return false;
	b->len = head.len;
	return true;
}

static bool write_frame(const struct cb_buf *b)
{
	struct cb_frame_head head = {CB_FRAME_MAGIC, (uint32_t)b->len};

	return !b->failed && b->len <= CB_FRAME_MAX && !cb_write_all(SOCKET, &head, sizeof(head)) &&
	       !cb_write_all(SOCKET, b->data, b->len);
}

/* ---- Compiling -------------------------------------------------------------------------------------------------- */

static json_t *one_diagnostic(const struct cb_diag *d)
{
	return json_pack("{s:o, s:i, s:i, s:s, s:o, s:o, s:o}", "file", cb_json_string(d->file), "line", (int)d->line,
			 "column", (int)d->column, "severity", cb_severity_name(d->severity), "text",
			 cb_json_string(d->text), "context", cb_json_string(d->context), "excerpt",
			 cb_json_string(d->excerpt));
}

static size_t size_of(const struct cb_diag *d)
{
	return strlen(d->file) + strlen(d->text) + strlen(d->context) + strlen(d->excerpt) + 100;
}

/* The first ones. */
static char *diagnostics_json(const struct cb_diags *diags)
{
	json_t *list = json_array();
	size_t len, sum = 0;

	for (size_t i = 0; list && i < diags->n; i++) {
		sum += size_of(&diags->list[i]);
		if (sum > DIAGNOSTICS_MAX)
			break;
		json_array_append_new(list, one_diagnostic(&diags->list[i]));
	}
	return cb_json_dump(list, &len);
}

static int make_so(const struct cb_work *work, const struct cb_compile_answer *a, struct cb_buf *out, struct cb_err *e)
{
	const struct cb_so_meta meta = {work->hash, work->rq.arch, work->kernel_version};
	void *so;
	size_t size;
	int err = cb_so_make(work->rq.arch, a->object, a->size, &meta, &so, &size, e);

	if (err)
		return err;
	*out = (struct cb_buf){.data = so, .len = size, .cap = size};
	return 0;
}

/* What the client wants of the object. */
static int make_format(struct worker *w, const struct cb_work *work, const struct cb_compile_answer *a,
		       struct cb_buf *out, struct cb_err *e)
{
	const struct cb_api_request *rq = &work->rq;

	/* a header writes a byte as up to four */
	if (a->size > (rq->format == CB_FORMAT_O || rq->format == CB_FORMAT_SO ? MADE_MAX : MADE_MAX / 4))
		return cb_fail(e, EDQUOT, "what %s compiles to has %zu bytes, which is too large", rq->name, a->size);
	if (rq->format == CB_FORMAT_SO)
		return make_so(work, a, out, e);
	if (rq->format != CB_FORMAT_O)
		return w->makers->header(rq->format, rq->name, a->object, a->size, out, e);
	cb_buf_add(out, a->object, a->size);
	return out->failed ? cb_fail(e, ENOMEM, "out of memory") : 0;
}

/* An object that this library cannot open (it has no programs, only maps, say) is one all the same. */
static void describe(struct worker *w, const struct cb_work *work, const struct cb_compile_answer *a,
		     struct cb_buf *description)
{
	struct cb_err e = {0};
	size_t len;
	char *text;

	if (!w->makers->describe(work->rq.name, a->object, a->size, description, &e)) {
		if (description->len <= DESCRIPTION_MAX)
			return;
		cb_fail(&e, EFBIG, "the description has %zu bytes, which is too large", description->len);
	}
	text = cb_json_dump(json_pack("{s:o}", "error", cb_json_string(e.text)), &len);
	description->len = 0;
	cb_buf_add(description, text, len);
	free(text);
}

static struct cb_compile_request compile_request(const struct worker *w, const struct cb_work *work)
{
	const struct cb_api_request *rq = &work->rq;

	return (struct cb_compile_request){
		.path = rq->name,
		.text = rq->source,
		.text_len = rq->source_len,
		.headers = rq->headers,
		.nheaders = rq->nheaders,
		.isolated = w->config.isolated,
		.btf_path = *work->btf ? work->btf : NULL,
		.arch = *rq->arch ? rq->arch : NULL,
		.cflags = rq->flags,
		.clang = w->clang,
		.clang_headers = w->clang_headers,
		.zygote = w->zygote,
	};
}

static void compile(struct worker *w, const struct cb_work *work, struct cb_buf *frame)
{
	struct cb_compile_request rq = compile_request(w, work);
	struct cb_compile_answer a = {0};
	struct cb_buf made = {0}, description = {0};
	struct cb_err e = {0};
	struct cb_outcome o;
	char *diagnostics;
	int err = cb_compile_full(&rq, &a, &e);

	if (!err)
		err = make_format(w, work, &a, &made, &e);
	if (!err)
		describe(w, work, &a, &description);
	diagnostics = diagnostics_json(&a.diags);
	o = (struct cb_outcome){
		.err = -err,
		.message = err ? e.text : "",
		.bytes = err ? "" : made.data,
		.len = err ? 0 : made.len,
		.json = cb_buf_cstr(&description),
		.diagnostics = diagnostics,
		.fell_back = a.fell_back,
		.slice_ns = a.slice_ns,
		.clang_ns = a.clang_ns,
		.evicted = w->answers.evicted - w->evicted_told,
	};
	w->evicted_told = w->answers.evicted;
	cb_outcome_write(frame, &o);
	free(diagnostics);
	cb_buf_free(&description);
	cb_buf_free(&made);
	cb_compile_answer_free(&a);
}

/* ---- The loop --------------------------------------------------------------------------------------------------- */

static void do_work(struct worker *w, const struct cb_work *work, struct cb_buf *frame)
{
	if (!cb_kernel_work_ready(&w->kernels, work, frame))
		return;
	if (work->kind == CB_WORK_COMPILE)
		compile(w, work, frame);
	else
		cb_kernel_work(&w->kernels, work, frame);
}

/* After the answer has gone out, so that nobody waits for the disk. */
static void keep(struct worker *w, const struct cb_work *work, const struct cb_buf *frame)
{
	struct cb_outcome o;
	struct cb_err e = {0};

	if (!*w->answers.dir || !*work->cache_key || cb_outcome_read(&o, frame->data, frame->len) || o.err)
		return;
	if (cb_cache_put(&w->answers, work->cache_key, frame->data, frame->len, &e))
		fprintf(stderr, "coolbpf: an answer is not kept: %s\n", e.text);
}

static bool serve_one(struct worker *w, struct cb_buf *in, struct cb_buf *out)
{
	struct cb_work work;
	bool go_on;

	if (!read_frame(in))
		return false;
	out->len = 0;
	go_on = !cb_work_read(&work, in->data, in->len);
	if (go_on) {
		do_work(w, &work, out);
		go_on = write_frame(out);
	}
	if (go_on)
		keep(w, &work, out);
	cb_work_free(&work);
	if (in->cap > KEPT_MEMORY || out->cap > KEPT_MEMORY) {
		cb_buf_free(in);
		cb_buf_free(out);
		malloc_trim(0);
	}
	return go_on;
}

/* ---- Start ------------------------------------------------------------------------------------------------------ */

static int read_config(struct worker *w)
{
	struct cb_worker_config *c = &w->config;

	if (!read_frame(&w->config_frame) || cb_worker_config_read(c, w->config_frame.data, w->config_frame.len))
		return -EPROTO;
	snprintf(w->answers.dir, sizeof(w->answers.dir), "%s", c->answers);
	w->answers.max_bytes = c->answers_max;
	w->kernels.uploads = c->uploads;
	w->kernels.archive = c->archive;
	w->kernels.fetch_ms = c->fetch_ms;
	w->kernels.cache_dir = c->cache_dir;
	return setenv("COOLBPF_CACHE", c->cache_dir, 1) ? -errno : 0;
}

/* Compile something: whatever this machine lacks shows now, and the zygote is warm. */
static int try_it(struct worker *w, struct cb_err *e)
{
	static const char source[] = "#include \"lbc.h\"\nSEC(\"raw_tp/sys_enter\") int f(void *ctx) { return 0; }\n";
	const struct cb_work work = {
		.btf = "",
		.rq = {.source = source, .source_len = sizeof(source) - 1, .name = "start.bpf.c", .arch = ""},
	};
	struct cb_compile_request rq = compile_request(w, &work);
	struct cb_compile_answer a = {0};
	int err = cb_compile_full(&rq, &a, e);

	cb_compile_answer_free(&a);
	return err;
}

static int prepare(struct worker *w, char *compiler, size_t size, struct cb_err *e)
{
	sigset_t none;
	int err;

	sigemptyset(&none);
	err = cb_clang_find(*w->config.clang ? w->config.clang : NULL, w->clang, sizeof(w->clang), e);
	if (!err)
		err = cb_clang_check(w->clang, &none, compiler, size, e);
	if (!err)
		err = cb_clang_headers(w->clang, w->clang_headers, e);
	if (err)
		return err;
	err = cb_zygote_new(w->clang, NULL, &w->zygote, e);
	if (err && err != -ENOTSUP)
		return err;
	return try_it(w, e);
}

static bool start(struct worker *w)
{
	char compiler[256] = "";
	struct cb_err e = {0};
	struct cb_buf frame = {0};
	struct cb_hello hello;
	int err = prepare(w, compiler, sizeof(compiler), &e);
	bool sent;

	hello = (struct cb_hello){
		.err = -err,
		.message = e.text,
		.compiler = compiler,
		.isolated = w->config.isolated,
		.zygote = w->zygote,
	};
	cb_hello_write(&frame, &hello);
	sent = write_frame(&frame);
	cb_buf_free(&frame);
	return sent && !err;
}

/* clang inherits it. Sanitizers have terabytes of addresses for themselves. */
static void limit_memory(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	setrlimit(RLIMIT_AS, &(struct rlimit){MEMORY_MAX, MEMORY_MAX});
#endif
}

int cb_worker_main(const struct cb_makers *makers)
{
	struct worker w = {.makers = makers};
	struct cb_buf in = {0}, out = {0};
	bool ok;

	/* the server's own descriptors are closed by exec; what it inherited itself is closed here */
	close_range(SOCKET + 1, ~0U, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "coolbpf-worker");
	limit_memory();
	ok = !read_config(&w) && start(&w);
	while (ok && serve_one(&w, &in, &out))
		;
	cb_zygote_free(w.zygote);
	cb_kernel_work_end(&w.kernels);
	cb_buf_free(&w.config_frame);
	cb_buf_free(&in);
	cb_buf_free(&out);
	return 0;
}
