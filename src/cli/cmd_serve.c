// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * cmd_serve.c - coolbpf serve: the compile server (src/service/server.h), and its workers: "coolbpf serve --worker", which only
 * the server itself starts.
 */
#include "cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/units.h"
#include "cli/inspect.h"
#include "cli/libbpf_skeleton.h"
#include "cli/skeleton.h"
#include "service/archive.h"
#include "service/server.h"
#include "service/worker.h"

static const char help[] =
	"Usage: coolbpf serve [OPTION ...]\n"
	"\n"
	"Compile for others over HTTP: for coolbpf run and build elsewhere, and for whoever speaks its API.\n"
	"\n"
	"Options:\n"
	"  -l, --listen ADDR:PORT  where to listen; may be given several times (default: 127.0.0.1:7655)\n"
	"  --tls-cert FILE, --tls-key FILE\n"
	"                          serve HTTPS with this certificate and key (PEM)\n"
	"  --tls-client-ca FILE    let in only clients with a certificate that one of these has signed\n"
	"  --tokens FILE           let in only clients with a token; a line is: TOKEN NAME\n"
	"  --open-metrics          /metrics needs no token\n"
	"  --lbc-listen ADDR:PORT  plain HTTP for POST /lbc alone, without token: for clients that have neither\n"
	"  --sign FILE             sign objects with this key (coolbpf keygen)\n"
	"  --cache WHERE           keep results in a directory, redis://HOST or none (default: this user's cache)\n"
	"  --cache-size SIZE       of the directory (default: 1G)\n"
	"  --memory SIZE           of answers kept in memory (default: 64M)\n"
	"  --btf DIR               BTF of other kernels: RELEASE.btf, ARCH/RELEASE.btf, each also packed (.btf.zst)\n"
	"  --btf URL               and of those in an archive on a web server, fetched when they are needed\n"
	"  --accept-btf            take BTF that clients send; kept in the directory of --btf\n"
	"  --sent-btf-size SIZE    of all that BTF, unpacked; the oldest goes then (default: 1G)\n"
	"  --clang PROGRAM         the compiler (default: $CLANG, else the newest clang in $PATH)\n"
	"  -j, --jobs N            compile so many at once (default: one for each CPU)\n"
	"  --job-time TIME         end a compile that takes longer (default: 30s)\n"
	"  --client-jobs N         compile so many of one client at once (default: no limit)\n"
	"  --client-queue N        let so many of one client wait (default: 256)\n"
	"  --queue N               let so many of all clients wait (default: 4096)\n"
	"  --queue-memory SIZE     that those hold (default: 256M)\n"
	"  --rate N[:BURST]        requests per second of one client, and at once (default: no limit)\n"
	"  --max-body SIZE         of one request (default: 8M)\n"
	"  --max-connections N     (default: 10000)\n"
	"  --behind-proxy          a client's address is the last one in X-Forwarded-For\n"
	"  --no-sandbox            compile without protection against the sources: for trusted clients only\n"
	"  --access-log FILE       a line of JSON for each request; - is standard output (default: none)\n"
	"  --drain TIME            when told to stop, let what is in hand take so long (default: 30s)\n"
	"  -h, --help              show this text\n"
	"\n"
	"SIGTERM stops it, SIGHUP makes it read tokens, certificates and BTF anew.\n";

/* ---- What a worker makes of an object --------------------------------------------------------------------------- */

static struct coolbpf *open_object(const char *name, const void *object, size_t size, struct cb_err *e)
{
	const struct coolbpf_opts opts = {.sz = sizeof(opts)};
	struct coolbpf *cb = coolbpf_new(&opts);

	if (!cb) {
		cb_fail(e, ENOMEM, "out of memory");
		return NULL;
	}
	if (!coolbpf_open_memory(cb, object, size, name))
		return cb;
	cb_fail(e, EINVAL, "%s", coolbpf_errmsg(cb));
	coolbpf_free(cb);
	return NULL;
}

static int describe(const char *name, const void *object, size_t size, struct cb_buf *json, struct cb_err *e)
{
	struct coolbpf *cb = open_object(name, object, size, e);

	if (!cb)
		return -EINVAL;
	cb_inspect_json(cb, json);
	coolbpf_free(cb);
	return json->failed ? cb_fail(e, ENOMEM, "out of memory") : 0;
}

static int make_header(enum cb_format format, const char *name, const void *object, size_t size, struct cb_buf *out,
		       struct cb_err *e)
{
	struct coolbpf *cb;
	int err;

