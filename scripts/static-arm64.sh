#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# static-arm64.sh BUILD: the one static coolbpf for arm64, built on another architecture: BUILD/coolbpf, and BUILD/busybox and
# BUILD/bash, which the lab puts into an arm64 guest beside it.
#
# The compiler is the distribution's cross compiler. The libraries are the distribution's for arm64, unpacked (not installed)
# into the user's cache, $XDG_CACHE_HOME/coolbpf-build, under a name made of the versions that are installed of this machine's
# own; when they are there, no network is needed.
set -eu
cd "$(dirname "$0")/.."
build=$1
triplet=aarch64-linux-gnu
# what meson.build asks for; the rest they depend on
libraries="libbpf-dev libelf-dev libdw-dev libiberty-dev zlib1g-dev libbz2-dev liblzma-dev libzstd-dev liblz4-dev libevent-dev libssl-dev
	libjansson-dev libhiredis-dev libseccomp-dev"

die() {
	echo "static-arm64: $*" >&2
	exit 1
}

for tool in "$triplet-gcc" meson ninja pkg-config flock; do
	command -v "$tool" >/dev/null || die "$tool is missing; run: make setup (Debian 12 or 13)"
done

# ---- The libraries ------------------------------------------------------------------------------------------------------

cache=${XDG_CACHE_HOME:-${HOME:?static-arm64: neither XDG_CACHE_HOME nor HOME is set}/.cache}/coolbpf-build
key=$({
	# shellcheck disable=SC2086 # words
	dpkg-query -W -f '${source:Package} ${source:Version}\n' $libraries libc6-dev 2>/dev/null || :
	cat scripts/static-arm64.sh scripts/foreign-packages.sh
} | sha256sum | cut -c 1-16)
root=$cache/arm64-$key
if [ ! -d "$root" ]; then
	mkdir -p "$cache"
	exec 9>"$cache/arm64.lock"
	flock 9
fi
if [ ! -d "$root" ]; then
	echo "static-arm64: fetching libraries for arm64"
	rm -rf "$root".new*
	# shellcheck disable=SC2086 # words
	scripts/foreign-packages.sh arm64 "$root.new" $libraries busybox-static bash-static || die "there are no libraries for arm64"
	mv "$root.new" "$root"
fi

# ---- Meson's view of them -----------------------------------------------------------------------------------------------

cross=$build/cross.ini
mkdir -p "$build"
# the sysroot is part of the compiler's name, so that whoever asks the compiler itself (names.sh) sees arm64's headers, too
cat >"$cross.new" <<END
[binaries]
c = ['$triplet-gcc', '--sysroot=$root']
ar = '$triplet-gcc-ar'
strip = '$triplet-strip'
pkgconfig = 'pkg-config'

[properties]
sys_root = '$root'
pkg_config_libdir = '$root/usr/lib/$triplet/pkgconfig:$root/usr/share/pkgconfig'

[host_machine]
system = 'linux'
cpu_family = 'aarch64'
cpu = 'aarch64'
endian = 'little'
END
# meson reads the file once
if ! cmp -s "$cross.new" "$cross" || [ ! -f "$build/build.ninja" ]; then
	rm -rf "$build/meson-private" "$build/meson-info" "$build/build.ninja"
	mv "$cross.new" "$cross"
	meson setup --cross-file "$cross" -Dstatic=true -Dbuildtype=release "$build" >"$build/setup.log" 2>&1 || {
		cat "$build/setup.log" >&2
		exit 1
	}
fi
rm -f "$cross.new" "$build/setup.log"

# ---- The files ----------------------------------------------------------------------------------------------------------

# shellcheck disable=SC2086 # "-j N", or nothing
ninja ${JOBS:+-j "$JOBS"} -C "$build" src/cli/coolbpf
$triplet-strip -o "$build/coolbpf" "$build/src/cli/coolbpf"
# in /usr/bin since Debian 13
for name in busybox bash-static; do
	from=$root/bin/$name
	[ -f "$from" ] || from=$root/usr/bin/$name
	cp "$from" "$build/${name%-static}"
done
