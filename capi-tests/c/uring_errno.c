// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The variable errno is never written, and every error is a negative result. */
#include "uring_check.h"

#define UNTOUCHED(call)                                                                                                \
	do {                                                                                                           \
		errno = 12345;                                                                                         \
		call;                                                                                                  \
		CHECK_EQ(errno, 12345);                                                                                \
	} while (0)

int main(void)
{
	struct io_uring ring, other;
	struct io_uring_params params;
	struct io_uring_cqe *cqe;
	struct __kernel_timespec ts = ms(1);
	int fd = 0;

	make(&ring, 8, 0);
	memset(&params, 0, sizeof(params));
	UNTOUCHED(CHECK_EQ(io_uring_queue_init(0, &other, 0), -EINVAL));
	UNTOUCHED(CHECK_EQ(io_uring_setup(0, &params), -EINVAL));
	UNTOUCHED(CHECK_EQ(io_uring_enter(12345, 0, 0, 0, NULL), -EBADF));
	UNTOUCHED(CHECK_EQ(io_uring_enter2(12345, 0, 0, 0, NULL, 0), -EBADF));
	UNTOUCHED(CHECK_EQ(io_uring_register(12345, 0, NULL, 0), -EBADF));
	UNTOUCHED(CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), -EAGAIN));
	UNTOUCHED(CHECK_EQ(io_uring_wait_cqe_timeout(&ring, &cqe, &ts), -ETIME));
	UNTOUCHED(CHECK_EQ(io_uring_unregister_files(&ring), -ENXIO));
	UNTOUCHED(CHECK_EQ(io_uring_unregister_buffers(&ring), -ENXIO));
	UNTOUCHED(CHECK_EQ(io_uring_unregister_eventfd(&ring), -ENXIO));
	UNTOUCHED(CHECK_EQ(io_uring_register_files(&ring, &fd, 0), -EINVAL));
	UNTOUCHED(CHECK_LE(io_uring_register_buffers(&ring, (struct iovec *)1, 1), -1));
	UNTOUCHED(CHECK_EQ(io_uring_unregister_personality(&ring, 77), -EINVAL));
	UNTOUCHED(CHECK_LE(io_uring_unregister_buf_ring(&ring, 77), -1));
	/* Calls that succeed. */
	UNTOUCHED(nops(&ring, 1, 0); CHECK_EQ(io_uring_submit(&ring), 1); take(&ring));
	UNTOUCHED(CHECK_EQ(io_uring_queue_init(8, &other, 0), 0));
	UNTOUCHED(io_uring_queue_exit(&other));
	io_uring_queue_exit(&ring);
	return 0;
}
