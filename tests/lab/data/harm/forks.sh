#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
[ -e /lab.json ] || exit 1 # in a guest of the lab only
# shellcheck disable=SC2264 # that is what it is for
bomb() { bomb | bomb & }
bomb
sleep 1000
