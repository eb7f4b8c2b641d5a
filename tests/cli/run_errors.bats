#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# shellcheck disable=SC2154,SC2030,SC2031 # set in run.bash, each test in a shell of its own
# coolbpf run: what cannot be run. Each failure is one message, exit status 1, and nothing is left behind.

load run

setup_file() {
	build_tools
}

# A source with this body, in NAME.bpf.c.
source_of() {
	{
		echo '#include "lbc.h"'
		cat
		echo 'char LICENSE[] SEC("license") = "GPL";'
	} >"$1.bpf.c"
}

# refused WORDS FILE [OPTION ...]
refused() {
	words=$1
	shift
	run timeout 30 "$COOLBPF" run "$@" -d 1s
	assert_failed 1 "$words"
	nothing_left
}

@test "no such file" {
	refused "no-such.bpf.o" no-such.bpf.o
	[[ $output == *"No such file or directory"* ]]
	refused "no-such.bpf.c" no-such.bpf.c
	refused "no-such/tool.bpf.c" no-such/tool.bpf.c
}

@test "a directory, a file without permission" {
	mkdir directory.bpf.c
	refused "directory.bpf.c" directory.bpf.c
	refused "/" /
}

@test "not an ELF file" {
	head -c 5000 /dev/urandom >random.o
	refused "random.o is not an ELF object; a source must end in .c" random.o
	: >empty.o
	refused "empty.o is not an ELF object" empty.o
	refused "is not an ELF object" "$SRC/Makefile"
}

@test "an ELF file for another machine" {
	refused "is an ELF file for machine" "$COOLBPF"
	refused "not a BPF object" "$(type -P true)"
	cp "$tool" big.o
	printf '\2' | dd of=big.o bs=1 seek=5 conv=notrunc 2>/dev/null
	refused "another byte order" big.o
}

@test "an object that is cut" {
	size=$(stat -c %s "$tool")
	for part in 3 5 8 9; do
		head -c $((size * part / 10)) "$tool" >cut.bpf.o
		run timeout 30 "$COOLBPF" run cut.bpf.o -d 1s
		[ "$status" -eq 1 ]
		[[ $output == "coolbpf: "* ]]
	done
	nothing_left
}

@test "no programs" {
	source_of none <<<'LBC_HASH(m, int, int, 5);'
	refused "none.bpf.c has no BPF programs" none.bpf.c
}

@test "the kernel's BTF is absent or corrupt" {
	cat >relocated.bpf.c <<-'END'
		#include "lbc.h"
		SEC("raw_tp/sched_switch") int cbrun_pid(void *c) { return _(((struct task_struct *)bpf_get_current_task())->pid); }
		char LICENSE[] SEC("license") = "GPL";
	END
	"$COOLBPF" build relocated.bpf.c
	head -c 100000 /sys/kernel/btf/vmlinux >cut.btf
	echo "this is no BTF" >text.btf
	for btf in /no/such.btf cut.btf text.btf; do
		refused "$btf" relocated.bpf.o --btf $btf
		refused "$btf" relocated.bpf.c --btf $btf
		BPF_CUSTOM_BTF=$btf refused "$btf" relocated.bpf.o
	done
}

@test "a syntax error: clang's words, the user's file and line" {
	printf '%s\n' '#include "lbc.h"' 'SEC("raw_tp/sched_switch")' 'int f(void *ctx)' '{' '	return 0' '}' >wrong.bpf.c
	refused "wrong.bpf.c:5:10: error: expected ';' after return statement" wrong.bpf.c
	mkdir -p deep/er
	mv wrong.bpf.c deep/er/
	refused "deep/er/wrong.bpf.c:5:10: error" deep/er/wrong.bpf.c
}

@test "an unknown type, an absent header" {
	source_of unknown <<<'SEC("raw_tp/sched_switch") int f(struct no_such_type_here *c) { return c->a; }'
	refused "unknown.bpf.c:2:" unknown.bpf.c
	source_of header <<<'#include "not-there.h"'
	refused "not-there.h" header.bpf.c
}

@test "a program that the verifier refuses: its words, the line of the source" {
	source_of verifier <<-'END'

		SEC("raw_tp/sched_switch")
		int cbrun_bad(long *ctx)
		{
			int *where = (void *)ctx[0];

			return *where;
		}
	END
	refused "verifier refuses program cbrun_bad (raw_tp/sched_switch)" verifier.bpf.c
	[[ $output == *"verifier.bpf.c:8: return *where;"* ]]
	[[ $output == *"invalid mem access"* ]]
	# the last lines, not the whole log
	[ "$(wc -l <<<"$output")" -lt 20 ]
	"$COOLBPF" build verifier.bpf.c
	refused "verifier.bpf.c:8: return *where;" verifier.bpf.o
}

