#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# certs.sh DIR: certificates for the tests of TLS, by openssl.
#
#   ca.pem            signs server, server2, wrong (another host), expired, client
#   other.pem         an authority that nobody trusts: signs stranger (a client) and impostor (a server)
set -eu
cd "$1"

authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=$1 of the tests" \
		-keyout "$1.key" -out "$1.pem" 2>/dev/null
}

# NAME AUTHORITY SUBJECT DAYS EXTENSION
signed() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$3" -keyout "$1.key" -out "$1.csr" 2>/dev/null
	echo "$5" >"$1.ext"
	openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -days "$4" -extfile "$1.ext" -out "$1.pem" 2>/dev/null
}

here="subjectAltName=DNS:localhost,DNS:*.local.test,IP:127.0.0.1,IP:::1"
authority ca
authority other
signed server ca /CN=server 30 "$here"
signed server2 ca /CN=server2 30 "$here"
signed wrong ca /CN=localhost 30 subjectAltName=DNS:elsewhere.test
signed expired ca /CN=server -1 "$here"
signed impostor other /CN=server 30 "$here"
signed client ca /O=Tests/CN=client 30 extendedKeyUsage=clientAuth
signed stranger other /O=Tests/CN=client 30 extendedKeyUsage=clientAuth
