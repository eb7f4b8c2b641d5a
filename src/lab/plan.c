// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* plan.c - see plan.h. */
#include "lab/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	WORKLOAD_MAX = 100 * 1024 /* bytes: it becomes one word of a command line, of which the kernel takes 128 KiB */
};

static json_t *words(const char *const *w)
{
	json_t *list = json_array();

	for (; w && *w; w++)
		if (json_array_append_new(list, json_string(*w))) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *number(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static json_t *write_job(const struct cb_lab_job *j)
{
	/* "o" refuses NULL, "s?" takes it */
	return json_pack("{ss so ss sb ss? so so so so so si so sb sb}", "name", j->name, "argv", words(j->argv), "dir",
			 j->dir, "ready", j->ready, "workload", j->workload, "duration", number(j->duration), "settle",
			 number(j->settle), "timeout", number(j->timeout), "memory", number(j->memory), "output",
			 number(j->output), "processes", (int)j->processes, "insmod", words(j->insmod), "no_ebpf",
			 j->no_ebpf, "veth", j->veth);
}

static int check_job(const struct cb_lab_job *j, struct cb_err *e)
{
	if (!j->name || !j->dir || j->dir[0] != '/' || !j->dir[1])
		return cb_fail(e, EINVAL, "a job of the lab needs a name, and a directory in the guest");
	if (!j->argv || !j->argv[0])
		return cb_fail(e, EINVAL, "%s: there is nothing to run", j->name);
	if (j->ready && (!j->argv[1] || strcmp(j->argv[1], "run")))
		return cb_fail(e, EINVAL, "%s: only \"coolbpf run\" can say that it is ready", j->name);
	if (j->workload && strlen(j->workload) > WORKLOAD_MAX)
		return cb_fail(e, EFBIG, "%s: the workload is longer than %d bytes; put it into a file of its own",
			       j->name, WORKLOAD_MAX);
	return 0;
}

int cb_lab_plan_write(const char *port, const struct cb_lab_job *jobs, size_t n, struct cb_buf *out, struct cb_err *e)
{
	json_t *list = json_array(), *plan;
	char *text = NULL;
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		err = check_job(&jobs[i], e);
		if (!err && json_array_append_new(list, write_job(&jobs[i])))
			err = cb_fail(e, EINVAL, "%s: its words or its workload are not UTF-8", jobs[i].name);
	}
	plan = json_pack("{ss so}", "port", port, "jobs", list);
	if (!err)
		text = json_dumps(plan, JSON_COMPACT);
	if (text)
		cb_buf_str(out, text);
	if (!err && (!text || out->failed))
		err = cb_fail(e, ENOMEM, "out of memory");
	free(text);
	json_decref(plan);
	return err;
}

/* The list at key as an array of strings with NULL behind it, in *at, which moves on. */
static const char *const *read_words(json_t *job, const char *key, const char ***at)
{
	json_t *list = json_object_get(job, key);
	const char **first = *at;

	for (size_t i = 0; i < json_array_size(list); i++)
		*(*at)++ = json_string_value(json_array_get(list, i));
	*(*at)++ = NULL;
	return first;
}

static uint64_t read_number(json_t *job, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(job, key));
}

static void read_job(struct cb_lab_job *j, json_t *job, const char ***at)
{
	*j = (struct cb_lab_job){
		.name = json_string_value(json_object_get(job, "name")),
		.argv = read_words(job, "argv", at),
		.dir = json_string_value(json_object_get(job, "dir")),
		.ready = json_is_true(json_object_get(job, "ready")),
		.workload = json_string_value(json_object_get(job, "workload")),
		.duration = read_number(job, "duration"),
		.settle = read_number(job, "settle"),
		.timeout = read_number(job, "timeout"),
		.memory = read_number(job, "memory"),
		.output = read_number(job, "output"),
		.processes = (unsigned int)read_number(job, "processes"),
		.insmod = read_words(job, "insmod", at),
		.no_ebpf = json_is_true(json_object_get(job, "no_ebpf")),
		.veth = json_is_true(json_object_get(job, "veth")),
	};
}

int cb_lab_plan_read(struct cb_lab_plan *p, const char *text, size_t len, struct cb_err *e)
{
	size_t strings = 0, i;
	const char **at;
	json_t *list, *job;
	json_error_t why;

	*p = (struct cb_lab_plan){.json = json_loadb(text, len, 0, &why)};
	if (!p->json)
		return cb_fail(e, EINVAL, CB_LAB_PLAN ": %s", why.text);
	list = json_object_get(p->json, "jobs");
	json_array_foreach(list, i, job) strings +=
		json_array_size(json_object_get(job, "argv")) + json_array_size(json_object_get(job, "insmod")) + 2;
	p->port = json_string_value(json_object_get(p->json, "port"));
	p->n = json_array_size(list);
	p->jobs = calloc(p->n + 1, sizeof(*p->jobs));
	p->words = at = calloc(strings + 1, sizeof(*at));
	if (!p->jobs || !at || !p->port) {
		cb_lab_plan_free(p);
		return cb_fail(e, EINVAL, CB_LAB_PLAN ": incomplete, or out of memory");
	}
	json_array_foreach(list, i, job) read_job(&p->jobs[i], job, &at);
	return 0;
}

void cb_lab_plan_free(struct cb_lab_plan *p)
{
	json_decref(p->json);
	free(p->jobs);
	free(p->words);
	*p = (struct cb_lab_plan){0};
}
