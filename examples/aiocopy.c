/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * aiocopy - copies a file through libaio and verifies the copy.
 *
 * usage: aiocopy [-d depth] [-b blocksize] [-D] SRC DST
 *   -d  requests in flight, default 32
 *   -b  bytes per request, default 65536; with -D a multiple of 4096
 *   -D  open both files with O_DIRECT
 *
 * An ordinary program of the kind that has been written for libaio since 2002: io_setup, io_submit, io_getevents and
 * nothing else. Every block is read and then written, up to `depth` blocks at a time, in whatever order the requests
 * complete. The checksum is FNV-1a (64 bit) over the checksums of the blocks in the order of the file. Then the copy
 * is read back and its checksum compared.
 *
 * Exit status: 0 copied and verified, 1 an error, a mismatch, an event that does not come within 20 seconds or one
 * that comes twice, 2 wrong usage.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libaio.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ALIGNMENT = 4096, LOST_AFTER_SECONDS = 20 };

#define FNV_START 0xcbf29ce484222325u
#define FNV_PRIME 0x00000100000001b3u

enum state { FREE, READING, WRITING };

/* One block on its way. */
struct slot {
	struct iocb iocb;
	enum state state;
	size_t block; /* number of the block in the file */
	size_t length; /* its bytes: blocksize, less at the end of the file */
	size_t done; /* how many of them the request at hand has moved */
	unsigned char *buffer;
};

struct job {
	io_context_t ctx;
	int in, out; /* out is -1 when the file is only read */
	int direct;
	size_t block_size, blocks;
	off_t size;
	unsigned int depth;
	struct slot *slots;
	uint64_t *sums; /* of every block */
};

static void die(const char *what, int error)
{
	fprintf(stderr, "aiocopy: %s: %s\n", what, strerror(error));
	exit(1);
}

static uint64_t fnv1a(uint64_t sum, const void *memory, size_t size)
{
	const unsigned char *bytes = memory;
	size_t i;

	for (i = 0; i < size; i++)
		sum = (sum ^ bytes[i]) * FNV_PRIME;
	return sum;
}

