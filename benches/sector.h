/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the files hold: each sector begins with its own number and with the turn in which it was written. So a block at
 * the wrong place, one that was not read, and a write that was lost are seen.
 */
#ifndef SECTOR_H
#define SECTOR_H

#include "slice.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { SECTOR = 512, PAGE = 4096, PIECE = 1 << 20 };

/* The turn of a file that is only read. */
#define MADE 0x5ec7012edu

struct sector {
	uint64_t number, turn;
};

static inline struct sector *sector_in(char *buffer, size_t index)
{
	return (struct sector *)(void *)(buffer + index * SECTOR);
}

static inline void stamp(char *buffer, size_t size, uint64_t offset, uint64_t turn)
{
	for (size_t i = 0; i < size / SECTOR; i++)
		*sector_in(buffer, i) = (struct sector){offset / SECTOR + i, turn};
}

/* Before a read: what was in the buffer must not pass for what is in the file. */
static inline void poison(char *buffer, size_t size)
{
	struct sector *first = sector_in(buffer, 0), *last = sector_in(buffer, size / SECTOR - 1);
	first->number = first->turn = last->number = last->turn = UINT64_MAX;
}

/* After it: the first and the last sector, since all of them would cost more than the read. */
static inline void check_ends(char *buffer, size_t size, uint64_t offset)
{
	size_t end = size / SECTOR - 1;
	struct sector *first = sector_in(buffer, 0), *last = sector_in(buffer, end);
	if (first->number != offset / SECTOR || last->number != offset / SECTOR + end || first->turn != MADE ||
		last->turn != MADE) {
		fail("wrong bytes at offset %llu: sectors %llx and %llx", (unsigned long long)offset,
			(unsigned long long)first->number, (unsigned long long)last->number);
	}
}

static inline char *aligned(size_t size)
{
	void *memory;
	if (posix_memalign(&memory, PAGE, size))
		fail("no memory");
	memset(memory, 0xee, size);
	return memory;
}

/* The whole file is made anew: turn 0 for writers, MADE for readers. */
static inline void make_file(const char *path, uint64_t span, uint64_t turn)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (fd < 0)
		fail("%s: %m", path);
	char *piece = aligned(PIECE);
	for (uint64_t offset = 0; offset < span; offset += PIECE) {
		size_t size = span - offset < PIECE ? (size_t)(span - offset) : PIECE;
		stamp(piece, size, offset, turn);
		if (pwrite(fd, piece, size, (off_t)offset) != (ssize_t)size)
			fail("%s: write: %m", path);
	}
	if (fsync(fd) || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
		fail("%s: %m", path);
	free(piece);
	close(fd);
}

/* All sectors of the file; turns[] is by blocks, without it all are MADE. */
static inline void check_file(int fd, uint64_t span, size_t block, const uint32_t *turns)
{
	char *piece = aligned(PIECE);
	for (uint64_t offset = 0; offset < span; offset += PIECE) {
		size_t size = span - offset < PIECE ? (size_t)(span - offset) : PIECE;
		if (pread(fd, piece, size, (off_t)offset) != (ssize_t)size)
			fail("cannot read back at %llu: %m", (unsigned long long)offset);
		for (size_t i = 0; i < size / SECTOR; i++) {
			uint64_t at = offset + i * SECTOR, turn = turns ? turns[at / block] : MADE;
			struct sector *sector = sector_in(piece, i);
			if (sector->number != at / SECTOR || sector->turn != turn) {
				fail("sector %llu of the file has number %llx and turn %llu, not %llu",
					(unsigned long long)(at / SECTOR), (unsigned long long)sector->number,
					(unsigned long long)sector->turn, (unsigned long long)turn);
			}
		}
	}
	free(piece);
}

static inline size_t pages_in_cache(int fd, size_t span)
{
	void *map = mmap(NULL, span, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		fail("mmap: %m");
	size_t pages = (span + PAGE - 1) / PAGE, resident = 0;
	unsigned char *in = allocate(pages, 1);
	if (mincore(map, span, in))
		fail("mincore: %m");
	for (size_t i = 0; i < pages; i++)
		resident += in[i] & 1;
	free(in);
	munmap(map, span);
	return resident;
}

#endif
