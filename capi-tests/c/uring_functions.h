/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Every function that asks something of a ring by its descriptor, with arguments that a ring without anything takes. */
#ifndef URING_FUNCTIONS_H
#define URING_FUNCTIONS_H

#include <sys/eventfd.h>

#include "uring_check.h"

struct function {
	const char *name;
	/* Gives what the function gives. */
	int (*call)(struct io_uring *ring);
	/* That, on a ring that has nothing registered, does nothing and runs; ANY for more than one possible answer. */
	int healthy;
};

#define ANY 12345

static char some_memory[4096] __attribute__((aligned(4096)));
static struct iovec some_buffer = {some_memory, sizeof(some_memory)};
static __u64 some_tag;
static int some_file, some_event = -1;

#define FUNCTION(name, expression)                                                                                     \
	static int call_##name(struct io_uring *ring)                                                                  \
	{                                                                                                              \
		return expression;                                                                                     \
	}

FUNCTION(io_uring_register_buffers, io_uring_register_buffers(ring, &some_buffer, 1))
FUNCTION(io_uring_unregister_buffers, io_uring_unregister_buffers(ring))
FUNCTION(io_uring_register_buffers_tags, io_uring_register_buffers_tags(ring, &some_buffer, &some_tag, 1))
FUNCTION(io_uring_register_buffers_sparse, io_uring_register_buffers_sparse(ring, 4))
FUNCTION(io_uring_register_buffers_update_tag,
	 io_uring_register_buffers_update_tag(ring, 3, &some_buffer, &some_tag, 1))
FUNCTION(io_uring_register_files, io_uring_register_files(ring, &some_file, 1))
FUNCTION(io_uring_unregister_files, io_uring_unregister_files(ring))
FUNCTION(io_uring_register_files_tags, io_uring_register_files_tags(ring, &some_file, &some_tag, 1))
FUNCTION(io_uring_register_files_sparse, io_uring_register_files_sparse(ring, 4))
FUNCTION(io_uring_register_files_update, io_uring_register_files_update(ring, 3, &some_file, 1))
FUNCTION(io_uring_register_files_update_tag, io_uring_register_files_update_tag(ring, 3, &some_file, &some_tag, 1))
FUNCTION(io_uring_register_file_alloc_range, io_uring_register_file_alloc_range(ring, 0, 2))
FUNCTION(io_uring_register_eventfd, io_uring_register_eventfd(ring, some_event))
FUNCTION(io_uring_register_eventfd_async, io_uring_register_eventfd_async(ring, some_event))
FUNCTION(io_uring_unregister_eventfd, io_uring_unregister_eventfd(ring))
FUNCTION(io_uring_unregister_personality, io_uring_unregister_personality(ring, 999))

static int call_io_uring_register_probe(struct io_uring *ring)
{
	memset(some_memory, 0, sizeof(some_memory));
	return io_uring_register_probe(ring, (struct io_uring_probe *)some_memory, 8);
}

static int call_io_uring_get_probe_ring(struct io_uring *ring)
{
	struct io_uring_probe *probe = io_uring_get_probe_ring(ring);

	io_uring_free_probe(probe);
	/* It has no number for what went wrong. */
	return probe ? 0 : -EBADF;
}

static int call_io_uring_register_personality(struct io_uring *ring)
{
	int id = io_uring_register_personality(ring);

	return id > 0 ? io_uring_unregister_personality(ring, id) : id;
}

static int call_io_uring_register_iowq_aff(struct io_uring *ring)
{
	cpu_set_t set;

	CHECK(sched_getaffinity(0, sizeof(set), &set) == 0);
	return io_uring_register_iowq_aff(ring, sizeof(set), &set);
}

FUNCTION(io_uring_unregister_iowq_aff, io_uring_unregister_iowq_aff(ring))

static int call_io_uring_register_iowq_max_workers(struct io_uring *ring)
{
	unsigned values[2] = {0, 0};

	return io_uring_register_iowq_max_workers(ring, values);
}

static int call_io_uring_register_sync_cancel(struct io_uring *ring)
{
	struct io_uring_sync_cancel_reg reg;

	memset(&reg, 0, sizeof(reg));
	reg.addr = 4711;
	reg.timeout.tv_sec = reg.timeout.tv_nsec = -1;
	return io_uring_register_sync_cancel(ring, &reg);
}