/* The rest of the slot's block, as a request. O_DIRECT moves whole pages: the copy is cut to size at the end. */
static void prepare(const struct job *job, struct slot *slot)
{
	size_t length = job->direct ? (slot->length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT : slot->length;
	long long offset = (long long)(slot->block * job->block_size + slot->done);

	if (slot->state == READING)
		io_prep_pread(&slot->iocb, job->in, slot->buffer + slot->done, length - slot->done, offset);
	else
		io_prep_pwrite(&slot->iocb, job->out, slot->buffer + slot->done, length - slot->done, offset);
	slot->iocb.data = slot;
}

/* Takes an event and says whether the slot has another request to submit. */
static int advance(struct job *job, const struct io_event *event)
{
	struct slot *slot = event->data;
	long result = (long)event->res;

	if (event->obj != &slot->iocb || slot->state == FREE) {
		fprintf(stderr, "aiocopy: an event came twice\n");
		exit(1);
	}
	if (result < 0)
		die(slot->state == READING ? "read" : "write", (int)-result);
	if (result == 0) {
		fprintf(stderr, "aiocopy: block %zu ends early\n", slot->block);
		exit(1);
	}
	slot->done += (size_t)result;
	if (slot->done < slot->length)
		return 1;
	slot->done = 0;
	if (slot->state == READING) {
		job->sums[slot->block] = fnv1a(FNV_START, slot->buffer, slot->length);
		slot->state = job->out >= 0 ? WRITING : FREE;
	} else {
		slot->state = FREE;
	}
	return slot->state != FREE;
}

static void submit(io_context_t ctx, struct iocb **list, long count)
{
	while (count > 0) {
		int accepted = io_submit(ctx, count, list);

		if (accepted < 0)
			die("io_submit", -accepted);
		list += accepted;
		count -= accepted;
	}
}

/* Reads the input and, if there is an output, writes it. Returns the checksum. */
static uint64_t run(struct job *job)
{
	struct iocb **list = calloc(job->depth, sizeof(*list));
	struct io_event *events = calloc(job->depth, sizeof(*events));
	struct slot **again = calloc(job->depth, sizeof(*again));
	size_t next = 0, finished = 0;
	unsigned int i;

	if (!list || !events || !again)
		die("memory", ENOMEM);
	/* The first `depth` blocks; after that every free slot takes the next one. */
	while (finished < job->blocks) {
		long count = 0;
		int arrived;

		for (i = 0; i < job->depth; i++) {
			struct slot *slot = &job->slots[i];

			if (again[i]) {
				again[i] = NULL;
			} else if (slot->state == FREE && next < job->blocks) {
				off_t offset = (off_t)(next * job->block_size), left = job->size - offset;

				slot->state = READING;
				slot->block = next++;
				slot->length = left < (off_t)job->block_size ? (size_t)left : job->block_size;
				slot->done = 0;
			} else {
				continue;
			}
			prepare(job, slot);
			list[count++] = &slot->iocb;
		}
		submit(job->ctx, list, count);

		{
			struct timespec limit = {LOST_AFTER_SECONDS, 0};

			arrived = io_getevents(job->ctx, 1, job->depth, events, &limit);
		}
		if (arrived == -EINTR)
			continue;
		if (arrived < 0)
			die("io_getevents", -arrived);
		if (arrived == 0) {
			fprintf(stderr, "aiocopy: an event is lost: none in %d seconds\n", LOST_AFTER_SECONDS);
			exit(1);
		}
		for (i = 0; i < (unsigned int)arrived; i++) {
			struct slot *slot = events[i].data;

			if (advance(job, &events[i]))
				again[slot - job->slots] = slot;
			else
				finished++;
		}
	}
	/* Everything is answered: whatever comes now comes twice. */
	{
		struct timespec now = {0, 0};

		if (io_getevents(job->ctx, 0, 1, events, &now) != 0) {
			fprintf(stderr, "aiocopy: an event too many\n");
			exit(1);
		}
	}
	free(list);
	free(events);
	free(again);
	return fnv1a(FNV_START, job->sums, job->blocks * sizeof(*job->sums));
}

static int usage(void)
{
	fprintf(stderr, "usage: aiocopy [-d depth] [-b blocksize] [-D] SRC DST\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct job job = {.depth = 32, .block_size = 65536};
	uint64_t read_sum, copy_sum;
	struct stat status;
	unsigned int i;
	int option, result;

	while ((option = getopt(argc, argv, "d:b:D")) != -1) {
		switch (option) {
		case 'd':
			job.depth = (unsigned int)strtoul(optarg, NULL, 0);
			break;
		case 'b':
			job.block_size = strtoul(optarg, NULL, 0);
			break;
		case 'D':
			job.direct = O_DIRECT;
			break;
		default:
			return usage();
		}
	}
	if (argc - optind != 2 || job.depth < 1 || job.depth > 65536 || job.block_size < 1 ||
	    (job.direct && job.block_size % ALIGNMENT))
		return usage();

	job.in = open(argv[optind], O_RDONLY | job.direct);
	if (job.in < 0 || fstat(job.in, &status) != 0)
		die(argv[optind], errno);
	job.out = open(argv[optind + 1], O_RDWR | O_CREAT | O_TRUNC | job.direct, 0666);
	if (job.out < 0)
		die(argv[optind + 1], errno);
	job.size = status.st_size;
	job.blocks = ((size_t)job.size + job.block_size - 1) / job.block_size;
	job.sums = calloc(job.blocks + 1, sizeof(*job.sums));
	job.slots = calloc(job.depth, sizeof(*job.slots));
	if (!job.sums || !job.slots)
		die("memory", ENOMEM);
	for (i = 0; i < job.depth; i++) {
		void *buffer;

		if (posix_memalign(&buffer, ALIGNMENT, job.block_size + ALIGNMENT) != 0)
			die("memory", ENOMEM);
		/* What lies beyond the end of the file is written as zeros and cut off. */
		memset(buffer, 0, job.block_size + ALIGNMENT);
		job.slots[i].buffer = buffer;
	}
	result = io_setup((int)job.depth, &job.ctx);
	if (result < 0)
		die("io_setup", -result);

	read_sum = run(&job);
	if (job.direct && ftruncate(job.out, job.size) != 0)
		die("ftruncate", errno);

	/* Once more, from the copy, into buffers that no longer hold it. */
	for (i = 0; i < job.depth; i++)
		memset(job.slots[i].buffer, 0, job.block_size + ALIGNMENT);
	memset(job.sums, 0, job.blocks * sizeof(*job.sums));
	close(job.in);
	job.in = job.out;
	job.out = -1;
	copy_sum = run(&job);
	io_destroy(job.ctx);

	printf("%lld bytes, checksum %016llx, copy %s\n", (long long)job.size, (unsigned long long)read_sum,
	       copy_sum == read_sum ? "verified" : "DIFFERS");
	return copy_sum == read_sum ? 0 : 1;
}
