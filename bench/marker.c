// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/* marker.c - a program that does nothing, quickly: that it was started is the event which load.c waits for. */
int main(void)
{
	return 0;
}
