/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What io_uring can do here, and if nothing, why. With a number: whether a ring of so many entries can be had.
 *
 * cc ext_features.c $(pkg-config --cflags --libs aiouring) -o ext_features && ./ext_features 4096
 */
#include <aiouring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct name {
	unsigned value;
	const char *name;
};

static const struct name flags[] = {
	{IORING_SETUP_SUBMIT_ALL, "SUBMIT_ALL"},       {IORING_SETUP_COOP_TASKRUN, "COOP_TASKRUN"},
	{IORING_SETUP_SINGLE_ISSUER, "SINGLE_ISSUER"}, {IORING_SETUP_DEFER_TASKRUN, "DEFER_TASKRUN"},
	{IORING_SETUP_NO_MMAP, "NO_MMAP"},             {IORING_SETUP_CQE_MIXED, "CQE_MIXED"},
};

static const struct name ops[] = {
	{IORING_OP_READ, "READ"},
	{IORING_OP_SEND_ZC, "SEND_ZC"},
	{IORING_OP_FUTEX_WAIT, "FUTEX_WAIT"},
	{IORING_OP_READV_FIXED, "READV_FIXED"},
	{IORING_OP_URING_CMD128, "URING_CMD128"},
};

int main(int argc, char **argv)
{
	struct aiouring_features report;
	unsigned i;
	int ret = aiouring_get_features(argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : 0, &report, sizeof(report));

	if (ret < 0) {
		fprintf(stderr, "no report: %s\n", strerror(-ret));
		return 1;
	}
	printf("Linux %s\nio_uring: %s\nkernel AIO: %s\n", report.release, report.reason,
	       report.aio ? strerror(-report.aio) : "yes");
	printf("seccomp mode %u, kernel.io_uring_disabled %d, io_uring_group %d\n", report.seccomp, report.disabled,
	       report.group);
	printf("locked memory: ");
	if (report.memlock == ~(__u64)0)
		puts("no limit");
	else
		printf("%llu bytes, the ring needs %llu\n", (unsigned long long)report.memlock,
		       (unsigned long long)report.memlock_needed);
	if (!report.sources)
		return 0;
	printf("set-up:");
	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		printf(" %s%s", report.setup_flags & flags[i].value ? "" : "no ", flags[i].name);
	printf("\nrequests:");
	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		printf(" %s%s", aiouring_features_has_op(&report, ops[i].value) ? "" : "no ", ops[i].name);
	puts("");
	return 0;
}
