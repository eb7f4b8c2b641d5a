# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# common.bash - what the tests of the command share. $COOLBPF, $SRC and $BUILD come from meson (tests/meson.build).

# The fixed program of most tests, compiled once for each file of tests.
sample_source="$SRC/tests/cli/data/sample.bpf.c"

need_root() {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
}

need_bpf() {
	need_root
	"$COOLBPF" doctor >/dev/null || skip "this kernel lets no BPF tool run (coolbpf doctor says why)"
}

need_command() {
	command -v "$1" >/dev/null || skip "$1 is not installed"
}

# An object of the sample in $BATS_FILE_TMPDIR.
build_sample() {
	"$COOLBPF" build "$sample_source" -o "$BATS_FILE_TMPDIR/sample.bpf.o"
}

# tiny_disk DIR: a file system that is full after some kilobytes; removed with the test by umount_tiny_disk.
tiny_disk() {
	need_root
	mkdir -p "$1"
	mount -t tmpfs -o size=8k none "$1" || skip "cannot mount a tmpfs here"
}

# The one line that every failure has: "coolbpf: ..." in front, no empty message.
assert_failed() {
	[ "$status" -eq "$1" ] || { echo "exit status $status, expected $1: $output"; return 1; }
	[[ $output == *"coolbpf: "?* ]] || { echo "no message: $output"; return 1; }
	[[ $output == *"$2"* ]] || { echo "not in the message: $2"; echo "$output"; return 1; }
}

# into_closed_pipe COMMAND ...: its standard output is a pipe that nobody reads any more.
into_closed_pipe() {
	python3 -c 'import os, subprocess, sys
r, w = os.pipe()
os.close(r)
sys.exit(subprocess.call(sys.argv[1:], stdout=w))' "$@"
}

# The libraries behind libcoolbpf.a.
static_libs() {
	PKG_CONFIG_PATH=$BUILD/meson-uninstalled pkg-config --static --libs libcoolbpf | sed 's/-lcoolbpf//'
}

# What a program needs to link against a libcoolbpf.a that was built with sanitizers.
san_flags() {
	nm "$BUILD/src/libcoolbpf.a" 2>/dev/null | grep -q __asan_init && echo -fsanitize=address,undefined
}
