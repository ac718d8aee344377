/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Runs the examples of the manual: each in a process of its own, with a ring that has a completion, and a file. */
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

struct example {
	const char *name;
	int (*run)(struct io_uring *ring, struct io_uring_sqe *sqe, struct io_uring_cqe *cqe, int fd, int ret);
};

/* From the test; the last one has no name. */
extern const struct example examples[];

static void child(const struct example *example)
{
	static struct io_uring_sqe sqe;
	static struct io_uring_cqe cqe;
	static char memory[4096];
	struct io_uring ring;
	int fd = open(example->name, O_RDWR | O_CREAT, 0600);

	alarm(20);
	if (fd < 0 || ftruncate(fd, 100000) || io_uring_queue_init(64, &ring, 0))
		_exit(1);
	io_uring_prep_nop(io_uring_get_sqe(&ring));
	io_uring_sqe_set_data(&ring.sq.sqes[0], memory);
	if (io_uring_submit(&ring) != 1)
		_exit(1);
	example->run(&ring, &sqe, &cqe, fd, 0);
	_exit(0);
}

int main(void)
{
	pid_t children[256];
	int bad = 0;

	for (int i = 0; examples[i].name; i++) {
		children[i] = fork();
		if (!children[i])
			child(&examples[i]);
	}
	for (int i = 0; examples[i].name; i++) {
		int status;

		if (waitpid(children[i], &status, 0) < 0 || status) {
			fprintf(stderr, "%s: %#x\n", examples[i].name, status);
			bad = 1;
		}
	}
	return bad;
}
