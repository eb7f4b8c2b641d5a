// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * apt.c - see apt.h.
 *
 * State of our own is a file of settings (-c), on top of the machine's, so that its proxies and the like hold; and one
 * source:
 *
 *	apt/ARCH/apt.conf	the settings
 *	apt/ARCH/sources/	lab.sources: the suites that the mirror has
 *	apt/ARCH/wanted		the suites that were asked for; its time is that of the last update
 *	apt/ARCH/lists/ ...	apt's own
 *
 * Which keys may sign is what the machine's own entry for that mirror says (sources.c).
 */
#include "lab/apt.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "lab/sources.h"

enum {
	LISTS_ARE_OLD = 3 * 24 * 3600, /* seconds */
	LISTS_BYTES = 100000000,       /* of ten suites */
	SMALL = 1 << 20,
	ARGS_MAX = 512,
};

/* ---- Running apt ------------------------------------------------------------------------------------------------- */

/* What apt says, in errno's terms. */
static int meaning(const char *said)
{
	static const struct {
		const char *text;
		int err;
	} known[] = {
		{"No space left on device", ENOSPC},
		{"enough free space", ENOSPC},
		{"Could not resolve", ENETUNREACH},
		{"Temporary failure resolving", ENETUNREACH},
		{"Could not connect", ENETUNREACH},
		{"Cannot initiate the connection", ENETUNREACH},
		{"Unable to connect", ENETUNREACH},
		{"Connection failed", ENETUNREACH},
		{"Connection timed out", ENETUNREACH},
		{"Network is unreachable", ENETUNREACH},
		{"Hash Sum mismatch", EBADMSG},
		{"is not signed", EBADMSG},
		{"has wrong checksum", EBADMSG},
		{"unexpected size", EBADMSG},
		{"404  Not Found", ENOENT},
		{"File not found", ENOENT},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strstr(said, known[i].text))
			return known[i].err;
	return EIO;
}

/* The lines of what apt said that tell of errors and warnings. */
static void complaints(const char *said, struct cb_buf *out)
{
	for (const char *p = said; *p;) {
		size_t n = strcspn(p, "\n");

		if (!strncmp(p, "E: ", 3) || (!strncmp(p, "W: ", 3) && !memmem(p, n, "unsandboxed", 11)))
			cb_buf_printf(out, "\n%.*s", (int)n, p);
		p += n + (p[n] == '\n');
	}
}

/* A failure of apt in a sentence. */
static int blame(int err, const char *doing, struct cb_buf *said, struct cb_err *e)
{
	static const char *const advice[] = {
		[ENETUNREACH] = "no mirror answers (is there a network? --mirror URL names another)",
		[ENOSPC] = "the disk is full",
		[EBADMSG] = "what the mirror sends is not what its signature says, or nobody that is trusted signed it",
	};
	const char *text = cb_buf_cstr(said);
	struct cb_buf lines = {0};

	if (err != -ECHILD)
		return err;
	err = meaning(text);
	complaints(text, &lines);
	if ((size_t)err < sizeof(advice) / sizeof(advice[0]) && advice[err])
		cb_fail(e, err, "cannot %s: %s%s", doing, advice[err], cb_buf_cstr(&lines));
	else
		cb_fail(e, err, "cannot %s:%s", doing, lines.len ? cb_buf_cstr(&lines) : " apt does not say why");
	cb_buf_free(&lines);
	return -err;
}

/* Run PROGRAM -c CONF WORDS... */
static int apt(struct cb_lab_apt *a, const char *program, const char *const *words, const char *dir, struct cb_buf *out,
	       struct cb_buf *said, struct cb_err *e)
{
	const char **argv = malloc((ARGS_MAX + 4) * sizeof(*argv));
	const struct cb_lab_prog p = {.argv = argv, .dir = dir, .out = out};
	size_t n = 0;
	int err;

	if (!argv)
		return cb_fail(e, ENOMEM, "out of memory");
	argv[n++] = program;
	argv[n++] = "-c";
	argv[n++] = a->conf;
	for (size_t i = 0; words[i] && n < ARGS_MAX + 3; i++)
		argv[n++] = words[i];
	argv[n] = NULL;
	err = cb_lab_prog_run(&p, a->hold, said, e);
	free(argv);
	return err;
}

/* ---- Settings ---------------------------------------------------------------------------------------------------- */

