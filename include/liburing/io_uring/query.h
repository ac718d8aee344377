/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Questions to the kernel about what its io_uring can do: io_uring_register_query(), Linux 6.18. */
#ifndef LINUX_IO_URING_QUERY_H
#define LINUX_IO_URING_QUERY_H

#include <linux/types.h>

/* A question, and the link to the next one. */
struct io_uring_query_hdr {
	__u64 next_entry; /* address of the next header, 0 at the end */
	__u64 query_data; /* address of the structure for the answer */
	__u32 query_op;   /* IO_URING_QUERY_... */
	__u32 size;       /* of the answer's structure; the kernel writes how much it knows */
	__s32 result;     /* 0 or a negated error number */
	__u32 __resv[3];
};

/* io_uring_query_hdr.query_op */
enum {
	IO_URING_QUERY_OPCODES = 0, /* struct io_uring_query_opcode */
	IO_URING_QUERY_ZCRX = 1,    /* struct io_uring_query_zcrx */
	IO_URING_QUERY_SCQ = 2,     /* struct io_uring_query_scq */

	__IO_URING_QUERY_MAX = 3, /* as of Linux 7.0 */

	IO_URING_QUERY_ZCRX_EVENT = 3 /* struct io_uring_query_zcrx_event (7.2) */
};

/* Which operations and flags exist. */
struct io_uring_query_opcode {
	__u32 nr_request_opcodes;  /* IORING_OP_ numbers are below it */
	__u32 nr_register_opcodes; /* IORING_REGISTER_ numbers are below it */
	__u64 feature_flags;       /* IORING_FEAT_ */
	__u64 ring_setup_flags;    /* IORING_SETUP_ */
	__u64 enter_flags;         /* IORING_ENTER_ */
	__u64 sqe_flags;           /* IOSQE_ */
	__u32 nr_query_opcodes;    /* IO_URING_QUERY_ numbers are below it */
	__u32 __pad;
};

/* Receiving without copies. */
struct io_uring_query_zcrx {
	__u64 register_flags;    /* ZCRX_REG_ */
	__u64 area_flags;        /* IORING_ZCRX_AREA_ */
	__u32 nr_ctrl_opcodes;   /* ZCRX_CTRL_ numbers are below it */
	__u32 features;          /* ZCRX_FEATURE_ */
	__u32 rq_hdr_size;       /* of the header of the refill ring, bytes */
	__u32 rq_hdr_alignment;  /* of the same */
	__u64 __resv2;
};

/* Its events (7.2). */
struct io_uring_query_zcrx_event {
	__u32 event_flags;         /* 1 << ZCRX_EVENT_ */
	__u32 stats_size;          /* of struct zcrx_stats, bytes */
	__u32 stats_off_alignment; /* of zcrx_event_desc.stats_offset */
	__u32 __resv1;
	__u64 __resv2[4];
};

/* The memory of the rings. */
struct io_uring_query_scq {
	__u64 hdr_size;      /* of what precedes the entries, bytes */
	__u64 hdr_alignment; /* of the same */
};

#endif
