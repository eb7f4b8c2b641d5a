#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# coolbpf build: the object, and nothing but the object.

load common

setup() {
	cd "$BATS_TEST_TMPDIR"
}

teardown() {
	umount -q "$BATS_TEST_TMPDIR/full" 2>/dev/null || true
}

@test "the object is an ELF file for BPF with BTF" {
	"$COOLBPF" build "$sample_source" -o out.bpf.o
	run llvm-readelf -h -S out.bpf.o
	[[ $output == *"Machine: "*EM_BPF* ]]
	[[ $output == *" .BTF "* ]]
	[[ $output == *" .BTF.ext "* ]]
	[[ $output != *" .debug_info "* ]]
	[ "$(ls -A)" = out.bpf.o ]
}

@test "without -o it is named for the source and stands here" {
	"$COOLBPF" build "$sample_source"
	[ "$(ls -A)" = sample.bpf.o ]
}

@test "-o /dev/stdout writes there" {
	"$COOLBPF" build "$sample_source" -o out.bpf.o
	"$COOLBPF" build "$sample_source" -o /dev/stdout | cmp - out.bpf.o
	[ -L /dev/stdout ]
}

@test "a new object obeys the umask, one that is replaced keeps its permissions" {
	(umask 027 && "$COOLBPF" build "$sample_source" -o new.bpf.o)
	[ "$(stat -c %a new.bpf.o)" = 640 ]
	echo old >out.bpf.o
	chmod 600 out.bpf.o
	"$COOLBPF" build "$sample_source" -o out.bpf.o
	[ "$(stat -c %a out.bpf.o)" = 600 ]
	"$COOLBPF" inspect out.bpf.o >/dev/null
}

@test "bpftool loads what it builds" {
	need_bpf
	need_command bpftool
	mountpoint -q /sys/fs/bpf || skip "no BPF file system at /sys/fs/bpf"
	"$COOLBPF" build "$SRC/tests/cli/data/plain.bpf.c" -o plain.bpf.o
	pin=/sys/fs/bpf/coolbpf-test-$$
	bpftool prog load plain.bpf.o "$pin"
	run bpftool -j prog show pinned "$pin"
	rm -f "$pin"
	[ "$(jq -r .type <<<"$output")" = raw_tracepoint ]
}

@test "-D and -I reach the compiler" {
	mkdir include
	echo '#define FROM_HEADER 5' >include/mine.h
	cat >defines.bpf.c <<-'END'
		#include <coolbpf/lbc.h>
		#include "mine.h"
		LBC_PARAM(int, sum, FROM_HEADER + FROM_OPTION, "sum");
		SEC("raw_tracepoint/sched_switch") int f(void *ctx) { return sum; }
		char _license[] SEC("license") = "GPL";
	END
	"$COOLBPF" build -D FROM_OPTION=37 -Iinclude defines.bpf.c
	[ "$("$COOLBPF" inspect -o json defines.bpf.o | jq -r '.params[0].default')" = 42 ]
}

@test "a header beside the source is found" {
	echo '#define VALUE 3' >beside.h
	cat >beside.bpf.c <<-'END'
		#include <coolbpf/lbc.h>
		#include "beside.h"
		LBC_PARAM(int, value, VALUE, "");
		SEC("raw_tracepoint/sched_switch") int f(void *ctx) { return value; }
		char _license[] SEC("license") = "GPL";
	END
	(cd / && "$COOLBPF" build "$BATS_TEST_TMPDIR/beside.bpf.c" -o "$BATS_TEST_TMPDIR/beside.bpf.o")
	[ "$("$COOLBPF" inspect -o json beside.bpf.o | jq -r '.params[0].default')" = 3 ]
}

@test "a syntax error shows the file and the line, and leaves nothing" {
	cat >broken.bpf.c <<-'END'
		#include <coolbpf/lbc.h>
		SEC("raw_tracepoint/sched_switch") int f(void *ctx)
		{
			return 0
		}
	END
	run "$COOLBPF" build broken.bpf.c
	assert_failed 1 "broken.bpf.c:4:"
	[[ $output == *"expected ';'"* ]]
	[ "$(ls -A)" = broken.bpf.c ]
}

@test "a missing source" {
	run "$COOLBPF" build no-such.bpf.c
	assert_failed 1 "no-such.bpf.c: No such file or directory"
}

@test "a directory in place of a source" {
	mkdir dir.bpf.c
	run "$COOLBPF" build dir.bpf.c
	assert_failed 1 "dir.bpf.c: Is a directory"
}

@test "a compiler that is not there" {
	run "$COOLBPF" build --clang /no/such/clang "$sample_source"
	assert_failed 1 "/no/such/clang"
}

@test "BTF that is not there" {
	run "$COOLBPF" build --btf /no/such/vmlinux "$sample_source"
	assert_failed 1 "/no/such/vmlinux"
	[ -z "$(ls -A)" ]
}

@test "an object is not a source" {
	"$COOLBPF" build "$sample_source" -o out.bpf.o
	run "$COOLBPF" build out.bpf.o
	assert_failed 2 "out.bpf.o is not a source"
}

@test "a directory that does not exist, for the output" {
	run "$COOLBPF" build "$sample_source" -o no/such/out.bpf.o
	assert_failed 1 "cannot write no/such/out.bpf.o: No such file or directory"
	run "$COOLBPF" build "$sample_source" --skeleton no/such/out.h
	assert_failed 1 "cannot write no/such/out.h: No such file or directory"
}

@test "a full disk leaves the old file, and nothing else" {
	tiny_disk full
	echo old >full/out.bpf.o
	echo old >full/out.h
	run "$COOLBPF" build "$sample_source" -o full/out.bpf.o
	assert_failed 1 "cannot write full/out.bpf.o: No space left on device"
	run "$COOLBPF" build "$sample_source" --skeleton full/out.h
	assert_failed 1 "cannot write full/out.h: No space left on device"
	[ "$(cat full/*)" = $'old\nold' ]
	[ "$(ls -A full | wc -l)" -eq 2 ]
}

@test "a closed pipe for the output" {
	run into_closed_pipe "$COOLBPF" build "$sample_source" -o /dev/stdout
	assert_failed 1 "coolbpf: cannot write /dev/stdout: Broken pipe"
}

@test "--format so makes a shared library that knows the hash of its source" {
	"$COOLBPF" build --format so "$SRC/tests/cli/data/plain.bpf.c"
	[ "$(ls -A)" = plain.so ]
	cat >types.py <<-'END'
		import ctypes, hashlib, json, sys
		lib = ctypes.CDLL("./plain.so")
		lib.lbc_get_map_types.restype = ctypes.c_char_p
		types = json.loads(lib.lbc_get_map_types())
		assert types["hash"] == hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest()
		print(types["arch"], types["kern_version"])
	END
	[ "$(python3 types.py "$SRC/tests/cli/data/plain.bpf.c")" = "$(uname -m -r | awk '{print $2, $1}')" ]
}

@test "--format h is what --skeleton writes" {
	"$COOLBPF" build --format h "$sample_source"
	"$COOLBPF" build --skeleton other.h "$sample_source"
	cmp sample.h other.h
}

@test "formats that are none, or do not go together, are usage errors" {
	run "$COOLBPF" build --format exe "$sample_source"
	assert_failed 2 'there is no format "exe"; there are o, so, h, skel'
	run "$COOLBPF" build --format h --skeleton x.h "$sample_source"
	assert_failed 2 "--skeleton goes with no other --format"
	run "$COOLBPF" build --format so x.bpf.o
	assert_failed 2 "x.bpf.o is not a source"
}
