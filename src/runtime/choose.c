// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * choose.c - one hook of several, before load.
 *
 * Two kinds of choice. Inside one section name, SEC("kprobe/a|b"): the first target that the kernel has. Among the
 * programs of one LBC_ALTERNATIVE group: the first, in the order of the source, that has a target which the kernel has;
 * the others are not loaded. A program without alternatives is not asked about: it is loaded, and what the kernel says to
 * that is the answer.
 */
#include "runtime/runtime.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int set_reason(struct coolbpf *cb, struct cb_prog *p, const char *reason)
{
	free(p->reason);
	p->reason = strdup(reason);
	return p->reason ? 0 : cb_fail(&cb->err, ENOMEM, "out of memory");
}

/* A target of several, whole: in "tracepoint/block/a|b" the category holds for those behind it that name none. sample is
 * the last one that has a category, or NULL. The caller frees it. */
static char *whole_target(const char *kind, const char *target, const char *sample)
{
	bool point = !strcmp(kind, "tp") || !strcmp(kind, "tracepoint");
	char *whole;

	if (!point || !sample || strchr(target, '/'))
		return strdup(target);
	return asprintf(&whole, "%.*s/%s", (int)strcspn(sample, "/"), sample, target) < 0 ? NULL : whole;
}

/* The first of "a|b|c" that exists becomes p->hook. -ENOENT: none, the reasons are in why. */
static int choose_target(struct coolbpf *cb, struct cb_prog *p, const char *kind, char *targets, struct cb_err *why)
{
	const char *sample = NULL;
	struct cb_err reason;
	char *save = NULL;

	why->text[0] = '\0';
	for (char *t = strtok_r(targets, "|", &save); t; t = strtok_r(NULL, "|", &save)) {
		char *whole = whole_target(kind, t, sample);
		int err;

		if (!whole)
			return cb_fail(&cb->err, ENOMEM, "out of memory");
		sample = strchr(t, '/') ? t : sample;
		reason.text[0] = '\0';
		err = cb_hook_probe(cb, kind, whole, &reason);
		if (!err) {
			p->hook = whole;
			return 0;
		}
		if (err == -ENOMEM)
			cb_fail(&cb->err, ENOMEM, "cannot find out about %s/%s: %s", kind, whole, reason.text);
		else if (!*p->group)
			cb_say(&cb->log, CB_INFO, "%s: %s/%s is not taken: %s", p->name, kind, whole, reason.text);
		cb_fail_more(why, 0, "%s%s/%s: %s", *why->text ? "; " : "", kind, whole, reason.text);
		free(whole);
		if (err == -ENOMEM)
			return err;
	}
	return -ENOENT;
}

/* Probe program i's hook, with a choice inside its section name if there is one. -ENOENT: not on this kernel. */
static int probe_prog(struct coolbpf *cb, size_t i, struct cb_err *why)
{
	struct cb_prog *p = &cb->progs[i];
	const char *rest;
	const struct cb_kind *k = cb_kind_of(p->section, &rest);
	char *targets;
	int err;

	if (!k) {
		cb_fail(why, EINVAL, "section \"%s\" is of no kind that can be attached", p->section);
		return -ENOENT;
	}
	targets = cb_target_of(cb, i);
	if (!targets)
		return -errno;
	if (*targets) {
		err = choose_target(cb, p, cb_kind_name(k), targets, why);
	} else if (libbpf_probe_bpf_prog_type(bpf_program__type(p->prog), NULL) == 0) {
		err = -ENOENT;
		cb_fail(why, ENOENT, "this kernel has no programs of type %s",
			libbpf_bpf_prog_type_str(bpf_program__type(p->prog)));
	} else {
		err = 0;
	}
	free(targets);
	return err;
}

/* Where this process may load nothing, every hook seems to be missing. */
static int check_rights(struct coolbpf *cb)
{
	int err = cb_bpf_allowed();

	if (!err)
		return 0;
	return cb_fail(&cb->err, -err, "cannot load %s: %s%s", coolbpf_name(cb), strerror(-err), cb_bpf_hint(-err));
}

/* A program in no group whose section name offers several targets. */
static int choose_alone(struct coolbpf *cb, size_t i)
{
	struct cb_prog *p = &cb->progs[i];
	struct cb_err why;
	int err;

	if (!strchr(p->section, '|') && !(p->given && strchr(p->given, '|')) && !(p->tagged && strchr(p->tagged, '|')))
		return 0;
	why.text[0] = '\0';
	err = probe_prog(cb, i, &why);
	if (err == -ENOENT) {
		err = check_rights(cb);
		return err ? err
			   : cb_fail(&cb->err, ENOENT, "program %s: this kernel has none of its hooks (%s)", p->name,
				     why.text);
	}
	if (!err)
		cb_say(&cb->log, CB_INFO, "%s: hook %s is taken", p->name, p->hook);
	return err;
}

