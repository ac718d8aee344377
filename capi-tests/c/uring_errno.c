// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The variable errno is never written, and every error is a negative result. */
#include <dlfcn.h>
#include <sys/resource.h>

#include "uring_functions.h"

#define UNTOUCHED(call)                                                                                                \
	do {                                                                                                           \
		errno = 12345;                                                                                         \
		call;                                                                                                  \
		CHECK_EQ(errno, 12345);                                                                                \
	} while (0)
#define GIVES(call, value) UNTOUCHED(CHECK_EQ(call, value))

/* What the inline of that name does, as a function. */
static struct io_uring_sqe *(*exported_get_sqe)(struct io_uring *ring);

static void setting_up(void)
{
	struct io_uring ring, other;
	struct io_uring_params params;
	struct io_uring_probe *probe;
	struct rlimit limit;
	int fd;

	memset(&params, 0, sizeof(params));
	GIVES(io_uring_queue_init(0, &other, 0), -EINVAL);
	GIVES(io_uring_queue_init_params(0, &other, &params), -EINVAL);
	GIVES(io_uring_setup(0, &params), -EINVAL);
	GIVES(io_uring_setup(1, (struct io_uring_params *)hole()), -EFAULT);
	GIVES(io_uring_queue_mmap(4711, &params, &other), -EBADF);
	GIVES(io_uring_mlock_size(0, 0), -EINVAL);
	GIVES(io_uring_mlock_size_params(0, &params), -EINVAL);
	GIVES(io_uring_mlock_size(8, 0), 0);
	GIVES(io_uring_mlock_size_params(8, &params), 0);
	UNTOUCHED(probe = io_uring_get_probe());
	CHECK(probe != NULL);
	UNTOUCHED(io_uring_free_probe(probe));
	UNTOUCHED(io_uring_free_probe(NULL));
	GIVES(io_uring_queue_init_params(8, &ring, &params), 0);
	GIVES(io_uring_ring_dontfork(&ring), 0);
	UNTOUCHED(io_uring_queue_exit(&ring));
	memset(&ring, 0, sizeof(ring));
	GIVES(io_uring_ring_dontfork(&ring), -EINVAL);
	memset(&params, 0, sizeof(params));
	UNTOUCHED(fd = io_uring_setup(8, &params));
	CHECK_GE(fd, 0);
	GIVES(io_uring_queue_mmap(fd, &params, &ring), 0);
	UNTOUCHED(io_uring_queue_exit(&ring));

	/* No descriptor is left. */
	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	fd = dup(2);
	CHECK(fd >= 0 && close(fd) == 0);
	limit.rlim_cur = (rlim_t)fd;
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	GIVES(io_uring_queue_init(8, &ring, 0), -EMFILE);
	UNTOUCHED(CHECK(io_uring_get_probe() == NULL));
	UNTOUCHED(CHECK_GE(io_uring_mlock_size(8, 0), 0));
	limit.rlim_cur = limit.rlim_max;
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

static void queueing(void)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe, *cqes[4];
	struct __kernel_timespec ts = ms(1);
	sigset_t mask;
	int fd;

	sigemptyset(&mask);
	make(&ring, 2, 0);
	GIVES(io_uring_peek_cqe(&ring, &cqe), -EAGAIN);
	GIVES(__io_uring_get_cqe(&ring, &cqe, 0, 0, NULL), -EAGAIN);
	GIVES(io_uring_peek_batch_cqe(&ring, cqes, 4), 0);
	GIVES(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), -ETIME);
	GIVES(io_uring_wait_cqes(&ring, &cqe, 1, &ts, &mask), -ETIME);
	GIVES(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &ts, &mask), -ETIME);
	GIVES(io_uring_submit(&ring), 0);
	GIVES(io_uring_get_events(&ring), 0);
	GIVES(io_uring_submit_and_get_events(&ring), 0);
	UNTOUCHED(CHECK(exported_get_sqe(&ring) != NULL));
	UNTOUCHED(CHECK(exported_get_sqe(&ring) != NULL));
	UNTOUCHED(CHECK(exported_get_sqe(&ring) == NULL));
	io_uring_prep_nop(&ring.sq.sqes[0]);
	io_uring_prep_nop(&ring.sq.sqes[1]);
	GIVES(io_uring_submit_and_wait(&ring, 2), 2);
	GIVES(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), 0);
	GIVES(io_uring_wait_cqes(&ring, &cqe, 2, NULL, NULL), 0);
	GIVES(io_uring_peek_batch_cqe(&ring, cqes, 4), 2);
	io_uring_cq_advance(&ring, 2);

	/* The descriptor by itself, and one that is none. */
	GIVES(io_uring_enter((unsigned)ring.ring_fd, 0, 0, 0, NULL), 0);
	GIVES(io_uring_enter((unsigned)ring.ring_fd, 0, 0, ~0U, NULL), -EINVAL);
	GIVES(io_uring_enter2((unsigned)ring.ring_fd, 0, 0, IORING_ENTER_GETEVENTS, NULL, 8), 0);
	GIVES(io_uring_enter(12345, 0, 0, 0, NULL), -EBADF);
	GIVES(io_uring_enter2(12345, 0, 0, 0, NULL, 0), -EBADF);
	GIVES(io_uring_register((unsigned)ring.ring_fd, IORING_UNREGISTER_FILES, NULL, 0), -ENXIO);
	GIVES(io_uring_register((unsigned)ring.ring_fd, IORING_REGISTER_PERSONALITY, NULL, 0), 1);
	GIVES(io_uring_register(12345, 0, NULL, 0), -EBADF);
	GIVES(io_uring_register_ring_fd(&ring), 1);
	nops(&ring, 1, 0);
	GIVES(io_uring_submit_and_wait(&ring, 1), 1);
	take(&ring);
	GIVES(io_uring_unregister_ring_fd(&ring), 1);

	fd = dup(ring.ring_fd);
	close(ring.ring_fd);
	GIVES(io_uring_register_ring_fd(&ring), -EBADF);
	nops(&ring, 1, 0);
	GIVES(io_uring_submit(&ring), -EBADF);
	GIVES(io_uring_submit_and_wait(&ring, 1), -EBADF);
	GIVES(io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &ts, NULL), -EBADF);
	GIVES(io_uring_get_events(&ring), -EBADF);
	GIVES(io_uring_submit_and_get_events(&ring), -EBADF);
	GIVES(io_uring_wait_cqes(&ring, &cqe, 1, &ts, NULL), -EBADF);
	GIVES(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), -EBADF);
	GIVES(__io_uring_get_cqe(&ring, &cqe, 0, 1, NULL), -EBADF);
	GIVES(__io_uring_sqring_wait(&ring), -EBADF);
	CHECK_EQ(dup2(fd, ring.ring_fd), ring.ring_fd);
	close(fd);
	UNTOUCHED(io_uring_queue_exit(&ring));

	make(&ring, 2, IORING_SETUP_SQPOLL);
	GIVES(__io_uring_sqring_wait(&ring), 0);
	io_uring_queue_exit(&ring);
}

int main(void)
{
	struct io_uring ring;

	exported_get_sqe = (struct io_uring_sqe * (*)(struct io_uring *)) dlsym(RTLD_DEFAULT, "io_uring_get_sqe");
	CHECK(exported_get_sqe != NULL);
	make(&ring, 8, 0);
	call_all(functions, COUNT_OF(functions), &ring, 0);
	close(ring.ring_fd);
	call_all(functions, COUNT_OF(functions), &ring, -EBADF);
	io_uring_queue_exit(&ring);
	setting_up();
	queueing();
	return 0;
}
