// oracle: no (from 2.15 on)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the kernel answers about itself agrees with what it does. */
#include "uring_check.h"

int main(void)
{
	struct io_uring ring;
	struct io_uring_query_hdr first, second;
	struct io_uring_query_opcode answer;
	int ret;

	make(&ring, 8, 0);
	memset(&first, 0, sizeof(first));
	memset(&second, 0, sizeof(second));
	memset(&answer, 0, sizeof(answer));
	first.query_data = (uintptr_t)&answer;
	first.query_op = IO_URING_QUERY_OPCODES;
	first.size = sizeof(answer);
	first.next_entry = (uintptr_t)&second;
	second.query_op = 4711;
	ret = io_uring_register_query(&first);
	if (ret == -EINVAL)
		SKIP("the kernel cannot be asked");
	CHECK_EQ(ret, 0);
	CHECK_EQ(first.result, 0);
	CHECK_EQ(second.result, -EOPNOTSUPP);
	CHECK_GE(answer.nr_request_opcodes, IORING_OP_PIPE);
	CHECK_GE(answer.nr_register_opcodes, IORING_REGISTER_QUERY);
	CHECK_EQ(answer.feature_flags & ring.features, ring.features);
	io_uring_queue_exit(&ring);
	return 0;
}
