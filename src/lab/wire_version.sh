#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# wire_version.sh OUT IN...: write a C file with what the agent and the host have to have in common: a digest of the sources that say
# it. The host looks for it in the program that is to be the agent (initramfs.c).
set -eu

out=$1
shift
digest=$(cat "$@" | sha256sum | cut -c 1-16)
cat >"$out" <<END
/* Made by wire_version.sh. */
#include "lab/wire.h"

const char cb_wire_version[] = "coolbpf lab wire $digest";
END