	if (format == CB_FORMAT_SKEL)
		return cb_libbpf_skeleton(object, size, name, out, e);
	cb = open_object(name, object, size, e);
	if (!cb)
		return -EINVAL;
	err = cb_skeleton(cb, out, e);
	coolbpf_free(cb);
	return err;
}

static const struct cb_makers makers = {.describe = describe, .header = make_header};

/* ---- Options ---------------------------------------------------------------------------------------------------- */

enum { LISTEN_MAX = 16 };

struct serve {
	struct cb_serve_opts opts;
	const char *listen[LISTEN_MAX + 1], *lbc_listen[LISTEN_MAX + 1];
	const char *bad; /* what an option's value should be */
	char cache_dir[PATH_MAX], answers[PATH_MAX];
	bool worker;
};

enum option_name {
	OPT_TLS_CERT = CB_CLI_OPT_OWN,
	OPT_TLS_KEY,
	OPT_TLS_CLIENT_CA,
	OPT_TOKENS,
	OPT_OPEN_METRICS,
	OPT_LBC_LISTEN,
	OPT_SIGN,
	OPT_CACHE,
	OPT_CACHE_SIZE,
	OPT_MEMORY,
	OPT_BTF,
	OPT_ACCEPT_BTF,
	OPT_SENT_BTF_SIZE,
	OPT_CLANG,
	OPT_JOB_TIME,
	OPT_CLIENT_JOBS,
	OPT_CLIENT_QUEUE,
	OPT_QUEUE,
	OPT_QUEUE_MEMORY,
	OPT_RATE,
	OPT_MAX_BODY,
	OPT_MAX_CONNECTIONS,
	OPT_BEHIND_PROXY,
	OPT_NO_SANDBOX,
	OPT_ACCESS_LOG,
	OPT_DRAIN,
	OPT_WORKER,
};

static const struct option options[] = {
	{"listen", required_argument, NULL, 'l'},
	{"tls-cert", required_argument, NULL, OPT_TLS_CERT},
	{"tls-key", required_argument, NULL, OPT_TLS_KEY},
	{"tls-client-ca", required_argument, NULL, OPT_TLS_CLIENT_CA},
	{"tokens", required_argument, NULL, OPT_TOKENS},
	{"open-metrics", no_argument, NULL, OPT_OPEN_METRICS},
	{"lbc-listen", required_argument, NULL, OPT_LBC_LISTEN},
	{"sign", required_argument, NULL, OPT_SIGN},
	{"cache", required_argument, NULL, OPT_CACHE},
	{"cache-size", required_argument, NULL, OPT_CACHE_SIZE},
	{"memory", required_argument, NULL, OPT_MEMORY},
	{"btf", required_argument, NULL, OPT_BTF},
	{"accept-btf", no_argument, NULL, OPT_ACCEPT_BTF},
	{"sent-btf-size", required_argument, NULL, OPT_SENT_BTF_SIZE},
	{"clang", required_argument, NULL, OPT_CLANG},
	{"jobs", required_argument, NULL, 'j'},
	{"job-time", required_argument, NULL, OPT_JOB_TIME},
	{"client-jobs", required_argument, NULL, OPT_CLIENT_JOBS},
	{"client-queue", required_argument, NULL, OPT_CLIENT_QUEUE},
	{"queue", required_argument, NULL, OPT_QUEUE},
	{"queue-memory", required_argument, NULL, OPT_QUEUE_MEMORY},
	{"rate", required_argument, NULL, OPT_RATE},
	{"max-body", required_argument, NULL, OPT_MAX_BODY},
	{"max-connections", required_argument, NULL, OPT_MAX_CONNECTIONS},
	{"behind-proxy", no_argument, NULL, OPT_BEHIND_PROXY},
	{"no-sandbox", no_argument, NULL, OPT_NO_SANDBOX},
	{"access-log", required_argument, NULL, OPT_ACCESS_LOG},
	{"drain", required_argument, NULL, OPT_DRAIN},
	{"help", no_argument, NULL, 'h'},
	{"worker", no_argument, NULL, OPT_WORKER},
	{0},
};

static int number(const char *arg, uint64_t min, uint64_t max, uint64_t *out)
{
	struct cb_number n;

	if (cb_parse_number(arg, &n) || n.negative || n.magnitude < min || n.magnitude > max)
		return -EINVAL;
	*out = n.magnitude;
	return 0;
}

