/* SPDX-License-Identifier: MIT OR Apache-2.0 */
// stdout: free
/*
 * A random mix of operations with many in flight. Every block of the file is owned by at most one request at a time
 * and has a version; a read must find the bytes of the version that was written last.
 */
#include "aio_check.h"

#include <poll.h>
#include <sys/eventfd.h>

enum { BLOCK = 4096, BLOCKS = 256, MOST = 8, DEPTH = 64, REQUESTS = 12000 };

enum kind { READ, WRITE, READV, WRITEV, SYNC, POLL };

struct request {
	struct iocb iocb;
	enum kind kind;
	int busy, first, count;
	struct iovec vec[MOST];
	char *memory;
};

static struct request requests[DEPTH];
static int owned[BLOCKS], version[BLOCKS];
static uint64_t random_state;
static int fds[3], event_fd, pipe_fd[2];
static long done[6], signals;

static unsigned int pick(unsigned int below)
{
	random_state = mix(random_state);
	return (unsigned int)((random_state >> 20) % below);
}

/* Finds a run of blocks that nobody owns; 0 if luck is out. */
static int own(struct request *request)
{
	int i;

	request->count = 1 + (int)pick(MOST);
	request->first = (int)pick((unsigned int)(BLOCKS - request->count + 1));
	for (i = 0; i < request->count; i++)
		if (owned[request->first + i])
			return 0;
	for (i = 0; i < request->count; i++)
		owned[request->first + i] = 1;
	return 1;
}

/* Prepares a free request; the blocks of a vector lie in reverse order in memory. */
static int prepare(struct request *request)
{
	static const enum kind kinds[] = {READ, READ, READ, WRITE, WRITE, READV, READV, WRITEV, SYNC, POLL};
	int fd = fds[pick(3)], i;
	long long offset;

	request->kind = kinds[pick(COUNT_OF(kinds))];
	if (request->kind == SYNC) {
		if (pick(2))
			io_prep_fsync(&request->iocb, fd);
		else
			io_prep_fdsync(&request->iocb, fd);
	} else if (request->kind == POLL) {
		io_prep_poll(&request->iocb, pipe_fd[1], POLLOUT);
	} else {
		if (!own(request))
			return 0;
		offset = (long long)request->first * BLOCK;
		for (i = 0; i < request->count; i++) {
			int slot = request->kind == READ || request->kind == WRITE ? i : request->count - 1 - i;
			char *place = request->memory + slot * BLOCK;

			request->vec[i].iov_base = place;
			request->vec[i].iov_len = BLOCK;
			if (request->kind == WRITE || request->kind == WRITEV) {
				version[request->first + i]++;
				fill(place, BLOCK, (uint64_t)version[request->first + i],
				     (uint64_t)(request->first + i) * BLOCK);
			} else {
				memset(place, 0, BLOCK);
			}
		}
		switch (request->kind) {
		case READ:
			io_prep_pread(&request->iocb, fd, request->memory, (size_t)request->count * BLOCK, offset);
			break;
		case WRITE:
			io_prep_pwrite(&request->iocb, fd, request->memory, (size_t)request->count * BLOCK, offset);
			break;
		case READV:
			io_prep_preadv(&request->iocb, fd, request->vec, request->count, offset);
			break;
		default:
			io_prep_pwritev(&request->iocb, fd, request->vec, request->count, offset);
		}
	}
	if (pick(4) == 0) {
		io_set_eventfd(&request->iocb, event_fd);
		signals++;
	}
	request->iocb.data = request;
	request->busy = 1;
	return 1;
}

static void finish(struct io_event *event)
{
	struct request *request = (struct request *)event->data;
	long expected = 0;
	int i;

	CHECK(event->obj == &request->iocb && request->busy);
	if (request->kind == POLL)
		expected = POLLOUT;
	else if (request->kind != SYNC)
		expected = (long)request->count * BLOCK;
	CHECK_EQ(event->res, expected);
	if (expected >= BLOCK)
		for (i = 0; i < request->count; i++) {
			int block = request->first + i;

			if (request->kind == READ || request->kind == READV)
				CHECK_PATTERN(request->vec[i].iov_base, BLOCK, (uint64_t)version[block],
					      (uint64_t)block * BLOCK);
			owned[block] = 0;
		}
	request->busy = 0;
	done[request->kind]++;
}

int main(void)
{
	io_context_t ctx = setup(DEPTH);
	struct io_event events[DEPTH];
	struct iocb *list[DEPTH];
	char *memory = (char *)pages(BLOCK);
	long issued = 0, total = REQUESTS * test_scale(), in_flight = 0;
	uint64_t counter = 0;
	int i;

	event_fd = eventfd(0, EFD_NONBLOCK);
	CHECK(pipe(pipe_fd) == 0);
	/* Version 0 of block b is the pattern of seed 0, at its place. */
	fds[0] = temp_file(BLOCKS * BLOCK, 0);
	fds[1] = reopen(fds[0], O_RDWR | O_DIRECT);
	fds[2] = reopen(fds[0], O_RDWR | O_DSYNC);
	for (i = 0; i < DEPTH; i++)
		requests[i].memory = (char *)pages(MOST * BLOCK);

	while (issued < total || in_flight > 0) {
		int want = (int)pick(DEPTH) + 1, count = 0, result;

		for (i = 0; i < DEPTH && count < want && issued + count < total; i++)
			if (!requests[i].busy && prepare(&requests[i]))
				list[count++] = &requests[i].iocb;
		for (i = 0; i < count; i += result) {
			result = io_submit(ctx, count - i, list + i);
			CHECK_GE(result, 1);
		}
		issued += count;
		in_flight += count;
		if (pick(16) == 0)
			drop_cache(fds[0], 0, 0);
		if (in_flight > 0) {
			struct timespec limit = {EVENT_SECONDS, 0};
			long least = 1 + (long)pick((unsigned int)in_flight);

			result = io_getevents(ctx, least, DEPTH, events, pick(2) ? &limit : NULL);
			CHECK_GE(result, least);
			for (i = 0; i < result; i++)
				finish(&events[i]);
			in_flight -= result;
		}
	}
	sleep_ms(10);
	if (signals)
		CHECK_EQ(read(event_fd, &counter, 8), 8);
	CHECK_EQ(counter, signals);
	CHECK_EQ(ready(ctx), 0);
	CHECK_EQ(io_destroy(ctx), 0);
	for (i = 0; i < BLOCKS; i++) {
		CHECK_EQ(pread(fds[0], memory, BLOCK, (off_t)i * BLOCK), BLOCK);
		CHECK_PATTERN(memory, BLOCK, (uint64_t)version[i], (uint64_t)i * BLOCK);
	}
	CHECK_EQ(done[READ] + done[WRITE] + done[READV] + done[WRITEV] + done[SYNC] + done[POLL], total);
	printf("%ld requests\n", total);
	return 0;
}
