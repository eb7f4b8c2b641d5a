#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# lint.sh BUILD: clang-format (check only), clang-tidy, shellcheck. lint.sh --format: let clang-format change the files.
#
# BUILD is a configured build directory: clang-tidy takes the compiler's arguments from its compile_commands.json.
set -u
cd "$(dirname "$0")/.." || exit 1

# what is there to crash compilers crashes clang-format too
c_files() {
	git ls-files -z '*.c' '*.h' ':!tests/compile/hostile' ':!tests/service/abuse'
}

if [ "$1" = --format ]; then
	c_files | xargs -0 clang-format -i
	exit
fi
build=$1
passed=0 failed=0

check() {
	name=$1
	shift
	if "$@"; then
		echo "ok - $name"
		passed=$((passed + 1))
	else
		echo "not ok - $name"
		failed=$((failed + 1))
	fi
}

format() {
	c_files | xargs -0 clang-format --dry-run -Werror
}

tidy() {
	# two at a time per call keeps all CPUs busy; gcc's own options mean nothing to clang
	git ls-files -z 'src/*.c' ':!*.bpf.c' | xargs -0 -n 2 -P "$(nproc)" clang-tidy --quiet -p "$build" \
		--extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-ignored-optimization-argument 2>&1 |
		grep -v -E '^[0-9]+ warnings? (generated|treated)|^Suppressed|^Use -header-filter' >"$build/tidy.log"
	cat "$build/tidy.log"
	! grep -q -E '(error|warning):' "$build/tidy.log"
}

shell() {
	git ls-files -z '*.sh' '*.bash' .ci/run | xargs -0 shellcheck -x --severity=warning -e SC2034,SC2154 || return
	# bats ends a test at the first command that fails, and brings variables of its own
	git ls-files -z '*.bats' | xargs -0 shellcheck --severity=warning -e SC1007,SC2034,SC2154,SC2155,SC2164
}

check clang-format format
check clang-tidy tidy
check shellcheck shell
echo
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
