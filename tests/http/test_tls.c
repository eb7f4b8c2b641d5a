// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* test_tls.c - both sides in TLS: who trusts whom, and what TLS must not change. */
#include "site.h"

#include <openssl/ssl.h>

#include "http/client.h"

static char dir[] = "/tmp/coolbpf-certs-XXXXXX";
static char paths[16][64];
static struct cb_err e;

/* The path of a file of certs.sh's; good until the sixteenth call after it. */
static const char *at(const char *name)
{
	static unsigned next;
	char *path = paths[next++ % 16];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static struct site *start(const char *cert, const char *key, const char *client_ca)
{
	struct cb_http_server_opts opts = {0};

	opts.tls_cert = at(cert);
	opts.tls_key = at(key);
	opts.tls_client_ca = client_ca ? at(client_ca) : NULL;
	return site_start(&opts);
}

static int call(struct cb_http_call *c, const char *host, unsigned port, const char *path, struct cb_http_reply *r)
{
	char url[256];
	int err;

	snprintf(url, sizeof(url), "https://%s:%u%s", host, port, path);
	c->method = c->method ? c->method : "GET";
	c->url = url;
	c->timeout_ms = c->timeout_ms ? c->timeout_ms : PATIENCE_MS;
	e.text[0] = '\0';
	err = cb_http_do(c, r, &e);
	c->url = NULL;
	return err;
}

/* One call that must succeed, and its answer's body. */
static void assert_answer(struct cb_http_call *c, const char *host, unsigned port, const char *path, const char *body)
{
	struct cb_http_reply r;

	if (call(c, host, port, path, &r))
		fail_msg("%s", e.text);
	assert_string_equal(cb_buf_cstr(&r.body), body);
	cb_http_reply_free(&r);
}

static void assert_refused_at(struct cb_http_call *c, const char *host, unsigned port, const char *path,
			      const char *says)
{
	struct cb_http_reply r;
	int err = call(c, host, port, path, &r);

	if (err != -EPROTO || !strstr(e.text, says))
		fail_msg("%d %s", err, e.text);
	cb_http_reply_free(&r);
}

static void assert_refused(struct cb_http_call *c, const char *host, unsigned port, const char *says)
{
	assert_refused_at(c, host, port, "/", says);
}

static void who_is_trusted_is_asked(void **state)
{
	struct site *s = start("server.pem", "server.key", NULL);
	struct cb_http_call c = {.ca_file = at("ca.pem")};

	assert_answer(&c, "localhost", s->port, "/hello", "/hello");
	assert_answer(&c, "127.0.0.1", s->port, "/hello", "/hello");
	assert_answer(&c, "127.0.0.1", s->port, "/subject", "none");
	site_end(s);
}

static void who_is_not_is_told_why(void **state)
{
	static const struct {
		const char *cert, *key, *ca, *host, *says;
	} cases[] = {
		{"server.pem", "server.key", "other.pem", "localhost",
		 "not to be trusted: unable to get local issuer certificate"},
		{"impostor.pem", "impostor.key", "ca.pem", "localhost",
		 "not to be trusted: unable to get local issuer certificate"},
		{"expired.pem", "expired.key", "ca.pem", "localhost", "not to be trusted: certificate has expired"},
		{"wrong.pem", "wrong.key", "ca.pem", "localhost", "not to be trusted: hostname mismatch"},
		{"wrong.pem", "wrong.key", "ca.pem", "127.0.0.1", "not to be trusted: IP address mismatch"},
		{"ca.pem", "ca.key", "other.pem", "localhost", "not to be trusted: self-signed certificate"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct site *s = start(cases[i].cert, cases[i].key, NULL);
		/* that would take three seconds at least */
		struct cb_http_call c = {.ca_file = at(cases[i].ca), .retries = 6};
		uint64_t begin = now_ms();

		assert_refused(&c, cases[i].host, s->port, cases[i].says);
		/* it would be no better the next time */
		assert_true(now_ms() - begin < 3000);
		assert_int_equal(site_seen(s).admitted, 0);
		site_end(s);
	}
}

static void without_a_file_the_system_is_asked(void **state)
{
	struct site *s = start("server.pem", "server.key", NULL);
	struct cb_http_call c = {0};
	struct cb_http_reply r;

	if (access("/etc/ssl/certs", R_OK) && access("/etc/pki/tls/certs", R_OK))
		skip_because("this machine has no certificates of authorities");
	assert_refused(&c, "localhost", s->port, "not to be trusted: unable to get local issuer certificate");
	setenv("SSL_CERT_FILE", at("ca.pem"), 1);
	assert_answer(&c, "localhost", s->port, "/x", "/x");
	setenv("SSL_CERT_FILE", at("nothing.pem"), 1);
	assert_int_equal(call(&c, "localhost", s->port, "/", &r), -ENOENT);
	assert_non_null(strstr(e.text, "nothing.pem: No such file or directory"));
	cb_http_reply_free(&r);
	unsetenv("SSL_CERT_FILE");
	site_end(s);
}

static void clients_are_known_by_their_certificate(void **state)
{
	struct site *s = start("server.pem", "server.key", "ca.pem");
	struct cb_http_call c = {.ca_file = at("ca.pem"), .cert_file = at("client.pem"), .key_file = at("client.key")};

	assert_answer(&c, "localhost", s->port, "/subject", "CN=client,O=Tests");
	assert_answer(&c, "localhost", s->port, "/subject", "CN=client,O=Tests");
	c.cert_file = at("stranger.pem");
	c.key_file = at("stranger.key");
	assert_refused(&c, "localhost", s->port, "alert unknown ca");
	c.cert_file = c.key_file = NULL;
	assert_refused(&c, "localhost", s->port, "certificate required");
	assert_int_equal(site_seen(s).admitted, 2);
	assert_true(site_connections_become(s, 0));
	site_end(s);
}

static void bad_files_are_told(void **state)
{
	static const struct {
		const char *cert, *key, *ca, *says;
	} cases[] = {
		{"nothing.pem", "server.key", NULL, "nothing.pem: No such file or directory"},
		{"server.pem", "nothing.key", NULL, "nothing.key: No such file or directory"},
		{"server.key", "server.key", NULL, "server.key: no start line"},
		{"server.pem", "client.key", NULL, "client.key: key values mismatch"},
		{"server.pem", "server.key", "nothing.pem", "certificates for clients"},
	};
	struct event_base *base = event_base_new();
	const char *listen[] = {"127.0.0.1:0", NULL};
	struct cb_http_call c = {.ca_file = at("ca.pem"), .cert_file = at("client.pem"), .key_file = at("server.key")};
	struct cb_http_reply r;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct cb_http_server_opts opts = {.listen = listen, .handle = site_handle};

		opts.tls_cert = at(cases[i].cert);
		opts.tls_key = at(cases[i].key);
		opts.tls_client_ca = cases[i].ca ? at(cases[i].ca) : NULL;
		e.text[0] = '\0';
		assert_null(cb_http_server_new(base, &opts, &e));
		if (!strstr(e.text, cases[i].says))
			fail_msg("%s", e.text);
	}
	event_base_free(base);
	assert_int_equal(call(&c, "localhost", 1, "/", &r), -EINVAL);
	assert_non_null(strstr(e.text, "key values mismatch"));
	cb_http_reply_free(&r);
}

static void large_bodies_go_both_ways(void **state)
{
	enum { LEN = 6 << 20 };
	struct site *s = start("server.pem", "server.key", NULL);
	char *body = malloc(LEN);
	struct cb_http_call c = {.ca_file = at("ca.pem"), .method = "POST", .body = body, .body_len = LEN};
	struct cb_http_reply r;

	for (size_t i = 0; i < LEN; i++)
		body[i] = (char)(i * 13 >> 5);
	assert_int_equal(call(&c, "localhost", s->port, "/echo", &r), 0);
	assert_int_equal(r.body.len, LEN);
	assert_memory_equal(r.body.data, body, LEN);
	cb_http_reply_free(&r);
	c = (struct cb_http_call){.ca_file = at("ca.pem")};
	assert_int_equal(call(&c, "localhost", s->port, "/huge", &r), 0);
	assert_int_equal(r.body.len, HUGE_BODY);
	assert_memory_equal(r.body.data, s->huge, HUGE_BODY);
	cb_http_reply_free(&r);
	assert_int_equal(site_ended(s, 2).released, 1);
	free(body);
	site_end(s);
}

static int slowly(void *ctx, const void *data, size_t len)
{
	*(size_t *)ctx += len;
	usleep(2000);
	return 0;
}

/* The first request is answered later. Meanwhile five records of 16 kB are kept, and the small one behind them is in the
 * hands of OpenSSL: no socket tells of it when it is time to go on. */
static void a_pipeline_is_served_to_its_end(void **state)
{
	enum { RECORDS = 5 * 16384, MORE = 200 };
	static const char end[] = "\r\n\r\n/pipelined", request[] = "GET /pipelined HTTP/1.1\r\nHost: a\r\n\r\n";
	struct site *s = start("server.pem", "server.key", NULL);
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	int fd = call_port(s->port), sent = 0, seen = 0, match = 0, n;
	char *all = calloc(1, RECORDS + MORE + sizeof(request)), out[16384];
	size_t len = strlen(strcpy(all, "GET /later?ms=100 HTTP/1.1\r\nHost: a\r\n\r\n"));

	for (; len < RECORDS + MORE; len += strlen(request), sent++)
		strcpy(all + len, request);
	SSL_set_fd(ssl, fd);
	assert_int_equal(SSL_connect(ssl), 1);
	assert_int_equal(SSL_write(ssl, all, (int)len), len);
	while (seen < sent && (n = SSL_read(ssl, out, sizeof(out))) > 0)
		for (int i = 0; i < n; i++) {
			match = out[i] == end[match] ? match + 1 : out[i] == end[0];
			if (!end[match]) {
				seen++;
				match = 0;
			}
		}
	assert_int_equal(seen, sent);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(fd);
	free(all);
	site_end(s);
}

/* A server in TLS that says something and breaks off, with TLS's goodbye or without. */
struct breaker {
	int listener;
	bool goodbye;
};

static void *break_off(void *arg)
{
	static const char text[] = "HTTP/1.0 200 OK\r\n\r\nall of it, or not";
	struct breaker *b = arg;
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	SSL *ssl;
	int fd;

	SSL_CTX_use_certificate_file(ctx, at("server.pem"), SSL_FILETYPE_PEM);
	SSL_CTX_use_PrivateKey_file(ctx, at("server.key"), SSL_FILETYPE_PEM);
	ssl = SSL_new(ctx);
	fd = accept(b->listener, NULL, NULL);
	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1 && SSL_read(ssl, (char[4096]){0}, 4096) > 0)
		SSL_write(ssl, text, sizeof(text) - 1);
	if (b->goodbye)
		SSL_shutdown(ssl);
	shutdown(fd, SHUT_WR);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(fd);
	return NULL;
}

