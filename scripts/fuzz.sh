#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# fuzz.sh SECONDS [STRANGERS_SECONDS]: build each tests/fuzz/fuzz_NAME.c with libFuzzer, ASan and UBSan, and run it for so
# long; those that say "Reads what strangers send." in their first lines, the second time. Two run beside each other.
#
# Seeds come from tests/fuzz/seeds/NAME where there are any; what libFuzzer finds worth keeping stays in
# build-fuzz/corpus/NAME for the next run, an input that fails in build-fuzz/NAME-*.
set -u
cd "$(dirname "$0")/.." || exit 1
seconds=$1
strangers=${2:-$1}
clang=${CLANG:-clang}
build="build-fuzz"
libs="$(pkg-config --libs libbpf libelf libdw libcrypto libssl libevent_core libevent_extra jansson libzstd \
	libseccomp hiredis zlib liblzma liblz4) -liberty -lbz2 -lm -pthread"

[ -f $build/build.ninja ] ||
	CC=$clang meson setup $build -Db_sanitize=address,undefined -Db_lundef=false -Dwerror=false \
		-Dc_args='-fsanitize=fuzzer-no-link -Wno-everything' >/dev/null || exit 1
ninja -C $build src/libcoolbpf_server.a src/libcoolbpf_lab.a src/libcoolbpf.a >$build/ninja.log 2>&1 || {
	cat $build/ninja.log
	exit 1
}

# fuzz_one NAME: its result is one line of build-fuzz/NAME.row
fuzz_one() {
	name=$1
	source=tests/fuzz/fuzz_$name.c
	corpus=$build/corpus/$name
	seeds=tests/fuzz/seeds/$name
	time=$seconds
	mkdir -p "$corpus"
	[ -d "$seeds" ] || seeds=
	head -n 5 "$source" | grep -q 'Reads what strangers send\.' && time=$strangers
	# shellcheck disable=SC2086 # words on purpose
	if "$clang" -g -O1 -std=gnu11 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined -Iinclude -Isrc "$source" \
		$build/src/libcoolbpf_server.a $build/src/libcoolbpf_lab.a $build/src/libcoolbpf.a $libs -o "$build/fuzz_$name" >"$build/$name.log" 2>&1 &&
		"$build/fuzz_$name" -max_total_time="$time" -artifact_prefix="$build/$name-" -print_final_stats=1 \
			"$corpus" $seeds >"$build/$name.log" 2>&1 </dev/null; then
		runs=$(sed -n 's/^stat::number_of_executed_units: //p' "$build/$name.log")
		echo "  ok      $name: $runs inputs" >"$build/$name.row"
	else
		tail -n 40 "$build/$name.log"
		echo "  FAILED  $name" >"$build/$name.row"
		tell_failure "$name" >"$build/$name.failed"
	fi
}

# tell_failure NAME: in few lines what has failed, with the input, so that it is not lost with the machine
tell_failure() {
	echo "  $1"
	{ grep -E 'ERROR: |^SUMMARY|runtime error: ' "$build/$1.log" || tail -n 3 "$build/$1.log"; } | head -n 5 | sed 's/^/      # /'
	sed -n 's/.*Test unit written to //p' "$build/$1.log" | while read -r input; do
		echo "      # base64 -d | xz -d >input: $(xz -9 <"$input" | base64 -w 0)"
	done
}

rm -f $build/*.row $build/*.failed
first=
for source in tests/fuzz/fuzz_*.c; do
	name=$(basename "$source" .c)
	fuzz_one "${name#fuzz_}" &
	if [ -n "$first" ]; then
		wait
		first=
	else
		first=$!
	fi
done
wait
cat $build/*.row
failures=$(cat $build/*.failed 2>/dev/null)
[ -z "$failures" ] || printf '\nFailed:\n%s\n' "$failures"
passed=$(cat $build/*.row | grep -c '^  ok ')
failed=$(cat $build/*.row | grep -c '^  FAILED ')
echo
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
