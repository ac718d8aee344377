// SPDX-License-Identifier: MIT OR Apache-2.0
//
// ext_fanout - what comes on one connection goes to several others and into a file, from the same memory.
//
// usage: ext_fanout
//
// A lease receives into its buffer; a send to each reader and a write to the log were planned, and start when it is filled. The
// next lease receives when this one has ended, so everybody gets the bytes in their order; with several connections to
// serve, each has a lease of its own under way. Sends do not copy where kernel and socket can: then the buffer is not
// used again before the network is done with it, and the lease does not end before.
//
// Without arguments it is its own audience: threads feed the first connection, read the others, and compare.
//
// Exit status: 0 all arrived, 1 an error or other bytes, 77 no io_uring here.
#include <aiouring.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t total = 3000001;
constexpr unsigned buffer_size = 1 << 15;

[[noreturn]] void fail(const char *what, int error)
{
	std::fprintf(stderr, "ext_fanout: %s: %s\n", what, std::strerror(-error));
	std::exit(1);
}

char byte_at(std::size_t place)
{
	return static_cast<char>((place * 131 + place / 4099) & 0xff);
}

class Ring {
public:
	Ring()
	{
		const int ret = io_uring_queue_init(64, &ring_, 0);
		if (ret == -ENOSYS || ret == -EPERM)
			std::exit(77);
		if (ret < 0)
			fail("io_uring_queue_init", ret);
	}
	Ring(const Ring &) = delete;
	Ring &operator=(const Ring &) = delete;
	~Ring() { io_uring_queue_exit(&ring_); }
	io_uring *get() { return &ring_; }

private:
	io_uring ring_{};
};

// The buffers; it ends before its ring.
class Pool {
public:
	Pool(Ring &ring, unsigned buffers, unsigned size)
	{
		aiouring_lease_params params{};
		params.buffers = buffers;
		params.buffer_size = size;
		const int ret = aiouring_lease_pool_create(ring.get(), &params, &pool_);
		if (ret < 0)
			fail("aiouring_lease_pool_create", ret);
	}
	Pool(const Pool &) = delete;
	Pool &operator=(const Pool &) = delete;
	~Pool() { aiouring_lease_pool_destroy(pool_); }

	// Receives once, and hands on what came.
	void start(int from, const std::vector<int> &readers, int log, __u64 logged)
	{
		__u64 lease;
		aiouring_lease_op op{};
		check("aiouring_lease_open", aiouring_lease_open(pool_, &lease, 0, 0));
		op.type = AIOURING_LEASE_RECV;
		op.fd = from;
		check("aiouring_lease_fill", aiouring_lease_fill(pool_, lease, &op));
		op.type = AIOURING_LEASE_SEND;
		op.flags = AIOURING_LEASE_OP_WHOLE;
		op.rw_flags = MSG_NOSIGNAL;
		for (const int reader : readers) {
			op.fd = reader;
			check("aiouring_lease_plan", aiouring_lease_plan(pool_, lease, &op));
		}
		op.type = AIOURING_LEASE_WRITE;
		op.rw_flags = 0;
		op.fd = log;
		op.offset = logged;
		check("aiouring_lease_plan", aiouring_lease_plan(pool_, lease, &op));
	}

	aiouring_lease_event wait()
	{
		aiouring_lease_event event;
		int ret;
		do
			ret = aiouring_lease_wait(pool_, &event, nullptr);
		while (ret == -EINTR);
		check("aiouring_lease_wait", ret);
		return event;
	}

private:
	static void check(const char *what, int ret)
	{
		if (ret < 0)
			fail(what, ret);
	}
	aiouring_lease_pool *pool_ = nullptr;
};

// The two ends of a connection on the loopback interface.
std::array<int, 2> connection()
{
	sockaddr_in address{};
	socklen_t length = sizeof(address);
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	auto *generic = reinterpret_cast<sockaddr *>(&address);
	const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int one = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || one < 0 || bind(listener, generic, sizeof(address)) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, generic, &length) < 0 || connect(one, generic, length) < 0)
		fail("connect", -errno);
	const int other = accept(listener, nullptr, nullptr);
	if (other < 0)
		fail("accept", -errno);
	close(listener);
	return {one, other};
}

void feed(int fd)
{
	std::string bytes(10000, 0);
	for (std::size_t place = 0; place < total;) {
		const std::size_t n = std::min(bytes.size(), total - place);
		for (std::size_t i = 0; i < n; i++)
			bytes[i] = byte_at(place + i);
		const ssize_t sent = send(fd, bytes.data(), n, MSG_NOSIGNAL);
		if (sent < 0)
			fail("send", -errno);
		place += static_cast<std::size_t>(sent);
	}
	shutdown(fd, SHUT_WR);
}

// How many bytes come, or less if one of them is wrong.
template <typename Read> std::size_t compare(Read read)
{
	std::string bytes(70000, 0);
	std::size_t place = 0;
	for (ssize_t n; (n = read(bytes)) > 0;)
		for (ssize_t i = 0; i < n; i++, place++)
			if (bytes[static_cast<std::size_t>(i)] != byte_at(place))
				return place;
	return place;
}

} // namespace

int main()
{
	constexpr std::size_t count = 3;
	std::vector<int> readers;
	std::vector<std::thread> threads;
	std::array<std::size_t, count> got{};
	const auto in = connection();
	std::FILE *log = std::tmpfile();
	if (!log)
		fail("tmpfile", -errno);
	for (std::size_t i = 0; i < count; i++) {
		const auto out = connection();
		readers.push_back(out[0]);
		threads.emplace_back([&got, i, fd = out[1]] {
			got[i] = compare([fd](std::string &bytes) { return recv(fd, bytes.data(), bytes.size(), 0); });
			close(fd);
		});
	}
	threads.emplace_back(feed, in[0]);

	unsigned leases = 0;
	{
		Ring ring;
		Pool pool(ring, 1, buffer_size);
		for (__u64 logged = 0;;) {
			pool.start(in[1], readers, fileno(log), logged);
			const aiouring_lease_event event = pool.wait();
			if (event.res < 0)
				fail("receive", event.res);
			if (event.failed > 0)
				fail("send or write", event.error ? event.error : -EIO);
			if (event.res == 0)
				break;
			logged += event.bytes;
			leases++;
		}
	}
	for (const int reader : readers)
		close(reader);
	for (auto &thread : threads)
		thread.join();
	close(in[0]);
	close(in[1]);

	const std::size_t written = compare([log, place = off_t{0}](std::string &bytes) mutable {
		const ssize_t n = pread(fileno(log), bytes.data(), bytes.size(), place);
		place += n > 0 ? n : 0;
		return n;
	});
	std::fclose(log);
	bool right = written == total;
	for (const std::size_t n : got)
		right = right && n == total;
	std::printf("%zu bytes to %zu connections and a file, in %u leases\n", written, count, leases);
	return right ? 0 : 1;
}
