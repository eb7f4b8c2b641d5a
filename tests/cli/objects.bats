#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# Files that are no tool: each is a clear message and exit status 1, for every command that opens one.

load common

setup_file() {
	build_sample
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	good=$BATS_FILE_TMPDIR/sample.bpf.o
}

# refused FILE TEXT: inspect, build --skeleton and run all refuse it, and say so
refused() {
	run "$COOLBPF" inspect "$1"
	assert_failed 1 "$2"
	run "$COOLBPF" build "$1" --skeleton out.h
	assert_failed 1 "$2"
	[ ! -e out.h ]
	run timeout 20 "$COOLBPF" run "$1" --duration 1s
	assert_failed 1 "$2"
}

# section NAME: its offset and size in the good object, in decimal
section() {
	read -r offset size < <(llvm-readelf -S "$good" | sed -n "s/.* \\$1  *PROGBITS  *[0-9a-f]* \([0-9a-f]*\) \([0-9a-f]*\) .*/0x\1 0x\2/p")
	echo $((offset)) $((size))
}

@test "a file that does not exist" {
	refused no-such.bpf.o "no-such.bpf.o: No such file or directory"
}

@test "a directory" {
	mkdir some.bpf.o
	refused some.bpf.o "some.bpf.o"
}

@test "an empty file" {
	: >empty.bpf.o
	refused empty.bpf.o "empty.bpf.o"
}

@test "a text" {
	echo "not an object" >text.bpf.o
	refused text.bpf.o "text.bpf.o"
	[[ $output == *ELF* ]]
}

@test "random bytes" {
	head -c 10000 /dev/urandom >random.bpf.o
	refused random.bpf.o "random.bpf.o"
}

@test "an object for this machine's processor" {
	echo 'int f(void) { return 0; }' >native.c
	"${CC:-gcc}" -c native.c -o native.bpf.o
	refused native.bpf.o "native.bpf.o"
}

@test "a BPF object of the other byte order" {
	echo 'int f(void *ctx) { return 0; }' | clang -target bpfeb -g -O2 -c -x c - -o other.bpf.o
	refused other.bpf.o "other.bpf.o"
}

@test "an object without programs" {
	echo 'int x = 1;' | clang -target bpf -g -O2 -c -x c - -o none.bpf.o
	refused none.bpf.o "none.bpf.o"
	[[ $output == *program* ]]
}

@test "an object without BTF" {
	llvm-objcopy --remove-section .BTF --remove-section .BTF.ext "$good" nobtf.bpf.o
	refused nobtf.bpf.o "nobtf.bpf.o"
}

@test "an object whose BTF begins with nonsense" {
	read -r offset size < <(section .BTF)
	cp "$good" corrupt.bpf.o
	head -c 24 /dev/zero | dd of=corrupt.bpf.o bs=1 seek="$offset" conv=notrunc status=none
	refused corrupt.bpf.o "corrupt.bpf.o"
}

@test "an object whose BTF types are nonsense" {
	read -r offset size < <(section .BTF)
	cp "$good" corrupt.bpf.o
	head -c $((size / 3)) /dev/zero | tr '\0' '\377' |
		dd of=corrupt.bpf.o bs=1 seek=$((offset + 24)) conv=notrunc status=none
	refused corrupt.bpf.o "corrupt.bpf.o"
}

@test "an object that ends early" {
	bytes=$(stat -c %s "$good")
	for part in 1 3 10 100; do
		head -c $((bytes * part / 101)) "$good" >short.bpf.o
		refused short.bpf.o "short.bpf.o"
	done
}

@test "a source that only has an error" {
	echo 'int main(' >bad.bpf.c
	refused bad.bpf.c "bad.bpf.c:1:"
}
