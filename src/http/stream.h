/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * stream.h - bytes over a TCP connection, plain or in TLS, without blocking.
 *
 * Who gets -EAGAIN waits until the socket is ready for what `want` says (in TLS, reading may have to wait until the
 * socket takes bytes, and the other way round) and calls again. A peer that is gone never raises SIGPIPE.
 */
#ifndef CB_HTTP_STREAM_H
#define CB_HTTP_STREAM_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

struct cb_stream {
	int fd;	    /* not blocking */
	SSL *ssl;   /* NULL: plain */
	short want; /* POLLIN or POLLOUT, after -EAGAIN */
};

/* Put TLS on a connected stream. sni: this is the client, and the server's name ("": it has none); NULL: this is the
 * server. 0 or -ENOMEM. */
int cb_stream_tls(struct cb_stream *s, SSL_CTX *ctx, BIO_METHOD *bio, const char *sni);
/* 0, -EAGAIN, -EPROTO (OpenSSL's error queue and SSL_get_verify_result() say why), -ECONNRESET (the peer is gone). */
int cb_stream_handshake(struct cb_stream *s);
/* The number of bytes, 0 at the end, -EAGAIN, -EPROTO, -ECONNRESET, another -errno. */
ssize_t cb_stream_read(struct cb_stream *s, void *buf, size_t len);
/* How many bytes were taken (all n buffers are offered, TLS takes what fits into a record), or a negative value as
 * above. After -EAGAIN the same bytes must be offered again, though they may have moved. */
ssize_t cb_stream_write(struct cb_stream *s, const struct iovec *iov, int n);
/* Bytes that were read from the socket and not from here, for which the socket will not become readable. */
bool cb_stream_pending(const struct cb_stream *s);
/* After a handshake that failed: what comes now is only to be read away. */
void cb_stream_drop_tls(struct cb_stream *s);
/* No further bytes to the peer. */
void cb_stream_end(struct cb_stream *s);
void cb_stream_close(struct cb_stream *s);

/* How OpenSSL reaches the socket. Lives longer than the streams. NULL when there is no memory. */
BIO_METHOD *cb_stream_bio_new(void);

#endif