static int call_io_uring_register_buf_ring(struct io_uring *ring)
{
	struct io_uring_buf_reg reg;

	memset(&reg, 0, sizeof(reg));
	reg.ring_addr = (uintptr_t)some_memory;
	reg.ring_entries = 8;
	reg.bgid = 3;
	return io_uring_register_buf_ring(ring, &reg, 0);
}

FUNCTION(io_uring_unregister_buf_ring, io_uring_unregister_buf_ring(ring, 3))

#define LIST(name, healthy)                                                                                            \
	{                                                                                                              \
		#name, call_##name, healthy                                                                            \
	}

/* In an order that undoes what was done: on a healthy ring all can follow each other, more than once. */
MAYBE_UNUSED static const struct function functions[] = {
	LIST(io_uring_unregister_buffers, -ENXIO),
	LIST(io_uring_register_buffers_update_tag, -ENXIO),
	LIST(io_uring_register_buffers, 0),
	LIST(io_uring_register_buffers, -EBUSY),
	LIST(io_uring_register_buffers_update_tag, -EINVAL),
	LIST(io_uring_unregister_buffers, 0),
	LIST(io_uring_register_buffers_tags, 0),
	LIST(io_uring_register_buffers_tags, -EBUSY),
	LIST(io_uring_unregister_buffers, 0),
	LIST(io_uring_register_buffers_sparse, 0),
	LIST(io_uring_register_buffers_sparse, -EBUSY),
	LIST(io_uring_register_buffers_update_tag, 1),
	LIST(io_uring_unregister_buffers, 0),
	LIST(io_uring_unregister_buffers, -ENXIO),
	LIST(io_uring_unregister_files, -ENXIO),
	LIST(io_uring_register_files_update, -ENXIO),
	LIST(io_uring_register_files_update_tag, -ENXIO),
	LIST(io_uring_register_file_alloc_range, -EINVAL),
	LIST(io_uring_register_files, 0),
	LIST(io_uring_register_files, -EBUSY),
	LIST(io_uring_register_files_update, -EINVAL),
	LIST(io_uring_unregister_files, 0),
	LIST(io_uring_register_files_tags, 0),
	LIST(io_uring_register_files_tags, -EBUSY),
	LIST(io_uring_unregister_files, 0),
	LIST(io_uring_register_files_sparse, 0),
	LIST(io_uring_register_files_sparse, -EBUSY),
	LIST(io_uring_register_files_update, 1),
	LIST(io_uring_register_files_update_tag, 1),
	LIST(io_uring_register_file_alloc_range, 0),
	LIST(io_uring_unregister_files, 0),
	LIST(io_uring_unregister_files, -ENXIO),
	LIST(io_uring_unregister_eventfd, -ENXIO),
	LIST(io_uring_register_eventfd, 0),
	LIST(io_uring_register_eventfd, -EBUSY),
	LIST(io_uring_register_eventfd_async, -EBUSY),
	LIST(io_uring_unregister_eventfd, 0),
	LIST(io_uring_register_eventfd_async, 0),
	LIST(io_uring_unregister_eventfd, 0),
	LIST(io_uring_unregister_personality, -EINVAL),
	LIST(io_uring_register_personality, 0),
	LIST(io_uring_register_probe, 0),
	LIST(io_uring_get_probe_ring, 0),
	/* There are workers from a thread's first request on. */
	LIST(io_uring_register_iowq_aff, ANY),
	LIST(io_uring_unregister_iowq_aff, ANY),
	LIST(io_uring_register_iowq_max_workers, 0),
	LIST(io_uring_register_sync_cancel, -ENOENT),
	LIST(io_uring_unregister_buf_ring, -ENOENT),
	LIST(io_uring_register_buf_ring, 0),
	LIST(io_uring_register_buf_ring, -EEXIST),
	LIST(io_uring_unregister_buf_ring, 0),
	LIST(io_uring_unregister_buf_ring, -ENOENT),
};

#ifdef NEW_FUNCTIONS

static int call_io_uring_register_restrictions(struct io_uring *ring)
{
	struct io_uring_restriction rule;

	memset(&rule, 0, sizeof(rule));
	return io_uring_register_restrictions(ring, &rule, 1);
}

FUNCTION(io_uring_enable_rings, io_uring_enable_rings(ring))

