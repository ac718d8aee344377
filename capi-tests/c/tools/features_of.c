/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Prints the reason for a user and a group: features_of UID GID. */
#include <aiouring.h>
#include <grp.h>

#include "check.h"

int main(int argc, char **argv)
{
	struct aiouring_features report;

	CHECK(argc == 3);
	CHECK(setgroups(0, NULL) == 0);
	CHECK(setgid((gid_t)atoi(argv[2])) == 0 && setuid((uid_t)atoi(argv[1])) == 0);
	CHECK_EQ(aiouring_get_features(8, &report, sizeof(report)), 0);
	printf("%d %s\n", report.error, report.reason);
	return 0;
}
