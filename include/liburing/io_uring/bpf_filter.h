/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Classic BPF programs that decide which requests may run: io_uring_register_bpf_filter(), Linux 7.0. */
#ifndef LINUX_IO_URING_BPF_FILTER_H
#define LINUX_IO_URING_BPF_FILTER_H

#include <linux/types.h>

/* What a filter program sees of a request. */
__extension__
struct io_uring_bpf_ctx {
	__u64 user_data;
	__u8 opcode;    /* IORING_OP_ */
	__u8 sqe_flags; /* IOSQE_ */
	__u8 pdu_size;  /* how many bytes of the following are valid */
	__u8 pad[5];
	union {
		struct {
			__u32 family;
			__u32 type;
			__u32 protocol;
		} socket;
		struct {
			__u64 flags;
			__u64 mode;
			__u64 resolve;
		} open;
		struct { /* 7.2; port and address as the network has them */
			__u32 family;
			__be16 port;
			__u8 pad[2];
			union {
				__be32 v4_addr;
				__u8 v6_addr[16];
			};
		} connect;
	};
};

/* io_uring_bpf_filter.flags */
enum {
	IO_URING_BPF_FILTER_DENY_REST = 1, /* operations without a filter are refused */
	IO_URING_BPF_FILTER_SZ_STRICT = 2  /* pdu_size has to be the kernel's own */
};

/* A filter for one operation. */
struct io_uring_bpf_filter {
	__u32 opcode;     /* IORING_OP_ */
	__u32 flags;      /* IO_URING_BPF_FILTER_ */
	__u32 filter_len; /* instructions */
	__u8 pdu_size;    /* what the program expects in io_uring_bpf_ctx */
	__u8 resv[3];
	__u64 filter_ptr; /* address of the struct sock_filter array */
	__u64 resv2[5];
};

/* io_uring_bpf.cmd_type */
enum {
	IO_URING_BPF_CMD_FILTER = 1 /* add a filter */
};

/* The argument of the two functions that register a filter. */
__extension__
struct io_uring_bpf {
	__u16 cmd_type;  /* IO_URING_BPF_CMD_ */
	__u16 cmd_flags; /* 0 */
	__u32 resv;
	union {
		struct io_uring_bpf_filter filter;
	};
};

#endif
