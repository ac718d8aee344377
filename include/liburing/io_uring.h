/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The interface between a program and the kernel's io_uring: structures in shared memory, numbers and flags.
 *
 * Comments name the first Linux version where it is not 5.1. Addresses are passed as 64-bit numbers everywhere.
 *
 * A definition behind __extension__ uses what not every standard of C and C++ has: structures and unions without a
 * name, arrays without a length, a constant that fills an unsigned int. With it no compiler complains.
 */
#ifndef LINUX_IO_URING_H
#define LINUX_IO_URING_H

#include <linux/fs.h>
#include <linux/types.h>
#ifndef UAPI_LINUX_IO_URING_H_SKIP_LINUX_TIME_TYPES_H
#include <linux/time_types.h>
#endif

#include "io_uring/zcrx.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A request: the entry of a submission queue (SQE). Which names of a union hold depends on the operation. */
__extension__
struct io_uring_sqe {
	__u8 opcode;   /* enum io_uring_op */
	__u8 flags;    /* IOSQE_ */
	__u16 ioprio;  /* I/O priority, or flags of the operation */
	__s32 fd;      /* descriptor, or index of a registered file */
	union {
		__u64 off; /* position in the file, -1 for the current one */
		__u64 addr2;
		struct {
			__u32 cmd_op; /* command of IORING_OP_URING_CMD */
			__u32 __pad1;
		};
	};
	union {
		__u64 addr; /* of the buffer, the iovecs, the path, ... */
		__u64 splice_off_in;
		struct {
			__u32 level;
			__u32 optname;
		};
	};
	__u32 len; /* bytes of the buffer, number of iovecs, ... */
	union {
		__kernel_rwf_t rw_flags;
		__u32 fsync_flags;
		__u16 poll_events;
		__u32 poll32_events; /* halves swapped on big-endian machines */
		__u32 sync_range_flags;
		__u32 msg_flags;
		__u32 timeout_flags;
		__u32 accept_flags;
		__u32 cancel_flags;
		__u32 open_flags;
		__u32 statx_flags;
		__u32 fadvise_advice;
		__u32 splice_flags;
		__u32 rename_flags;
		__u32 unlink_flags;
		__u32 hardlink_flags;
		__u32 xattr_flags;
		__u32 msg_ring_flags;
		__u32 uring_cmd_flags;
		__u32 waitid_flags;
		__u32 futex_flags;
		__u32 install_fd_flags;
		__u32 nop_flags;
		__u32 pipe_flags;
	};
	__u64 user_data; /* the caller's own value, given back in the completion */
	union {
		__u16 buf_index; /* of a registered buffer */
		__u16 buf_group; /* with IOSQE_BUFFER_SELECT */
	};
	__u16 personality; /* from io_uring_register_personality(), or 0 */
	union {
		__s32 splice_fd_in;
		__u32 file_index; /* slot for a new registered file, plus 1; 0 for an ordinary descriptor */
		__u32 zcrx_ifq_idx;
		__u32 optlen;
		struct {
			__u16 addr_len;
			__u16 __pad3[1];
		};
		struct {
			__u8 write_stream; /* where the device puts the data of a write, 0 for anywhere (6.16) */
			__u8 __pad4[3];
		};
	};
	union {
		struct {
			__u64 addr3;
			__u64 __pad2[1];
		};
		struct {
			__u64 attr_ptr;       /* attributes of a read or write */
			__u64 attr_type_mask; /* IORING_RW_ATTR_FLAG_ */
		};
		__u64 optval;
		__u8 cmd[0]; /* arguments of a command: 16 bytes, 80 in an entry of 128 bytes */
	};
};

/* A completion (CQE). */
__extension__
struct io_uring_cqe {
	__u64 user_data; /* as in the request */
	__s32 res;       /* result of the operation, or a negated error number */
	__u32 flags;     /* IORING_CQE_F_ */
	/* Two more numbers, if the entry has 32 bytes. */
	__u64 big_cqe[];
};

