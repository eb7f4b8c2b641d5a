# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
ip addr add 10.9.9.9/8 dev lo
ip link set lo down
