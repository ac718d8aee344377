/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Ends in the wrong order: of rings, of objects, with requests in flight, in children, by other hands. */
#include "bufring_check.h"
#include <pthread.h>

enum { COUNT = 4, SIZE = 4096, GROUP = 6 };

static unsigned how;

/* Whether a request of the group finds a buffer: 1, or -ENOBUFS. */
static int has_buffers(struct io_uring *ring, int group)
{
	struct io_uring_sqe *sqe = next(ring);
	struct completion cqe;
	int fd[2], result;

	sockets(fd);
	CHECK_EQ(send(fd[1], "x", 1, 0), 1);
	io_uring_prep_recv(sqe, fd[0], NULL, 0, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_BUFFER_SELECT);
	sqe->buf_group = (__u16)group;
	io_uring_sqe_set_data64(sqe, 77);
	CHECK_GE(io_uring_submit(ring), 1);
	cqe = take(ring);
	CHECK_EQ(cqe.user_data, 77);
	result = cqe.res;
	close(fd[0]);
	close(fd[1]);
	return result;
}

/* The ring goes first: with nothing in flight, with a request that waits, with completions that nobody takes. */
static void ring_first(void)
{
	int before = descriptors(), i, j;

	for (i = 0; i < 30; i++) {
		struct aiouring_bufring *br;
		struct aiouring_bufring_walk walk;
		struct aiouring_bufring_span span;
		struct completion cqe;
		struct io_uring ring;
		int fd[2];

		make(&ring, 8, 0);
		br = bufring(&ring, COUNT, SIZE, GROUP, how);
		sockets(fd);
		CHECK_EQ(send(fd[1], "abc", 3, 0), 3);
		receive_once(&ring, br, fd[0], 1);
		cqe = take(&ring);
		CHECK_EQ(taken(br, &cqe, &walk), 1);
		CHECK_EQ(aiouring_bufring_next(&walk, &span), 1);
		if (i % 3 > 0)
			receive_again(&ring, br, fd[0], 2);
		if (i % 3 > 1)
			for (j = 0; j < 3; j++)
				CHECK_EQ(send(fd[1], "abc", 3, 0), 3);
		io_uring_queue_exit(&ring);
		memset(&ring, 0xa5, sizeof(ring));
		/* The span is good without a ring. */
		CHECK(memcmp(span.base, "abc", 3) == 0);
		CHECK_EQ(aiouring_bufring_destroy(br), -EBUSY);
		CHECK_EQ(aiouring_bufring_release(br, span.id), 0);
		if (i % 2 == 0)
			CHECK_EQ(aiouring_bufring_detach(br), 0);
		CHECK_EQ(aiouring_bufring_destroy(br), 0);
		close(fd[0]);
		close(fd[1]);
	}
	CHECK_EQ(descriptors(), before);
}

/* The descriptor of a ring that has ended is another ring's, with a group of the same number: that one is left alone. */
static void same_number(void)
{
	struct aiouring_bufring *old, *new;
	struct io_uring ring;
	int number;

	make(&ring, 8, 0);
	number = ring.ring_fd;
	old = bufring(&ring, COUNT, SIZE, GROUP, how);
	io_uring_queue_exit(&ring);
	make(&ring, 8, 0);
	CHECK_EQ(ring.ring_fd, number);
	new = bufring(&ring, COUNT, SIZE, GROUP, how);
	CHECK_GE(io_uring_submit(&ring), 0);
	CHECK_EQ(aiouring_bufring_destroy(old), 0);
	CHECK_EQ(has_buffers(&ring, GROUP), 1);
	io_uring_queue_exit(&ring);
	CHECK_EQ(aiouring_bufring_destroy(new), 0);
}

