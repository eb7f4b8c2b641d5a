// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * dial.c - see dial.h.
 *
 * A host may have several addresses of which some do not answer. They are tried one after the other, the next one 250
 * ms after the last without giving that up, or as soon as it fails; the first that connects is taken (RFC 8305).
 */
#include "http/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "http/reply.h"
#include "http/resolve.h"
#include "http/tls.h"

enum { STAGGER_MS = 250 };

uint64_t cb_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Rounded up: poll() must not wake before. */
static int ms_until(uint64_t deadline_ns)
{
	uint64_t now = cb_now_ns();

	if (now >= deadline_ns)
		return 0;
	return (int)((deadline_ns - now + 999999) / 1000000);
}

int cb_wait_ready(int fd, short events, uint64_t deadline_ns)
{
	struct pollfd p = {.fd = fd, .events = events};
	int n;

	do
		n = poll(&p, 1, ms_until(deadline_ns));
	while (n < 0 && errno == EINTR);
	return n > 0 ? p.revents : n ? -errno : -ETIMEDOUT;
}

char *cb_url_authority(const struct cb_url *u, bool brief)
{
	const char *open = u->v6 ? "[" : "", *close = u->v6 ? "]" : "";
	char *text;
	int n;

	if (brief && u->port == (u->tls ? 443 : 80))
		n = asprintf(&text, "%s%s%s", open, u->host, close);
	else
		n = asprintf(&text, "%s%s%s:%u", open, u->host, close, u->port);
	return n < 0 ? NULL : text;
}

int cb_stream_failed(const struct cb_url *u, int err, const char *what, struct cb_err *e)
{
	char why[256];

	if (err == -EPROTO)
		cb_tls_reason(why, sizeof(why));
	else
		snprintf(why, sizeof(why), "%s", err == -ETIMEDOUT ? "no answer in time" : strerror(-err));
	return cb_fail(e, -err, "%s port %u: %s: %s", u->host, u->port, what, why);
}

/* --- TCP --- */

struct race {
	const struct cb_address *addresses;
	int n, started, running;
	struct pollfd fds[CB_MAX_ADDRESSES]; /* the running ones in front */
	int err;			     /* why the others failed */
};

/* A refusal tells more than a route that is missing, as it is for IPv6 on many machines. */
static void race_lost(struct race *r, int err)
{
	if (!r->err || r->err == ENETUNREACH || r->err == EADDRNOTAVAIL || r->err == EAFNOSUPPORT)
		r->err = err;
}

static void race_start(struct race *r)
{
	const struct cb_address *a = &r->addresses[r->started++];
	int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0) {
		race_lost(r, errno);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, &a->any, a->len) && errno != EINPROGRESS) {
		race_lost(r, errno);
		close(fd);
		return;
	}
	r->fds[r->running++] = (struct pollfd){.fd = fd, .events = POLLOUT};
}

/* The descriptor of one that has connected, or -1; those that failed are taken out. */
static int race_look(struct race *r)
{
	for (int i = 0; i < r->running; i++) {
		int fd = r->fds[i].fd, err = 0;
		socklen_t len = sizeof(err);

		if (!r->fds[i].revents)
			continue;
		if (!getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) && !err) {
			r->fds[i].fd = r->fds[--r->running].fd;
			return fd;
		}
		race_lost(r, err);
		close(fd);
		r->fds[i--] = r->fds[--r->running];
	}
	return -1;
}

/* The descriptor, or -errno. */
static int connect_any(const struct cb_address *addresses, int n, uint64_t deadline_ns)
{
	struct race r = {.addresses = addresses, .n = n};
	uint64_t next_ns = 0;
	int fd = -1;

	while (fd < 0 && (r.running || r.started < r.n)) {
		uint64_t now = cb_now_ns(), until = deadline_ns;
		int failed;

		if (now >= deadline_ns) {
			r.err = ETIMEDOUT;
			break;
		}
		if (r.started < r.n && (!r.running || now >= next_ns)) {
			race_start(&r);
			next_ns = now + STAGGER_MS * 1000000ull;
		}
		if (r.started < r.n && next_ns < until)
			until = next_ns;
		failed = r.running;
		if (r.running && poll(r.fds, (nfds_t)r.running, ms_until(until)) > 0)
			fd = race_look(&r);
		if (r.running < failed)
			next_ns = 0;
	}
	for (int i = 0; i < r.running; i++)
		close(r.fds[i].fd);
	return fd >= 0 ? fd : -r.err;
}

/* --- through a proxy --- */

char *cb_basic_auth(const char *user)
{
	size_t len = strlen(user), prefix = strlen("Basic ");
	char *value = malloc(prefix + (len + 2) / 3 * 4 + 1);

	if (!value)
		return NULL;
	memcpy(value, "Basic ", prefix);
	EVP_EncodeBlock((unsigned char *)value + prefix, (const unsigned char *)user, (int)len);
	return value;
}

