//! Files without a position that reads with a buffer of a ring wait for: one read at a time is in the kernel, so that
//! the data comes in the order of the requests.
//!
//! Only the library's thread looks in here.

use super::request::{Link, Request};

const BUCKETS: usize = 1024;

/// The reads of each stream: the one in the kernel, and those behind it. The links are those that a request has no other
/// use for until it has left: `chain` leads to the next of the stream, `unfinished` from the first to that of another.
pub(crate) struct Streams {
    /// The first of each stream, in chains.
    first: [Link; BUCKETS],
}

impl Streams {
    fn bucket(&self, request: &Request) -> &Link {
        let (device, inode) = request.file();
        &self.first[(inode ^ device) as usize & (BUCKETS - 1)]
    }

    /// The first of the request's stream, and the link that leads to it.
    fn find(&self, request: &Request) -> Option<(&'static Request, &Link)> {
        let mut link = self.bucket(request);
        loop {
            let first = link.get()?;
            if first.file() == request.file() {
                return Some((first, link));
            }
            link = &first.unfinished;
        }
    }

    /// Puts a request into its stream; gives the one that it is behind, unless it is the first.
    pub(crate) fn join(&self, request: &'static Request) -> Option<&'static Request> {
        for link in [&request.unfinished, &request.chain, &request.hindmost] {
            link.set(None);
        }
        let Some((first, _)) = self.find(request) else {
            let bucket = self.bucket(request);
            request.unfinished.set(bucket.get());
            bucket.set(Some(request));
            return None;
        };
        let last = first.hindmost.get().unwrap_or(first);
        last.chain.set(Some(request));
        first.hindmost.set(Some(request));
        Some(last)
    }

    /// Takes a request out of its stream; gives the one whose turn it is then, if it was the first.
    pub(crate) fn leave(&self, request: &'static Request) -> Option<&'static Request> {
        let (first, link) = self.find(request)?;
        let next = request.chain.get();
        if core::ptr::eq(first, request) {
            let neighbour = first.unfinished.get();
            if let Some(next) = next {
                let last = first.hindmost.get().filter(|last| !core::ptr::eq(*last, next));
                next.hindmost.set(last);
                next.unfinished.set(neighbour);
            }
            link.set(next.or(neighbour));
            return next;
        }
        let mut before = first;
        while let Some(at) = before.chain.get() {
            if core::ptr::eq(at, request) {
                before.chain.set(next);
                if next.is_none() {
                    first.hindmost.set((!core::ptr::eq(before, first)).then_some(before));
                }
                break;
            }
            before = at;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(file: (u64, u64)) -> &'static Request {
        let request: &'static Request = Box::leak(Box::default());
        request.set_file(file);
        request
    }

    fn is(found: Option<&'static Request>, expected: &'static Request) -> bool {
        found.is_some_and(|found| core::ptr::eq(found, expected))
    }

    #[test]
    fn each_stream_has_its_order() {
        let streams = Streams {
            first: core::array::from_fn(|_| Link::default()),
        };
        // Three streams in one bucket.
        let files = [(7, 3), (7, 3 + BUCKETS as u64), (7, 3 + 2 * BUCKETS as u64)];
        let of: Vec<Vec<_>> = files.iter().map(|f| (0..5).map(|_| request(*f)).collect()).collect();
        for n in 0..5 {
            for stream in &of {
                match n {
                    0 => assert!(streams.join(stream[0]).is_none()),
                    n => assert!(is(streams.join(stream[n]), stream[n - 1])),
                }
            }
        }
        // From the middle, from the end, from the front.
        for stream in &of {
            assert!(streams.leave(stream[2]).is_none());
            assert!(streams.leave(stream[4]).is_none());
            assert!(is(streams.join(stream[2]), stream[3]));
        }
        for stream in [&of[1], &of[0], &of[2]] {
            assert!(is(streams.leave(stream[0]), stream[1]));
            assert!(is(streams.leave(stream[1]), stream[3]));
            assert!(is(streams.leave(stream[3]), stream[2]));
            assert!(is(streams.join(stream[0]), stream[2]));
            assert!(is(streams.leave(stream[2]), stream[0]));
            assert!(streams.leave(stream[0]).is_none());
            assert!(streams.leave(stream[0]).is_none());
            assert!(streams.join(stream[1]).is_none());
        }
        assert!(streams.leave(of[1][1]).is_none() && streams.join(of[1][3]).is_none());
    }
}
