// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * stream.c - see stream.h.
 *
 * OpenSSL's own socket BIO uses write(), which raises SIGPIPE; a library must not change what a signal does in the
 * program around it, so there is a BIO of ours that uses send() with MSG_NOSIGNAL.
 */
#include "http/stream.h"

#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TLS_RECORD = 16384 };

static int bio_fd(BIO *bio)
{
	return (int)(intptr_t)BIO_get_data(bio);
}

static int bio_write(BIO *bio, const char *data, int len)
{
	ssize_t n = send(bio_fd(bio), data, (size_t)len, MSG_NOSIGNAL);

	BIO_clear_retry_flags(bio);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(bio);
	return (int)n;
}

static int bio_read(BIO *bio, char *data, int len)
{
	ssize_t n = recv(bio_fd(bio), data, (size_t)len, 0);

	BIO_clear_retry_flags(bio);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_read(bio);
	if (!n)
		BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
	return (int)n;
}

static long bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	if (cmd == BIO_CTRL_EOF)
		return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
	return cmd == BIO_CTRL_FLUSH || cmd == BIO_CTRL_DUP;
}

BIO_METHOD *cb_stream_bio_new(void)
{
	int type = BIO_get_new_index();
	BIO_METHOD *m = type < 0 ? NULL : BIO_meth_new(type | BIO_TYPE_SOURCE_SINK, "socket without SIGPIPE");

	if (!m)
		return NULL;
	BIO_meth_set_write(m, bio_write);
	BIO_meth_set_read(m, bio_read);
	BIO_meth_set_ctrl(m, bio_ctrl);
	return m;
}

int cb_stream_tls(struct cb_stream *s, SSL_CTX *ctx, BIO_METHOD *method, const char *sni)
{
	SSL *ssl = SSL_new(ctx);
	BIO *bio = ssl ? BIO_new(method) : NULL;

	if (!bio || (sni && *sni && SSL_set_tlsext_host_name(ssl, sni) != 1)) {
		BIO_free(bio);
		SSL_free(ssl);
		ERR_clear_error();
		return -ENOMEM;
	}
	BIO_set_data(bio, (void *)(intptr_t)s->fd);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	if (sni)
		SSL_set_connect_state(ssl);
	else
		SSL_set_accept_state(ssl);
	s->ssl = ssl;
	return 0;
}

/* What a call of OpenSSL's that did not succeed means. */
static int tls_result(struct cb_stream *s, int ret)
{
	int saved = errno;

	switch (SSL_get_error(s->ssl, ret)) {
	case SSL_ERROR_WANT_READ:
		s->want = POLLIN;
		return -EAGAIN;
	case SSL_ERROR_WANT_WRITE:
		s->want = POLLOUT;
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SYSCALL:
		return saved && saved != EAGAIN ? -saved : -ECONNRESET;
	default:
		/* an end without TLS's own goodbye may be somebody in between who cuts the message short */
		return ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING ? -ECONNRESET : -EPROTO;
	}
}

int cb_stream_handshake(struct cb_stream *s)
{
	int ret;

	ERR_clear_error();
	errno = 0;
	ret = SSL_do_handshake(s->ssl);
	if (ret == 1)
		return 0;
	ret = tls_result(s, ret);
	return ret ? ret : -ECONNRESET;
}

ssize_t cb_stream_read(struct cb_stream *s, void *buf, size_t len)
{
	ssize_t n;

	if (s->ssl) {
		ERR_clear_error();
		errno = 0;
		n = SSL_read(s->ssl, buf, len > TLS_RECORD ? TLS_RECORD : (int)len);
		return n > 0 ? n : tls_result(s, (int)n);
	}
	do
		n = recv(s->fd, buf, len, 0);
	while (n < 0 && errno == EINTR);
	s->want = POLLIN; /* if it is EAGAIN */
	return n >= 0 ? n : -errno;
}

/* One record for what is in several buffers: a record each would be more packets than bytes are worth. */
static ssize_t tls_write(struct cb_stream *s, const struct iovec *iov, int n)
{
	char record[TLS_RECORD];
	const char *data = iov->iov_base;
	size_t len = iov->iov_len;
	int ret;

	if (n > 1 && len < sizeof(record)) {
		len = 0;
		for (int i = 0; i < n && len < sizeof(record); i++) {
			size_t part = iov[i].iov_len < sizeof(record) - len ? iov[i].iov_len : sizeof(record) - len;

			memcpy(record + len, iov[i].iov_base, part);
			len += part;
		}
		data = record;
	}
	ERR_clear_error();
	errno = 0;
	ret = SSL_write(s->ssl, data, len > INT32_MAX ? INT32_MAX : (int)len);
	if (ret > 0)
		return ret;
	ret = tls_result(s, ret);
	return ret ? ret : -EPIPE;
}

ssize_t cb_stream_write(struct cb_stream *s, const struct iovec *iov, int n)
{
	struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n};
	ssize_t done;

	while (n > 1 && !iov->iov_len)
		msg.msg_iov = (struct iovec *)++iov, msg.msg_iovlen = (size_t)--n;
	if (s->ssl)
		return tls_write(s, iov, n);
	do
		done = sendmsg(s->fd, &msg, MSG_NOSIGNAL);
	while (done < 0 && errno == EINTR);
	s->want = POLLOUT; /* if it is EAGAIN */
	return done >= 0 ? done : -errno;
}

bool cb_stream_pending(const struct cb_stream *s)
{
	return s->ssl && SSL_has_pending(s->ssl);
}

void cb_stream_end(struct cb_stream *s)
{
	if (s->ssl && SSL_is_init_finished(s->ssl)) {
		ERR_clear_error();
		SSL_shutdown(s->ssl);
	}
	shutdown(s->fd, SHUT_WR);
}

void cb_stream_drop_tls(struct cb_stream *s)
{
	SSL_free(s->ssl);
	s->ssl = NULL;
	ERR_clear_error();
}

void cb_stream_close(struct cb_stream *s)
{
	SSL_free(s->ssl);
	if (s->fd >= 0)
		close(s->fd);
	ERR_clear_error();
	*s = (struct cb_stream){.fd = -1};
}
