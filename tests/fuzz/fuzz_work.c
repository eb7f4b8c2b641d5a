// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * fuzz_work.c - an outcome as a shared store gives it back, and a worker's frames. What is read is written as it was.
 * Reads what strangers send.
 */
#include <stdlib.h>
#include <string.h>

#include "service/work.h"
#include "service/worker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cb_buf again = {0};
	struct cb_worker_config config;
	struct cb_outcome o;
	struct cb_hello hello;
	struct cb_work w;

	if (!cb_outcome_read(&o, data, size)) {
		cb_outcome_write(&again, &o);
		if (again.len != size || strlen(o.json) > size)
			abort();
	}
	again.len = 0;
	if (!cb_work_read(&w, data, size)) {
		cb_work_write(&again, &w);
		if (again.len != size)
			abort();
	}
	cb_work_free(&w);
	cb_hello_read(&hello, data, size);
	cb_worker_config_read(&config, data, size);
	cb_buf_free(&again);
	return 0;
}
