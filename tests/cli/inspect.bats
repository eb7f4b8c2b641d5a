#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# coolbpf inspect, against what LLVM's tools and the source say of the same object.

load common

setup_file() {
	build_sample
	"$COOLBPF" inspect -o json "$BATS_FILE_TMPDIR/sample.bpf.o" >"$BATS_FILE_TMPDIR/sample.json"
}

setup() {
	object=$BATS_FILE_TMPDIR/sample.bpf.o
	json=$BATS_FILE_TMPDIR/sample.json
}

# q FILTER EXPECTED: what jq finds
q() {
	[ "$(jq -c "$1" "$json")" = "$2" ] || { echo "$1: $(jq -c "$1" "$json"), expected $2"; return 1; }
}

@test "name, purpose and size" {
	q .name '"sample"'
	q .about '"One event for each exec, with a field of each kind"'
	q .bytes "$(stat -c %s "$object")"
	q .btf_bytes "$((0x$(llvm-readelf -S "$object" | sed -n 's/.* \.BTF  *PROGBITS  *[0-9a-f]* [0-9a-f]* \([0-9a-f]*\) .*/\1/p')))"
}

@test "programs: names, sections and types" {
	q '[.programs[].name] | sort' '["first_choice","last_choice","on_exec"]'
	q '.programs[] | select(.name == "on_exec") | [.type, .section, .group]' \
		'["raw_tracepoint","raw_tracepoint/sched_process_exec",""]'
	q '.programs[] | select(.name == "first_choice") | [.type, .section, .group]' \
		'["kprobe","kprobe/no_such_function|neither_this_one","second"]'
	q '.programs[] | select(.name == "last_choice") | .group' '"second"'
}

@test "programs: as many instructions as the section's bytes hold" {
	bytes=$((0x$(llvm-readelf -S "$object" | sed -n 's/.* raw_tracepoint\/sched_process_exec  *PROGBITS  *[0-9a-f]* [0-9a-f]* \([0-9a-f]*\) .*/\1/p')))
	[ "$bytes" -gt 0 ]
	q '.programs[] | select(.name == "on_exec") | .instructions' "$((bytes / 8))"
	q '.instructions == ([.programs[].instructions] | add)' true
}

@test "maps: the source's, with types, sizes and how they are shown" {
	q '[.maps[] | select(.internal | not) | .name] | sort' '["counts","events","numbers","sizes"]'
	q '.maps[] | select(.name == "counts") | [.type, .key, .value, .key_size, .value_size, .max_entries, .show]' \
		'["hash","struct sample_key","__u64",4,8,128,"top 10"]'
	q '.maps[] | select(.name == "events") | [.type, .key, .max_entries, .bytes]' '["ringbuf",null,65536,65536]'
	q '.maps[] | select(.name == "sizes") | [.type, .max_entries, .hist]' '["array",64,"log2"]'
	q '.maps[] | select(.name == "sizes") | .bytes' 512
}

@test "parameters: the source's, in its order" {
	q '[.params[].name]' '["min","mode","on","comm","number"]'
	q '[.params[].type]' '["lbc_ns_t","enum mode","bool","lbc_comm_t","__u32"]'
	q '[.params[].default]' '["1500us","MODE_ROOT","true","sh","42"]' ||
		q '[.params[].default]' '["1.5ms","MODE_ROOT","true","sh","42"]'
	q '.params[2].help' '"a switch */ with a trap"'
}

@test "events: maps, types and fields" {
	q '[.events[].map] | sort' '["events","numbers"]'
	q '.events[] | select(.map == "events") | .type' '"struct event"'
	q '.events[] | select(.map == "events") | [.fields[].name] | .[0:5]' '["time","latency","comm","address","port"]'
	q '.events[] | select(.map == "events") | .fields[] | select(.name == "latency") | .type' '"lbc_ns_t"'
	q '.events[] | select(.map == "numbers") | .type' '"__u64"'
}

@test "text says the same" {
	run "$COOLBPF" inspect "$object"
	[ "$status" -eq 0 ]
	[[ ${lines[0]} == "sample: One event for each exec, with a field of each kind" ]]
	[[ ${lines[1]} == "$(jq .bytes "$json") bytes, of which BTF $(jq .btf_bytes "$json"); $(jq .instructions "$json") instructions in 3 programs" ]]
	[[ $output == *"on_exec "*"raw_tracepoint "*"raw_tracepoint/sched_process_exec"* ]]
	[[ $output == *"counts "*"hash "*"struct sample_key "*"__u64 "*"128 "*"top 10"* ]]
	[[ $output == *"--mode "*"enum mode "*"MODE_ROOT "*"a choice"* ]]
	# what lbc.h makes for itself is not the user's business
	[[ $output != *__lbc* ]]
}

@test "a source is compiled and inspected" {
	diff <("$COOLBPF" inspect -o json "$sample_source" | jq 'del(.bytes)') <(jq 'del(.bytes)' "$json")
}

@test "no rights are needed" {
	need_root
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR"
	setpriv --reuid 65534 --regid 65534 --clear-groups true || skip "setpriv cannot change the user here"
	cp "$COOLBPF" "$object" "$BATS_TEST_TMPDIR" # the build directory may be closed to others
	chmod -R a+rX "$BATS_RUN_TMPDIR"
	run setpriv --reuid 65534 --regid 65534 --clear-groups "$BATS_TEST_TMPDIR/coolbpf" inspect "$BATS_TEST_TMPDIR/sample.bpf.o"
	[ "$status" -eq 0 ]
}