/* io_uring_sqe.opcode */
enum io_uring_op {
	IORING_OP_NOP = 0,
	IORING_OP_READV = 1,
	IORING_OP_WRITEV = 2,
	IORING_OP_FSYNC = 3,
	IORING_OP_READ_FIXED = 4,
	IORING_OP_WRITE_FIXED = 5,
	IORING_OP_POLL_ADD = 6,
	IORING_OP_POLL_REMOVE = 7,
	IORING_OP_SYNC_FILE_RANGE = 8,   /* 5.2 */
	IORING_OP_SENDMSG = 9,           /* 5.3 */
	IORING_OP_RECVMSG = 10,          /* 5.3 */
	IORING_OP_TIMEOUT = 11,          /* 5.4 */
	IORING_OP_TIMEOUT_REMOVE = 12,   /* 5.5 */
	IORING_OP_ACCEPT = 13,           /* 5.5 */
	IORING_OP_ASYNC_CANCEL = 14,     /* 5.5 */
	IORING_OP_LINK_TIMEOUT = 15,     /* 5.5 */
	IORING_OP_CONNECT = 16,          /* 5.5 */
	IORING_OP_FALLOCATE = 17,        /* 5.6 */
	IORING_OP_OPENAT = 18,           /* 5.6 */
	IORING_OP_CLOSE = 19,            /* 5.6 */
	IORING_OP_FILES_UPDATE = 20,     /* 5.6 */
	IORING_OP_STATX = 21,            /* 5.6 */
	IORING_OP_READ = 22,             /* 5.6 */
	IORING_OP_WRITE = 23,            /* 5.6 */
	IORING_OP_FADVISE = 24,          /* 5.6 */
	IORING_OP_MADVISE = 25,          /* 5.6 */
	IORING_OP_SEND = 26,             /* 5.6 */
	IORING_OP_RECV = 27,             /* 5.6 */
	IORING_OP_OPENAT2 = 28,          /* 5.6 */
	IORING_OP_EPOLL_CTL = 29,        /* 5.6 */
	IORING_OP_SPLICE = 30,           /* 5.7 */
	IORING_OP_PROVIDE_BUFFERS = 31,  /* 5.7 */
	IORING_OP_REMOVE_BUFFERS = 32,   /* 5.7 */
	IORING_OP_TEE = 33,              /* 5.8 */
	IORING_OP_SHUTDOWN = 34,         /* 5.11 */
	IORING_OP_RENAMEAT = 35,         /* 5.11 */
	IORING_OP_UNLINKAT = 36,         /* 5.11 */
	IORING_OP_MKDIRAT = 37,          /* 5.15 */
	IORING_OP_SYMLINKAT = 38,        /* 5.15 */
	IORING_OP_LINKAT = 39,           /* 5.15 */
	IORING_OP_MSG_RING = 40,         /* 5.18 */
	IORING_OP_FSETXATTR = 41,        /* 5.19 */
	IORING_OP_SETXATTR = 42,         /* 5.19 */
	IORING_OP_FGETXATTR = 43,        /* 5.19 */
	IORING_OP_GETXATTR = 44,         /* 5.19 */
	IORING_OP_SOCKET = 45,           /* 5.19 */
	IORING_OP_URING_CMD = 46,        /* 5.19 */
	IORING_OP_SEND_ZC = 47,          /* 6.0 */
	IORING_OP_SENDMSG_ZC = 48,       /* 6.1 */
	IORING_OP_READ_MULTISHOT = 49,   /* 6.7 */
	IORING_OP_WAITID = 50,           /* 6.7 */
	IORING_OP_FUTEX_WAIT = 51,       /* 6.7 */
	IORING_OP_FUTEX_WAKE = 52,       /* 6.7 */
	IORING_OP_FUTEX_WAITV = 53,      /* 6.7 */
	IORING_OP_FIXED_FD_INSTALL = 54, /* 6.8 */
	IORING_OP_FTRUNCATE = 55,        /* 6.9 */
	IORING_OP_BIND = 56,             /* 6.11 */
	IORING_OP_LISTEN = 57,           /* 6.11 */
	IORING_OP_RECV_ZC = 58,          /* 6.15 */
	IORING_OP_EPOLL_WAIT = 59,       /* 6.15 */
	IORING_OP_READV_FIXED = 60,      /* 6.15 */
	IORING_OP_WRITEV_FIXED = 61,     /* 6.15 */
	IORING_OP_PIPE = 62,             /* 6.16 */
	IORING_OP_NOP128 = 63,           /* 6.19 */
	IORING_OP_URING_CMD128 = 64,     /* 6.19 */

	IORING_OP_LAST = 65 /* none: the number of operations */
};

/* io_uring_sqe.flags */
enum io_uring_sqe_flags_bit {
	IOSQE_FIXED_FILE_BIT = 0,
	IOSQE_IO_DRAIN_BIT = 1,
	IOSQE_IO_LINK_BIT = 2,
	IOSQE_IO_HARDLINK_BIT = 3,
	IOSQE_ASYNC_BIT = 4,
	IOSQE_BUFFER_SELECT_BIT = 5,
	IOSQE_CQE_SKIP_SUCCESS_BIT = 6
};

#define IOSQE_FIXED_FILE (1U << IOSQE_FIXED_FILE_BIT)             /* fd is the index of a registered file */
#define IOSQE_IO_DRAIN (1U << IOSQE_IO_DRAIN_BIT)                 /* begin when all before it are done (5.2) */
#define IOSQE_IO_LINK (1U << IOSQE_IO_LINK_BIT)                   /* the next one begins after it (5.3) */
#define IOSQE_IO_HARDLINK (1U << IOSQE_IO_HARDLINK_BIT)           /* the same, also after a failure (5.5) */
#define IOSQE_ASYNC (1U << IOSQE_ASYNC_BIT)                       /* run by a worker thread at once (5.6) */
#define IOSQE_BUFFER_SELECT (1U << IOSQE_BUFFER_SELECT_BIT)       /* the kernel takes a buffer of buf_group (5.7) */
#define IOSQE_CQE_SKIP_SUCCESS (1U << IOSQE_CQE_SKIP_SUCCESS_BIT) /* a completion only for a failure (5.17) */

