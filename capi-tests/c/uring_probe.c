// oracle: yes
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The probe tells what the kernel has; its memory is that of malloc(). */
#include "uring_check.h"

int main(void)
{
	struct io_uring ring;
	struct io_uring_probe *probe, *other;
	char room[sizeof(struct io_uring_probe) + 256 * sizeof(struct io_uring_probe_op)]
		__attribute__((aligned(8)));
	int i;

	make(&ring, 8, 0);
	probe = io_uring_get_probe();
	other = io_uring_get_probe_ring(&ring);
	CHECK(probe != NULL && other != NULL);
	CHECK_EQ(probe->last_op, other->last_op);
	CHECK_GE(probe->last_op, IORING_OP_TEE);
	CHECK_GE(probe->ops_len, probe->last_op);
	CHECK_EQ(io_uring_opcode_supported(probe, IORING_OP_NOP), 1);
	CHECK_EQ(io_uring_opcode_supported(probe, IORING_OP_READ), 1);
	CHECK_EQ(io_uring_opcode_supported(probe, probe->last_op + 1), 0);
	CHECK_EQ(io_uring_opcode_supported(probe, 255), 0);
	for (i = 0; i <= probe->last_op; i++)
		CHECK_EQ(probe->ops[i].op, i);

	memset(room, 0, sizeof(room));
	CHECK_EQ(io_uring_register_probe(&ring, (struct io_uring_probe *)room, 256), 0);
	CHECK_EQ(((struct io_uring_probe *)room)->last_op, probe->last_op);
	CHECK_EQ(io_uring_register_probe(&ring, (struct io_uring_probe *)room, 256), -EINVAL);

	free(probe);
	io_uring_free_probe(other);
	io_uring_free_probe(NULL);
	io_uring_queue_exit(&ring);
	return 0;
}
