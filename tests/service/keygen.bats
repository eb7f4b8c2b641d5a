#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# coolbpf keygen: a pair that OpenSSL's command takes, and nothing overwritten.

load ../cli/common

setup() {
	cd "$BATS_TEST_TMPDIR"
}

@test "a pair of files, and the public key in digits" {
	run "$COOLBPF" keygen server.key
	[ "$status" -eq 0 ]
	[ "$(ls)" = $'server.key\nserver.key.pub' ]
	[ "$(stat -c %a server.key)" = 600 ]
	[[ $output =~ ^[0-9a-f]{64}$ ]]
	openssl pkey -in server.key -noout -text | grep -q "ED25519 Private-Key"
	diff <(openssl pkey -in server.key -pubout) server.key.pub
	[ "$(openssl pkey -pubin -in server.key.pub -outform DER | tail -c 32 | od -An -v -tx1 | tr -d ' \n')" = "$output" ]
}

@test "two pairs are two" {
	[ "$("$COOLBPF" keygen a)" != "$("$COOLBPF" keygen b)" ]
}

@test "what is there stays" {
	echo mine >server.key
	run "$COOLBPF" keygen server.key
	assert_failed 1 "server.key is there already"
	[ "$(cat server.key)" = mine ]
	[ "$(ls)" = server.key ]
}

@test "a full disk leaves nothing" {
	tiny_disk full
	head -c 8k /dev/zero >full/filler 2>/dev/null || true
	run "$COOLBPF" keygen full/key
	rm -f full/filler
	left=$(ls full)
	umount full
	assert_failed 1 "No space left"
	[ -z "$left" ]
}

@test "one file is wanted" {
	run "$COOLBPF" keygen
	assert_failed 2 "into which file?"
	run "$COOLBPF" keygen a b
	assert_failed 2 "one file at a time"
	run "$COOLBPF" keygen no/such/dir
	assert_failed 1 "no/such/dir.pub: No such file"
}