/* io_uring_sqe.file_index: let the kernel choose the slot, which it tells as the result. */
#define IORING_FILE_INDEX_ALLOC (~0U)

/* Flags of an operation. Of reads and writes, in attr_type_mask: */
#define IORING_RW_ATTR_FLAG_PI (1U << 0) /* attr_ptr is a struct io_uring_attr_pi (6.14) */

/* in uring_cmd_flags: */
#define IORING_URING_CMD_FIXED (1U << 0)     /* buf_index is a registered buffer */
#define IORING_URING_CMD_MULTISHOT (1U << 1) /* again and again, into buffers of a group (6.18) */
#define IORING_URING_CMD_MASK IORING_URING_CMD_FIXED /* what Linux before 6.18 takes */

/* in fsync_flags: */
#define IORING_FSYNC_DATASYNC (1U << 0) /* as fdatasync(2) */

/* in timeout_flags: */
#define IORING_TIMEOUT_ABS (1U << 0)           /* a point in time, not a duration (5.5) */
#define IORING_TIMEOUT_UPDATE (1U << 1)        /* change a timeout (5.11) */
#define IORING_TIMEOUT_BOOTTIME (1U << 2)      /* CLOCK_BOOTTIME (5.15) */
#define IORING_TIMEOUT_REALTIME (1U << 3)      /* CLOCK_REALTIME (5.15) */
#define IORING_LINK_TIMEOUT_UPDATE (1U << 4)   /* change a linked timeout (5.15) */
#define IORING_TIMEOUT_ETIME_SUCCESS (1U << 5) /* that it expires is a success for links (5.16) */
#define IORING_TIMEOUT_MULTISHOT (1U << 6)     /* again and again (6.4) */
#define IORING_TIMEOUT_IMMEDIATE_ARG (1U << 7) /* the nanoseconds themselves instead of an address (7.1) */
#define IORING_TIMEOUT_CLOCK_MASK (IORING_TIMEOUT_BOOTTIME | IORING_TIMEOUT_REALTIME)
#define IORING_TIMEOUT_UPDATE_MASK (IORING_TIMEOUT_UPDATE | IORING_LINK_TIMEOUT_UPDATE)

/* in splice_flags: */
#define SPLICE_F_FD_IN_FIXED (1U << 31) /* splice_fd_in is the index of a registered file */

/* in len of a poll request: */
#define IORING_POLL_ADD_MULTI (1U << 0)        /* a completion for every event (5.13) */
#define IORING_POLL_UPDATE_EVENTS (1U << 1)    /* change the mask (5.13) */
#define IORING_POLL_UPDATE_USER_DATA (1U << 2) /* change the user data (5.13) */
#define IORING_POLL_ADD_LEVEL (1U << 3)        /* level triggered (6.0, but -EINVAL in 6.18) */

/* in cancel_flags: */
#define IORING_ASYNC_CANCEL_ALL (1U << 0)      /* every request that matches (5.19) */
#define IORING_ASYNC_CANCEL_FD (1U << 1)       /* match the file, not the user data (5.19) */
#define IORING_ASYNC_CANCEL_ANY (1U << 2)      /* match all (5.19) */
#define IORING_ASYNC_CANCEL_FD_FIXED (1U << 3) /* fd is the index of a registered file (6.0) */
#define IORING_ASYNC_CANCEL_USERDATA (1U << 4) /* match the user data, too (6.6) */
#define IORING_ASYNC_CANCEL_OP (1U << 5)       /* match the operation, in len (6.6) */

/* in ioprio of sends and receives: */
#define IORING_RECVSEND_POLL_FIRST (1U << 0)  /* do not try before the socket is ready (5.19) */
#define IORING_RECV_MULTISHOT (1U << 1)       /* a completion for every message (6.0) */
#define IORING_RECVSEND_FIXED_BUF (1U << 2)   /* buf_index is a registered buffer (6.0) */
#define IORING_SEND_ZC_REPORT_USAGE (1U << 3) /* tell in the notification whether data was copied (6.2) */
#define IORING_RECVSEND_BUNDLE (1U << 4)      /* several provided buffers at once (6.10) */
#define IORING_SEND_VECTORIZED (1U << 5)      /* addr and len are iovecs (6.17) */

/* in res of a notification, with IORING_SEND_ZC_REPORT_USAGE: */
#define IORING_NOTIF_USAGE_ZC_COPIED (1U << 31) /* data was copied */

/* in ioprio of IORING_OP_ACCEPT: */
#define IORING_ACCEPT_MULTISHOT (1U << 0)  /* a completion for every connection (5.19) */
#define IORING_ACCEPT_DONTWAIT (1U << 1)   /* -EAGAIN if there is none (6.10) */
#define IORING_ACCEPT_POLL_FIRST (1U << 2) /* do not try before there is one (6.10) */

