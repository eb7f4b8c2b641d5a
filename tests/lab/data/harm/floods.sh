# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
yes 0123456789abcde