/* Other hands have taken the group from the ring, or closed all descriptors. */
static void other_hands(void)
{
	struct aiouring_bufring *br;
	struct io_uring ring;
	int fd;

	make(&ring, 8, 0);
	br = bufring(&ring, COUNT, SIZE, GROUP, 0);
	if (info(br).kind == AIOURING_BUFRING_KIND_RING) {
		CHECK_EQ(io_uring_unregister_buf_ring(&ring, GROUP), 0);
		CHECK_NE(aiouring_bufring_check(br), 0);
	}
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
	br = bufring(&ring, COUNT, SIZE, GROUP, 0);
	for (fd = 3; fd < 100; fd++)
		close(fd);
	/* Files of others have the numbers. */
	for (fd = 3; fd < 100; fd++)
		CHECK_EQ(open("/dev/null", O_RDONLY), fd);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
	for (fd = 3; fd < 100; fd++)
		CHECK_EQ(fcntl(fd, F_GETFD), 0);
	for (fd = 3; fd < 100; fd++)
		close(fd);
}

/* A request that has a buffer already, in a thread of the kernel, when the object is to end. */
static void in_flight(void)
{
	struct aiouring_bufring *br;
	struct aiouring_bufring_walk walk;
	struct completion cqe, more;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	int fd[2], tries;

	make(&ring, 8, 0);
	br = bufring(&ring, COUNT, SIZE, GROUP, 0);
	CHECK(pipe(fd) == 0);
	sqe = next(&ring);
	io_uring_prep_read(sqe, fd[0], NULL, 0, (__u64)-1);
	CHECK_EQ(aiouring_bufring_select(br, sqe), 0);
	sqe->flags |= IOSQE_ASYNC;
	io_uring_sqe_set_data64(sqe, 1);
	submit(&ring, br);
	for (tries = 0; tries < 200 && aiouring_bufring_check(br) == 0; tries++)
		sleep_ms(5);
	if (aiouring_bufring_check(br) == 1) {
		CHECK_EQ(aiouring_bufring_detach(br), -EBUSY);
		CHECK_EQ(aiouring_bufring_destroy(br), -EBUSY);
		CHECK_EQ(info(br).provided, COUNT);
	}
	sqe = next(&ring);
	io_uring_prep_cancel64(sqe, 1, 0);
	io_uring_sqe_set_data64(sqe, 2);
	submit(&ring, br);
	cqe = take(&ring);
	more = take(&ring);
	if (cqe.user_data != 1)
		cqe = more;
	CHECK(cqe.res < 0);
	CHECK_EQ(taken(br, &cqe, &walk), 0);
	CHECK(aiouring_bufring_check(br) == 0 || aiouring_bufring_check(br) == -EOPNOTSUPP);
	CHECK_EQ(info(br).provided, COUNT);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);

	/* The same, and the ring ends: nothing is written to memory that is something else by then. */
	for (tries = 0; tries < 20; tries++) {
		char *memory;

		br = bufring(&ring, COUNT, SIZE, GROUP, 0);
		sqe = next(&ring);
		io_uring_prep_read(sqe, fd[0], NULL, 0, (__u64)-1);
		CHECK_EQ(aiouring_bufring_select(br, sqe), 0);
		sqe->flags |= IOSQE_ASYNC;
		submit(&ring, br);
		sleep_ms(1);
		io_uring_queue_exit(&ring);
		CHECK_EQ(aiouring_bufring_destroy(br), 0);
		memory = (char *)pages(COUNT * SIZE);
		CHECK_EQ(write(fd[1], "0123456789", 10), 10);
		sleep_ms(1);
		CHECK_EQ(memory[0] | memory[SIZE] | memory[2 * SIZE] | memory[3 * SIZE], 0);
		munmap(memory, COUNT * SIZE);
		make(&ring, 8, 0);
	}
	io_uring_queue_exit(&ring);
	close(fd[0]);
	close(fd[1]);
}

