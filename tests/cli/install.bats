#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# make install: what lands where, and a program that is built against nothing but that.

load common

setup_file() {
	DESTDIR=$BATS_FILE_TMPDIR/root meson install -C "$BUILD" --no-rebuild --quiet
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	root=$BATS_FILE_TMPDIR/root
	prefix=$(meson introspect "$BUILD" --buildoptions | jq -r '.[] | select(.name == "prefix") | .value')
	pc=$(find "$root" -name libcoolbpf.pc)
	export PKG_CONFIG_PATH=${pc%/*} PKG_CONFIG_SYSROOT_DIR=$root
	libdir=$(dirname "${pc%/*}")
	# the sysroot must not be put in front of the system's own directories
	cflags=$(pkg-config --cflags libcoolbpf)
}

header_functions() {
	gcc -E -P "$SRC/include/coolbpf/coolbpf.h" | grep -oE '\bcoolbpf_[a-z0-9_]+ *\(' | tr -d ' (' | sort -u
}

@test "everything is where it belongs" {
	for f in bin/coolbpf include/coolbpf/coolbpf.h include/coolbpf/lbc.h share/man/man1/coolbpf.1 \
		share/man/man1/coolbpf-run.1 share/man/man3/libcoolbpf.3 share/man/man7/coolbpf-lbc.7 \
		share/bash-completion/completions/coolbpf share/coolbpf/tools/execsnoop.bpf.c; do
		[ -f "$root$prefix/$f" ] || { echo "missing: $f"; return 1; }
	done
	[ -f "$libdir/libcoolbpf.a" ]
	[ -L "$libdir/libcoolbpf.so" ]
}

@test "nothing else is installed" {
	run find "$root$prefix" -type f
	others=$(grep -v -E '/(bin/coolbpf|include/coolbpf/(coolbpf|lbc)\.h|libcoolbpf\.(a|pc|so\..*)|share/(man/man[137]|bash-completion|coolbpf)/.*)$' <<<"$output") || true
	[ -z "$others" ] || { echo "$others"; return 1; }
}

@test "the shared library has a soname, and exports exactly the header's functions, with versions" {
	library=$(readlink -f "$libdir/libcoolbpf.so")
	[[ $(llvm-readelf -d "$library") == *"Library soname: [libcoolbpf.so.0]"* ]]
	nm -D --defined-only "$library" | awk '$2 == "T" {print $3}' | sort >exported
	diff <(header_functions | sed 's/$/@@COOLBPF_0.1/') exported
	# besides functions there is only the version's own name
	[ "$(nm -D --defined-only "$library" | awk '$2 != "T" {print $3}')" = COOLBPF_0.1 ] ||
		[ "$(nm -D --defined-only "$library" | awk '$2 != "T" {print $3}')" = COOLBPF_0.1@@COOLBPF_0.1 ]
}

@test "a program is built with pkg-config against the shared library" {
	cat >program.c <<-'END'
		#include <coolbpf/coolbpf.h>
		#include <stdio.h>

		int main(int argc, char **argv)
		{
			struct coolbpf *cb = coolbpf_new(NULL);

			if (!cb || coolbpf_open_file(cb, argv[1]))
				fprintf(stderr, "%s\n", cb ? coolbpf_errmsg(cb) : "out of memory");
			else
				printf("%s %s %zu\n", coolbpf_version(), coolbpf_name(cb), coolbpf_program_count(cb));
			coolbpf_free(cb);
			return argc != 2;
		}
	END
	# shellcheck disable=SC2046,SC2086 # words on purpose
	gcc -std=c11 -Wall -Wextra -Werror $cflags program.c $(pkg-config --libs libcoolbpf) -o program
	build_sample
	export LD_LIBRARY_PATH=$libdir
	[ -z "$(san_flags)" ] || export LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)"
	run ./program "$BATS_FILE_TMPDIR/sample.bpf.o"
	[ "$output" = "$(sed -n "s/^ *version: '\(.*\)',/\1/p" "$SRC/meson.build") sample 3" ]
	run ./program /no/such.bpf.o
	[[ $output == *"/no/such.bpf.o: No such file or directory"* ]]
}

@test "a program is built with pkg-config --static against the archive" {
	printf '#include <coolbpf/coolbpf.h>\n#include <stdio.h>\nint main(void) { return puts(coolbpf_version()) < 0; }\n' >program.c
	libs=$(PKG_CONFIG_SYSROOT_DIR='' pkg-config --static --libs libcoolbpf)
	# shellcheck disable=SC2046,SC2086
	gcc $cflags program.c -L"$libdir" ${libs//-lcoolbpf/-l:libcoolbpf.a} $(san_flags) -o program
	run ./program
	[ "$status" -eq 0 ]
	[[ $(ldd ./program) != *libcoolbpf* ]]
}

@test "the header compiles alone, as C11 and as C++" {
	echo '#include <coolbpf/coolbpf.h>' | gcc -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$root$prefix/include" -x c -fsyntax-only -
	echo '#include <coolbpf/coolbpf.h>' | g++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -I"$root$prefix/include" -x c++ -fsyntax-only -
}

@test "the installed command runs" {
	run "$root$prefix/bin/coolbpf" version
	[ "$status" -eq 0 ]
}
