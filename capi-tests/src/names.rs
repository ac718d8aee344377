//! The engines' names of the structures of the C headers.

/// Rust and C; where both have the same name it is not listed.
pub const STRUCTURES: &[(&str, &str)] = &[
    ("Iocb", "struct iocb"),
    ("IoEvent", "struct io_event"),
    ("Ring", "struct io_uring"),
    ("Sq", "struct io_uring_sq"),
    ("Cq", "struct io_uring_cq"),
    ("Sqe", "struct io_uring_sqe"),
    ("Cqe", "struct io_uring_cqe"),
    ("Params", "struct io_uring_params"),
    ("SqOffsets", "struct io_sqring_offsets"),
    ("CqOffsets", "struct io_cqring_offsets"),
    ("Timespec", "struct __kernel_timespec"),
    ("GetEventsArg", "struct io_uring_getevents_arg"),
    ("Probe", "struct io_uring_probe"),
    ("ProbeOp", "struct io_uring_probe_op"),
    ("FilesUpdate", "struct io_uring_files_update"),
    ("RsrcRegister", "struct io_uring_rsrc_register"),
    ("RsrcUpdate", "struct io_uring_rsrc_update"),
    ("RsrcUpdate2", "struct io_uring_rsrc_update2"),
    ("FileIndexRange", "struct io_uring_file_index_range"),
    ("CloneBuffers", "struct io_uring_clone_buffers"),
    ("Buf", "struct io_uring_buf"),
    ("BufReg", "struct io_uring_buf_reg"),
    ("BufRing", "struct io_uring_buf_ring"),
    ("BufStatus", "struct io_uring_buf_status"),
];
