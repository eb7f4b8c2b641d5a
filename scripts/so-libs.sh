#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# so-libs.sh [--where]: what the templates of the format .so are linked with: zig's C compiler, and libbpf, libelf and zlib
# from the distribution's sources as static, position-independent libraries for glibc 2.17, x86_64 and aarch64.
#
# All of it goes into the user's cache, $XDG_CACHE_HOME/coolbpf-build, under a name made of the versions, so that build
# directories and clones share it; when it is there, this takes some milliseconds and needs no network. zig comes by pip, the
# sources by apt-get from where this machine takes its packages (without changing how apt is set up; deb-src lines need not
# be there). "make setup" and the build call this. --where: make nothing, print the directory.
set -eu
cd "$(dirname "$0")"
zig_version=0.17.1
glibc=2.17
targets="x86_64 aarch64"
# of their source packages (libbpf, elfutils, zlib) the version that is installed is taken
installed="libbpf-dev libelf-dev zlib1g-dev"

die() {
	echo "so-libs: $*" >&2
	exit 1
}

cache=${XDG_CACHE_HOME:-${HOME:?so-libs: neither XDG_CACHE_HOME nor HOME is set}/.cache}/coolbpf-build
versions=$(for package in $installed; do
	# shellcheck disable=SC2016 # dpkg's own variables
	line=$(dpkg-query -W -f '${source:Package} ${source:Version}\n' "$package" 2>/dev/null) ||
		die "$package is not installed; run: make setup"
	echo "$line" | head -n 1 # there may be other architectures
done)
key=$({
	echo "$zig_version" "$versions"
	cat so-libs.sh
} | sha256sum | cut -c 1-16)
here=$cache/so-$key

if [ "${1:-}" = --where ]; then
	[ -f "$here/done" ] || die "zig and the libraries for the format .so are not in $cache; run: make setup"
	echo "$here"
	exit
fi
[ ! -f "$here/done" ] || exit 0

for tool in apt-get dpkg-source python3 flock; do
	command -v $tool >/dev/null || die "$tool is missing; run: make setup (Debian 12 or 13)"
