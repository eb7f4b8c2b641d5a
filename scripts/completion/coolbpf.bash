# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# Completion of coolbpf for bash: commands, options, files, and behind "run FILE" the parameters of that tool. These are
# asked of the tool itself ("coolbpf run FILE --help"), and kept until another file is asked about or the file changes.
# shellcheck shell=bash

# Set _coolbpf_text to "name type" lines for the parameters of tool $2, asked of the command $1. Not printed: what a
# subshell remembers is gone with it, and asking a source means compiling it.
_coolbpf_params() {
	local tool=${2/#\~\//$HOME/} stamp text
	stamp="$PWD $tool $(stat -L -c %Y.%s -- "$tool" 2>/dev/null)"
	if [[ ${_coolbpf_key-} != "$stamp" ]]; then
		text=$("$1" run "$tool" --help 2>/dev/null </dev/null) || text=
		_coolbpf_key=$stamp
		_coolbpf_text=$(sed -n '/^Options:$/,/^$/s/^  --\([A-Za-z0-9_]*\) \(.*[^ ]\)  *.*$/\1 \2/p' <<<"$text")
	fi
}

# The first word behind "run" that names a source or an object.
_coolbpf_tool() {
	local word
	for word in "${COMP_WORDS[@]:2}"; do
		case $word in
		*.bpf.c | *.bpf.o | *.o)
			printf '%s' "$word"
			return
			;;
		esac
	done
}

_coolbpf_files() {
	compopt -o filenames 2>/dev/null
	local pattern=$1 path
	while IFS= read -r path; do
		# shellcheck disable=SC2053 # a pattern on purpose
		if [[ -d $path || $path == $pattern ]]; then
			COMPREPLY+=("$path")
		fi
	done < <(compgen -f -- "$2")
}

_coolbpf_words() {
	local word
	while IFS= read -r word; do
		COMPREPLY+=("$word")
	done < <(compgen -W "$1" -- "$2")
}

_coolbpf() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]} tool params=
	COMPREPLY=()

	if ((COMP_CWORD == 1)); then
		_coolbpf_words "run build inspect doctor lab serve keygen help version --help --version" "$current"
		return
	fi
	case $command in
	help)
		((COMP_CWORD == 2)) && _coolbpf_words "run build inspect doctor lab serve keygen" "$current"
		return
		;;
	run | build | inspect | doctor | serve | keygen) ;;
	*) return ;;
	esac

	tool=
	if [[ $command == run ]]; then
		tool=$(_coolbpf_tool)
		[[ $tool != "$current" ]] || tool=
	fi
	if [[ -n $tool ]]; then
		_coolbpf_params "${COMP_WORDS[0]}" "$tool"
		params=$_coolbpf_text
	fi

	case $previous in
	-o | --output)
		case $command in
		run) _coolbpf_words "table json csv folded svg" "$current" ;;
		inspect | doctor) _coolbpf_words "text json" "$current" ;;
		build) _coolbpf_files '*.@(o|so|h)' "$current" ;;
		esac
		return
		;;
	-f | --file | --btf | --tls-cert | --tls-key | --tls-client-ca | --tokens | --sign | --access-log | --cache)
		_coolbpf_files '*' "$current"
		return
		;;
	--format)
		_coolbpf_words "o so h skel" "$current"
		return
		;;
	--skeleton)
		_coolbpf_files '*.h' "$current"
		return
		;;
	--clang)
		_coolbpf_files '*' "$current"
		_coolbpf_words "$(compgen -c clang)" "$current"
		return
		;;
	-I)
		_coolbpf_files '' "$current"
		return
		;;
	-p | --param)
		compopt -o nospace 2>/dev/null
		[[ -z $params ]] || _coolbpf_words "$(sed 's/^\([^ ]*\).*/\1=/' <<<"$params")" "$current"
		return
		;;
	-l | --listen | --lbc-listen | --cache-size | --sent-btf-size | --memory | -j | --jobs | --job-time | --client-jobs | --client-queue | \
		--queue | --queue-memory | --rate | --max-body | --max-connections | --drain) return ;;
	-d | --duration | -i | --interval | -n | --count | --filter | -a | --attach | --server | -D) return ;;
	esac

	if [[ $previous == --* ]] && grep -q "^${previous#--} bool" <<<"$params"; then
		_coolbpf_words "true false" "$current"
	fi
	if [[ $current == -* ]]; then
		case $command in
		run)
			_coolbpf_words "-o --output -f --file -d --duration -i --interval -n --count --filter -p --param
				-a --attach --btf --clang --server -D -I -v --verbose -q --quiet -h --help" "$current"
			;;
		build) _coolbpf_words "-o --output --format --skeleton --btf --clang --server -D -I -h --help" "$current" ;;
		inspect) _coolbpf_words "-o --output --btf --clang --server -D -I -h --help" "$current" ;;
		serve)
			_coolbpf_words "-l --listen --tls-cert --tls-key --tls-client-ca --tokens --open-metrics --lbc-listen --sign
				--cache --cache-size --memory --btf --accept-btf --sent-btf-size --clang -j --jobs --job-time --client-jobs
				--client-queue --queue --queue-memory --rate --max-body --max-connections --behind-proxy
				--no-sandbox --access-log --drain -h --help" "$current"
			;;
		keygen) _coolbpf_words "-h --help" "$current" ;;
		doctor) _coolbpf_words "-o --output --btf --clang -h --help" "$current" ;;
		esac
		[[ -z $params ]] || _coolbpf_words "$(sed 's/^\([^ ]*\).*/--\1/' <<<"$params")" "$current"
	elif [[ -z $tool ]]; then
		case $command in
		run | inspect) _coolbpf_files '*.bpf.[co]' "$current" ;;
		build) _coolbpf_files '*.bpf.c' "$current" ;;
		esac
	fi
}

complete -F _coolbpf coolbpf
