// oracle: no (from 2.4 on)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The same for the functions of later versions, and for rings whose descriptor is registered. */
#include "uring_arguments.h"

/* More than a ring's descriptor cannot be registered. */
enum { INDEX = 3 };

static long register_ring(const struct call *call)
{
	struct io_uring_rsrc_update *update = (struct io_uring_rsrc_update *)call->args[2];

	CHECK_EQ((unsigned)call->args[1] & ~IORING_REGISTER_USE_REGISTERED_RING,
		 update->offset == ~0U ? IORING_REGISTER_RING_FDS : IORING_UNREGISTER_RING_FDS);
	CHECK_EQ(call->args[3], 1);
	CHECK_EQ(update->resv, 0);
	if (update->offset == ~0U) {
		CHECK_EQ(update->data, RING_FD);
		update->offset = INDEX;
	} else {
		CHECK_EQ(update->offset, INDEX);
		CHECK_EQ(update->data, 0);
	}
	return 1;
}

static void new_functions(struct io_uring *ring, unsigned fd, unsigned by_index)
{
	struct io_uring_restriction rules[4];
	struct io_uring_napi napi;
	struct io_uring_clock_register timer;
	struct io_uring_mem_region_reg region;
	struct io_uring_zcrx_ifq_reg ifq;
	struct zcrx_ctrl ctrl;
	struct io_uring_bpf bpf;
	struct io_uring_query_hdr query;
	struct io_uring_sqe sqe;

	ASKS(io_uring_register_restrictions(ring, rules, 4), fd, IORING_REGISTER_RESTRICTIONS | by_index, 4, rules, 0);
	ASKS(io_uring_enable_rings(ring), fd, IORING_REGISTER_ENABLE_RINGS | by_index, 0, NULL, 0);
	ASKS(io_uring_register_napi(ring, &napi), fd, IORING_REGISTER_NAPI | by_index, 1, &napi, 0);
	ASKS(io_uring_unregister_napi(ring, &napi), fd, IORING_UNREGISTER_NAPI | by_index, 1, &napi, 0);
	ASKS(io_uring_unregister_napi(ring, NULL), fd, IORING_UNREGISTER_NAPI | by_index, 1, NULL, 0);
	ASKS(io_uring_register_clock(ring, &timer), fd, IORING_REGISTER_CLOCK | by_index, 0, &timer, 0);
	ASKS(io_uring_register_region(ring, &region), fd, IORING_REGISTER_MEM_REGION | by_index, 1, &region, 0);
	ASKS(io_uring_register_ifq(ring, &ifq), fd, IORING_REGISTER_ZCRX_IFQ | by_index, 1, &ifq, 0);
	ASKS(io_uring_register_zcrx_ctrl(ring, &ctrl), fd, IORING_REGISTER_ZCRX_CTRL | by_index, 0, &ctrl, 0);
	ASKS(io_uring_register_bpf_filter(ring, &bpf), fd, IORING_REGISTER_BPF_FILTER | by_index, 1, &bpf, 0);
	/* These know no ring. */
	ASKS(io_uring_register_bpf_filter_task(&bpf), -1, IORING_REGISTER_BPF_FILTER, 1, &bpf, 0);
	ASKS(io_uring_register_query(&query), -1, IORING_REGISTER_QUERY, 0, &query, 0);
	ASKS_NUMBER(io_uring_register_sync_msg(&sqe), -1, IORING_REGISTER_SEND_MSG_RING, 1, &sqe, 0);
	/* And this does not ask at all. */
	asked_count = 0;
	CHECK_EQ(io_uring_register_wait_reg(ring, (struct io_uring_reg_wait *)&region, 1), -EINVAL);
	CHECK_EQ(asked_count, 0);
}