/* What IORING_OP_MSG_RING does, in addr: */
enum io_uring_msg_ring_flags {
	IORING_MSG_DATA = 0,   /* a completion in the other ring: len is its res, off its user_data */
	IORING_MSG_SEND_FD = 1 /* the same for a registered file, which is put into the other ring (6.0) */
};

/* in msg_ring_flags: */
#define IORING_MSG_RING_CQE_SKIP (1U << 0)   /* no completion in the other ring (6.0) */
#define IORING_MSG_RING_FLAGS_PASS (1U << 1) /* file_index is its flags (6.3) */

/* in install_fd_flags: */
#define IORING_FIXED_FD_NO_CLOEXEC (1U << 0) /* the descriptor stays open in exec (6.8) */

/* in nop_flags: */
#define IORING_NOP_INJECT_RESULT (1U << 0) /* len is the result (6.10) */
#define IORING_NOP_FILE (1U << 1)          /* look up the file fd, -EBADF if there is none (6.13) */
#define IORING_NOP_FIXED_FILE (1U << 2)    /* with IORING_NOP_FILE: fd is the index of a registered file (6.13) */
#define IORING_NOP_FIXED_BUFFER (1U << 3)  /* look up the buffer buf_index, -EFAULT if there is none (6.13) */
#define IORING_NOP_TW (1U << 4)            /* complete it later, as a task's work (6.17) */
#define IORING_NOP_CQE32 (1U << 5)         /* a completion of 32 bytes: off and addr are its big_cqe (6.18) */

/* io_uring_cqe.flags */
#define IORING_CQE_F_BUFFER (1U << 0)        /* the upper 16 bits are the buffer's number (5.7) */
#define IORING_CQE_F_MORE (1U << 1)          /* the request goes on, there will be more (5.13) */
#define IORING_CQE_F_SOCK_NONEMPTY (1U << 2) /* there is more to receive (5.19) */
#define IORING_CQE_F_NOTIF (1U << 3)         /* the buffers of a zero-copy send are free now (6.0) */
#define IORING_CQE_F_BUF_MORE (1U << 4)      /* the buffer is used up only in part (6.12) */
#define IORING_CQE_F_SKIP (1U << 5)          /* padding, not a completion (6.18) */
#define IORING_CQE_F_32 (1U << 15)           /* of 32 bytes, in a ring of both sizes (6.18) */
#define IORING_CQE_BUFFER_SHIFT 16

/* Completions of SOCKET_URING_OP_TX_TIMESTAMP (6.17): */
#define IORING_TIMESTAMP_HW_SHIFT 16
#define IORING_TIMESTAMP_TYPE_SHIFT (IORING_TIMESTAMP_HW_SHIFT + 1) /* SCM_TSTAMP_ from here on */
#define IORING_CQE_F_TSTAMP_HW (1U << IORING_TIMESTAMP_HW_SHIFT) /* taken by the hardware */

/* The time in big_cqe of such a completion. */
struct io_timespec {
	__u64 tv_sec;
	__u64 tv_nsec;
};

/* cmd_op of IORING_OP_URING_CMD for a socket */
enum io_uring_socket_op {
	SOCKET_URING_OP_SIOCINQ = 0,
	SOCKET_URING_OP_SIOCOUTQ = 1,
	SOCKET_URING_OP_GETSOCKOPT = 2,   /* 6.7 */
	SOCKET_URING_OP_SETSOCKOPT = 3,   /* 6.7 */
	SOCKET_URING_OP_TX_TIMESTAMP = 4, /* 6.17 */
	SOCKET_URING_OP_GETSOCKNAME = 5   /* 6.19 */
};

/* io_uring_params.flags */
#define IORING_SETUP_IOPOLL (1U << 0)              /* poll the device for completions */
#define IORING_SETUP_SQPOLL (1U << 1)              /* a kernel thread submits */
#define IORING_SETUP_SQ_AFF (1U << 2)              /* it runs on sq_thread_cpu */
#define IORING_SETUP_CQSIZE (1U << 3)              /* cq_entries is set (5.5) */
#define IORING_SETUP_CLAMP (1U << 4)               /* sizes too large are made smaller (5.6) */
#define IORING_SETUP_ATTACH_WQ (1U << 5)           /* share the workers of wq_fd (5.6) */
#define IORING_SETUP_R_DISABLED (1U << 6)          /* off until io_uring_enable_rings() (5.10) */
#define IORING_SETUP_SUBMIT_ALL (1U << 7)          /* go on after a request with an error (5.18) */
#define IORING_SETUP_COOP_TASKRUN (1U << 8)        /* do not interrupt the thread for completions (5.19) */
#define IORING_SETUP_TASKRUN_FLAG (1U << 9)        /* IORING_SQ_TASKRUN tells that there is work (5.19) */
#define IORING_SETUP_SQE128 (1U << 10)             /* SQEs of 128 bytes (5.19) */
#define IORING_SETUP_CQE32 (1U << 11)              /* CQEs of 32 bytes (5.19) */
#define IORING_SETUP_SINGLE_ISSUER (1U << 12)      /* one thread submits (6.0) */
#define IORING_SETUP_DEFER_TASKRUN (1U << 13)      /* completions are made when asked for (6.1) */
#define IORING_SETUP_NO_MMAP (1U << 14)            /* the rings are in memory of the program (6.5) */
#define IORING_SETUP_REGISTERED_FD_ONLY (1U << 15) /* a registered ring, no descriptor (6.5) */
#define IORING_SETUP_NO_SQARRAY (1U << 16)         /* no array of indices (6.6) */
#define IORING_SETUP_HYBRID_IOPOLL (1U << 17)      /* sleep a while, then poll (6.13) */
#define IORING_SETUP_CQE_MIXED (1U << 18)          /* CQEs of 16 and 32 bytes (6.18) */
#define IORING_SETUP_SQE_MIXED (1U << 19)          /* SQEs of 64 and 128 bytes (6.19) */
#define IORING_SETUP_SQ_REWIND (1U << 20)          /* every submission starts at the first SQE (7.0) */

