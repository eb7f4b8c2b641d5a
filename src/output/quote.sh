#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# quote.sh FILE - a text file as a C string literal, one line each; lines that are nothing but comment are left out.
set -eu
sed -e '/^[[:space:]]*\/\//d' -e 's/[[:space:]][[:space:]]*\/\/ .*//' -e 's/\\/\\\\/g; s/"/\\"/g; s/	/\\t/g; s/^/"/; s/$/\\n"/' "$1"
