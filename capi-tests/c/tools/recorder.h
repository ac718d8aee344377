/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Included before a test, and followed by a macro for every function: writes to the file RECORDS which functions were
 * called, and whether they had success or an error. A request's result is that of its completion, found by its user
 * data when the program gives the completion back.
 */
#ifndef RECORDER_H
#define RECORDER_H

#include <aiouring.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t recorder_lock = PTHREAD_MUTEX_INITIALIZER;

/* One line; those that are there more than once do no harm. */
__attribute__((unused)) static void record(const char *name, int error)
{
	static struct {
		const char *name;
		int error;
	} seen[1000];
	static int n, fd = -1;
	char line[100];
	int i, saved = errno;

	pthread_mutex_lock(&recorder_lock);
	for (i = 0; i < n; i++)
		if (seen[i].error == error && !strcmp(seen[i].name, name))
			break;
	if (i == n && n < 1000) {
		seen[n].name = name;
		seen[n++].error = error;
		fd = open(getenv("RECORDS") ? getenv("RECORDS") : "/dev/null", O_WRONLY | O_CREAT | O_APPEND, 0666);
		i = snprintf(line, sizeof(line), "%s %s\n", name, error ? "error" : "success");
		if (write(fd, line, (size_t)i) != i)
			abort();
		close(fd);
	}
	pthread_mutex_unlock(&recorder_lock);
	errno = saved;
}

/* Requests from preparing to completion. */
static struct {
	struct io_uring_sqe *sqe;
	const char *name;
	__u64 user_data;
	int state; /* 0 free, 1 prepared, 2 submitted */
} recorder_requests[4096];

__attribute__((unused)) static void record_prepared(const char *name, struct io_uring_sqe *sqe)
{
	int i, at = -1;

	pthread_mutex_lock(&recorder_lock);
	for (i = 0; i < 4096; i++) {
		if (recorder_requests[i].state == 1 && recorder_requests[i].sqe == sqe)
			at = i;
		if (at < 0 && !recorder_requests[i].state)
			at = i;
	}
	if (at >= 0) {
		recorder_requests[at].state = 1;
		recorder_requests[at].name = name;
		recorder_requests[at].sqe = sqe;
	}
	pthread_mutex_unlock(&recorder_lock);
}

/* Before any call that may submit: what an entry holds now is what the kernel gets. */
__attribute__((unused)) static void record_submit(const struct io_uring *ring)
{
	const char *first = (const char *)ring->sq.sqes;
	const char *last = first + (size_t)ring->sq.ring_entries * (ring->flags & IORING_SETUP_SQE128 ? 128 : 64);
	int i;

	pthread_mutex_lock(&recorder_lock);
	for (i = 0; i < 4096; i++) {
		const char *sqe = (const char *)recorder_requests[i].sqe;

		if (recorder_requests[i].state == 1 && sqe >= first && sqe < last) {
			recorder_requests[i].state = 2;
			recorder_requests[i].user_data = recorder_requests[i].sqe->user_data;
		}
	}
	pthread_mutex_unlock(&recorder_lock);
}

/* A result that says something about the request itself. */
static void record_result(const char *name, int res)
{
	if (res == -ECANCELED)
		return;
	if (res == -ETIME && strstr(name, "timeout"))
		res = 0;
	record(name, res < 0);
}

__attribute__((unused)) static void record_completion(const struct io_uring_cqe *cqe)
{
	const char *name = NULL;
	int i, clear = 1;

	pthread_mutex_lock(&recorder_lock);
	for (i = 0; i < 4096; i++) {
		if (recorder_requests[i].state == 2 && recorder_requests[i].user_data == cqe->user_data) {
			clear = !name || !strcmp(name, recorder_requests[i].name);
			name = recorder_requests[i].name;
			if (!(cqe->flags & IORING_CQE_F_MORE))
				recorder_requests[i].state = 0;
			if (!clear)
				break;
		}
	}
	pthread_mutex_unlock(&recorder_lock);
	/* With two of the same number nobody knows. */
	if (name && clear && !(cqe->flags & (IORING_CQE_F_SKIP | IORING_CQE_F_NOTIF)))
		record_result(name, cqe->res);
}

/* Before completions are given back. */
__attribute__((unused)) static void record_given_back(const struct io_uring *ring, unsigned places)
{
	unsigned head = *ring->cq.khead, end = head + places;

	while (head != end) {
		const struct io_uring_cqe *cqe =
			&ring->cq.cqes[(head & ring->cq.ring_mask) << (ring->flags & IORING_SETUP_CQE32 ? 1 : 0)];

		record_completion(cqe);
		head += cqe->flags & IORING_CQE_F_32 ? 2 : 1;
		if (places-- == 0)
			break;
	}
}

#endif
