// SPDX-License-Identifier: MIT OR Apache-2.0
//
// uring_cat - writes files to the standard output, in C++ with liburing.
//
// usage: uring_cat FILE...
//
// Up to eight blocks of a file are read ahead, each by a request of its own. They complete in any order and are written in
// the order of the file. A read may bring less than it was asked for: the rest is then asked for again, until there is no
// more, which is the end.
//
// Exit status: 0 all files were written, 1 an error, 2 wrong usage.
#include <fcntl.h>
#include <liburing.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace {

constexpr unsigned depth = 8;
constexpr unsigned block_size = 1 << 16;

// liburing returns negative error numbers and leaves errno alone.
int checked(int result, const std::string &what)
{
	if (result < 0)
		throw std::system_error(-result, std::generic_category(), what);
	return result;
}

class Ring {
public:
	Ring() { checked(io_uring_queue_init(depth, &ring, 0), "io_uring_queue_init"); }
	~Ring() { io_uring_queue_exit(&ring); }
	Ring(const Ring &) = delete;
	Ring &operator=(const Ring &) = delete;

	// The queue has as many places as there are blocks, so there is always one.
	io_uring_sqe *next()
	{
		io_uring_sqe *sqe = io_uring_get_sqe(&ring);
		if (!sqe)
			throw std::logic_error("the submission queue is full");
		return sqe;
	}
	void submit() { checked(io_uring_submit(&ring), "io_uring_submit"); }

	// The user data and the result of the next completion, which is given back at once.
	std::pair<void *, int> wait()
	{
		io_uring_cqe *cqe = nullptr;
		int ret;

		do
			ret = io_uring_wait_cqe(&ring, &cqe);
		while (ret == -EINTR);
		checked(ret, "io_uring_wait_cqe");
		const std::pair<void *, int> completion(io_uring_cqe_get_data(cqe), cqe->res);
		io_uring_cqe_seen(&ring, cqe);
		return completion;
	}

private:
	io_uring ring{};
};

class File {
public:
	explicit File(const char *path) : fd(open(path, O_RDONLY | O_CLOEXEC))
	{
		if (fd < 0)
			throw std::system_error(errno, std::generic_category(), path);
	}
	~File() { close(fd); }
	File(const File &) = delete;
	File &operator=(const File &) = delete;
	const int fd;
};

struct Block {
	std::vector<char> bytes = std::vector<char>(block_size);
	__u64 offset = 0;
	unsigned filled = 0;
	bool pending = false;
	bool at_end = false;
};

void ask(Ring &ring, const File &file, Block &block)
{
	io_uring_sqe *sqe = ring.next();

	io_uring_prep_read(sqe, file.fd, block.bytes.data() + block.filled, block_size - block.filled,
			   block.offset + block.filled);
	io_uring_sqe_set_data(sqe, &block);
	block.pending = true;
}

void take(Ring &ring, const File &file, const char *name)
{
	const auto [data, result] = ring.wait();
	Block &block = *static_cast<Block *>(data);

	block.pending = false;
	if (result == -EINTR || result == -EAGAIN) {
		ask(ring, file, block);
		return;
	}
	block.filled += static_cast<unsigned>(checked(result, name));
	block.at_end = result == 0;
	if (!block.at_end && block.filled < block_size)
		ask(ring, file, block);
}

void put(const Block &block)
{
	for (unsigned done = 0; done < block.filled;) {
		const ssize_t n = write(STDOUT_FILENO, block.bytes.data() + done, block.filled - done);
		if (n < 0 && errno != EINTR)
			throw std::system_error(errno, std::generic_category(), "standard output");
		if (n > 0)
			done += static_cast<unsigned>(n);
	}
}

void cat(const char *name)
{
	const File file(name);
	std::array<Block, depth> blocks;
	// Last, so that it goes first: no request is under way when the blocks go.
	Ring ring;
	__u64 offset = 0;

	for (Block &block : blocks) {
		block.offset = offset;
		offset += block_size;
		ask(ring, file, block);
	}
	for (unsigned i = 0;; i = (i + 1) % depth) {
		Block &block = blocks[i];

		ring.submit();
		while (block.pending) {
			take(ring, file, name);
			ring.submit();
		}
		put(block);
		if (block.at_end)
			break;
		block.offset = offset;
		block.filled = 0;
		offset += block_size;
		ask(ring, file, block);
	}
	// What was asked for behind the end still writes to the blocks.
	ring.submit();
	for (const Block &block : blocks)
		while (block.pending) {
			take(ring, file, name);
			ring.submit();
		}
}

} // namespace

int main(int argc, char **argv)
{
	if (argc < 2) {
		std::fprintf(stderr, "usage: %s FILE...\n", argv[0]);
		return 2;
	}
	try {
		for (int i = 1; i < argc; i++)
			cat(argv[i]);
	} catch (const std::exception &e) {
		std::fprintf(stderr, "%s: %s\n", argv[0], e.what());
		return 1;
	}
	return 0;
}