static int write_conf(const struct cb_lab_apt *a, struct cb_err *e)
{
	struct cb_buf text = {0};
	char path[PATH_MAX];
	int err = cb_lab_path(path, e, "%s/status", a->dir);

	cb_buf_printf(
		&text,
		"Dir::State \"%s\";\nDir::State::status \"%s/status\";\nDir::State::lists \"lists/\";\n"
		"Dir::Cache \"%s\";\nDir::Cache::archives \"archives/\";\nDir::Cache::pkgcache \"pkgcache.bin\";\n"
		"Dir::Cache::srcpkgcache \"\";\n"
		"Dir::Etc::sourcelist \"/dev/null\";\nDir::Etc::sourceparts \"%s/sources\";\n"
		"Dir::Etc::preferences \"/dev/null\";\nDir::Etc::preferencesparts \"/dev/null\";\n"
		"APT::Architecture \"%s\";\n#clear APT::Architectures;\nAPT::Architectures \"%s\";\n",
		a->dir, a->dir, a->dir, a->dir, a->arch, a->arch);
	/* programs of the machine's that run behind an update are for the machine's own lists */
	cb_buf_str(&text,
		   "#clear APT::Update::Pre-Invoke;\n#clear APT::Update::Post-Invoke;\n"
		   "#clear APT::Update::Post-Invoke-Success;\n#clear DPkg::Pre-Invoke;\n#clear DPkg::Post-Invoke;\n");
	/* A mirror that lags behind, or an archive that is kept, has lists past their Valid-Until. That date guards
	 * against old lists with known holes being sent to who installs them; an old kernel to test on is what is
	 * wanted here. Signatures are checked all the same. */
	cb_buf_str(&text,
		   "Acquire::Check-Valid-Until \"false\";\nAcquire::Languages \"none\";\nAcquire::PDiffs \"false\";\n"
		   "Acquire::Retries \"2\";\nAcquire::http::Timeout \"30\";\nAcquire::https::Timeout \"30\";\n"
		   "Acquire::AllowInsecureRepositories \"false\";\nAcquire::AllowWeakRepositories \"false\";\n"
		   "Acquire::AllowDowngradeToInsecureRepositories \"false\";\n"
		   "APT::Get::AllowUnauthenticated \"false\";\nAPT::Update::Error-Mode \"any\";\n");
	if (!err)
		err = text.failed ? cb_fail(e, ENOMEM, "out of memory") : cb_file_write(path, "", 0, 0644, e);
	if (!err)
		err = cb_file_write(a->conf, text.data, text.len, 0644, e);
	cb_buf_free(&text);
	return err;
}

static int make_dirs(const struct cb_lab_apt *a, struct cb_err *e)
{
	static const char *const dirs[] = {"sources", "lists/partial", "archives/partial"};
	char path[PATH_MAX];
	int err = 0;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]) && !err; i++) {
		err = cb_lab_path(path, e, "%s/%s", a->dir, dirs[i]);
		if (!err)
			err = cb_mkdirs(path, e);
	}
	return err;
}

/* ---- Lists of packages ------------------------------------------------------------------------------------------- */

/* Leave out the suites that the mirror has not, by what apt says; how many those are. */
static unsigned leave_out_missing(struct cb_lab_apt *a, struct cb_lab_sources *s, const char *said)
{
	static const char says[] = "E: The repository '", no[] = "' does not have a Release file.";
	unsigned n = 0;

	for (const char *p = said; (p = strstr(p, says));) {
		size_t len = strcspn(p += sizeof(says) - 1, "\n");
		const char *end = memmem(p, len, no, sizeof(no) - 1);
		char uri[1024], suite[64];

		if (end && end - p < (int)sizeof(uri) && sscanf(p, "%1023s %63s", uri, suite) == 2 &&
		    cb_lab_sources_drop(s, uri, suite)) {
			cb_say(a->opts->log, CB_INFO, "%s has no suite %s: left out", uri, suite);
			n++;
		}
	}
	return n;
}

static int write_sources(const struct cb_lab_apt *a, const struct cb_lab_sources *s, struct cb_err *e)
{
	struct cb_buf text = {0};
	char path[PATH_MAX];
	int err = cb_lab_path(path, e, "%s/sources/lab.sources", a->dir);

	cb_lab_sources_write(s, a->arch, &text);
	if (!err)
		err = text.failed ? cb_fail(e, ENOMEM, "out of memory")
				  : cb_file_write(path, text.data, text.len, 0644, e);
	cb_buf_free(&text);
	return err;
}

