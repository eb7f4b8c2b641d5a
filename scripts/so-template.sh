#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# so-template.sh ARCH EXPORTS OUT SOURCE ...: the template of the format .so for this architecture, and OUT.zst beside it.
#
# A shared library of the loader (src/solib) and the libraries that so-libs.sh made, which needs nothing but the C library
# (glibc 2.17). src/compile/so.c puts an object into a copy of it.
set -eu
arch=$1 exports=$2 out=$3
shift 3
"$(dirname "$0")/so-libs.sh"
libs=$("$(dirname "$0")/so-libs.sh" --where)
export ZIG_GLOBAL_CACHE_DIR="$libs/../zig-cache" ZIG_LOCAL_CACHE_DIR="$libs/../zig-cache"

"$libs/zig" cc -target "$arch-linux-gnu.2.17" -std=gnu11 -O2 -g0 -Wall -Wextra -Wno-unused-parameter -Werror -fPIC \
	-fvisibility=hidden -ffunction-sections -fdata-sections -ftls-model=initial-exec -D_GNU_SOURCE \
	-isystem "$libs/include" -isystem "$libs/uapi" "$@" "$libs/$arch/libbpf.a" "$libs/$arch/libelf.a" \
	"$libs/$arch/libz.a" -shared -s -o "$out" -Wl,--version-script="$exports" -Wl,--gc-sections -Wl,-Bsymbolic \
	-Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,now

# so.c turns the header of the note into the payload's, and relies on it standing behind those of the other segments
readelf -lW "$out" | awk '$1 == "LOAD" { load = NR } $1 == "NOTE" { note = NR; notes++ } END { exit !(notes == 1 && note > load) }' || {
	echo "so-template: $out has not the one PT_NOTE behind its PT_LOADs that is to become the payload's" >&2
	exit 1
}
zstd -q -19 -f "$out" -o "$out.zst"