static void what_somebody_cuts_short_is_not_taken(void **state)
{
	for (int goodbye = 0; goodbye < 2; goodbye++) {
		struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		struct breaker b = {socket(AF_INET, SOCK_STREAM, 0), goodbye};
		struct cb_http_call c = {.ca_file = at("ca.pem"), .method = "POST"};
		socklen_t len = sizeof(to);
		struct cb_http_reply r;
		pthread_t thread;

		assert_int_equal(bind(b.listener, (struct sockaddr *)&to, sizeof(to)), 0);
		assert_int_equal(listen(b.listener, 1), 0);
		getsockname(b.listener, (struct sockaddr *)&to, &len);
		pthread_create(&thread, NULL, break_off, &b);
		assert_int_equal(call(&c, "localhost", ntohs(to.sin_port), "/", &r), goodbye ? 0 : -ECONNRESET);
		cb_http_reply_free(&r);
		pthread_join(thread, NULL);
		close(b.listener);
	}
}

static void a_slow_reader_gets_all(void **state)
{
	struct site *s = start("server.pem", "server.key", NULL);
	size_t got = 0;
	struct cb_http_call c = {.ca_file = at("ca.pem"), .on_data = slowly, .ctx = &got};
	struct cb_http_reply r;

	assert_int_equal(call(&c, "localhost", s->port, "/huge", &r), 0);
	assert_int_equal(got, HUGE_BODY);
	cb_http_reply_free(&r);
	site_end(s);
}