/* The same with a piece of a buffer: first a request that has it, then data that nobody has taken. */
static void piece_in_flight(void)
{
	struct aiouring_bufring *br;
	struct aiouring_bufring_walk walk;
	struct completion cqe;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	int fd[2], tries;

	make(&ring, 8, 0);
	br = bufring(&ring, COUNT, SIZE, GROUP, AIOURING_BUFRING_INC | AIOURING_BUFRING_ONE);
	if (!(info(br).flags & AIOURING_BUFRING_INC)) {
		CHECK_EQ(aiouring_bufring_destroy(br), 0);
		io_uring_queue_exit(&ring);
		return;
	}
	CHECK(pipe(fd) == 0);
	sqe = next(&ring);
	io_uring_prep_read(sqe, fd[0], NULL, 100, (__u64)-1);
	CHECK_EQ(aiouring_bufring_select(br, sqe), 0);
	sqe->flags |= IOSQE_ASYNC;
	submit(&ring, br);
	for (tries = 0; tries < 400 && aiouring_bufring_check(br) == 0; tries++)
		sleep_ms(5);
	if (aiouring_bufring_check(br) == 1) {
		CHECK_EQ(aiouring_bufring_detach(br), -EBUSY);
		CHECK_EQ(aiouring_bufring_destroy(br), -EBUSY);
	}
	CHECK_EQ(write(fd[1], "0123456789", 10), 10);
	cqe = take(&ring);
	CHECK_EQ(cqe.res, 10);
	CHECK_EQ(aiouring_bufring_check(br), 1);
	CHECK_EQ(aiouring_bufring_destroy(br), -EBUSY);
	CHECK_EQ(taken(br, &cqe, &walk), 1);
	CHECK_EQ(aiouring_bufring_skip(&walk), 1);
	CHECK_EQ(aiouring_bufring_check(br), 0);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
	io_uring_queue_exit(&ring);
	close(fd[0]);
	close(fd[1]);
}

/* A child has no object, and whatever it does its parent's goes on. */
static void children(void)
{
	struct aiouring_bufring *br;
	struct aiouring_bufring_walk walk;
	struct aiouring_bufring_span span;
	struct aiouring_bufring_info stats;
	struct completion cqe;
	struct io_uring ring;
	int fd[2];
	pid_t child;

	make(&ring, 8, 0);
	br = bufring(&ring, COUNT, SIZE, GROUP, how);
	sockets(fd);
	CHECK_EQ(send(fd[1], "abc", 3, 0), 3);
	receive_once(&ring, br, fd[0], 1);
	cqe = take(&ring);
	CHECK_EQ(taken(br, &cqe, &walk), 1);
	CHECK_EQ(aiouring_bufring_next(&walk, &span), 1);
	child = fork();
	CHECK_GE(child, 0);
	if (child == 0) {
		watchdog();
		CHECK_EQ(aiouring_bufring_stats(br, &stats, sizeof(stats)), -EINVAL);
		CHECK_EQ(aiouring_bufring_release(br, span.id), -EINVAL);
		CHECK_EQ(aiouring_bufring_detach(br), -EINVAL);
		CHECK_EQ(aiouring_bufring_destroy(br), -EINVAL);
		CHECK(memcmp(span.base, "abc", 3) == 0);
		memset(span.base, 'z', 3);
		/* But it makes its own. */
		make(&ring, 8, 0);
		bufring(&ring, COUNT, SIZE, GROUP, how);
		CHECK_GE(io_uring_submit(&ring), 0);
		CHECK_EQ(has_buffers(&ring, GROUP), 1);
		_exit(0);
	}
	wait_exit(child, 0);
	CHECK(memcmp(span.base, "abc", 3) == 0);
	CHECK_EQ(aiouring_bufring_release(br, span.id), 0);
	submit(&ring, br);
	CHECK_EQ(info(br).provided, COUNT);
	CHECK_EQ(has_buffers(&ring, GROUP), 1);
	io_uring_queue_exit(&ring);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
	close(fd[0]);
	close(fd[1]);
}

static void *detach_elsewhere(void *br)
{
	return (void *)(intptr_t)aiouring_bufring_detach((struct aiouring_bufring *)br);
}