/* Where things are in the memory of the submission ring, in bytes. */
struct io_sqring_offsets {
	__u32 head;
	__u32 tail;
	__u32 ring_mask;
	__u32 ring_entries;
	__u32 flags;   /* IORING_SQ_ */
	__u32 dropped; /* number of invalid indices */
	__u32 array;   /* of indices of SQEs */
	__u32 resv1;
	__u64 user_addr; /* with IORING_SETUP_NO_MMAP: address of the SQEs */
};

/* The flags of the submission ring, set by the kernel */
#define IORING_SQ_NEED_WAKEUP (1U << 0) /* its thread sleeps */
#define IORING_SQ_CQ_OVERFLOW (1U << 1) /* completions wait for room (5.8) */
#define IORING_SQ_TASKRUN (1U << 2)     /* completions wait for a system call (5.19) */

/* Where things are in the memory of the completion ring, in bytes. */
struct io_cqring_offsets {
	__u32 head;
	__u32 tail;
	__u32 ring_mask;
	__u32 ring_entries;
	__u32 overflow; /* number of completions lost */
	__u32 cqes;
	__u32 flags; /* IORING_CQ_ */
	__u32 resv1;
	__u64 user_addr; /* with IORING_SETUP_NO_MMAP: address of the rings */
};

/* The flags of the completion ring, set by the program */
#define IORING_CQ_EVENTFD_DISABLED (1U << 0) /* do not signal the eventfd (5.8) */

/* The argument of io_uring_setup(): the kernel completes it. */
struct io_uring_params {
	__u32 sq_entries;
	__u32 cq_entries;
	__u32 flags;          /* IORING_SETUP_ */
	__u32 sq_thread_cpu;  /* with IORING_SETUP_SQ_AFF */
	__u32 sq_thread_idle; /* ms before the kernel's thread sleeps */
	__u32 features;       /* IORING_FEAT_, from the kernel */
	__u32 wq_fd;          /* with IORING_SETUP_ATTACH_WQ */
	__u32 resv[3];
	struct io_sqring_offsets sq_off;
	struct io_cqring_offsets cq_off;
};

/* io_uring_params.features */
#define IORING_FEAT_SINGLE_MMAP (1U << 0)      /* both rings are one mapping (5.4) */
#define IORING_FEAT_NODROP (1U << 1)           /* completions are kept when the ring is full (5.5) */
#define IORING_FEAT_SUBMIT_STABLE (1U << 2)    /* arguments may be reused after submission (5.5) */
#define IORING_FEAT_RW_CUR_POS (1U << 3)       /* off -1 is the current position (5.6) */
#define IORING_FEAT_CUR_PERSONALITY (1U << 4)  /* runs with the submitter's credentials (5.6) */
#define IORING_FEAT_FAST_POLL (1U << 5)        /* no worker waits for readiness (5.7) */
#define IORING_FEAT_POLL_32BITS (1U << 6)      /* 32 bits of poll flags (5.9) */
#define IORING_FEAT_SQPOLL_NONFIXED (1U << 7)  /* ordinary files with SQPOLL (5.11) */
#define IORING_FEAT_EXT_ARG (1U << 8)          /* struct io_uring_getevents_arg (5.11) */
#define IORING_FEAT_NATIVE_WORKERS (1U << 9)   /* workers are threads of the process (5.12) */
#define IORING_FEAT_RSRC_TAGS (1U << 10)       /* tags of registered files and buffers (5.13) */
#define IORING_FEAT_CQE_SKIP (1U << 11)        /* IOSQE_CQE_SKIP_SUCCESS (5.17) */
#define IORING_FEAT_LINKED_FILE (1U << 12)     /* files are looked up when a linked request runs (5.17) */
#define IORING_FEAT_REG_REG_RING (1U << 13)    /* io_uring_register() takes registered rings (6.3) */
#define IORING_FEAT_RECVSEND_BUNDLE (1U << 14) /* IORING_RECVSEND_BUNDLE (6.10) */
#define IORING_FEAT_MIN_TIMEOUT (1U << 15)     /* min_wait_usec (6.12) */
#define IORING_FEAT_RW_ATTR (1U << 16)         /* attr_ptr (6.14) */
#define IORING_FEAT_NO_IOWAIT (1U << 17)       /* IORING_ENTER_NO_IOWAIT (6.15) */