static void a_refusal_reaches_who_is_still_sending(void **state)
{
	enum { LEN = 10 << 20 }; /* more than the server takes */
	struct site *s = start("server.pem", "server.key", NULL);
	char *body = calloc(1, LEN);
	struct cb_http_call c = {.ca_file = at("ca.pem"), .method = "POST", .body = body, .body_len = LEN};
	struct cb_http_reply r;

	for (int i = 0; i < 5; i++) {
		assert_int_equal(call(&c, "localhost", s->port, "/echo", &r), 0);
		assert_int_equal(r.status, 413);
		cb_http_reply_free(&r);
	}
	free(body);
	site_end(s);
}

static void a_handshake_counts_as_idle(void **state)
{
	struct cb_http_server_opts opts = {
		.idle_timeout_ms = 700, .tls_cert = at("server.pem"), .tls_key = at("server.key")};
	struct site *s = site_start(&opts);
	/* of a client hello that never becomes whole */
	static const unsigned char hello[] = {0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3};
	int silent = call_port(s->port), slow = call_port(s->port);
	uint64_t begin = now_ms();
	char out[64];

	for (size_t i = 0; i < sizeof(hello); i++) {
		send(slow, hello + i, 1, MSG_NOSIGNAL);
		usleep(80000);
	}
	assert_int_equal(recv(silent, out, sizeof(out), 0), 0);
	assert_true(recv(slow, out, sizeof(out), 0) <= 0);
	assert_in_range(now_ms() - begin, 690, PATIENCE_MS);
	assert_int_equal(site_seen(s).ended, 0);
	close(silent);
	close(slow);
	site_end(s);
}