static void old_functions(struct io_uring *ring, unsigned fd, unsigned by_index)
{
	struct iovec vec[2];
	int files[3];
	unsigned values[2];
	cpu_set_t set;
	struct io_uring_sync_cancel_reg cancel;
	struct io_uring_file_index_range range = {5, 6, 0};

	ASKS(io_uring_register_buffers(ring, vec, 2), fd, IORING_REGISTER_BUFFERS | by_index, 2, vec, 0);
	ASKS(io_uring_unregister_buffers(ring), fd, IORING_UNREGISTER_BUFFERS | by_index, 0, NULL, 0);
	ASKS(io_uring_register_files(ring, files, 3), fd, IORING_REGISTER_FILES | by_index, 3, files, 0);
	ASKS(io_uring_unregister_files(ring), fd, IORING_UNREGISTER_FILES | by_index, 0, NULL, 0);
	ASKS(io_uring_register_file_alloc_range(ring, 5, 6), fd, IORING_REGISTER_FILE_ALLOC_RANGE | by_index, 0, &range,
	     sizeof(range));
	ASKS(io_uring_unregister_eventfd(ring), fd, IORING_UNREGISTER_EVENTFD | by_index, 0, NULL, 0);
	ASKS_NUMBER(io_uring_register_personality(ring), fd, IORING_REGISTER_PERSONALITY | by_index, 0, NULL, 0);
	ASKS(io_uring_unregister_personality(ring, 9), fd, IORING_UNREGISTER_PERSONALITY | by_index, 9, NULL, 0);
	ASKS(io_uring_register_iowq_aff(ring, sizeof(set), &set), fd, IORING_REGISTER_IOWQ_AFF | by_index, sizeof(set),
	     &set, 0);
	ASKS(io_uring_unregister_iowq_aff(ring), fd, IORING_UNREGISTER_IOWQ_AFF | by_index, 0, NULL, 0);
	ASKS(io_uring_register_iowq_max_workers(ring, values), fd, IORING_REGISTER_IOWQ_MAX_WORKERS | by_index, 2, values,
	     0);
	ASKS_NUMBER(io_uring_register_sync_cancel(ring, &cancel), fd, IORING_REGISTER_SYNC_CANCEL | by_index, 1, &cancel, 0);
}

/* Which name of the source the kernel gets depends on the function, the flags and what is registered. */
static void clones(struct io_uring *dst, struct io_uring *plain, struct io_uring *registered)
{
	struct io_uring_clone_buffers expected;
	unsigned op = IORING_REGISTER_CLONE_BUFFERS;

	memset(&expected, 0, sizeof(expected));
	expected.src_fd = RING_FD;
	ASKS(io_uring_clone_buffers(dst, plain), RING_FD, op, 1, &expected, sizeof(expected));
	ASKS(__io_uring_clone_buffers(dst, plain, 0), RING_FD, op, 1, &expected, sizeof(expected));
	ASKS(__io_uring_clone_buffers(dst, plain, IORING_REGISTER_SRC_REGISTERED), RING_FD, op, 1, &expected,
	     sizeof(expected));
	ASKS(__io_uring_clone_buffers(dst, registered, 0), RING_FD, op, 1, &expected, sizeof(expected));
	expected.flags = IORING_REGISTER_DST_REPLACE;
	ASKS(__io_uring_clone_buffers(dst, plain, IORING_REGISTER_DST_REPLACE), RING_FD, op, 1, &expected,
	     sizeof(expected));
	ASKS(__io_uring_clone_buffers(dst, registered, IORING_REGISTER_DST_REPLACE), RING_FD, op, 1, &expected,
	     sizeof(expected));
	expected.dst_off = 1;
	expected.src_off = 2;
	expected.nr = 3;
	ASKS(io_uring_clone_buffers_offset(dst, plain, 1, 2, 3, IORING_REGISTER_DST_REPLACE), RING_FD, op, 1, &expected,
	     sizeof(expected));
	ASKS(__io_uring_clone_buffers_offset(dst, plain, 1, 2, 3, IORING_REGISTER_DST_REPLACE), RING_FD, op, 1, &expected,
	     sizeof(expected));
	ASKS(__io_uring_clone_buffers_offset(dst, registered, 1, 2, 3, IORING_REGISTER_DST_REPLACE), RING_FD, op, 1,
	     &expected, sizeof(expected));
	expected.src_fd = INDEX;
	expected.flags = IORING_REGISTER_DST_REPLACE | IORING_REGISTER_SRC_REGISTERED;
	ASKS(io_uring_clone_buffers_offset(dst, registered, 1, 2, 3, IORING_REGISTER_DST_REPLACE), RING_FD, op, 1,
	     &expected, sizeof(expected));
	ASKS(__io_uring_clone_buffers_offset(dst, registered, 1, 2, 3, expected.flags), RING_FD, op, 1, &expected,
	     sizeof(expected));
	memset(&expected, 0, sizeof(expected));
	expected.src_fd = INDEX;
	expected.flags = IORING_REGISTER_SRC_REGISTERED;
	ASKS(io_uring_clone_buffers(dst, registered), RING_FD, op, 1, &expected, sizeof(expected));
	ASKS(__io_uring_clone_buffers(dst, registered, expected.flags), RING_FD, op, 1, &expected, sizeof(expected));
	/* A destination goes by its index like in all else. */
	ASKS(io_uring_clone_buffers(registered, registered), INDEX, op | IORING_REGISTER_USE_REGISTERED_RING, 1, &expected,
	     sizeof(expected));
}