done
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
[ ! -f "$here/done" ] || exit 0
work=$(mktemp -d "$cache/work-XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

# ---- zig, 100 MB to fetch -----------------------------------------------------------------------------------------------

zig=$cache/zig-$zig_version
if [ ! -x "$zig/ziglang/zig" ]; then
	echo "so-libs: fetching zig $zig_version"
	python3 -m venv "$work/venv" >"$work/log" 2>&1 &&
		"$work/venv/bin/pip" install -q --no-deps --target "$work/zig" "ziglang==$zig_version" >>"$work/log" 2>&1 || {
		cat "$work/log" >&2
		die "pip cannot install ziglang==$zig_version"
	}
	rm -rf "$zig"
	mv "$work/zig" "$zig"
fi
zig=$zig/ziglang/zig
export ZIG_GLOBAL_CACHE_DIR="$cache/zig-cache" ZIG_LOCAL_CACHE_DIR="$cache/zig-cache"

# ---- The sources --------------------------------------------------------------------------------------------------------

# the places of this machine's packages, in their order, as places of sources
apt-get indextargets --format '$(ORIGIN)|deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
	sed -n 's/^Debian|//p' | awk '!seen[$0]++' >"$work/sources.list"
[ -s "$work/sources.list" ] || die "apt knows no place of Debian's packages; run: apt-get update"
mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/src"
apt_source() {
	apt-get -q -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::State::lists="$work/lists" -o Dir::Cache="$work" -o APT::Sandbox::User="$(id -un)" \
		-o Acquire::Languages=none "$@" >>"$work/log" 2>&1
}
echo "so-libs: fetching the sources of $(echo "$versions" | sed 's/ / /' | paste -sd, | sed 's/,/, /g')"
: >"$work/log"
apt_source update || {
	cat "$work/log" >&2
	die "apt-get cannot fetch the lists of source packages"
}
echo "$versions" | (
	cd "$work/src"
	while read -r name version; do
		# an installed version that is not offered any more: the one that is; a mirror that has lost the distribution's
		# part of a package (it happens): the other part
		apt_source source "$name=$version" || apt_source source "$name" || {
			apt_source --tar-only source "$name" && tar -xf "$name"_*.orig.tar.* &&
				echo "so-libs: $name without the distribution's patches, which are not to be had"
		} || {
			cat "$work/log" >&2
			die "apt-get cannot fetch the source of $name"
		}
	done
)
bpf=$(echo "$work"/src/libbpf-*/src) elf=$(echo "$work"/src/elfutils-*/libelf) z=$(echo "$work"/src/zlib-*/)
[ -d "$bpf" ] && [ -d "$elf" ] && [ -d "$z" ] || die "the source packages are not as expected: $(ls "$work/src")"

# ---- The libraries ------------------------------------------------------------------------------------------------------

# What configure would find for libelf; its locks, which need libpthread before glibc 2.34, are off as in Debian's build.
cat >"$work/config.h" <<'END'
#define PACKAGE_NAME "elfutils"
#define PACKAGE_VERSION "0"
#define HAVE_DECL_RAWMEMCHR 1
#define HAVE_DECL_POWEROF2 1
#define HAVE_DECL_MEMPCPY 1
#define HAVE_DECL_MEMRCHR 1
#define HAVE_DECL_REALLOCARRAY 0
#define HAVE_ERR_H 1
#define HAVE_VISIBILITY 1
#include <eu-config.h>
END

# compile TARGET NAME ARGUMENTS ... : each .c that standard input names
compile() {
	target=$1 name=$2
	shift 2
	mkdir -p "$work/$target/$name"
	# initial-exec: libelf's one thread-local variable then asks nothing of the dynamic linker
	xargs -P "$(nproc)" -I{} sh -c 'source=$1 to=$2; shift 2; exec "$@" -c "$source" -o "$to/$(basename "$source").o"' sh \
		{} "$work/$target/$name" "$zig" cc -target "$target-linux-gnu.$glibc" -O2 -g0 -w -fPIC \
		-fvisibility=hidden -ffunction-sections -fdata-sections -ftls-model=initial-exec -fno-sanitize=undefined \
		-D_GNU_SOURCE "$@" >>"$work/log" 2>&1 || {
		tail -n 40 "$work/log" >&2
		die "$name does not compile for $target"
	}
	"$zig" ar rcs "$work/out/$target/lib$name.a" "$work/$target/$name"/*.o
}

: >"$work/log"
for target in $targets; do
	echo "so-libs: building for $target"
	mkdir -p "$work/out/$target"
	printf '%s\n' "$z"/*.c | compile "$target" z -I"$z" -D_LARGEFILE64_SOURCE=1 -DHAVE_UNISTD_H -DHAVE_HIDDEN
	# of the helpers that elfutils' parts share, libelf takes one, since 0.191
	{
		printf '%s\n' "$elf"/*.c
		find "$elf/../lib" -name eu-search.c
	} | compile "$target" elf -std=gnu99 -DHAVE_CONFIG_H -I"$work" -I"$elf" -I"$elf/../lib" -I"$z"
	printf '%s\n' "$bpf"/*.c | compile "$target" bpf -std=gnu89 -D_LARGEFILE64_SOURCE -D_FILE_OFFSET_BITS=64 -I"$bpf" \
		-I"$bpf/../include" -I"$bpf/../include/uapi" -I"$elf" -I"$z"
done
mkdir -p "$work/out/include/bpf"
cp "$bpf"/*.h "$work/out/include/bpf/"
cp -R "$bpf/../include/uapi" "$work/out/uapi"
ln -s "$zig" "$work/out/zig"
echo "$versions" >"$work/out/done"
rm -rf "$here"
mv "$work/out" "$here"
