/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A huge page for a while, where root may set one aside. */
#ifndef HUGE_H
#define HUGE_H

#include <sys/file.h>

#include "check.h"

static int huge_pages = -1;
static char huge_pages_before[32];

/* Puts back what was found; also when nothing was. */
MAYBE_UNUSED static void release_huge_page(void)
{
	at_failure = NULL;
	if (huge_pages >= 0) {
		if (huge_pages_before[0])
			CHECK_GE(pwrite(huge_pages, huge_pages_before, strlen(huge_pages_before), 0), 1);
		close(huge_pages);
		huge_pages = -1;
	}
}

/* Sets one aside for this program alone: whether there is one. */
MAYBE_UNUSED static int reserve_huge_page(void)
{
	char more[32];
	void *page;

	huge_pages = open("/proc/sys/vm/nr_hugepages", O_RDWR);
	/* One at a time: others would put back what they found meanwhile. */
	if (huge_pages < 0 || flock(huge_pages, LOCK_EX) != 0 ||
	    read(huge_pages, huge_pages_before, sizeof(huge_pages_before) - 1) <= 0)
		return 0;
	at_failure = release_huge_page;
	snprintf(more, sizeof(more), "%d", atoi(huge_pages_before) + 1);
	if (pwrite(huge_pages, more, strlen(more), 0) <= 0)
		return 0;
	page = mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	return page != MAP_FAILED && munmap(page, 2 << 20) == 0;
}

#endif