static int count(struct serve *s, const char *arg, uint64_t min, uint64_t max, unsigned *out)
{
	uint64_t v;

	s->bad = "a number that makes sense there";
	if (number(arg, min, max, &v))
		return -EINVAL;
	*out = (unsigned)v;
	return 0;
}

static int size(struct serve *s, const char *arg, uint64_t max, uint64_t *out)
{
	s->bad = "a size like 64M";
	return number(arg, 4096, max, out);
}

static int size_of(struct serve *s, const char *arg, uint64_t max, size_t *out)
{
	uint64_t v;

	if (size(s, arg, max, &v))
		return -EINVAL;
	*out = (size_t)v;
	return 0;
}

static int milliseconds(struct serve *s, const char *arg, unsigned *out)
{
	uint64_t ns;

	s->bad = "a time like 30s";
	if (cb_parse_duration(arg, 0, &ns) || ns < 1000000 || ns / 1000000 > 24 * 3600 * 1000)
		return -EINVAL;
	*out = (unsigned)(ns / 1000000);
	return 0;
}

/* "100" or "100:200". */
static int rate(struct serve *s, const char *arg)
{
	struct cb_limits *l = &s->opts.limits;
	char *end;

	s->bad = "N or N:BURST, requests per second";
	l->rate = strtod(arg, &end);
	if (end == arg || !(l->rate >= 0) || l->rate > 1e9 || (*end && *end != ':'))
		return -EINVAL;
	l->burst = l->rate > 1 ? l->rate : 1;
	if (!*end)
		return 0;
	arg = end + 1;
	l->burst = strtod(arg, &end);
	return end == arg || *end || !(l->burst >= 1) || l->burst > 1e9 ? -EINVAL : 0;
}

static int address(struct serve *s, const char *arg, const char **list)
{
	size_t n = 0;

	s->bad = "ADDR:PORT";
	while (list[n])
		n++;
	if (n == LISTEN_MAX || !strrchr(arg, ':'))
		return -EINVAL;
	list[n] = arg;
	return 0;
}

/* 0, or -EINVAL: `bad` says what the value should be. */
static int set_limit(struct serve *s, int opt, const char *arg)
{
	struct cb_serve_opts *o = &s->opts;

	switch (opt) {
	case 'j':
		return count(s, arg, 1, 1024, &o->jobs);
	case OPT_JOB_TIME:
		return milliseconds(s, arg, &o->job_ms);
	case OPT_DRAIN:
		return milliseconds(s, arg, &o->drain_ms);
	case OPT_CLIENT_JOBS:
		return count(s, arg, 0, 1024, &o->limits.client_jobs);
	case OPT_CLIENT_QUEUE:
		return count(s, arg, 1, 1000000, &o->limits.client_queue);
	case OPT_QUEUE:
		return count(s, arg, 1, 1000000, &o->limits.queue);
	case OPT_QUEUE_MEMORY:
		return size_of(s, arg, SIZE_MAX / 2, &o->limits.queue_bytes);
	case OPT_RATE:
		return rate(s, arg);
	case OPT_MAX_BODY:
		return size_of(s, arg, 64 << 20, &o->max_body);
	case OPT_MAX_CONNECTIONS:
		return count(s, arg, 1, 1000000, &o->max_connections);
	case OPT_SENT_BTF_SIZE:
		return size(s, arg, UINT64_MAX / 2, &o->sent_btf_bytes);
	case OPT_CACHE_SIZE:
		return size(s, arg, UINT64_MAX / 2, &o->cache_bytes);
	default:
		return size_of(s, arg, SIZE_MAX / 2, &o->memory_bytes);
	}
}