/* Rings that only one thread may use, and rings without a descriptor. */
static void kinds_of_rings(void)
{
	static const unsigned kinds[] = {
		IORING_SETUP_SINGLE_ISSUER,
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		IORING_SETUP_SQPOLL,
		IORING_SETUP_SQE128 | IORING_SETUP_CQE32,
	};
	struct aiouring_bufring *br;
	struct io_uring ring;
	pthread_t thread;
	void *result;
	size_t i;

	for (i = 0; i < COUNT_OF(kinds); i++) {
		if (io_uring_queue_init(8, &ring, kinds[i]) == -EINVAL)
			continue;
		br = bufring(&ring, COUNT, SIZE, GROUP, how);
		CHECK_GE(io_uring_submit(&ring), 0);
		CHECK_EQ(has_buffers(&ring, GROUP), 1);
		if (kinds[i] & IORING_SETUP_SINGLE_ISSUER && info(br).kind == AIOURING_BUFRING_KIND_RING) {
			CHECK_EQ(pthread_create(&thread, NULL, detach_elsewhere, br), 0);
			CHECK_EQ(pthread_join(thread, &result), 0);
			CHECK_EQ((intptr_t)result, -EEXIST);
			CHECK_EQ(info(br).kind, AIOURING_BUFRING_KIND_RING);
		}
		/* The completion of has_buffers() was not taken; it has none in the books of a list. */
		io_uring_queue_exit(&ring);
		CHECK_EQ(aiouring_bufring_destroy(br), 0);
	}
	make(&ring, 8, 0);
	if (io_uring_register_ring_fd(&ring) == 1 && io_uring_close_ring_fd(&ring) == 1) {
		br = bufring(&ring, COUNT, SIZE, GROUP, how);
		CHECK_GE(io_uring_submit(&ring), 0);
		CHECK_EQ(has_buffers(&ring, GROUP), 1);
		CHECK_EQ(aiouring_bufring_detach(br), info(br).kind == AIOURING_BUFRING_KIND_RING ? -EBUSY : 0);
		CHECK_GE(io_uring_submit(&ring), 0);
		io_uring_queue_exit(&ring);
		CHECK_EQ(aiouring_bufring_destroy(br), 0);
	} else {
		io_uring_queue_exit(&ring);
	}
}

/* A ring without a descriptor goes first, with a request in flight: nothing comes to lie where that may write. */
static void in_flight_by_index(void)
{
	struct aiouring_bufring *br;
	struct aiouring_bufring_walk walk;
	struct aiouring_bufring_span span;
	struct completion cqe;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	void *there;
	int fd[2];

	make(&ring, 8, 0);
	if (io_uring_register_ring_fd(&ring) != 1 || io_uring_close_ring_fd(&ring) != 1) {
		io_uring_queue_exit(&ring);
		return;
	}
	br = bufring(&ring, COUNT, SIZE, GROUP, 0);
	sockets(fd);
	CHECK_EQ(send(fd[1], "abc", 3, 0), 3);
	receive_once(&ring, br, fd[0], 1);
	cqe = take(&ring);
	CHECK_EQ(taken(br, &cqe, &walk), 1);
	CHECK_EQ(aiouring_bufring_next(&walk, &span), 1);
	CHECK_EQ(aiouring_bufring_release(br, span.id), 0);
	sqe = next(&ring);
	io_uring_prep_recv(sqe, fd[0], NULL, 0, 0);
	sqe->flags |= IOSQE_ASYNC;
	CHECK_EQ(aiouring_bufring_select(br, sqe), 0);
	submit(&ring, br);
	io_uring_queue_exit(&ring);
	CHECK_EQ(aiouring_bufring_destroy(br), 0);
	there = mmap(span.base, SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	CHECK(there == MAP_FAILED && errno == EEXIST);
	close(fd[0]);
	close(fd[1]);
}

int main(void)
{
	for (how = 0; how <= AIOURING_BUFRING_CLASSIC; how += AIOURING_BUFRING_CLASSIC) {
		ring_first();
		same_number();
		children();
		kinds_of_rings();
	}
	in_flight();
	piece_in_flight();
	in_flight_by_index();
	other_hands();
	return 0;
}