/* The member of the group with the smallest position in the source above *last; -1: no more. */
static long next_member(const struct coolbpf *cb, const char *group, long last)
{
	long best = -1;

	for (size_t i = 0; i < cb->nprogs; i++) {
		const struct cb_prog *p = &cb->progs[i];

		if (strcmp(p->group, group) || (last >= 0 && p->func_id <= cb->progs[last].func_id))
			continue;
		if (best < 0 || p->func_id < cb->progs[best].func_id)
			best = (long)i;
	}
	return best;
}

static int choose_in_group(struct coolbpf *cb, const char *group)
{
	struct cb_err all = {0}, why;
	long taken = -1;
	int err;

	for (long i = next_member(cb, group, -1); i >= 0; i = next_member(cb, group, i)) {
		struct cb_prog *p = &cb->progs[i];

		if (taken >= 0) {
			p->skip = true;
			err = set_reason(cb, p, "another program of its group was taken");
			if (err)
				return err;
			continue;
		}
		why.text[0] = '\0';
		err = probe_prog(cb, (size_t)i, &why);
		if (!err) {
			taken = i;
			if (*why.text)
				cb_say(&cb->log, CB_INFO, "%s: not taken: %s", group, why.text);
			cb_say(&cb->log, CB_INFO, "%s: %s is taken (hook %s)", group, p->name,
			       p->hook ? p->hook : p->section);
			continue;
		}
		if (err != -ENOENT)
			return err;
		p->skip = true;
		cb_say(&cb->log, CB_INFO, "%s: %s is not taken: %s", group, p->name, why.text);
		cb_fail_more(&all, 0, "\n  %s: %s", p->name, why.text);
		err = set_reason(cb, p, why.text);
		if (err)
			return err;
	}
	if (taken < 0 && (err = check_rights(cb)))
		return err;
	if (taken < 0)
		return cb_fail(&cb->err, ENOENT, "this kernel has none of the alternatives of group \"%s\":%s", group,
			       all.text);
	return 0;
}

/* Programs whose hook is part of their load (fentry, tp_btf, ...) are told where. */
static int tell_target(struct coolbpf *cb, size_t i)
{
	struct cb_prog *p = &cb->progs[i];
	const char *rest;
	const struct cb_kind *k = cb_kind_of(p->section, &rest);
	struct cb_err why = {0};
	char *target;
	int err = 0;

	if (p->skip || !k || !cb_kind_target_at_load(k) || !(p->hook || p->given || p->tagged))
		return 0;
	target = cb_target_of(cb, i);
	if (!target)
		return -errno;
	/* libbpf 1.1 does not free the kernel's BTF when it does not find the target there: it is asked for what there is */
	if (*target)
		err = cb_hook_probe(cb, cb_kind_name(k), target, &why);
	if (err == -ENOENT || err == -ENOMEM) {
		cb_fail(&cb->err, -err, "program %s: %s", p->name, why.text);
	} else if (*target) {
		cb_listen(cb);
		err = bpf_program__set_attach_target(p->prog, 0, target);
		cb_listen(NULL);
		if (err)
			cb_fail(&cb->err, -err, "program %s: this kernel has no %s target %s", p->name, cb_kind_name(k),
				target);
	}
	free(target);
	return err;
}

/* What a program is attached to is known from now on, whoever said it. */
static int keep_target(struct coolbpf *cb, size_t i)
{
	struct cb_prog *p = &cb->progs[i];
	char *target;

	if (p->skip || p->hook)
		return 0;
	target = cb_target_of(cb, i);
	if (!target)
		return -errno;
	if (*target)
		p->hook = target;
	else
		free(target);
	return 0;
}

/* An earlier load may have failed with other targets. */
static void forget_choice(struct cb_prog *p)
{
	free(p->hook);
	free(p->reason);
	p->hook = p->reason = NULL;
	p->skip = false;
}

static int choose_one(struct coolbpf *cb, size_t i)
{
	struct cb_prog *p = &cb->progs[i];

	if (!*p->group && p->optional && !p->given) {
		p->skip = true;
		return set_reason(cb, p, "it is optional (\"?\") and was given no target");
	}
	if (!*p->group)
		return choose_alone(cb, i);
	for (size_t j = 0; j < i; j++)
		if (!strcmp(cb->progs[j].group, p->group))
			return 0; /* with the first of its group */
	return choose_in_group(cb, p->group);
}

int cb_choose_hooks(struct coolbpf *cb)
{
	int err = 0;

	for (size_t i = 0; i < cb->nprogs; i++)
		forget_choice(&cb->progs[i]);
	for (size_t i = 0; !err && i < cb->nprogs; i++)
		err = choose_one(cb, i);
	for (size_t i = 0; !err && i < cb->nprogs; i++) {
		bpf_program__set_autoload(cb->progs[i].prog, !cb->progs[i].skip);
		err = tell_target(cb, i);
		if (!err)
			err = keep_target(cb, i);
	}
	return err;
}