static void plain_text_is_turned_away(void **state)
{
	struct site *s = start("server.pem", "server.key", NULL);
	struct cb_http_call c = {.ca_file = at("ca.pem")};
	char out[64];

	assert_int_equal(ask(s->port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", out, sizeof(out)), 0);
	assert_true(site_connections_become(s, 0));
	site_end(s);
	s = site_start(NULL);
	assert_refused(&c, "localhost", s->port, "wrong version number");
	site_end(s);
}

static void copy(const char *from, const char *to)
{
	char command[256];

	snprintf(command, sizeof(command), "cp %s/%s %s/%s", dir, from, dir, to);
	assert_int_equal(system(command), 0);
}

static void certificates_are_read_anew(void **state)
{
	struct cb_http_call c = {.ca_file = at("other.pem")};
	struct site *s;

	copy("server.pem", "live.pem");
	copy("server.key", "live.key");
	s = start("live.pem", "live.key", NULL);
	assert_refused(&c, "localhost", s->port, "not to be trusted");
	/* half of the change: all stays as it was */
	copy("impostor.pem", "live.pem");
	site_do(s, 'r');
	assert_int_equal(s->seen.reload, -EINVAL);
	assert_refused(&c, "localhost", s->port, "not to be trusted");
	copy("impostor.key", "live.key");
	site_do(s, 'r');
	assert_int_equal(s->seen.reload, 0);
	assert_answer(&c, "localhost", s->port, "/x", "/x");
	site_end(s);
}

static void a_stop_lets_requests_end(void **state)
{
	struct site *s = start("server.pem", "server.key", NULL);
	struct cb_http_call c = {.ca_file = at("ca.pem")};
	int half = call_port(s->port);

	assert_true(site_connections_become(s, 1));
	assert_answer(&c, "localhost", s->port, "/x", "/x");
	site_do(s, 's');
	assert_int_equal(recv(half, (char[1]){0}, 1, 0), 0);
	for (uint64_t until = now_ms() + PATIENCE_MS; !site_seen(s).drained && now_ms() < until;)
		usleep(1000);
	assert_int_equal(site_seen(s).drained, 1);
	close(half);
	site_end(s);
}

/* A proxy that connects, byte for byte: one connection. */
static void *tunnel(void *arg)
{
	int *listener = arg, in = accept(*listener, NULL, NULL), out;
	char data[65536], *port;
	size_t used = 0;
	ssize_t n;

	while (!used || !strstr(data, "\r\n\r\n")) {
		n = recv(in, data + used, sizeof(data) - 1 - used, 0);
		if (n <= 0)
			return NULL;
		used += (size_t)n;
		data[used] = '\0';
	}
	assert_memory_equal(data, "CONNECT ", 8);
	port = strchr(data, ':');
	out = call_port((unsigned)atoi(port + 1));
	say(in, "HTTP/1.1 200 Connected\r\nX: y\r\n\r\n");
	for (struct pollfd p[2] = {{in, POLLIN, 0}, {out, POLLIN, 0}}; poll(p, 2, PATIENCE_MS) > 0;) {
		int from = p[0].revents ? 0 : 1;

		n = recv(p[from].fd, data, sizeof(data), 0);
		if (n <= 0 || send(p[!from].fd, data, (size_t)n, MSG_NOSIGNAL) != n)
			break;
	}
	close(in);
	close(out);
	return NULL;
}

static void it_goes_through_a_proxy(void **state)
{
	struct site *s = start("server.pem", "server.key", NULL);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(to);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	struct cb_http_call c = {.ca_file = at("ca.pem")};
	pthread_t thread;
	char proxy[64];

	assert_int_equal(bind(listener, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(listen(listener, 1), 0);
	getsockname(listener, (struct sockaddr *)&to, &len);
	pthread_create(&thread, NULL, tunnel, &listener);
	snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", ntohs(to.sin_port));
	setenv("https_proxy", proxy, 1);
	/* the name is the proxy's to look up, and the certificate is for it */
	assert_answer(&c, "only.local.test", s->port, "/x", "/x");
	unsetenv("https_proxy");
	pthread_join(thread, NULL);
	close(listener);
	site_end(s);
}

static void https_does_not_lead_to_http(void **state)
{
	struct site *s = start("server.pem", "server.key", NULL);
	struct cb_http_call c = {.ca_file = at("ca.pem")};

	assert_refused_at(&c, "localhost", s->port, "/away?to=http://localhost/", "leads from https to http");
	assert_answer(&c, "localhost", s->port, "/away?to=/y", "/y");
	site_end(s);
}

static int setup(void **state)
{
	const char *source = getenv("SRC");
	char command[512];

	if (!mkdtemp(dir))
		return -1;
	snprintf(command, sizeof(command), "%s/tests/http/certs.sh %s", source ? source : ".", dir);
	return system(command);
}

static int teardown(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_trusted_is_asked),
		cmocka_unit_test(who_is_not_is_told_why),
		cmocka_unit_test(without_a_file_the_system_is_asked),
		cmocka_unit_test(clients_are_known_by_their_certificate),
		cmocka_unit_test(bad_files_are_told),
		cmocka_unit_test(large_bodies_go_both_ways),
		cmocka_unit_test(a_pipeline_is_served_to_its_end),
		cmocka_unit_test(what_somebody_cuts_short_is_not_taken),
		cmocka_unit_test(a_slow_reader_gets_all),
		cmocka_unit_test(a_refusal_reaches_who_is_still_sending),
		cmocka_unit_test(a_handshake_counts_as_idle),
		cmocka_unit_test(plain_text_is_turned_away),
		cmocka_unit_test(certificates_are_read_anew),
		cmocka_unit_test(a_stop_lets_requests_end),
		cmocka_unit_test(it_goes_through_a_proxy),
		cmocka_unit_test(https_does_not_lead_to_http),
	};
	static const char *const names[] = {"https_proxy", "HTTPS_PROXY",   "all_proxy",
					    "ALL_PROXY",   "SSL_CERT_FILE", "SSL_CERT_DIR"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unsetenv(names[i]);
	return cmocka_run_group_tests_name("http / tls", tests, setup, teardown);
}
