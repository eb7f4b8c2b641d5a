# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
echo before
halt -f
sleep 1000
