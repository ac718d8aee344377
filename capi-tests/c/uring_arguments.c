// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What each function asks of the kernel, byte by byte, and that it passes on what the kernel says. */
#include "uring_arguments.h"

int main(void)
{
	struct io_uring ring;
	struct iovec vec[2] = {{&ring, 10}, {&vec, 20}};
	int files[3] = {1, 2, 3};
	__u64 tags[3] = {4, 5, 6};
	unsigned values[2] = {1, 2};
	cpu_set_t set;
	char room[sizeof(struct io_uring_probe) + 8 * sizeof(struct io_uring_probe_op)] __attribute__((aligned(8)));
	struct io_uring_sync_cancel_reg cancel;
	struct io_uring_params params;
	int descriptor = 77;

	pretend(&ring);
	ASKS(io_uring_register_buffers(&ring, vec, 2), RING_FD, IORING_REGISTER_BUFFERS, 2, vec, 0);
	ASKS(io_uring_unregister_buffers(&ring), RING_FD, IORING_UNREGISTER_BUFFERS, 0, NULL, 0);
	{
		struct io_uring_rsrc_register expected = {2, 0, 0, (uintptr_t)vec, (uintptr_t)tags};

		ASKS(io_uring_register_buffers_tags(&ring, vec, tags, 2), RING_FD, IORING_REGISTER_BUFFERS2,
		     sizeof(expected), &expected, sizeof(expected));
		expected.tags = 0;
		ASKS(io_uring_register_buffers_tags(&ring, vec, NULL, 2), RING_FD, IORING_REGISTER_BUFFERS2,
		     sizeof(expected), &expected, sizeof(expected));
		expected.nr = 3;
		expected.data = (uintptr_t)files;
		expected.tags = (uintptr_t)tags;
		ASKS(io_uring_register_files_tags(&ring, files, tags, 3), RING_FD, IORING_REGISTER_FILES2,
		     sizeof(expected), &expected, sizeof(expected));
		expected.nr = 99;
		expected.flags = IORING_RSRC_REGISTER_SPARSE;
		expected.data = expected.tags = 0;
		ASKS(io_uring_register_buffers_sparse(&ring, 99), RING_FD, IORING_REGISTER_BUFFERS2, sizeof(expected),
		     &expected, sizeof(expected));
		ASKS(io_uring_register_files_sparse(&ring, 99), RING_FD, IORING_REGISTER_FILES2, sizeof(expected),
		     &expected, sizeof(expected));
	}
	{
		struct io_uring_rsrc_update2 expected = {7, 0, (uintptr_t)vec, (uintptr_t)tags, 2, 0};

		ASKS_NUMBER(io_uring_register_buffers_update_tag(&ring, 7, vec, tags, 2), RING_FD,
		     IORING_REGISTER_BUFFERS_UPDATE, sizeof(expected), &expected, sizeof(expected));
		expected.data = (uintptr_t)files;
		expected.nr = 3;
		ASKS_NUMBER(io_uring_register_files_update_tag(&ring, 7, files, tags, 3), RING_FD, IORING_REGISTER_FILES_UPDATE2,
		     sizeof(expected), &expected, sizeof(expected));
	}
	{
		struct io_uring_files_update expected;

		memset(&expected, 0, sizeof(expected));
		expected.offset = 9;
		expected.fds = (uintptr_t)files;
		ASKS_NUMBER(io_uring_register_files_update(&ring, 9, files, 3), RING_FD, IORING_REGISTER_FILES_UPDATE, 3, &expected,
		     sizeof(expected));
	}
	ASKS(io_uring_register_files(&ring, files, 3), RING_FD, IORING_REGISTER_FILES, 3, files, 0);
	ASKS(io_uring_unregister_files(&ring), RING_FD, IORING_UNREGISTER_FILES, 0, NULL, 0);
	{
		struct io_uring_file_index_range expected = {5, 6, 0};

		ASKS(io_uring_register_file_alloc_range(&ring, 5, 6), RING_FD, IORING_REGISTER_FILE_ALLOC_RANGE, 0,
		     &expected, sizeof(expected));
	}
	ASKS(io_uring_register_eventfd(&ring, descriptor), RING_FD, IORING_REGISTER_EVENTFD, 1, &descriptor,
	     sizeof(descriptor));
	ASKS(io_uring_register_eventfd_async(&ring, descriptor), RING_FD, IORING_REGISTER_EVENTFD_ASYNC, 1, &descriptor,
	     sizeof(descriptor));
	ASKS(io_uring_unregister_eventfd(&ring), RING_FD, IORING_UNREGISTER_EVENTFD, 0, NULL, 0);
	ASKS(io_uring_register_probe(&ring, (struct io_uring_probe *)room, 8), RING_FD, IORING_REGISTER_PROBE, 8, room, 0);
	ASKS_NUMBER(io_uring_register_personality(&ring), RING_FD, IORING_REGISTER_PERSONALITY, 0, NULL, 0);
	ASKS(io_uring_unregister_personality(&ring, 1234), RING_FD, IORING_UNREGISTER_PERSONALITY, 1234, NULL, 0);
	ASKS(io_uring_unregister_personality(&ring, -1), RING_FD, IORING_UNREGISTER_PERSONALITY, ~0U, NULL, 0);
	ASKS(io_uring_register_iowq_aff(&ring, sizeof(set), &set), RING_FD, IORING_REGISTER_IOWQ_AFF, sizeof(set), &set, 0);
	ASKS(io_uring_unregister_iowq_aff(&ring), RING_FD, IORING_UNREGISTER_IOWQ_AFF, 0, NULL, 0);
	ASKS(io_uring_register_iowq_max_workers(&ring, values), RING_FD, IORING_REGISTER_IOWQ_MAX_WORKERS, 2, values, 0);
	ASKS_NUMBER(io_uring_register_sync_cancel(&ring, &cancel), RING_FD, IORING_REGISTER_SYNC_CANCEL, 1, &cancel, 0);

	/* The system calls themselves. */
	ASKS_NUMBER(io_uring_register(17, 99, values, 5), 17, 99, 5, values, 0);
	ASKS_NUMBER(io_uring_register(-1U, ~0U, NULL, ~0U), -1, ~0U, ~0U, NULL, 0);
	answer_with = -EMFILE;
	asked_count = asked_size = 0;
	CHECK_EQ(io_uring_setup(345, &params), -EMFILE);
	CHECK_EQ(asked_count, 1);
	CHECK_EQ(asked.nr, __NR_io_uring_setup);
	CHECK_EQ((unsigned)asked.args[0], 345);
	CHECK_EQ(asked.args[1], (uintptr_t)&params);
	answer_with = 4;
	CHECK_EQ(io_uring_setup(345, &params), 4);

	/* Nothing but what the kernel gets was to change. */
	{
		struct io_uring untouched;

		memset(&untouched, 0, sizeof(untouched));
		untouched.ring_fd = untouched.enter_ring_fd = RING_FD;
		CHECK(memcmp(&untouched, &ring, sizeof(ring)) == 0);
	}
	return 0;
}
