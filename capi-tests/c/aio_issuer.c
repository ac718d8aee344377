/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* AIOURING_ISSUER says who enters the kernel: it shows in the threads of the process. */
// variants: ours,caller,sqpoll
// stdout: free
#include <dirent.h>

#include "aio_check.h"

/* How many threads of this process have a name that begins like this. */
static int threads_named(const char *beginning)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	int count = 0;

	CHECK(tasks != NULL);
	while ((entry = readdir(tasks))) {
		char path[300], name[64] = "";
		FILE *file;

		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", entry->d_name);
		file = fopen(path, "r");
		if (!file)
			continue;
		if (fgets(name, sizeof(name), file) && strncmp(name, beginning, strlen(beginning)) == 0)
			count++;
		fclose(file);
	}
	closedir(tasks);
	return count;
}

int main(void)
{
	const char *issuer = getenv("AIOURING_ISSUER");
	int is_caller = issuer && strcmp(issuer, "caller") == 0, is_sqpoll = issuer && strcmp(issuer, "sqpoll") == 0;
	io_context_t ctx = setup(8);
	int fd = reopen(temp_file(65536, 1), O_RDONLY | O_DIRECT), round;
	char *memory = (char *)pages(4096);
	struct iocb iocb;

	for (round = 0; round < 100; round++) {
		io_prep_pread(&iocb, fd, memory, 4096, round % 16 * 4096);
		EVENT_IS(ctx, &iocb, 4096);
		CHECK_PATTERN(memory, 4096, 1, (uint64_t)(round % 16) * 4096);
	}
	CHECK_EQ(threads_named("aiouring"), !is_caller && !is_sqpoll);
	CHECK_EQ(threads_named("iou-sqp"), is_sqpoll);
	CHECK_EQ(io_destroy(ctx), 0);
	return 0;
}