static int call_io_uring_register_napi(struct io_uring *ring)
{
	struct io_uring_napi napi;

	memset(&napi, 0, sizeof(napi));
	napi.pad[0] = 1;
	return io_uring_register_napi(ring, &napi);
}

static int call_io_uring_unregister_napi(struct io_uring *ring)
{
	struct io_uring_napi napi;

	memset(&napi, 0, sizeof(napi));
	return io_uring_unregister_napi(ring, &napi);
}

static int call_io_uring_register_clock(struct io_uring *ring)
{
	struct io_uring_clock_register arg;

	memset(&arg, 0, sizeof(arg));
	arg.clockid = CLOCK_MONOTONIC;
	return io_uring_register_clock(ring, &arg);
}

static int call_io_uring_register_region(struct io_uring *ring)
{
	struct io_uring_mem_region_reg reg;

	memset(&reg, 0, sizeof(reg));
	reg.flags = ~0ULL;
	return io_uring_register_region(ring, &reg);
}

static int call_io_uring_register_ifq(struct io_uring *ring)
{
	struct io_uring_zcrx_ifq_reg reg;

	memset(&reg, 0, sizeof(reg));
	return io_uring_register_ifq(ring, &reg);
}

static int call_io_uring_register_zcrx_ctrl(struct io_uring *ring)
{
	struct zcrx_ctrl ctrl;

	memset(&ctrl, 0, sizeof(ctrl));
	return io_uring_register_zcrx_ctrl(ring, &ctrl);
}

static int call_io_uring_register_bpf_filter(struct io_uring *ring)
{
	struct io_uring_bpf bpf;

	memset(&bpf, 0, sizeof(bpf));
	return io_uring_register_bpf_filter(ring, &bpf);
}

static int call_io_uring_resize_rings(struct io_uring *ring)
{
	struct io_uring_params params;

	memset(&params, 0, sizeof(params));
	params.sq_entries = 16;
	return io_uring_resize_rings(ring, &params);
}

static int call_io_uring_setup_buf_ring(struct io_uring *ring)
{
	int ret = 4711;
	struct io_uring_buf_ring *br = io_uring_setup_buf_ring(ring, 8, 4, 0, &ret);

	CHECK_EQ(br != NULL, ret == 0);
	return br ? io_uring_free_buf_ring(ring, br, 8, 4) : ret;
}

static int call_io_uring_buf_ring_head(struct io_uring *ring)
{
	__u16 head;

	return io_uring_buf_ring_head(ring, 4, &head);
}

/* Of a ring that has no buffers to itself: the descriptors are looked at before the buffers. */
static int call_io_uring_clone_buffers(struct io_uring *ring)
{
	return io_uring_clone_buffers(ring, ring);
}

MAYBE_UNUSED static const struct function new_functions[] = {
	LIST(io_uring_register_restrictions, -EBADFD),
	LIST(io_uring_enable_rings, -EBADFD),
	LIST(io_uring_register_napi, -EINVAL),
	LIST(io_uring_unregister_napi, ANY),
	LIST(io_uring_register_clock, 0),
	LIST(io_uring_register_region, ANY),
	LIST(io_uring_register_ifq, ANY),
	LIST(io_uring_register_zcrx_ctrl, ANY),
	LIST(io_uring_register_bpf_filter, ANY),
	LIST(io_uring_resize_rings, -EINVAL),
	LIST(io_uring_setup_buf_ring, 0),
	LIST(io_uring_buf_ring_head, -ENOENT),
	LIST(io_uring_clone_buffers, -ENXIO),
};

#endif

/* Each function, on a ring on which all fail with `expected`, or, if that is 0, each as it does on a healthy ring. */
MAYBE_UNUSED static void call_all(const struct function *list, size_t count, struct io_uring *ring, int expected)
{
	size_t i;

	if (some_event < 0)
		some_event = eventfd(0, 0);
	for (i = 0; i < count; i++) {
		int wanted = expected ? expected : list[i].healthy, ret;

		errno = 6789;
		ret = list[i].call(ring);
		if (errno != 6789)
			FAIL("%s writes errno: %d", list[i].name, errno);
		/* What the kernel has not is refused before the ring is looked at. */
		if (list[i].healthy == ANY && ret == -EINVAL)
			continue;
		if (wanted != ANY && ret != wanted)
			FAIL("%s: %d, expected %d", list[i].name, ret, wanted);
	}
}

#endif
