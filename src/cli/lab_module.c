// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
#include "cli/lab.h"
int lab_module(int argc, char **argv)
{
	return cb_cli_fail("not yet");
}
