// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * reload.c - the kernels anew, at SIGHUP. The archive's index is fetched by a worker: its web server may be slow, or silent, and
 * nobody else is to wait for it.
 */
#include "service/service.h"

#include <stdio.h>

static void read_kernels(struct cb_service *s, const char *index, size_t len)
{
	struct cb_err e = {0};

	if (cb_kernels_read(&s->kernels, s->opts->btf_dir, index, len, s->work_dir, &e))
		fprintf(stderr, "coolbpf: %s; going on with what was there\n", e.text);
	else
		/* a release may be another kernel now */
		cb_ready_clear(&s->ready);
}

static void told_index(struct cb_waiter *w, const struct cb_report *r)
{
	struct cb_reload *reload = CB_CONTAINER(w, struct cb_reload, waiter);
	struct cb_service *s = CB_CONTAINER(reload, struct cb_service, reload);
	const struct cb_outcome *o = r->outcome;

	cb_client_put(&s->queue, reload->client);
	reload->client = NULL;
	if (o->err == CB_ERR_STOPPED)
		return;
	if (o->err)
		fprintf(stderr, "coolbpf: %s; going on with what was there\n", o->message);
	else
		read_kernels(s, o->bytes, o->len);
	if (reload->again)
		cb_reload_kernels(s);
}

void cb_reload_kernels(struct cb_service *s)
{
	const struct cb_work work = {.kind = CB_WORK_INDEX};
	struct cb_reload *reload = &s->reload;
	char key[CB_SHA256_HEX];

	/* what is being fetched may be older than this signal */
	reload->again = reload->client != NULL;
	if (reload->again)
		return;
	if (!s->opts->archive) {
		read_kernels(s, NULL, 0);
		return;
	}
	reload->client = cb_client_get(&s->queue, 's', "SIGHUP");
	if (!reload->client) {
		fprintf(stderr, "coolbpf: out of memory; going on with what was there\n");
		return;
	}
	reload->waiter.told = told_index;
	cb_key_of(key, "index", NULL);
	cb_task_ask(s, reload->client, &work, key, false, &reload->waiter);
}