/* apt-get update, again as long as suites are left out. */
static int fetch_lists(struct cb_lab_apt *a, struct cb_lab_sources *s, struct cb_err *e)
{
	static const char *const update[] = {"-q", "update", NULL};

	for (;;) {
		struct cb_buf said = {0};
		unsigned missing = 0;
		int err;

		if (!cb_lab_sources_left(s))
			return cb_fail(e, ENOENT, "the mirror has none of the suites");
		err = write_sources(a, s, e);
		if (!err)
			err = apt(a, "apt-get", update, NULL, NULL, &said, e);
		if (err == -ECHILD)
			missing = leave_out_missing(a, s, cb_buf_cstr(&said));
		if (err && !missing)
			err = blame(err, "fetch Debian's lists of packages", &said, e);
		cb_buf_free(&said);
		if (!missing)
			return err;
	}
}

static int wanted_path(const struct cb_lab_apt *a, char path[PATH_MAX], struct cb_err *e)
{
	return cb_lab_path(path, e, "%s/wanted", a->dir);
}

/* On a full disk apt's own processes wait for each other without end. */
static int check_space(const struct cb_lab_apt *a, struct cb_err *e)
{
	struct statvfs fs;

	if (statvfs(a->dir, &fs) || (uint64_t)fs.f_bavail * fs.f_frsize >= LISTS_BYTES)
		return 0;
	return cb_fail(e, ENOSPC,
		       "the disk is full: there are %.0f MB left for %s, and lists of packages take some %d MB",
		       (double)fs.f_bavail * (double)fs.f_frsize / 1e6, a->dir, LISTS_BYTES / 1000000);
}

int cb_lab_apt_update(struct cb_lab_apt *a, struct cb_err *e)
{
	struct cb_lab_sources s = {0};
	struct cb_buf wanted = {0};
	char path[PATH_MAX];
	int err = wanted_path(a, path, e);

	if (!err)
		err = check_space(a, e);
	if (!err)
		err = cb_lab_sources_plan(&s, a->hold, a->opts, e);
	if (!err) {
		cb_lab_sources_write(&s, a->arch, &wanted);
		cb_say(a->opts->log, CB_INFO, "fetching the lists of %u suites for %s", cb_lab_sources_left(&s),
		       a->arch);
		unlink(path);
		err = fetch_lists(a, &s, e);
	}
	if (!err)
		err = wanted.failed ? cb_fail(e, ENOMEM, "out of memory")
				    : cb_file_write(path, wanted.data, wanted.len, 0644, e);
	a->updated = !err;
	cb_buf_free(&wanted);
	cb_lab_sources_free(&s);
	return err;
}

bool cb_lab_apt_is_old(const struct cb_lab_apt *a)
{
	char path[PATH_MAX];
	struct stat st;

	return !a->updated &&
	       (wanted_path(a, path, NULL) || stat(path, &st) || time(NULL) - st.st_mtime > LISTS_ARE_OLD);
}

/* Are the lists those of the suites that are asked for now? */
static int have_lists(const struct cb_lab_apt *a, const struct cb_lab_sources *s, bool *have, struct cb_err *e)
{
	struct cb_buf wanted = {0};
	char path[PATH_MAX], *text = NULL;
	size_t len = 0;
	int err = wanted_path(a, path, e);

	cb_lab_sources_write(s, a->arch, &wanted);
	if (!err && wanted.failed)
		err = cb_fail(e, ENOMEM, "out of memory");
	*have = !err && !cb_file_read(path, SMALL, &text, &len, NULL) && len == wanted.len &&
		!memcmp(text, wanted.data, len);
	free(text);
	cb_buf_free(&wanted);
	return err;
}

int cb_lab_apt_open(struct cb_lab_apt *a, struct cb_err *e)
{
	static const char *const programs[] = {"apt-get", "apt-cache", "apt-config", "dpkg-deb"};
	struct cb_lab_sources s = {0};
	bool have = false;
	int err = cb_lab_path(a->dir, e, "%s/apt/%s", a->store->dir, a->arch);

	if (!err)
		err = cb_lab_path(a->conf, e, "%s/apt.conf", a->dir);
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]) && !err; i++)
		if (!cb_lab_prog_there(programs[i]))
			err = cb_fail(e, ENOSYS,
				      "there is no %s here, by which Debian's kernels are fetched; coolbpf lab run "
				      "--kernel PATH takes one "
				      "of your own",
				      programs[i]);
	if (!err)
		err = make_dirs(a, e);
	if (!err)
		err = write_conf(a, e);
	if (!err)
		err = cb_lab_sources_plan(&s, a->hold, a->opts, e);
	if (!err)
		err = have_lists(a, &s, &have, e);
	a->own_release = s.own_release;
	cb_lab_sources_free(&s);
	if (!err && (!have || a->opts->refresh))
		err = cb_lab_apt_update(a, e);
	return err;
}