/* Offsets for mmap(2) of a ring's descriptor */
#define IORING_OFF_SQ_RING 0ULL            /* the submission ring, with IORING_FEAT_SINGLE_MMAP both */
#define IORING_OFF_CQ_RING 0x8000000ULL    /* the completion ring */
#define IORING_OFF_SQES 0x10000000ULL      /* the SQEs */
#define IORING_OFF_PBUF_RING 0x80000000ULL /* plus the buffer group << IORING_OFF_PBUF_SHIFT (6.4) */
#define IORING_OFF_PBUF_SHIFT 16
#define IORING_OFF_MMAP_MASK 0xf8000000ULL /* the bits that tell these apart */

/* Flags of io_uring_enter() */
#define IORING_ENTER_GETEVENTS (1U << 0)       /* wait for min_complete completions */
#define IORING_ENTER_SQ_WAKEUP (1U << 1)       /* wake the kernel's thread */
#define IORING_ENTER_SQ_WAIT (1U << 2)         /* wait for room in the submission queue (5.10) */
#define IORING_ENTER_EXT_ARG (1U << 3)         /* the argument is a struct io_uring_getevents_arg (5.11) */
#define IORING_ENTER_REGISTERED_RING (1U << 4) /* the ring is a registered one (5.18) */
#define IORING_ENTER_ABS_TIMER (1U << 5)       /* the timeout is a point in time (6.12) */
#define IORING_ENTER_EXT_ARG_REG (1U << 6)     /* the argument is an offset in a registered region (6.13) */
#define IORING_ENTER_NO_IOWAIT (1U << 7)       /* the wait does not count as I/O wait (6.15) */

/* The extended argument of io_uring_enter(): a limit of time beside the signal mask. */
struct io_uring_getevents_arg {
	__u64 sigmask;       /* address, or 0 */
	__u32 sigmask_sz;    /* bytes of it: 8 */
	__u32 min_wait_usec; /* until here, wait for all that is asked for (6.12) */
	__u64 ts;            /* address of a struct __kernel_timespec, or 0 */
};

/* io_uring_reg_wait.flags */
enum {
	IORING_REG_WAIT_TS = 1 /* io_uring_reg_wait.ts is set */
};

/* The same in a registered region. */
struct io_uring_reg_wait {
	struct __kernel_timespec ts;
	__u32 min_wait_usec;
	__u32 flags;   /* IORING_REG_WAIT_ */
	__u64 sigmask; /* address, or 0 */
	__u32 sigmask_sz;
	__u32 pad[3];
	__u64 pad2[2];
};

/* Operations of io_uring_register() */
__extension__
enum io_uring_register_op {
	IORING_REGISTER_BUFFERS = 0,
	IORING_UNREGISTER_BUFFERS = 1,
	IORING_REGISTER_FILES = 2,
	IORING_UNREGISTER_FILES = 3,
	IORING_REGISTER_EVENTFD = 4,           /* 5.2 */
	IORING_UNREGISTER_EVENTFD = 5,         /* 5.2 */
	IORING_REGISTER_FILES_UPDATE = 6,      /* 5.5 */
	IORING_REGISTER_EVENTFD_ASYNC = 7,     /* 5.6 */
	IORING_REGISTER_PROBE = 8,             /* 5.6 */
	IORING_REGISTER_PERSONALITY = 9,       /* 5.6 */
	IORING_UNREGISTER_PERSONALITY = 10,    /* 5.6 */
	IORING_REGISTER_RESTRICTIONS = 11,     /* 5.10 */
	IORING_REGISTER_ENABLE_RINGS = 12,     /* 5.10 */
	IORING_REGISTER_FILES2 = 13,           /* 5.13 */
	IORING_REGISTER_FILES_UPDATE2 = 14,    /* 5.13 */
	IORING_REGISTER_BUFFERS2 = 15,         /* 5.13 */
	IORING_REGISTER_BUFFERS_UPDATE = 16,   /* 5.13 */
	IORING_REGISTER_IOWQ_AFF = 17,         /* 5.14 */
	IORING_UNREGISTER_IOWQ_AFF = 18,       /* 5.14 */
	IORING_REGISTER_IOWQ_MAX_WORKERS = 19, /* 5.15 */
	IORING_REGISTER_RING_FDS = 20,         /* 5.18 */
	IORING_UNREGISTER_RING_FDS = 21,       /* 5.18 */
	IORING_REGISTER_PBUF_RING = 22,        /* 5.19 */
	IORING_UNREGISTER_PBUF_RING = 23,      /* 5.19 */
	IORING_REGISTER_SYNC_CANCEL = 24,      /* 6.0 */
	IORING_REGISTER_FILE_ALLOC_RANGE = 25, /* 6.0 */
	IORING_REGISTER_PBUF_STATUS = 26,      /* 6.8 */
	IORING_REGISTER_NAPI = 27,             /* 6.9 */
	IORING_UNREGISTER_NAPI = 28,           /* 6.9 */
	IORING_REGISTER_CLOCK = 29,            /* 6.12 */
	IORING_REGISTER_CLONE_BUFFERS = 30,    /* 6.12 */
	IORING_REGISTER_SEND_MSG_RING = 31,    /* 6.13 */
	IORING_REGISTER_ZCRX_IFQ = 32,         /* 6.15 */
	IORING_REGISTER_RESIZE_RINGS = 33,     /* 6.13 */
	IORING_REGISTER_MEM_REGION = 34,       /* 6.13 */
	IORING_REGISTER_QUERY = 35,            /* 6.18 */
	IORING_REGISTER_ZCRX_CTRL = 36,        /* 6.19 */
	IORING_REGISTER_BPF_FILTER = 37,       /* 7.0 */

