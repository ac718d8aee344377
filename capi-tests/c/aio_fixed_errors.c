/* SPDX-License-Identifier: MIT OR Apache-2.0 */
// variants: theirs,ours,own,caller
// old-kernel: no (faults of disks and file systems are the same on it)
/* Registered buffers: transfers that use them fail as others do. Kernel AIO has none, and shows how others do. */
#include <dlfcn.h>

#include "error_rows.h"

static void register_the_buffer(void)
{
	int (*call)(io_context_t, const struct iovec *, const uint64_t *, unsigned int);
	void *symbol = dlsym(RTLD_DEFAULT, "aiouring_register_buffers");
	struct iovec all = {buf, MB};

	memcpy(&call, &symbol, sizeof(call));
	if (call)
		CHECK_EQ(call(ctx, &all, NULL, 1), 0);
}

static const struct row rows[] = {
	{"E04", E04}, {"E06", E06}, {"E10", E10}, {"E11", E11}, {"E12", E12}, {"E20", E20}, {"E30", E30}, {"E41", E41},
};

int main(int argc, char **argv)
{
	before_a_row = register_the_buffer;
	return run_error_rows(rows, COUNT_OF(rows), argc, argv);
}