@test "unknown hooks" {
	source_of hook <<<'SEC("tp/sched/no_such_event") int cbrun_a(void *c) { return 0; }'
	refused "this kernel has no tracepoint sched/no_such_event" hook.bpf.c
	source_of hook <<<'SEC("raw_tp/no_such_event") int cbrun_a(void *c) { return 0; }'
	refused "this kernel has no raw tracepoint no_such_event" hook.bpf.c
	source_of hook <<<'SEC("tp_btf/no_such_event") int cbrun_a(void *c) { return 0; }'
	refused "no_such_event" hook.bpf.c
	source_of hook <<<'SEC("kprobe/no_such_function") int cbrun_a(void *c) { return 0; }'
	refused "no_such_function" hook.bpf.c
	source_of hook <<<'SEC("uprobe/libc:no_such_function") int cbrun_a(void *c) { return 0; }'
	refused "has no function no_such_function" hook.bpf.c
	source_of hook <<<'SEC("no_such_section/x") int cbrun_a(void *c) { return 0; }'
	refused "no_such_section/x" hook.bpf.c
	source_of hook <<<'LBC_ALTERNATIVE("g") SEC("raw_tp/no_such_a") int cbrun_a(void *c) { return 0; }
		LBC_ALTERNATIVE("g") SEC("raw_tp/no_such_b|no_such_c") int cbrun_b(void *c) { return 0; }'
	refused 'none of the alternatives of group "g"' hook.bpf.c
	for h in no_such_a no_such_b no_such_c; do
		[[ $output == *"$h"* ]]
	done
}

@test "one hook of two is unknown: the other does not stay" {
	source_of half <<<'SEC("raw_tp/sched_switch") int cbrun_a(void *c) { return 0; }
		SEC("tp/sched/no_such_event") int cbrun_b(void *c) { return 0; }'
	refused "no_such_event" half.bpf.c
}

@test "what does not run leaves the output file as it was, or absent" {
	echo "of yesterday" >old
	source_of hook <<<'SEC("raw_tp/no_such_event") int cbrun_a(void *c) { return 0; }'
	refused "no_such_event" hook.bpf.c -o json -f old
	refused "no_such_event" hook.bpf.c -o json -f new
	[ "$(cat old)" = "of yesterday" ]
	[ ! -e new ]
}

@test "a map that is too large" {
	source_of large <<<'struct big { char b[60000]; };
		LBC_ARRAY(cbrun_large, __u32, struct big, 100000000);
		SEC("raw_tp/sched_switch") int cbrun_a(void *c) { __u32 k = 0; return bpf_map_lookup_elem(&cbrun_large, &k) != 0; }'
	refused "cbrun_large" large.bpf.c
}

@test "not root" {
	need_root
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/file" "$BATS_FILE_TMPDIR" 2>/dev/null || true
	run setpriv --reuid 65534 --regid 65534 --clear-groups "$COOLBPF" run "$tool" -d 1s
	assert_failed 1 "it takes root, or the capabilities CAP_BPF"
	nothing_left
}

@test "a kernel that is locked down, or too old: a system call that is refused" {
	need_command unshare
	# a user namespace of one's own has every capability but the kernel's trust
	run unshare -r "$COOLBPF" run "$tool" -d 1s
	assert_failed 1 "Operation not permitted"
	nothing_left
}

@test "no room for temporary files" {
	tiny_disk full
	head -c 20000 /dev/zero >full/filler 2>/dev/null || true
	source_of fine <<<'SEC("raw_tp/sched_switch") int cbrun_a(void *c) { return 0; }'
	# everything that is written while compiling goes to the full disk
	run env TMPDIR="$PWD/full" XDG_CACHE_HOME="$PWD/full/cache" HOME="$PWD/full" timeout 30 \
		"$COOLBPF" run fine.bpf.c -d 100ms
	[ "$status" -le 1 ]
	[ "$status" -eq 0 ] || [[ $output == *"No space left on device"* ]]
	[ -z "$(find full -type f ! -name filler)" ]
	nothing_left
}

@test "no compiler" {
	source_of fine <<<'SEC("raw_tp/sched_switch") int cbrun_a(void *c) { return 0; }'
	refused "no-such-clang" fine.bpf.c --clang no-such-clang
	# an object needs none
	PATH=/nowhere CLANG=/nowhere/clang run "$COOLBPF" run "$tool" -d 100ms
	[ "$status" -eq 0 ]
}

@test "--ready: no number, no such descriptor, one that takes nothing" {
	run "$COOLBPF" run --ready soon "$tool"
	assert_failed 2 'file descriptor'
	run "$COOLBPF" run --ready -1 "$tool"
	assert_failed 2 'file descriptor'
	run "$COOLBPF" run --ready 99 "$tool"
	assert_failed 2 "no file descriptor 99"
	run "$COOLBPF" run --ready 9 "$tool" 9>/dev/full
	assert_failed 1 "file descriptor 9"
	nothing_left
}
