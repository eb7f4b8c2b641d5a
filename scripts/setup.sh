#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# setup.sh [build|all]: install the distribution's packages that are missing (Debian 12 and 13).
#
# build: what compiles and runs coolbpf; all (the default): what its tests need too. Nothing else is touched: packages
# come from where this machine's apt is configured to take them, and its lists are fetched anew only when a package
# cannot be installed with those that are there. When nothing is missing, this takes some milliseconds and needs no root.
set -eu

# libc6-dev and gcc compile; clang compiles the .bpf.c; libiberty demangles; then libraries and their archives; the last line
# is what so-libs.sh and so-template.sh take.
build="gcc libc6-dev make meson ninja-build pkg-config python3-minimal
	libbpf-dev libelf-dev libdw-dev libiberty-dev zlib1g-dev libbz2-dev liblzma-dev libzstd-dev liblz4-dev clang
	libevent-dev libssl-dev libjansson-dev libhiredis-dev libseccomp-dev
	dpkg-dev xz-utils bzip2 python3-venv util-linux binutils zstd"
# Runners, linters, and other tools whose answers the tests compare ours with.
check="libcmocka-dev bats clang-format clang-tidy libclang-rt-dev llvm shellcheck mandoc jq
	bpftool bpftrace strace linux-perf pahole valgrind iproute2 procps bsdextrautils file lz4
	python3 g++ mount netcat-openbsd iperf3 fio librsvg2-bin chromium rustc libxml2-utils systemtap-sdt-dev
	redis-server wrk nginx openssl curl elfutils qemu-user libc6-arm64-cross libc6-dev-arm64-cross gcc-aarch64-linux-gnu python3-cffi
	kmod flex bison bc gnupg qemu-system-x86 qemu-system-arm busybox-static bash-static cpio"

case "${1:-all}" in
build) wanted=$build ;;
all) wanted="$build $check" ;;
*)
	echo "usage: scripts/setup.sh [build|all]" >&2
	exit 2
	;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	echo "setup: this installs Debian packages (12 and 13), and this is not Debian. Install by hand what does the same:" >&2
	echo "$wanted" | sed 's/^/  /' >&2
	exit 1
fi

# shellcheck disable=SC2086 # a list of words
there=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' $wanted 2>/dev/null | sed -n 's/^ii  *//p') || true
missing=
for package in $wanted; do
	case "
$there
" in
	*"
$package
"*) ;;
	*) missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	echo "setup: these packages are missing, and only root can install them:$missing" >&2
	echo "setup: as root: apt-get install$missing" >&2
	exit 1
fi

install_missing() {
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing </dev/null
}

echo "setup: installing$missing"
# shellcheck disable=SC2086 # with lists that are absent or old, a package is unknown or its file is gone
if ! { apt-cache show --no-all-versions $missing >/dev/null 2>&1 && install_missing; }; then
	apt-get update -q </dev/null
	install_missing
fi
