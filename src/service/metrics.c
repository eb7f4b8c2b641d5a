// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* metrics.c - see metrics.h. */
#include "service/metrics.h"

#include <stdio.h>

#include "service/service.h"

static const double bounds[CB_BUCKETS] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

void cb_metrics_request(struct cb_metrics *m, enum cb_route route, int status, uint64_t took_ns)
{
	unsigned b = 0;

	m->requests[route][status >= 0 && status < CB_STATUS_MAX ? status : 0]++;
	m->took_ns[route] += took_ns;
	while (b < CB_BUCKETS && (double)took_ns > bounds[b] * 1e9)
		b++;
	m->buckets[route][b]++;
}

static void head(struct cb_buf *out, const char *name, const char *type, const char *help)
{
	cb_buf_printf(out, "# HELP coolbpf_%s %s\n# TYPE coolbpf_%s %s\n", name, help, name, type);
}

static void print_requests(const struct cb_metrics *m, struct cb_buf *out)
{
	head(out, "requests_total", "counter", "Requests that have ended; status 0: the client went away.");
	for (int r = 0; r < CB_ROUTES; r++)
		for (int s = 0; s < CB_STATUS_MAX; s++)
			if (m->requests[r][s])
				cb_buf_printf(out, "coolbpf_requests_total{route=\"%s\",status=\"%d\"} %llu\n",
					      cb_route_name((enum cb_route)r), s,
					      (unsigned long long)m->requests[r][s]);
}

static void print_times(const struct cb_metrics *m, struct cb_buf *out)
{
	head(out, "request_seconds", "histogram", "From a request's first byte to its answer's last.");
	for (int r = 0; r < CB_ROUTES; r++) {
		const char *name = cb_route_name((enum cb_route)r);
		unsigned long long sum = 0;

		for (int b = 0; b <= CB_BUCKETS; b++)
			sum += m->buckets[r][b];
		if (!sum)
			continue;
		sum = 0;
		for (int b = 0; b < CB_BUCKETS; b++) {
			sum += m->buckets[r][b];
			cb_buf_printf(out, "coolbpf_request_seconds_bucket{route=\"%s\",le=\"%g\"} %llu\n", name,
				      bounds[b], sum);
		}
		sum += m->buckets[r][CB_BUCKETS];
		cb_buf_printf(out,
			      "coolbpf_request_seconds_bucket{route=\"%s\",le=\"+Inf\"} %llu\n"
			      "coolbpf_request_seconds_sum{route=\"%s\"} %.9f\n"
			      "coolbpf_request_seconds_count{route=\"%s\"} %llu\n",
			      name, sum, name, (double)m->took_ns[r] / 1e9, name, sum);
	}
}

void cb_metrics_print(const struct cb_service *s, struct cb_buf *out)
{
	const struct cb_metrics *m = &s->metrics;
	unsigned connections = 0;

	for (int i = 0; i < 2; i++)
		connections += s->doors[i].http ? cb_http_server_connections(s->doors[i].http) : 0;
	print_requests(m, out);
	print_times(m, out);
	const struct {
		const char *name, *type, *help;
		double value;
	} rows[] = {
		{"received_bytes_total", "counter", "Bytes of requests' bodies.", (double)m->received_bytes},
		{"sent_bytes_total", "counter", "Bytes of answers.", (double)m->sent_bytes},
		{"connections", "gauge", "Connections that are open.", connections},
		{"clients", "gauge", "Clients that are remembered.", (double)s->queue.clients.used},
		{"queue_waiting", "gauge", "Tasks that wait for a worker.", s->queue.waiting},
		{"queue_running", "gauge", "Tasks that workers have.", s->queue.running},
		{"queue_bytes", "gauge", "Bytes of the tasks that wait.", (double)s->queue.bytes},
		{"refused_client_total", "counter", "Tasks refused because their client had too many.",
		 (double)m->refused_client},
		{"refused_server_total", "counter", "Tasks refused because the queue was full.",
		 (double)m->refused_server},
		{"coalesced_total", "counter", "Questions that waited for the same one of another.",
		 (double)m->coalesced},
		{"compiles_total", "counter", "Times that the compiler ran.", (double)m->compiles},
		{"compiles_failed_total", "counter", "Of these, without an object.", (double)m->failed_compiles},
		{"slice_fallbacks_total", "counter", "Compiles that needed the whole vmlinux.h.", (double)m->fell_back},
		{"slice_seconds_total", "counter", "Time of making slices.", (double)m->slice_ns / 1e9},
		{"clang_seconds_total", "counter", "Time of running clang.", (double)m->clang_ns / 1e9},
		{"workers", "gauge", "Workers that can work.", cb_pool_alive(s->pool)},
		{"worker_restarts_total", "counter", "Workers that died or took too long.",
		 (double)cb_pool_restarts(s->pool)},
		{"retried_total", "counter", "Tasks given to a second worker.", (double)m->retried},
		{"ready_bytes", "gauge", "Bytes of ready answers in memory.", (double)s->ready.bytes},
		{"ready_entries", "gauge", "Ready answers in memory.", (double)s->ready.entries},
		{"ready_hits_total", "counter", "Requests answered from memory.", (double)s->ready.hits},
		{"ready_misses_total", "counter", "Requests that were not in memory.", (double)s->ready.misses},
		{"ready_evicted_total", "counter", "Answers dropped from memory.", (double)s->ready.evicted},
		{"store_up", "gauge", "1 when the store (directory or Redis) can be asked.", cb_store_is_up(&s->store)},
		{"store_hits_total", "counter", "Outcomes found in the store.", (double)s->store.counts.hits},
		{"store_misses_total", "counter", "Outcomes not found in the store.", (double)s->store.counts.misses},
		{"store_damaged_total", "counter", "Entries of the store that were damaged.",
		 (double)s->store.counts.damaged},
		{"store_errors_total", "counter", "Failures of the store's connection.",
		 (double)s->store.counts.errors},
		{"store_evicted_total", "counter", "Entries dropped from the directory.", (double)m->dir_evicted},
		{"access_log_lost_total", "counter", "Lines of the access log that could not be written.",
		 (double)m->log_lost},
		{"kernels", "gauge", "Kernels that this server has BTF for.", (double)s->kernels.n},
		{"uptime_seconds", "gauge", "Since the start.", (double)(cb_now_ms() - s->started_ms) / 1000},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		head(out, rows[i].name, rows[i].type, rows[i].help);
		cb_buf_printf(out, "coolbpf_%s %.17g\n", rows[i].name, rows[i].value);
	}
}
