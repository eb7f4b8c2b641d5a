# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
echo before
sleep 1
echo panic >/proc/lab_proof
