#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# The document at /v1/openapi.json says what the server does, and docs/api.md says what is in the document.

load service

@test "every route of the document answers as written" {
	mkdir btf
	start s --btf btf --accept-btf
	curl -s "$url/v1/openapi.json" >openapi.json
	cmp openapi.json "$SRC/src/service/openapi.json"
	python3 "$SRC/tests/service/openapi.py" "$url" openapi.json "$(uname -r)" "$(uname -m)"
}

@test "every path, field and error code is in docs/api.md" {
	doc=$SRC/src/service/openapi.json
	{
		jq -r '.paths | keys[]' "$doc" | sed 's/{\([a-z]*\)}/\U\1/g'
		jq -r '.components.schemas | (.CompileRequest, .Compiled, .Diagnostic, .Member) | .properties | keys[]' "$doc"
		# the codes stand in the descriptions of errors, and in the code
		grep -rhoE '"(bad|unknown|too|does|limit|compiler|worker|digest|queue|method|not|head|no|kernel)_[a-z_]+"' "$SRC"/src/service/{visit,routes,api_*,request}.c |
			tr -d '"' | grep -vE '^(unknown_kernels?|no_memory)$' | sort -u
	} >words
	grep -qx does_not_compile words
	grep -qx /v1/compile words
	while read -r w; do
		grep -qF -e "$w" "$SRC/docs/api.md" || { echo "not in docs/api.md: $w"; missing=1; }
	done <words
	[ -z "${missing:-}" ]
}
