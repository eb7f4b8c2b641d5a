#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# kernels.sh COOLBPF: fetch the kernels that the lab's tests boot, unless they are in the cache. Without a mirror this says so; the
# tests use what is there, and say what they skip. One of them is built from source, which takes some minutes, once.
set -u
coolbpf=$1

if [ "$(uname -m)" != x86_64 ]; then
	echo "kernels: the tests of the lab want x86-64; they are skipped"
	exit 0
fi
for kernel in debian:5.10 debian:6.1 debian:6.12 debian:newest debian:6.1/arm64 debian:5.10-nobpf; do
	"$coolbpf" lab fetch "$kernel" || echo "kernels: tests on $kernel are skipped"
done
