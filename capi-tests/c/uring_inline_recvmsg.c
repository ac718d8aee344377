// oracle: yes
// their-headers: no (it tests ours)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a multishot recvmsg leaves in a buffer, taken apart at every length that may be wrong. */
#include "uring_check.h"

enum { HEAD = sizeof(struct io_uring_recvmsg_out), ONE = sizeof(struct cmsghdr) };

static union {
	struct io_uring_recvmsg_out out;
	struct cmsghdr align;
	char bytes[4096];
} buffer;

static struct msghdr message(socklen_t namelen, size_t controllen)
{
	struct msghdr msg;

	memset(&msg, 0, sizeof(msg));
	msg.msg_namelen = namelen;
	msg.msg_controllen = controllen;
	return msg;
}

static void validate(void)
{
	static const struct {
		socklen_t name;
		size_t control;
	} cases[] = {{0, 0}, {16, 0}, {0, 40}, {28, 100}};
	struct msghdr msg;
	unsigned i;
	int size;

	for (i = 0; i < COUNT_OF(cases); i++) {
		int need = HEAD + (int)cases[i].name + (int)cases[i].control;

		msg = message(cases[i].name, cases[i].control);
		for (size = -3; size < need; size++)
			CHECK(io_uring_recvmsg_validate(&buffer, size, &msg) == NULL);
		for (; size < need + 3; size++)
			CHECK(io_uring_recvmsg_validate(&buffer, size, &msg) == &buffer.out);
	}
	/* Lengths that would go round, and one that is not a small one. */
	msg = message(0, (size_t)0 - HEAD);
	for (size = -1; size < HEAD + 3; size++)
		CHECK(io_uring_recvmsg_validate(&buffer, size, &msg) == NULL);
	msg = message(0xffffffffu, (size_t)0 - 0xffffffffu);
	CHECK(io_uring_recvmsg_validate(&buffer, 4096, &msg) == NULL);
	msg = message(32, (size_t)0 - 32);
	CHECK(io_uring_recvmsg_validate(&buffer, 4096, &msg) == NULL);
	msg = message(0, (size_t)1 << 32);
	CHECK(io_uring_recvmsg_validate(&buffer, 0x7fffffff, &msg) == NULL);
}

static void parts(void)
{
	struct msghdr msg = message(28, 64);

	CHECK((char *)io_uring_recvmsg_name(&buffer.out) == buffer.bytes + HEAD);
	CHECK((char *)io_uring_recvmsg_payload(&buffer.out, &msg) == buffer.bytes + HEAD + 28 + 64);
	CHECK_EQ(io_uring_recvmsg_payload_length(&buffer.out, HEAD + 28 + 64, &msg), 0);
	CHECK_EQ(io_uring_recvmsg_payload_length(&buffer.out, HEAD + 28 + 64 + 1000, &msg), 1000);
	CHECK_EQ(io_uring_recvmsg_payload_length(&buffer.out, 0x7fffffff, &msg), 0x7fffffff - HEAD - 28 - 64);
	/* None where not even the head fits. */
	CHECK_EQ(io_uring_recvmsg_payload_length(&buffer.out, HEAD + 28 + 63, &msg), 0);
	CHECK_EQ(io_uring_recvmsg_payload_length(&buffer.out, 0, &msg), 0);
	CHECK_EQ(io_uring_recvmsg_payload_length(&buffer.out, -1, &msg), 0);
}

/* The first control message, behind a name of 16 bytes. */
static void first(void)
{
	struct msghdr msg = message(16, 256);
	unsigned length;

	for (length = 0; length < 3 * ONE; length++) {
		struct cmsghdr *cmsg;

		buffer.out.controllen = length;
		cmsg = io_uring_recvmsg_cmsg_firsthdr(&buffer.out, &msg);
		CHECK((char *)cmsg == (length < ONE ? NULL : buffer.bytes + HEAD + 16));
	}
}

static struct cmsghdr *at(size_t offset)
{
	return (struct cmsghdr *)(void *)(buffer.bytes + HEAD + 16 + offset);
}

/* A message at `offset` with a length, a second one behind it, and `controllen` bytes in all. */
static struct cmsghdr *second(size_t controllen, size_t offset, size_t length, size_t next_length)
{
	struct msghdr msg = message(16, 256);
	size_t next = offset + CMSG_ALIGN(length);

	memset(&buffer, 0, sizeof(buffer));
	buffer.out.controllen = (__u32)controllen;
	at(offset)->cmsg_len = length;
	if (next > offset && next < 1024)
		at(next)->cmsg_len = next_length;
	return io_uring_recvmsg_cmsg_nexthdr(&buffer.out, &msg, at(offset));
}

static void following(void)
{
	size_t offset, length, next, controllen;

	for (offset = 0; offset <= 2 * ONE; offset += ONE) {
		for (length = 0; length <= 3 * ONE; length++) {
			for (next = 0; next <= 2 * ONE; next++) {
				for (controllen = 0; controllen <= 6 * ONE; controllen++) {
					size_t room = controllen - offset, size = CMSG_ALIGN(length);
					/* A whole header has to be there, and all that it speaks of. */
					int there = length >= ONE && offset <= controllen && length <= room &&
						    size + ONE <= room && size + CMSG_ALIGN(next) <= room;
					struct cmsghdr *found = second(controllen, offset, length, next);

					CHECK(found == (there ? at(offset + size) : NULL));
				}
			}
		}
	}
	/* Lengths that would go round. */
	CHECK(second(4 * ONE, 0, SIZE_MAX, ONE) == NULL);
	CHECK(second(4 * ONE, 0, SIZE_MAX - ONE, ONE) == NULL);
	CHECK(second(4 * ONE, ONE, SIZE_MAX - ONE + 1, ONE) == NULL);
	CHECK(second(4 * ONE, 0, ONE, SIZE_MAX) == NULL);
	CHECK(second(4 * ONE, 0, ONE, SIZE_MAX - 6) == NULL);
}

int main(void)
{
	validate();
	parts();
	first();
	following();
	return 0;
}
