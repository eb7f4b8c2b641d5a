// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * tls.c - see tls.h.
 *
 * The system's certificates are where its distribution puts them. The path that OpenSSL was built with is that of the
 * machine where a static binary was made, so the usual places are tried one by one. A directory by hashes comes first:
 * OpenSSL takes the one certificate that it needs from there, where a bundle means to read all 140 of them at each
 * call.
 */
#include "http/tls.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const ca_dirs[] = {
	"/etc/ssl/certs",				  /* Debian, Ubuntu, SUSE, Alpine, Arch */
	"/etc/pki/ca-trust/extracted/pem/directory-hash", /* Fedora */
};

static const char *const ca_bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt", /* Debian, Ubuntu, Alpine, Arch, Gentoo */
	"/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora, RHEL, CentOS, Anolis */
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/ssl/ca-bundle.pem", /* SUSE */
	"/etc/ssl/cert.pem",	  /* Alpine */
};

void cb_tls_reason(char *out, size_t size)
{
	unsigned long code = ERR_get_error();
	const char *text = ERR_reason_error_string(code);

	if (text)
		snprintf(out, size, "%s", text);
	else if (code && ERR_SYSTEM_ERROR(code))
		snprintf(out, size, "%s", strerror(ERR_GET_REASON(code)));
	else
		snprintf(out, size, "%s", code ? "an unknown error of TLS" : "no memory");
	ERR_clear_error();
}

static SSL_CTX *new_ctx(const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (!ctx)
		return NULL;
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	/* the head of a record and the rest in one system call; so there may be bytes of which the socket does not tell */
	SSL_CTX_set_read_ahead(ctx, 1);
	/* an idle connection holds no buffers; what could not be sent may have moved until it is */
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return ctx;
}

/* A file that OpenSSL could not use: its reason, or the system's. */
static int bad_file(struct cb_err *e, const char *what, const char *path)
{
	char why[256];

	if (access(path, R_OK)) {
		int err = errno;

		ERR_clear_error();
		return cb_fail(e, err, "%s %s: %s", what, path, strerror(err));
	}
	cb_tls_reason(why, sizeof(why));
	return cb_fail(e, EINVAL, "%s %s: %s", what, path, why);
}

static int use_certificate(SSL_CTX *ctx, const char *cert, const char *key, struct cb_err *e)
{
	if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
		return bad_file(e, "certificate", cert);
	if (SSL_CTX_use_PrivateKey_file(ctx, key ? key : cert, SSL_FILETYPE_PEM) != 1)
		return bad_file(e, "key", key ? key : cert);
	if (SSL_CTX_check_private_key(ctx) != 1) {
		ERR_clear_error();
		return cb_fail(e, EINVAL, "key %s: it does not belong to the certificate %s", key ? key : cert, cert);
	}
	return 0;
}

/* ALPN: a client that offers a list with HTTP/1.1 gets it; one that offers something else is heard, and may go. */
static int choose_http11(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
			 unsigned in_len, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";

	return SSL_select_next_proto((unsigned char **)out, out_len, ours, sizeof(ours) - 1, in, in_len) ==
			       OPENSSL_NPN_NEGOTIATED
		       ? SSL_TLSEXT_ERR_OK
		       : SSL_TLSEXT_ERR_NOACK;
}

static int demand_client_certificate(SSL_CTX *ctx, const char *ca, struct cb_err *e)
{
	STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(ca);

	if (!names || SSL_CTX_load_verify_file(ctx, ca) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return bad_file(e, "certificates for clients", ca);
	}
	SSL_CTX_set_client_CA_list(ctx, names);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	/* a session that is taken up again would not be asked for its certificate */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_num_tickets(ctx, 0);
	return 0;
}

SSL_CTX *cb_tls_server(const char *cert, const char *key, const char *client_ca, struct cb_err *e)
{
	SSL_CTX *ctx = new_ctx(TLS_server_method());

	if (!ctx) {
		cb_fail(e, ENOMEM, "no memory for TLS");
		ERR_clear_error();
		return NULL;
	}
	SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	/* tickets do the same and keep nothing here */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_alpn_select_cb(ctx, choose_http11, NULL);
	if (use_certificate(ctx, cert, key, e) || (client_ca && demand_client_certificate(ctx, client_ca, e))) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

/* Whether certificates lie there by the hash of their names ("1d3472b9.0"). */
static bool is_hashed(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	bool found = false;

	while (d && !found && (entry = readdir(d)))
		found = strlen(entry->d_name) == 10 && strspn(entry->d_name, "0123456789abcdef") == 8 &&
			!strcmp(entry->d_name + 8, ".0");
	if (d)
		closedir(d);
	return found;
}

static int trust_system(SSL_CTX *ctx, struct cb_err *e)
{
	const char *file = getenv("SSL_CERT_FILE"), *dir = getenv("SSL_CERT_DIR");

	if (file && *file)
		return SSL_CTX_load_verify_file(ctx, file) == 1 ? 0 : bad_file(e, "SSL_CERT_FILE", file);
	if (dir && *dir)
		return SSL_CTX_load_verify_dir(ctx, dir) == 1 ? 0 : bad_file(e, "SSL_CERT_DIR", dir);
	for (size_t i = 0; i < sizeof(ca_dirs) / sizeof(*ca_dirs); i++)
		if (is_hashed(ca_dirs[i]) && SSL_CTX_load_verify_dir(ctx, ca_dirs[i]) == 1)
			return 0;
	for (size_t i = 0; i < sizeof(ca_bundles) / sizeof(*ca_bundles); i++)
		if (!access(ca_bundles[i], R_OK) && SSL_CTX_load_verify_file(ctx, ca_bundles[i]) == 1)
			return 0;
	ERR_clear_error();
	return cb_fail(e, ENOENT,
		       "this system has no certificates of authorities (the package ca-certificates); name a file with "
		       "them in SSL_CERT_FILE");
}

SSL_CTX *cb_tls_client(const char *ca, const char *cert, const char *key, int *err, struct cb_err *e)
{
	SSL_CTX *ctx = new_ctx(TLS_client_method());

	if (!ctx) {
		*err = cb_fail(e, ENOMEM, "no memory for TLS");
		ERR_clear_error();
		return NULL;
	}
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	if (ca)
		*err = SSL_CTX_load_verify_file(ctx, ca) == 1 ? 0 : bad_file(e, "certificates", ca);
	else
		*err = trust_system(ctx, e);
	if (!*err && cert)
		*err = use_certificate(ctx, cert, key, e);
	if (!*err)
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

int cb_tls_expect(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	unsigned char address[16];

	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1 ? 0 : -ENOMEM;
	return X509_VERIFY_PARAM_set1_host(param, host, 0) == 1 ? 0 : -ENOMEM;
}

char *cb_tls_subject(const SSL *ssl, bool *failed)
{
	X509 *cert = SSL_get0_peer_certificate(ssl);
	BIO *text = cert ? BIO_new(BIO_s_mem()) : NULL;
	char *subject = NULL, *data;
	long len;

	*failed = cert != NULL;
	if (text && X509_NAME_print_ex(text, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253) >= 0) {
		len = BIO_get_mem_data(text, &data);
		subject = strndup(data, (size_t)len);
		*failed = !subject;
	}
	BIO_free(text);
	return subject;
}