int main(void)
{
	struct io_uring ring, plain;
	struct io_uring_params params;
	cpu_set_t set;

	pretend(&ring);
	plain = ring;
	old_functions(&ring, RING_FD, 0);
	new_functions(&ring, RING_FD, 0);
	/* Too long for the call is not cut short. */
	asked_count = 0;
	CHECK_EQ(io_uring_register_iowq_aff(&ring, (size_t)1 << 31, &set), -EINVAL);
	CHECK_EQ(io_uring_register_iowq_aff(&ring, (size_t)1 << 32, &set), -EINVAL);
	CHECK_EQ(io_uring_register_iowq_aff(&ring, (size_t)-1, &set), -EINVAL);
	CHECK_EQ(asked_count, 0);

	/* What a ring does not have cannot be undone, and nobody is asked. */
	CHECK_EQ(io_uring_unregister_ring_fd(&ring), -EINVAL);
	CHECK_EQ(io_uring_close_ring_fd(&ring), -EOPNOTSUPP);
	ring.features = IORING_FEAT_REG_REG_RING;
	CHECK_EQ(io_uring_close_ring_fd(&ring), -EINVAL);
	CHECK_EQ(io_uring_set_iowait(&ring, true), -EOPNOTSUPP);
	CHECK_EQ(io_uring_set_iowait(&ring, false), -EOPNOTSUPP);
	CHECK_EQ(asked_count, 0);

	/* A kernel that takes the index for io_uring_enter only. */
	ring.features = 0;
	answer = register_ring;
	CHECK_EQ(io_uring_register_ring_fd(&ring), 1);
	CHECK_EQ(ring.enter_ring_fd, INDEX);
	CHECK_EQ(ring.ring_fd, RING_FD);
	CHECK_EQ(io_uring_register_ring_fd(&ring), -EEXIST);
	CHECK_EQ(io_uring_close_ring_fd(&ring), -EOPNOTSUPP);
	answer = note_call;
	old_functions(&ring, RING_FD, 0);
	new_functions(&ring, RING_FD, 0);
	answer = register_ring;
	CHECK_EQ(io_uring_unregister_ring_fd(&ring), 1);
	CHECK_EQ(ring.enter_ring_fd, RING_FD);
	CHECK_EQ(io_uring_unregister_ring_fd(&ring), -EINVAL);

	/* One that takes it for io_uring_register too. */
	ring.features = IORING_FEAT_REG_REG_RING;
	CHECK_EQ(io_uring_register_ring_fd(&ring), 1);
	answer = note_call;
	old_functions(&ring, INDEX, IORING_REGISTER_USE_REGISTERED_RING);
	new_functions(&ring, INDEX, IORING_REGISTER_USE_REGISTERED_RING);
	clones(&plain, &plain, &ring);
	answer = register_ring;
	CHECK_EQ(io_uring_unregister_ring_fd(&ring), 1);
	answer = note_call;
	old_functions(&ring, RING_FD, 0);

	/* What the kernel refuses changes nothing. */
	answer_with = -EBUSY;
	asked_size = 0;
	CHECK_EQ(io_uring_register_ring_fd(&ring), -EBUSY);
	CHECK_EQ(ring.enter_ring_fd, RING_FD);
	answer_with = 0;
	CHECK_EQ(io_uring_register_ring_fd(&ring), 0);
	CHECK_EQ(ring.enter_ring_fd, RING_FD);
	CHECK_EQ(io_uring_unregister_ring_fd(&ring), -EINVAL);

	/* Resizing: offsets of another call are not passed on, and no flags are left. */
	{
		struct io_uring_params expected;

		memset(&params, 0, sizeof(params));
		params.sq_entries = 32;
		params.cq_entries = 128;
		params.flags = IORING_SETUP_CQSIZE;
		expected = params;
		memset(&params.sq_off, 0xff, sizeof(params.sq_off));
		memset(&params.cq_off, 0xff, sizeof(params.cq_off));
		answer_with = -EEXIST;
		asked_count = 0;
		asked_size = sizeof(params);
		CHECK_EQ(io_uring_resize_rings(&ring, &params), -EEXIST);
		CHECK_EQ(asked_count, 1);
		CHECK_EQ((unsigned)asked.args[0], RING_FD);
		CHECK_EQ((unsigned)asked.args[1], IORING_REGISTER_RESIZE_RINGS);
		CHECK_EQ(asked.args[3], 1);
		CHECK(memcmp(asked_bytes, &expected, sizeof(expected)) == 0);
		CHECK_EQ(params.flags, 0);
		ring.flags = IORING_SETUP_NO_MMAP;
		asked_count = 0;
		CHECK_EQ(io_uring_resize_rings(&ring, &params), -EINVAL);
		CHECK_EQ(asked_count, 0);
	}
	return 0;
}