void cb_lab_apt_close(struct cb_lab_apt *a)
{
	char path[PATH_MAX];

	if (*a->dir && !cb_lab_path(path, NULL, "%s/pkgcache.bin", a->dir))
		unlink(path);
}

/* ---- Packages ---------------------------------------------------------------------------------------------------- */

static int ask(struct cb_lab_apt *a, const char *const *words, struct cb_buf *out, struct cb_err *e)
{
	struct cb_buf said = {0};
	int err = apt(a, "apt-cache", words, NULL, out, &said, e);

	if (err)
		err = blame(err, "look into Debian's lists of packages", &said, e);
	cb_buf_free(&said);
	return err;
}

int cb_lab_apt_names(struct cb_lab_apt *a, const char *prefix, struct cb_buf *out, struct cb_err *e)
{
	const char *const words[] = {"pkgnames", prefix, NULL};

	return ask(a, words, out, e);
}

int cb_lab_apt_versions(struct cb_lab_apt *a, const char *const *names, size_t n, struct cb_buf *out, struct cb_err *e)
{
	const char *words[ARGS_MAX + 2] = {"madison"};
	int err = 0;

	for (size_t at = 0; at < n && !err;) {
		size_t m = n - at < ARGS_MAX - 1 ? n - at : ARGS_MAX - 1;

		memcpy(words + 1, names + at, m * sizeof(*words));
		words[m + 1] = NULL;
		err = ask(a, words, out, e);
		at += m;
	}
	return err;
}

int cb_lab_apt_record(struct cb_lab_apt *a, const char *package, struct cb_buf *out, struct cb_err *e)
{
	const char *const words[] = {"show", package, NULL};

	return ask(a, words, out, e);
}

bool cb_lab_apt_field(const char *record, const char *field, char *text, size_t size)
{
	size_t n = strlen(field);

	for (const char *p = record; *p && *p != '\n';) {
		size_t len = strcspn(p, "\n");

		if (len > n && !strncasecmp(p, field, n) && p[n] == ':') {
			const char *value = p + n + 1 + strspn(p + n + 1, " ");

			return (size_t)snprintf(text, size, "%.*s", (int)(len - (size_t)(value - p)), value) < size;
		}
		p += len + (p[len] == '\n');
	}
	return false;
}

/* The one .deb in a directory. */
static int only_deb(const char *dir, char path[PATH_MAX], struct cb_err *e)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;
	int err = -ENOENT;

	while (d && err && (entry = readdir(d)))
		if (!fnmatch("*.deb", entry->d_name, 0))
			err = cb_lab_path(path, e, "%s/%s", dir, entry->d_name);
	if (d)
		closedir(d);
	return err == -ENOENT ? cb_fail(e, ENOENT, "apt-get did not download anything into %s", dir) : err;
}

static int download(struct cb_lab_apt *a, const char *package, const char *dir, struct cb_err *e)
{
	const char *const words[] = {"-q", "download", package, NULL};
	struct cb_buf said = {0};
	char doing[512];
	int err;

	snprintf(doing, sizeof(doing), "download %s", package);
	err = apt(a, "apt-get", words, dir, NULL, &said, e);
	if (err)
		err = blame(err, doing, &said, e);
	cb_buf_free(&said);
	return err;
}

static int extract(struct cb_lab_apt *a, const char *deb, const char *into, const char *package, struct cb_err *e)
{
	const char *const argv[] = {"dpkg-deb", "--extract", deb, into, NULL};
	const struct cb_lab_prog p = {.argv = argv};
	struct cb_buf said = {0};
	int err = cb_lab_prog_run(&p, a->hold, &said, e);

	if (err == -ECHILD && strstr(cb_buf_cstr(&said), "No space left"))
		err = -ENOSPC;
	cb_buf_free(&said);
	return err ? cb_fail_in(e, err, "cannot unpack %s%s", package, err == -ENOSPC ? ": the disk is full" : "") : 0;
}

int cb_lab_apt_unpack(struct cb_lab_apt *a, const char *package, const char *into, struct cb_err *e)
{
	char dir[PATH_MAX], deb[PATH_MAX];
	int err = cb_lab_path(dir, e, "%s/deb", a->store->tmp);

	if (!err)
		err = cb_mkdirs(dir, e);
	if (!err)
		err = download(a, package, dir, e);
	if (!err)
		err = only_deb(dir, deb, e);
	if (!err)
		err = cb_mkdirs(into, e);
	if (!err)
		err = extract(a, deb, into, package, e);
	cb_lab_remove(dir);
	return err;
}