	IORING_REGISTER_LAST = 38, /* none: the number of operations */

	IORING_REGISTER_USE_REGISTERED_RING = 1U << 31 /* the ring is a registered one (6.3) */
};

/* Workers: for files that always complete, and for all others. */
enum io_wq_type {
	IO_WQ_BOUND = 0,
	IO_WQ_UNBOUND = 1
};

/* Argument of IORING_REGISTER_FILES_UPDATE. */
struct io_uring_files_update {
	__u32 offset;
	__u32 resv;
	__u64 fds; /* address of the array of __s32 */
};

/* io_uring_region_desc.flags */
enum {
	IORING_MEM_REGION_TYPE_USER = 1 /* user_addr is memory of the program */
};

/* A piece of memory shared with the kernel (6.13). */
struct io_uring_region_desc {
	__u64 user_addr;
	__u64 size;
	__u32 flags; /* IORING_MEM_REGION_TYPE_ */
	__u32 id;
	__u64 mmap_offset; /* from the kernel */
	__u64 __resv[4];
};

/* io_uring_mem_region_reg.flags */
enum {
	IORING_MEM_REGION_REG_WAIT_ARG = 1 /* holds the arguments of io_uring_submit_and_wait_reg() */
};

/* Argument of IORING_REGISTER_MEM_REGION. */
struct io_uring_mem_region_reg {
	__u64 region_uptr; /* address of a struct io_uring_region_desc */
	__u64 flags;       /* IORING_MEM_REGION_REG_ */
	__u64 __resv[2];
};

/* io_uring_rsrc_register.flags */
#define IORING_RSRC_REGISTER_SPARSE (1U << 0) /* all slots are empty (5.19) */

/* Argument of IORING_REGISTER_FILES2 and IORING_REGISTER_BUFFERS2. */
struct io_uring_rsrc_register {
	__u32 nr;
	__u32 flags;
	__u64 resv2;
	__aligned_u64 data; /* address of descriptors or iovecs */
	__aligned_u64 tags; /* address of as many __u64, or 0 */
};

/* Argument of an update of registered files or buffers. */
struct io_uring_rsrc_update {
	__u32 offset;
	__u32 resv;
	__aligned_u64 data;
};

/* The same with tags. */
struct io_uring_rsrc_update2 {
	__u32 offset;
	__u32 resv;
	__aligned_u64 data;
	__aligned_u64 tags;
	__u32 nr;
	__u32 resv2;
};

/* In place of a descriptor: leave the slot alone (5.12) */
#define IORING_REGISTER_FILES_SKIP (-2)

/* io_uring_probe_op.flags */
#define IO_URING_OP_SUPPORTED (1U << 0)

/* One operation in the answer to IORING_REGISTER_PROBE. */
struct io_uring_probe_op {
	__u8 op;
	__u8 resv;
	__u16 flags; /* IO_URING_OP_SUPPORTED */
	__u32 resv2;
};

/* Which operations the kernel has. */
__extension__
struct io_uring_probe {
	__u8 last_op; /* the last one it knows */
	__u8 ops_len; /* length of ops[] */
	__u16 resv;
	__u32 resv2[3];
	struct io_uring_probe_op ops[];
};

/* One rule of IORING_REGISTER_RESTRICTIONS. */
__extension__
struct io_uring_restriction {
	__u16 opcode; /* enum io_uring_register_restriction_op */
	union {
		__u8 register_op;
		__u8 sqe_op;
		__u8 sqe_flags;
	};
	__u8 resv;
	__u32 resv2[3];
};

/* Rules for all rings that the task makes (7.0). */
__extension__
struct io_uring_task_restriction {
	__u16 flags;
	__u16 nr_res; /* length of restrictions[] */
	__u32 resv[3];
	struct io_uring_restriction restrictions[0];
};

/* io_uring_restriction.opcode */
enum io_uring_register_restriction_op {
	IORING_RESTRICTION_REGISTER_OP = 0,        /* allow this operation of io_uring_register() */
	IORING_RESTRICTION_SQE_OP = 1,             /* allow this request */
	IORING_RESTRICTION_SQE_FLAGS_ALLOWED = 2,  /* allow these flags of requests */
	IORING_RESTRICTION_SQE_FLAGS_REQUIRED = 3, /* and demand these */

