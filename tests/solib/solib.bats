#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# The format .so: what the files are, and that a client without libbpf loads, attaches and reads with them.
bats_require_minimum_version 1.5.0
load ../cli/common

python=/usr/bin/python3 # the distribution's, which has cffi
architectures="x86_64 aarch64"

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	for source in "$SRC"/tests/solib/data/*.bpf.c "$SRC"/examples/*.bpf.c; do
		name=$(basename "$source" .bpf.c)
		"$COOLBPF" build "$source" -o "$name.bpf.o"
		for arch in $architectures; do
			"$BUILD/tests/solib/make_so" "$arch" "$name.bpf.o" "$name.$arch.so"
		done
	done
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	made=$BATS_FILE_TMPDIR
	here=$(uname -m)
	export PYTHONPATH=$SRC/tests/solib PYTHONDONTWRITEBYTECODE=1
}

# run_case CASE LIBRARY ...: one of cases.py; its messages are left in err
run_case() {
	status=0
	"${inside[@]}" "$python" "$SRC/tests/solib/cases.py" "$@" >out 2>err 3>&- || status=$?
	[ "$status" -ne 77 ] || skip "$(sed -n 's/^skip: //p' out)"
	[ "$status" -eq 0 ] || { cat out err; return 1; }
}

# a case that loads programs into the kernel
bpf_case() {
	need_bpf
	run_case "$1" "$made/$2.$here.so" "${@:3}"
}

# refute COMMAND ...: it fails ("!" alone does not end a test)
refute() {
	if "$@"; then
		echo "not expected: $*"
		return 1
	fi
}

said() {
	grep -qF -- "$1" err || { echo "not said: $1"; cat err; return 1; }
}

no_program() {
	! bpftool -j prog list | jq -e --arg n "$1" '.[] | select(.name == $n)' >/dev/null
}

gone() {
	for _ in $(seq 600); do
		no_program on_exec && return
		sleep 0.05
	done
	echo "a program is left in the kernel"
	return 1
}

# ---- The files ------------------------------------------------------------------------------------------------------------

@test "a library needs the C library alone" {
	for arch in $architectures; do
		needed=$(readelf -dW "$made/hello.$arch.so" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
		[ "$needed" = libc.so.6 ] || { echo "$arch: $needed"; return 1; }
		readelf -dW "$made/hello.$arch.so" >dynamic
		refute grep -E 'TEXTREL|RPATH|RUNPATH' dynamic
	done
}

@test "a library needs no symbol version above GLIBC_2.17" {
	for arch in $architectures; do
		versions=$(llvm-objdump -T "$made/hello.$arch.so" | grep -o 'GLIBC_[0-9.]*' | sort -Vu)
		[ -n "$versions" ]
		[ "$(printf '%s\nGLIBC_2.17\n' "$versions" | sort -V | tail -n 1)" = GLIBC_2.17 ] || { echo "$arch: $versions"; return 1; }
	done
}

@test "a library exports what its clients call, and nothing else" {
	want=$("$python" -c 'import lbc; print("\n".join(sorted(lbc.FUNCTIONS)))')
	for arch in $architectures; do
		found=$(nm -D --defined-only "$made/hello.$arch.so" | awk '{ print $3 }' | sort)
		[ "$found" = "$want" ] || { diff <(echo "$found") <(echo "$want"); return 1; }
	done
}

@test "the segments stand in order, none is writable and executable, the stack is not executable" {
	for arch in $architectures; do
		readelf -lW "$made/hello.$arch.so" >headers
		refute grep -E ' (RWE|NOTE) ' headers
		grep -E 'GNU_STACK .* RW ' headers
	done
}

@test "no two segments that differ in rights share a page, not even one of 64 kB for aarch64" {
	for arch in $architectures; do
		readelf -lW "$made/hello.$arch.so" >headers
		"$python" - headers $arch <<-'END'
			import re, sys
			page, end, rights, loads = {"x86_64": 4096, "aarch64": 65536}[sys.argv[2]], 0, "", 0
			for line in open(sys.argv[1]):
			    m = re.match(r"  LOAD +(\S+) (\S+) \S+ (\S+) (\S+) (.{3}) (\S+)", line)
			    if not m:
			        continue
			    offset, address, in_file, in_memory, align = (int(m[i], 16) for i in (1, 2, 3, 4, 6))
			    assert address >= end, "in order"
			    assert address // page > (end - 1) // page or m[5] == rights, "a page of its own"
			    assert align % page == 0 and (address - offset) % align == 0, "can be mapped"
			    end, rights, loads = address + in_memory, m[5], loads + 1
			assert loads == 5 and rights == "R  " and in_file == in_memory, "the last is the object's"
		END
	done
}

@test "elflint finds nothing in a library that is not in its template" {
	need_command eu-elflint
	for arch in $architectures; do
		eu-elflint --gnu "$BUILD/src/compile/so_$arch.so" | grep -v note >template || true
		eu-elflint --gnu "$made/hello.$arch.so" | grep -v note >made || true
		diff template made
	done
}

@test "the same object gives the same bytes" {
	for arch in $architectures; do
		"$BUILD/tests/solib/make_so" "$arch" "$made/events.bpf.o" again.so
		cmp again.so "$made/events.$arch.so"
	done
}

@test "the object in a library is the object" {
	offset=$(($(readelf -lW "$made/hello.$here.so" | awk '$1 == "LOAD" { last = $2 } END { print last }')))
	size=$(stat -c %s "$made/hello.bpf.o")
	# behind the header of 48 bytes
	tail -c +$((offset + 48 + 1)) "$made/hello.$here.so" | head -c "$size" | cmp - "$made/hello.bpf.o"
}

@test "trailing bytes do not matter" {
	need_bpf
	cp "$made/hooks.$here.so" longer.so
	head -c 100000 /dev/urandom >>longer.so
	run_case attach_nothing longer.so
}

@test "a BPF object for another architecture, a text, a directory: refused with a reason" {
	run "$BUILD/tests/solib/make_so" riscv64 "$made/hello.bpf.o" x.so
	[ "$status" -eq 1 ]
	[[ $output == *"x86_64 and aarch64, not for riscv64"* ]]
	echo text >text.o
	run "$BUILD/tests/solib/make_so" x86_64 text.o x.so
	[ "$status" -eq 1 ]
	[[ $output == *ELF* ]]
	run "$BUILD/tests/solib/make_so" x86_64 "$BUILD/src/compile/so_x86_64.so" x.so
	[ "$status" -eq 1 ]
	[ ! -e x.so ]
}

# ---- What is said of maps ---------------------------------------------------------------------------------------------------

@test "map types: hash, arch and kern_version as given; C text for every key and value" {
	"$python" - "$made/maps.$here.so" "$here" <<-'END'
		import sys, lbc
		t = lbc.Library(sys.argv[1]).types
		assert (t["hash"], t["arch"], t["kern_version"]) == ("0123456789abcdef", sys.argv[2], "4.19.91-23")
		assert list(t) == ["hash", "arch", "kern_version", "maps", "ffi"]
		assert t["maps"]["e_out"] == {"type": "event", "fktype": "", "ktype": None, "fvtype": "struct data_t", "vtype": "struct data_t"}
		assert t["maps"]["by_array"] == {"type": "array", "fktype": "unsigned int", "ktype": "u32", "fvtype": "int", "vtype": "s32"}
		assert t["maps"]["by_stack"]["fvtype"] == "unsigned long long[127]"
		assert t["ffi"] == "struct data_t {\nunsigned int pid;\nchar comm[16];\nunsigned long long number;\n};\n"
	END
}

@test "in cffi every type has the size and the offsets of the object's BTF" {
	"$python" -c 'import cffi' || skip "python3-cffi is not installed"
	for name in types maps hooks counts events hello params stack uprobe usdt; do
		echo "$name: $("$python" "$SRC/tests/solib/layout.py" "$made/$name.$here.so" "$made/$name.bpf.o" | tail -n 20)" | tee -a all
	done
	refute grep -E '[1-9][0-9]* wrong' all
	grep -E '^types|^[4-9][0-9][0-9] compared' all
}

# ---- Real events --------------------------------------------------------------------------------------------------------------

@test "maps of every type hold what the programs counted" {
	bpf_case maps maps
}

@test "elements are updated, found, taken and deleted, per-CPU ones as one value" {
	bpf_case elements maps
}

@test "events come by callback, from a perf buffer and a ring buffer" {
	bpf_case events maps
}

@test "events that found no place are told" {
	bpf_case lost maps
}

@test "a signal ends a loop" {
	bpf_case interrupted maps
}

@test "threads may do all of this at once" {
	bpf_case threads maps
	said "map by_array carries no events"
}

@test "programs without a place are loaded and not attached" {
	bpf_case attach_nothing hooks
}

@test "attach: raw tracepoint" {
	bpf_case raw_tracepoint hooks
	said "cannot attach program on_raw_tracepoint to raw tracepoint no_such_tracepoint"
}

@test "attach: tracepoint" {
	need_root
	inside=(unshare -m sh -c 'mount -t tracefs none /sys/kernel/tracing 2>/dev/null; exec "$@"' sh)
	bpf_case tracepoint hooks
	said "cannot attach program on_tracepoint to tracepoint sched/no_such_event"
}

@test "attach: without tracefs it is said what to mount" {
	need_root
	inside=(unshare -m sh -c 'umount -q -a -t tracefs,debugfs; exec "$@"' sh)
	bpf_case no_tracefs hooks
	said "mount -t tracefs none /sys/kernel/tracing"
}

@test "attach: kprobe and kretprobe, or why not" {
	bpf_case kprobe hooks
	said "cannot attach program on_kprobe to kprobe no_such_function"
}

@test "attach: uprobe and uretprobe" {
	bpf_case uprobe hooks
	said "cannot attach program on_uprobe to uprobe /no/such/file+0x0"
}

@test "attach: perf event, by JSON" {
	bpf_case perf_event hooks
	said 'struct perf_event_attr has no "no_such"'
}

@test "attach: XDP" {
	need_root
	inside=(unshare -n sh -c 'ip link set lo up; exec "$@"' sh)
	bpf_case xdp hooks
	said "cannot attach program on_xdp to XDP of interface 9999"
}

@test "attach: cgroup" {
	need_root
	root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	[ -n "$root" ] || skip "no cgroup2 is mounted"
	mkdir "$root/solib-$$"
	status=0
	bpf_case cgroup hooks "$root/solib-$$" || status=$?
	rmdir "$root/solib-$$"
	[ "$status" -eq 0 ]
}

@test "attach: network namespace" {
	need_root
	inside=(unshare -n)
	bpf_case netns hooks
}

# ---- Errors and ends ------------------------------------------------------------------------------------------------------------

@test "calls at the wrong time and with wrong numbers are refused" {
	bpf_case misused hooks
	said "nothing is loaded; call lbc_bpf_init() first"
	said "lbc_bpf_init: the object is loaded already"
	said "there is no map of number 1000"
	said "there is no program no_such_program"
	said "map hits carries no events"
}

@test "a template without an object says so" {
	run_case bare "$BUILD/src/compile/so_$here.so"
	said "there is no object in this library"
}

@test "without the rights to load, it is said what they are" {
	need_root
	chmod 755 "$BATS_TEST_TMPDIR"
	bpf_case unprivileged hooks
	said "this takes root, or CAP_BPF and CAP_PERFMON"
}

@test "what the verifier refuses is shown" {
	need_bpf
	cat >broken.bpf.c <<-'END'
		#include "lbc.h"
		SEC("raw_tracepoint/sched_process_exec") int on_exec(u64 *ctx) { return *(int *)ctx[0]; }
		char _license[] SEC("license") = "GPL";
	END
	"$COOLBPF" build broken.bpf.c -o broken.bpf.o
	"$BUILD/tests/solib/make_so" "$here" broken.bpf.o broken.so
	run_case broken broken.so
	said "cannot load the object"
	said "invalid mem access"
	said "processed"
}

@test "nothing is left behind: lbc_bpf_exit(), dlclose(), the interpreter's end, a fork" {
	bpf_case ends maps exit
	gone
	bpf_case closed maps
	gone
	bpf_case ends maps end
	gone
	bpf_case ends maps fork
	gone
}

@test "nothing is left behind: kill -9" {
	need_bpf
	"$python" "$SRC/tests/solib/cases.py" ends "$made/maps.$here.so" kill >out 2>err 3>&- &
	pid=$!
	for _ in $(seq 600); do
		grep -q ready out && break
		sleep 0.05
	done
	refute no_program on_exec
	kill -9 $pid
	wait $pid || true
	gone
}

@test "loading and unloading again and again leaks nothing" {
	bpf_case many hooks
}

# ---- The other architecture -------------------------------------------------------------------------------------------------------

@test "an aarch64 library is loaded under qemu, with pages of 4 and 64 kB, and says its map types" {
	need_command qemu-aarch64
	[ -e /usr/aarch64-linux-gnu/lib/ld-linux-aarch64.so.1 ] || skip "libc6-arm64-cross is not installed"
	libs=$("$SRC/scripts/so-libs.sh" --where)
	cat >types.c <<-'END'
		#include <dlfcn.h>
		#include <stdio.h>

		int main(int argc, char **argv)
		{
			void *so = dlopen(argv[1], RTLD_NOW);
			const char *(*types)(void) = so ? (const char *(*)(void))dlsym(so, "lbc_get_map_types") : NULL;
			int (*init)(int, int) = so ? (int (*)(int, int))dlsym(so, "lbc_bpf_init") : NULL;

			if (!types || !init) {
				puts(dlerror());
				return 1;
			}
			puts(types());
			return init(-1, 1) == 0; /* qemu has no bpf() */
		}
	END
	ZIG_GLOBAL_CACHE_DIR=$libs/../zig-cache ZIG_LOCAL_CACHE_DIR=$libs/../zig-cache "$libs/zig" cc -target aarch64-linux-gnu.2.17 types.c -o types -ldl
	"$BUILD/tests/solib/make_so" x86_64 "$made/maps.bpf.o" maps.x86_64.so
	for page in 4096 65536; do
		qemu-aarch64 -p $page -L /usr/aarch64-linux-gnu ./types "$made/maps.aarch64.so" >out 2>err || { cat out err; return 1; }
		"$python" - out maps.x86_64.so <<-'END'
			import json, sys
			found = json.loads(open(sys.argv[1]).readline())
			assert found["arch"] == "aarch64" and found["maps"]["by_hash"]["fvtype"] == "struct data_t"
			assert json.dumps(found).replace("aarch64", "x86_64").encode() .replace(b" ", b"") in open(sys.argv[2], "rb").read().replace(b" ", b"")
		END
		said "cannot load the object"
	done
}