static int set_option(struct serve *s, int opt, const char *arg)
{
	struct cb_serve_opts *o = &s->opts;
	const char **btf = opt == OPT_BTF && cb_is_url(arg) ? &o->archive : &o->btf_dir;
	const struct {
		int opt;
		const char **text;
	} texts[] = {
		{OPT_TLS_CERT, &o->tls_cert},
		{OPT_TLS_KEY, &o->tls_key},
		{OPT_TLS_CLIENT_CA, &o->tls_client_ca},
		{OPT_TOKENS, &o->tokens},
		{OPT_SIGN, &o->key},
		{OPT_CACHE, &o->cache},
		{OPT_BTF, btf},
		{OPT_CLANG, &o->clang},
		{OPT_ACCESS_LOG, &o->access_log},
	};
	const struct {
		int opt;
		bool *flag, value;
	} flags[] = {
		{OPT_OPEN_METRICS, &o->open_metrics, true},
		{OPT_ACCEPT_BTF, &o->accept_btf, true},
		{OPT_BEHIND_PROXY, &o->behind_proxy, true},
		{OPT_NO_SANDBOX, &o->sandbox, false},
		{OPT_WORKER, &s->worker, true},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (texts[i].opt == opt) {
			*texts[i].text = arg;
			return 0;
		}
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (flags[i].opt == opt) {
			*flags[i].flag = flags[i].value;
			return 0;
		}
	if (opt == 'l')
		return address(s, arg, s->listen);
	if (opt == OPT_LBC_LISTEN)
		return address(s, arg, s->lbc_listen);
	return set_limit(s, opt, arg);
}

static void set_defaults(struct serve *s)
{
	static char program[] = "/proc/self/exe", serve[] = "serve", worker[] = "--worker";
	static char *const worker_argv[] = {program, serve, worker, NULL};
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	s->opts = (struct cb_serve_opts){
		.cache_bytes = (uint64_t)1 << 30,
		.sent_btf_bytes = (uint64_t)1 << 30,
		.memory_bytes = 64 << 20,
		.sandbox = true,
		.jobs = cpus > 0 ? (unsigned)cpus : 1,
		.job_ms = 30000,
		.drain_ms = 30000,
		.limits = {.client_queue = 256, .queue = 4096, .queue_bytes = 256 << 20},
		.max_body = 8 << 20,
		.max_connections = 10000,
		.worker_argv = worker_argv,
	};
}

/* Where things are kept: see struct cb_serve_opts. */
static int set_cache(struct serve *s)
{
	struct cb_serve_opts *o = &s->opts;
	const char *where = o->cache;

	o->cache_dir = s->cache_dir;
	if (where && !strncmp(where, "redis://", 8)) {
		cb_cache_dir(s->cache_dir, sizeof(s->cache_dir));
		return 0;
	}
	if (where && strcmp(where, "none"))
		snprintf(s->cache_dir, sizeof(s->cache_dir), "%s", where);
	else
		cb_cache_dir(s->cache_dir, sizeof(s->cache_dir));
	if (snprintf(s->answers, sizeof(s->answers), "%s/answers", s->cache_dir) >= (int)sizeof(s->answers))
		return -ENAMETOOLONG;
	o->cache = where && !strcmp(where, "none") ? NULL : s->answers;
	return 0;
}

static const char *contradiction(const struct cb_serve_opts *o)
{
	if (!o->tls_cert != !o->tls_key)
		return "--tls-cert and --tls-key belong together";
	if (o->tls_client_ca && !o->tls_cert)
		return "--tls-client-ca needs --tls-cert";
	if (o->accept_btf && !o->btf_dir)
		return "--accept-btf needs --btf DIR, the directory to keep it in";
	return NULL;
}

static int serve(struct serve *s)
{
	static const char *const listen[] = {"127.0.0.1:7655", NULL};
	const char *wrong = contradiction(&s->opts);
	struct cb_err e = {0};

	if (s->worker)
		return cb_worker_main(&makers);
	if (wrong)
		return cb_cli_usage("serve", "%s", wrong);
	if (s->opts.archive && cb_archive_check(s->opts.archive, &e))
		return cb_cli_usage("serve", "%s", e.text);
	s->opts.listen = *s->listen ? s->listen : listen;
	s->opts.lbc_listen = *s->lbc_listen ? s->lbc_listen : NULL;
	if (set_cache(s))
		return cb_cli_fail("the cache's name is too long");
	return cb_serve(&s->opts, &e) ? cb_cli_fail("%s", e.text) : CB_CLI_OK;
}

int cmd_serve(int argc, char **argv)
{
	struct serve s = {0};
	int opt, index = -1;

	set_defaults(&s);
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":l:j:h", options, &index)) != -1) {
		if (opt == 'h') {
			fputs(help, stdout);
			return CB_CLI_OK;
		}
		if (opt == ':' || opt == '?')
			return cb_cli_bad_option("serve", opt, argv);
		if (set_option(&s, opt, optarg))
			return cb_cli_usage("serve", "\"%s\" is not %s", optarg, s.bad);
	}
	if (optind < argc)
		return cb_cli_usage("serve", "it takes no file");
	return serve(&s);
}