	IORING_RESTRICTION_LAST = 4
};

/* The clock of timeouts in waits (6.12). */
struct io_uring_clock_register {
	__u32 clockid; /* CLOCK_MONOTONIC or CLOCK_BOOTTIME */
	__u32 __resv[3];
};

/* io_uring_clone_buffers.flags */
enum {
	IORING_REGISTER_SRC_REGISTERED = 1, /* src_fd is a registered ring */
	IORING_REGISTER_DST_REPLACE = 2     /* buffers that are there already give way (6.13) */
};

/* Argument of IORING_REGISTER_CLONE_BUFFERS. */
struct io_uring_clone_buffers {
	__u32 src_fd;
	__u32 flags;
	__u32 src_off;
	__u32 dst_off;
	__u32 nr;
	__u32 pad[3];
};

/* A buffer in a buffer ring. */
struct io_uring_buf {
	__u64 addr;
	__u32 len;
	__u16 bid; /* its number, which a completion tells */
	__u16 resv;
};

/* A buffer ring; the tail lies in a field of the first buffer that is not used. */
__extension__
struct io_uring_buf_ring {
	union {
		struct {
			__u64 resv1;
			__u32 resv2;
			__u16 resv3;
			__u16 tail;
		};
		struct io_uring_buf bufs[0];
	};
};

/* io_uring_buf_reg.flags */
enum io_uring_register_pbuf_ring_flags {
	IOU_PBUF_RING_MMAP = 1, /* memory of the kernel, to be mapped (6.4) */
	IOU_PBUF_RING_INC = 2   /* a buffer is used piece by piece (6.12) */
};

/* Argument of IORING_REGISTER_PBUF_RING. */
struct io_uring_buf_reg {
	__u64 ring_addr; /* page aligned */
	__u32 ring_entries; /* a power of two, at most 32768 */
	__u16 bgid;
	__u16 flags;
	__u32 min_left; /* with IOU_PBUF_RING_INC: a smaller rest of a buffer is not used */
	__u32 resv[5];
};

/* Argument of IORING_REGISTER_PBUF_STATUS (6.8). */
struct io_uring_buf_status {
	__u32 buf_group;
	__u32 head; /* from the kernel */
	__u32 resv[8];
};

/* io_uring_napi.opcode (6.13) */
enum io_uring_napi_op {
	IO_URING_NAPI_REGISTER_OP = 0,   /* switch busy polling on; op_param is how devices are found */
	IO_URING_NAPI_STATIC_ADD_ID = 1, /* poll the device queue op_param, too */
	IO_URING_NAPI_STATIC_DEL_ID = 2  /* and no more */
};

/* io_uring_napi.op_param with IO_URING_NAPI_REGISTER_OP (6.13) */
enum io_uring_napi_tracking_strategy {
	IO_URING_NAPI_TRACKING_DYNAMIC = 0,   /* those that requests use */
	IO_URING_NAPI_TRACKING_STATIC = 1,    /* those that were named */
	IO_URING_NAPI_TRACKING_INACTIVE = 255 /* an answer: busy polling was off */
};

/* Argument of IORING_REGISTER_NAPI (6.9). */
__extension__
struct io_uring_napi {
	__u32 busy_poll_to; /* microseconds */
	__u8 prefer_busy_poll;
	union {
		__u8 pad[3]; /* 0 before Linux 6.13 */
		struct {
			__u8 opcode; /* enum io_uring_napi_op */
			__u8 __pad1[2];
		};
	};
	union {
		__u64 resv; /* 0 before Linux 6.13 */
		struct {
			__u32 op_param;
			__u32 __resv1;
		};
	};
};

/* Argument of io_uring_register_sync_cancel() (6.0). */
struct io_uring_sync_cancel_reg {
	__u64 addr; /* the user data to look for */
	__s32 fd;
	__u32 flags; /* IORING_ASYNC_CANCEL_ */
	struct __kernel_timespec timeout; /* -1, -1 for none */
	__u8 opcode; /* with IORING_ASYNC_CANCEL_OP (6.6) */
	__u8 pad[7];
	__u64 pad2[3];
};

/* The slots from which the kernel chooses one for a new registered file (6.0). */
struct io_uring_file_index_range {
	__u32 off;
	__u32 len;
	__u64 resv;
};

/* What a multishot IORING_OP_RECVMSG puts at the beginning of a buffer. */
struct io_uring_recvmsg_out {
	__u32 namelen;    /* of the sender's address, before it was cut */
	__u32 controllen; /* of the control messages */
	__u32 payloadlen; /* of the data; with MSG_TRUNC in the request, before it was cut */
	__u32 flags;      /* MSG_ */
};

/* Checks of data integrity beside a read or write (6.14). */
struct io_uring_attr_pi {
	__u16 flags;
	__u16 app_tag;
	__u32 len;
	__u64 addr;
	__u64 seed;
	__u64 rsvd;
};

#ifdef __cplusplus
}
#endif

#endif
