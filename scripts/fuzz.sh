#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# fuzz.sh SECONDS: build each tests/fuzz/fuzz_NAME.c with libFuzzer, ASan and UBSan, and run it for so long.
#
# Seeds come from tests/fuzz/seeds/NAME where there are any; what libFuzzer finds worth keeping stays in
# build-fuzz/corpus/NAME for the next run, an input that fails in build-fuzz/NAME-*.
set -u
cd "$(dirname "$0")/.." || exit 1
seconds=$1
clang=${CLANG:-clang}
build="build-fuzz"
passed=0 failed=0
rows=

[ -f $build/build.ninja ] ||
	CC=$clang meson setup $build -Db_sanitize=address,undefined -Db_lundef=false -Dwerror=false \
		-Dc_args='-fsanitize=fuzzer-no-link -Wno-everything' >/dev/null || exit 1
ninja -C $build src/libcoolbpf.a >$build/ninja.log 2>&1 || {
	cat $build/ninja.log
	exit 1
}

for source in tests/fuzz/fuzz_*.c; do
	name=$(basename "$source" .c)
	name=${name#fuzz_}
	corpus=$build/corpus/$name
	mkdir -p "$corpus"
	seeds=tests/fuzz/seeds/$name
	[ -d "$seeds" ] || seeds=
	# shellcheck disable=SC2046,SC2086 # words on purpose
	if "$clang" -g -O1 -std=gnu11 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined -Iinclude -Isrc "$source" \
		$build/src/libcoolbpf.a $(pkg-config --libs libbpf libelf libdw) -liberty -lm -pthread -o "$build/fuzz_$name" &&
		"$build/fuzz_$name" -max_total_time="$seconds" -artifact_prefix="$build/$name-" -print_final_stats=1 \
			"$corpus" $seeds >"$build/$name.log" 2>&1 </dev/null; then
		runs=$(sed -n 's/^stat::number_of_executed_units: //p' "$build/$name.log")
		rows="$rows  ok      $name: $runs inputs\n"
		passed=$((passed + 1))
	else
		tail -n 40 "$build/$name.log"
		rows="$rows  FAILED  $name\n"
		failed=$((failed + 1))
	fi
done
# shellcheck disable=SC2059 # the rows hold their line ends
printf "$rows"
echo
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
