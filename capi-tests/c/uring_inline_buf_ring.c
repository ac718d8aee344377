// oracle: yes
// their-headers: no (it tests ours)
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Buffer rings in plain memory. The program has the library's function that asks the kernel for the head itself. */
#include "uring_check.h"

enum { ENTRIES = 4 };

static struct io_uring ring;
static unsigned khead, ktail;
static union {
	struct io_uring_buf_ring br;
	struct io_uring_buf bufs[ENTRIES + 2];
} memory;

static int answer, asked;
static uint16_t answered_head;

int io_uring_buf_ring_head(struct io_uring *of, int buf_group, uint16_t *head)
{
	CHECK(of == &ring);
	CHECK_EQ(buf_group, 40001);
	asked++;
	if (!answer)
		*head = answered_head;
	return answer;
}

static void masks(void)
{
	unsigned bit;

	for (bit = 0; bit < 32; bit++)
		CHECK_EQ((unsigned)io_uring_buf_ring_mask(1u << bit), (1u << bit) - 1);
}

/* The tail is kept where the first entry has two bytes to spare: adding must not change it. */
static void add(unsigned short tail)
{
	static const unsigned lengths[] = {1, 0x7fffffffu, 0xffffffffu, 4096};
	int mask = io_uring_buf_ring_mask(ENTRIES), n, i;

	for (n = 0; n < 2 * ENTRIES; n++) {
		unsigned length = lengths[n % 4];
		unsigned short bid = (unsigned short)(0xffff - n);
		char *address = (char *)0x123456789abcd000u + n;

		memset(&memory, 0xa5, sizeof(memory));
		memory.br.tail = tail;
		io_uring_buf_ring_add(&memory.br, address, length, bid, mask, n);
		CHECK_EQ(memory.br.tail, tail);
		for (i = 0; i < ENTRIES + 2; i++) {
			int here = i == ((tail + n) & (ENTRIES - 1));

			CHECK_EQ(memory.bufs[i].addr, here ? (uintptr_t)address : 0xa5a5a5a5a5a5a5a5u);
			CHECK_EQ(memory.bufs[i].len, here ? length : 0xa5a5a5a5u);
			CHECK_EQ(memory.bufs[i].bid, here ? bid : 0xa5a5);
			if (i)
				CHECK_EQ(memory.bufs[i].resv, 0xa5a5);
		}
	}
}

static void advance(void)
{
	memset(&memory, 0xa5, sizeof(memory));
	io_uring_buf_ring_init(&memory.br);
	CHECK_EQ(memory.br.tail, 0);
	/* Nothing else is written. */
	memory.br.tail = 0xa5a5;
	{
		const unsigned char *bytes = (const unsigned char *)&memory;
		unsigned i;

		for (i = 0; i < sizeof(memory); i++)
			CHECK_EQ(bytes[i], 0xa5);
	}
	io_uring_buf_ring_init(&memory.br);
	io_uring_buf_ring_advance(&memory.br, 300);
	CHECK_EQ(memory.br.tail, 300);
	io_uring_buf_ring_advance(&memory.br, 1);
	CHECK_EQ(memory.br.tail, 301);
	io_uring_buf_ring_advance(&memory.br, 65535 - 301);
	CHECK_EQ(memory.br.tail, 65535);
	io_uring_buf_ring_advance(&memory.br, 3);
	CHECK_EQ(memory.br.tail, 2);

	ring.cq.khead = &khead;
	ring.cq.ktail = &ktail;
	khead = 0xfffffff0u;
	io_uring_buf_ring_cq_advance(&ring, &memory.br, 20);
	CHECK_EQ(memory.br.tail, 22);
	CHECK_EQ(khead, 4);
	__io_uring_buf_ring_cq_advance(&ring, &memory.br, 70000, 5);
	CHECK_EQ(memory.br.tail, 27);
	CHECK_EQ(khead, 70004);
	CHECK_EQ(ktail, 0);
}

static void available(void)
{
	memory.br.tail = 10;
	answered_head = 3;
	CHECK_EQ(io_uring_buf_ring_available(&ring, &memory.br, 40001), 7);
	answered_head = 65530;
	CHECK_EQ(io_uring_buf_ring_available(&ring, &memory.br, 40001), 16);
	memory.br.tail = 2000;
	answered_head = 1000;
	CHECK_EQ(io_uring_buf_ring_available(&ring, &memory.br, 40001), 1000);
	answer = -ENOENT;
	CHECK_EQ(io_uring_buf_ring_available(&ring, &memory.br, 40001), -ENOENT);
	CHECK_EQ(asked, 4);
}

int main(void)
{
	masks();
	add(0);
	add(3);
	add(65534);
	advance();
	available();
	return 0;
}
