/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Ordered access to memory that the kernel or another thread reads and writes at the same time:
 *
 * IO_URING_READ_ONCE(var), IO_URING_WRITE_ONCE(var, val): one access, in no particular order
 * io_uring_smp_load_acquire(p): nothing after it happens before it
 * io_uring_smp_store_release(p, v): nothing before it happens after it
 * io_uring_smp_mb(): a full barrier
 *
 * Macros in C, so that they work in every dialect; templates in C++. Neither needs the language's own atomics, which
 * are included because programs use them.
 */
#ifndef LIBURING_BARRIER_H
#define LIBURING_BARRIER_H

#ifdef __cplusplus

extern "C++" {

#include <atomic>

template <typename T>
inline void IO_URING_WRITE_ONCE(T &var, T val)
{
	__atomic_store(&var, &val, __ATOMIC_RELAXED);
}

template <typename T>
inline T IO_URING_READ_ONCE(const T &var)
{
	return __atomic_load_n(&var, __ATOMIC_RELAXED);
}

template <typename T>
inline void io_uring_smp_store_release(T *p, T v)
{
	__atomic_store(p, &v, __ATOMIC_RELEASE);
}

template <typename T>
inline T io_uring_smp_load_acquire(const T *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

inline void io_uring_smp_mb()
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

}

#else

#include <stdatomic.h>

#define IO_URING_WRITE_ONCE(var, val) __atomic_store_n(&(var), (val), __ATOMIC_RELAXED)
#define IO_URING_READ_ONCE(var) __atomic_load_n(&(var), __ATOMIC_RELAXED)
#define io_uring_smp_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define io_uring_smp_load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define io_uring_smp_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)

#endif

#endif