static int send_all(struct cb_stream *s, const char *data, size_t len, uint64_t deadline_ns)
{
	while (len) {
		struct iovec iov = {(char *)data, len};
		ssize_t n = cb_stream_write(s, &iov, 1);

		if (n == -EAGAIN)
			n = cb_wait_ready(s->fd, s->want, deadline_ns) < 0 ? -ETIMEDOUT : 0;
		if (n < 0)
			return (int)n;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The proxy's answer to CONNECT. Behind its head nothing may come: the first word in the tunnel is ours. */
static int read_connected(struct cb_stream *s, const struct cb_url *via, uint64_t deadline_ns, struct cb_err *e)
{
	struct cb_http_reply reply = {0};
	struct cb_reply_reader r = {.reply = &reply, .no_body = true};
	char data[4096];
	size_t used = 0;
	ssize_t n = 0;
	int err = 0;

	while (!err && !r.done) {
		n = cb_stream_read(s, data, sizeof(data));
		if (n == -EAGAIN) {
			err = cb_wait_ready(s->fd, s->want, deadline_ns);
			err = err < 0 ? cb_stream_failed(via, err, "waiting for the proxy", e) : 0;
		} else if (n < 0) {
			err = cb_stream_failed(via, (int)n, "reading from the proxy", e);
		} else {
			err = n ? cb_reply_feed(&r, data, (size_t)n, &used, e) : cb_reply_end(&r, e);
		}
	}
	if (!err && reply.status / 100 != 2)
		err = cb_fail(e, reply.status / 100 == 5 ? ECONNREFUSED : EPROTO,
			      "the proxy %s port %u does not connect: it answers %d", via->host, via->port,
			      reply.status);
	else if (!err && used < (size_t)n)
		err = cb_fail(e, EPROTO, "the proxy %s port %u sends bytes of its own", via->host, via->port);
	cb_reply_reader_free(&r);
	cb_http_reply_free(&reply);
	return err;
}

static int tunnel(struct cb_stream *s, const struct cb_url *to, const struct cb_url *via, uint64_t deadline_ns,
		  struct cb_err *e)
{
	char *target = cb_url_authority(to, false), *auth = via->user ? cb_basic_auth(via->user) : NULL;
	struct cb_buf head = {0};
	int err;

	if (target)
		cb_buf_printf(&head, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", target, target);
	if (auth)
		cb_buf_printf(&head, "Proxy-Authorization: %s\r\n", auth);
	cb_buf_str(&head, "\r\n");
	if (!target || (via->user && !auth) || head.failed)
		err = cb_fail(e, ENOMEM, "no memory for a request");
	else if ((err = send_all(s, head.data, head.len, deadline_ns)))
		err = cb_stream_failed(via, err, "writing to the proxy", e);
	else
		err = read_connected(s, via, deadline_ns, e);
	cb_buf_free(&head);
	free(auth);
	free(target);
	return err;
}

/* --- TLS --- */

static int handshake_failed(struct cb_stream *s, const struct cb_url *to, int err, struct cb_err *e)
{
	long verified = SSL_get_verify_result(s->ssl);

	if (err == -EPROTO && verified != X509_V_OK)
		return cb_fail(e, EPROTO, "%s port %u: its certificate is not to be trusted: %s", to->host, to->port,
			       X509_verify_cert_error_string(verified));
	return cb_stream_failed(to, err, "TLS", e);
}

static int start_tls(struct cb_stream *s, const struct cb_url *to, const struct cb_dial_tls *tls, uint64_t deadline_ns,
		     struct cb_err *e)
{
	bool numeric = to->v6 || inet_pton(AF_INET, to->host, (char[4]){0}) == 1;
	int err;

	/* a numeric address is no server name (RFC 6066, 3) */
	if (cb_stream_tls(s, tls->ctx, tls->bio, numeric ? "" : to->host) || cb_tls_expect(s->ssl, to->host))
		return cb_fail(e, ENOMEM, "no memory for TLS");
	while ((err = cb_stream_handshake(s)) == -EAGAIN) {
		err = cb_wait_ready(s->fd, s->want, deadline_ns);
		if (err < 0)
			break;
	}
	return err < 0 ? handshake_failed(s, to, err, e) : 0;
}

int cb_dial(const struct cb_url *to, const struct cb_url *via, const struct cb_dial_tls *tls, uint64_t deadline_ns,
	    struct cb_stream *s, struct cb_err *e)
{
	const struct cb_url *peer = via ? via : to;
	struct cb_address addresses[CB_MAX_ADDRESSES];
	int ms = ms_until(deadline_ns), n = cb_resolve(peer->host, peer->port, (unsigned)ms, addresses, e), err = 0;

	*s = (struct cb_stream){.fd = -1};
	if (n < 0)
		return n;
	s->fd = connect_any(addresses, n, deadline_ns);
	if (s->fd < 0)
		return cb_stream_failed(peer, s->fd, "connecting", e);
	if (via && to->tls)
		err = tunnel(s, to, via, deadline_ns, e);
	if (!err && to->tls)
		err = start_tls(s, to, tls, deadline_ns, e);
	if (err)
		cb_stream_close(s);
	return err;
}
