/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Receiving without copies, Linux 6.15: data of a network queue goes straight into memory of the program. It is a part
 * of liburing/io_uring.h; the guard is that of the kernel's own header, so that a program may include either first.
 */
#ifndef LINUX_IO_ZCRX_H
#define LINUX_IO_ZCRX_H

#include <linux/types.h>

/* An entry of the ring in which buffers go back to the kernel. */
struct io_uring_zcrx_rqe {
	__u64 off;
	__u32 len;
	__u32 __pad;
};

/* The second half of a completion of IORING_OP_RECV_ZC. */
struct io_uring_zcrx_cqe {
	__u64 off; /* of the data in the area */
	__u64 __pad;
};

/* The upper bits of off are the area. */
#define IORING_ZCRX_AREA_SHIFT 48
#ifdef __cplusplus
#define IORING_ZCRX_AREA_MASK (~((static_cast<__u64>(1) << IORING_ZCRX_AREA_SHIFT) - 1))
#else
#define IORING_ZCRX_AREA_MASK (~(((__u64)1 << IORING_ZCRX_AREA_SHIFT) - 1))
#endif

/* Where things are in the refill ring, in bytes. */
struct io_uring_zcrx_offsets {
	__u32 head;
	__u32 tail;
	__u32 rqes;
	__u32 __resv2;
	__u64 __resv[2];
};

/* io_uring_zcrx_area_reg.flags */
enum io_uring_zcrx_area_flags {
	IORING_ZCRX_AREA_DMABUF = 1 /* the memory is dmabuf_fd (6.16) */
};

/* The memory that data is received into. */
struct io_uring_zcrx_area_reg {
	__u64 addr;
	__u64 len;
	__u64 rq_area_token; /* from the kernel, for io_uring_zcrx_rqe.off */
	__u32 flags;
	__u32 dmabuf_fd;
	__u64 __resv2[2];
};

/* io_uring_zcrx_ifq_reg.flags */
enum zcrx_reg_flags {
	ZCRX_REG_IMPORT = 1, /* use a queue that another ring exported */
	ZCRX_REG_NODEV = 2   /* no device: data is copied */
};

/* io_uring_query_zcrx.features */
enum zcrx_features {
	ZCRX_FEATURE_RX_PAGE_SIZE = 1, /* rx_buf_len can be chosen */
	ZCRX_FEATURE_EVENT = 2         /* there are events (7.2) */
};

/* What the program can be told of; zcrx_event_desc.type_mask has 1 << each (7.2). */
enum zcrx_event_type {
	ZCRX_EVENT_ALLOC_FAIL = 0, /* there was no buffer for what came in */
	ZCRX_EVENT_COPY = 1,       /* data was copied */

	__ZCRX_EVENT_TYPE_LAST = 2
};

/* zcrx_event_desc.flags (7.2) */
enum zcrx_event_desc_flags {
	ZCRX_EVENT_DESC_FLAG_STATS = 1 /* stats_offset is set */
};

/* Statistics, kept up to date by the kernel (7.2). */
struct zcrx_stats {
	__u64 copy_count; /* completions whose data was copied */
	__u64 copy_bytes; /* how much that was */
};

/* Which events are wanted: a completion tells of one, and the next has to be armed first (7.2). */
struct zcrx_event_desc {
	__u64 user_data;    /* of these completions */
	__u32 type_mask;    /* 1 << ZCRX_EVENT_ */
	__u32 flags;        /* ZCRX_EVENT_DESC_FLAG_ */
	__u64 stats_offset; /* of a struct zcrx_stats in the region of the refill ring */
	__u64 __resv2[9];
};

/* Argument of IORING_REGISTER_ZCRX_IFQ. */
__extension__
struct io_uring_zcrx_ifq_reg {
	__u32 if_idx; /* of the network interface */
	__u32 if_rxq; /* its receive queue */
	__u32 rq_entries;
	__u32 flags;
	__u64 area_ptr;   /* address of a struct io_uring_zcrx_area_reg */
	__u64 region_ptr; /* address of a struct io_uring_region_desc */
	struct io_uring_zcrx_offsets offsets; /* from the kernel */
	__u32 zcrx_id;                        /* from the kernel */
	__u32 rx_buf_len;
	union {
		__u64 __resv[3]; /* 0 before Linux 7.2 */
		struct {
			__u64 event_desc; /* address of a struct zcrx_event_desc, or 0 */
			__u64 __resv1[2];
		};
	};
};

/* zcrx_ctrl.op */
enum zcrx_ctrl_op {
	ZCRX_CTRL_FLUSH_RQ = 0, /* take back the buffers in the refill ring now */
	ZCRX_CTRL_EXPORT = 1,   /* make a descriptor for use in another ring */

	__ZCRX_CTRL_LAST = 2, /* as of Linux 7.0 */

	ZCRX_CTRL_ARM_EVENT = 2, /* let an event come once more (7.2) */
	ZCRX_CTRL_ADD_AREA = 3   /* receive into more memory (7.3) */
};

/* Argument of ZCRX_CTRL_FLUSH_RQ: nothing. */
struct zcrx_ctrl_flush_rq {
	__u64 __resv[6];
};

/* Argument of ZCRX_CTRL_EXPORT. */
struct zcrx_ctrl_export {
	__u32 zcrx_fd; /* from the kernel */
	__u32 __resv1[11];
};

/* Argument of ZCRX_CTRL_ARM_EVENT (7.2). */
struct zcrx_ctrl_arm_event {
	__u32 event_type; /* ZCRX_EVENT_ */
	__u32 __resv[11];
};

/* Argument of ZCRX_CTRL_ADD_AREA (7.3). */
struct zcrx_ctrl_add_area {
	__u64 area_ptr; /* address of a struct io_uring_zcrx_area_reg */
	__u64 __resv[5];
};

/* Argument of IORING_REGISTER_ZCRX_CTRL. */
__extension__
struct zcrx_ctrl {
	__u32 zcrx_id;
	__u32 op;
	__u64 __resv[2];
	union {
		struct zcrx_ctrl_export zc_export;
		struct zcrx_ctrl_flush_rq zc_flush;
		struct zcrx_ctrl_arm_event zc_arm_event;
		struct zcrx_ctrl_add_area zc_area;
	};
};

#endif
