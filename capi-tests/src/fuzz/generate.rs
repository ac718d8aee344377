//! Sequences from seeds: any numbers make a sequence that means something, so this only aims at what is worth trying.

use super::{Operation, Sequence};

/// A small generator of random numbers (SplitMix64): the same everywhere and for good.
pub struct Random(u64);

impl Random {
    /// The numbers of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    /// The next of them.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to below `n`.
    fn below(&mut self, n: i64) -> i64 {
        (self.number() % n.max(1) as u64) as i64
    }

    fn chance(&mut self, percent: i64) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as i64) as usize]
    }

    /// One of several by weight.
    fn weighted<T: Copy>(&mut self, from: &[(i64, T)]) -> T {
        let mut at = self.below(from.iter().map(|(w, _)| w).sum());
        for (weight, value) in from {
            if at < *weight {
                return *value;
            }
            at -= weight;
        }
        from[0].1
    }
}

const SLOTS: i64 = 24;
/// Beyond the slots: descriptors that are none.
const BAD: i64 = 4 * SLOTS;

const FILE: i64 = 0;
const PIPE: i64 = 1;
const STREAM: i64 = 3;
const SEQPACKET: i64 = 5;
const EVENTFD: i64 = 6;
const KINDS: i64 = 19;

const PREAD: i64 = 0;
const PWRITE: i64 = 1;
const FSYNC: i64 = 2;
const FDSYNC: i64 = 3;
const POLL: i64 = 5;
const PREADV: i64 = 7;
const PWRITEV: i64 = 8;

/// What is known of a descriptor; it need not be right.
#[derive(Clone, Copy)]
struct Slot {
    number: i64,
    kind: i64,
    /// Of a file.
    direct: bool,
}

struct Generator {
    random: Random,
    sequence: Sequence,
    slots: Vec<Slot>,
    /// Nothing that kernel AIO does later, so that contexts can be filled up to their limits.
    calm: bool,
    /// Contexts that were made, if all went well.
    contexts: Vec<i64>,
    /// The calls of the AIO interface so far.
    calls: i64,
    requests: i64,
}

/// The sequence of a seed: 20 to 200 calls.
pub fn generate(seed: u64) -> Sequence {
    let mut generator = Generator {
        random: Random::new(seed),
        sequence: Vec::new(),
        slots: Vec::new(),
        calm: false,
        contexts: Vec::new(),
        calls: 0,
        requests: 0,
    };
    let r = &mut generator.random;
    generator.calm = r.chance(8);
    // More short ones than long ones.
    let calls = 20 + r.below(19) * r.below(11);
    let opened = 5 + r.below(8);
    for _ in 0..opened {
        generator.open();
    }
    generator.setup(false);
    if generator.random.chance(30) {
        generator.setup(false);
    }
    while generator.calls < calls && generator.requests < 900 {
        generator.step(false);
    }
    generator.sequence
}

impl Generator {
    fn push(&mut self, name: &str, args: &[i64]) {
        self.sequence.push(Operation::new(name, args));
    }

    fn open(&mut self) {
        let r = &mut self.random;
        let number = r.below(SLOTS - 1);
        let kind = r.weighted(&[(10, FILE), (2, PIPE), (2, STREAM), (1, EVENTFD), (4, -1)]);
        let kind = if kind < 0 { r.below(KINDS) } else { kind };
        let mut flags = r.below(8);
        let mut direct = false;
        if kind == FILE {
            direct = r.chance(45) && !self.calm;
            flags = r.weighted(&[(6, 0), (1, 1), (1, 2)]) | r.weighted(&[(5, 0), (1, 4)]) | if direct { 8 } else { 0 };
        }
        let which = r.below(4);
        self.push("open", &[number, kind, flags, which]);
        self.slots.retain(|s| s.number != number);
        self.slots.push(Slot { number, kind, direct });
        if (PIPE..=SEQPACKET).contains(&kind) && kind != 2 {
            self.slots.retain(|s| s.number != number + 1);
            let number = number + 1;
            self.slots.push(Slot { number, kind, direct });
        }
    }

    fn slot(&mut self, wanted: impl Fn(&Slot) -> bool) -> Slot {
        let fitting: Vec<Slot> = self.slots.iter().copied().filter(wanted).collect();
        match fitting.as_slice() {
            [] => Slot {
                number: self.random.below(SLOTS),
                kind: -1,
                direct: false,
            },
            some => self.random.pick(some),
        }
    }

    fn context(&mut self) -> i64 {
        match self.random.below(100) {
            0 => 14,
            1 => 15,
            2..6 => self.random.below(4),
            _ if self.contexts.is_empty() => 0,
            _ => self.random.pick(&self.contexts),
        }
    }

    fn setup(&mut self, odd: bool) {
        let r = &mut self.random;
        let number = r.weighted(&[(3, 0), (2, 1), (1, 2), (1, 3)]);
        if !odd {
            let args = [number, r.pick(&[1, 1, 1, 8, 64, 100, 300]), r.below(2)];
            self.push("setup", &args);
            self.contexts.push(number);
            self.calls += 1;
            return;
        }
        // As many as are left of fs.aio-max-nr is a matter of all processes (a listed difference), so none is near it.
        let nr = r.weighted(&[
            (10, 1),
            (5, 8),
            (3, 64),
            (2, 100),
            (1, 300),
            (1, 0),
            (1, -1),
            (1, 4_194_304),
            (1, 4_194_305),
            (1, i64::from(i32::MAX)),
        ]);
        let how = r.weighted(&[(12, 0), (4, 1), (1, 2), (1, 3), (1, 4), (1, 5)]);
        self.push("setup", &[number, nr, how]);
        self.calls += 1;
    }

    fn step(&mut self, nested: bool) {
        match self.random.below(if nested { 90 } else { 100 }) {
            0..42 => self.submit(),
            42..62 => self.events(),
            62..66 => self.cancel(),
            66..68 => {
                let args = [self.context(), self.random.below(12)];
                self.push("head", &args);
            }
            68 => {
                let args = [self.context(), self.random.below(2)];
                self.push("wait", &args);
                self.calls += 1;
            }
            69..72 => self.push("counts", &[]),
            72..84 => self.plain(),
            84..86 => self.open(),
            86 => {
                let odd = self.random.chance(40);
                self.setup(odd);
            }
            87 => {
                let args = [self.context(), self.random.below(2)];
                self.contexts.retain(|c| *c != args[0]);
                self.push("destroy", &args);
                self.calls += 1;
            }
            88 => {
                let bytes = self.random.pick(&[0, 100, 65536, 70000, 300_000, 1 << 30]);
                self.push("limit", &[bytes]);
            }
            89 => {
                let restart = self.random.below(2);
                self.push("restart", &[restart]);
            }
            90..92 => self.push("unmap", &[]),
            92..95 => self.block("thread"),
            95..98 => self.block("parallel"),
            _ => self.block("fork"),
        }
    }

    /// A thread, several, or a child that does the next operations.
    fn block(&mut self, name: &str) {
        let at = self.sequence.len();
        let how = self.random.below(6);
        self.push(name, &[0, how]);
        if name == "fork" && self.random.chance(70) {
            self.setup(false);
        }
        for _ in 0..1 + self.random.below(if name == "parallel" { 16 } else { 5 }) {
            self.step(true);
        }
        let length = self.sequence.len() - at - 1;
        self.sequence[at].args[0] = length as i64;
    }

    fn plain(&mut self) {
        let name = self.random.weighted(&[
            (2, "close"),
            (2, "dup"),
            (2, "setfl"),
            (2, "truncate"),
            (3, "pwrite"),
            (2, "pread"),
            (1, "lseek"),
            (3, "drop"),
            (8, "send"),
            (5, "receive"),
            (1, "shutdown"),
        ]);
        let slot = match name {
            "send" | "receive" | "shutdown" => self.slot(|s| (PIPE..=EVENTFD).contains(&s.kind)),
            "close" | "dup" | "setfl" => self.slot(|_| true),
            _ => self.slot(|s| s.kind == FILE),
        };
        let r = &mut self.random;
        let args = match name {
            "dup" => vec![slot.number, r.below(SLOTS)],
            "setfl" if self.calm => vec![slot.number, 0],
            "setfl" => vec![
                slot.number,
                r.pick(&[
                    0,
                    libc::O_NONBLOCK,
                    libc::O_APPEND,
                    libc::O_DIRECT,
                    libc::O_DIRECT | libc::O_NONBLOCK,
                ])
                .into(),
            ],
            "truncate" => vec![slot.number, r.pick(&[0, 100, 4096, 65536, 70000, 200_000])],
            "pwrite" | "pread" => vec![
                slot.number,
                r.pick(&[0, 5, 4096, 60000, 65536]),
                r.pick(&[1, 512, 4096, 9000]),
                r.below(100),
            ],
            "lseek" => vec![slot.number, r.pick(&[0, 7, 65536])],
            "send" => vec![slot.number, r.pick(&[1, 8, 100, 2000]), r.below(100)],
            "receive" => vec![slot.number, r.pick(&[1, 8, 100, 10000])],
            "drop" => vec![
                slot.number,
                r.below(4),
                r.pick(&[0, 0, 4096, 8192, 61440]),
                r.pick(&[0, 0, 4096, 8192]),
            ],
            _ => vec![slot.number, r.below(4)],
        };
        self.push(name, &args);
    }

    fn events(&mut self) {
        let context = self.context();
        let r = &mut self.random;
        let min = r.weighted(&[(8, 0), (8, 1), (2, 2), (2, 5), (1, 100), (1, -1), (1, -2)]);
        let nr = r.weighted(&[
            (3, 1),
            (3, 2),
            (4, 8),
            (10, 64),
            (2, 512),
            (1, 0),
            (1, -1),
            (1, i64::MAX),
        ]);
        let timeout = r.weighted(&[(3, 0), (10, 1), (3, 2), (1, 3), (1, 4), (1, 5)]);
        let to = r.weighted(&[(20, 0), (1, 1), (1, 2), (1, 3)]);
        let mask = r.weighted(&[(14, -1), (2, 0), (2, 1), (1, 2), (2, 3)]);
        self.push("events", &[context, min, nr, timeout, to, mask]);
        self.calls += 1;
    }

    fn cancel(&mut self) {
        let args = [
            self.context(),
            self.random.below(32),
            self.random.weighted(&[(10, 0), (1, 1), (1, 2), (1, 3), (2, 4), (2, 5)]),
        ];
        self.push("cancel", &args);
        self.calls += 1;
    }

    fn submit(&mut self) {
        let batch = self.random.weighted(&[
            (8, 1),
            (4, 2),
            (3, 4),
            (2, 8),
            (1, 20),
            (if self.calm { 5 } else { 1 }, -1),
        ]);
        let batch = if batch < 0 { 40 + self.random.below(100) } else { batch };
        // The long ones are of one kind: they are after the limits.
        let only = (batch >= 40).then(|| {
            let opcodes = if self.calm {
                &[PREAD, PWRITE][..]
            } else {
                &[PREAD, PWRITE, POLL]
            };
            (self.random.pick(opcodes), self.slot(|_| true))
        });
        let same = self.random.chance(25).then(|| self.slot(|_| true));
        for _ in 0..batch {
            self.request(only, same);
        }
        let context = self.context();
        let r = &mut self.random;
        let count = r.weighted(&[(40, 0), (1, 1), (1, 2), (1, 3), (1, 4), (1, 5)]);
        let array = r.weighted(&[(50, 0), (1, 1), (1, 2), (1, 3)]);
        self.push("submit", &[context, count, array]);
        self.calls += 1;
    }

    fn request(&mut self, only: Option<(i64, Slot)>, same: Option<Slot>) {
        self.requests += 1;
        let odd = if only.is_some() { 1 } else { 2 };
        let block = self.random.below(32);
        let (opcode, slot) = match only {
            Some(both) => both,
            None => {
                let opcode = self.random.weighted(&[
                    (25, PREAD),
                    (25, PWRITE),
                    (10, PREADV),
                    (10, PWRITEV),
                    (1, FSYNC),
                    (1, FDSYNC),
                    (14, POLL),
                    (1, -1),
                ]);
                let opcode = if opcode < 0 || (self.calm && matches!(opcode, FSYNC | FDSYNC | POLL)) {
                    self.random.pick(&[4, 6, 9, 10, 100, 65535, 32767])
                } else {
                    opcode
                };
                let slot = match (same, opcode) {
                    (Some(slot), _) => slot,
                    (None, POLL) => self.slot(|s| s.kind != FILE),
                    (None, FSYNC | FDSYNC) => self.slot(|s| s.kind == FILE),
                    _ if self.random.chance(65) => self.slot(|s| s.kind == FILE),
                    _ if self.random.chance(60) => self.slot(|s| (PIPE..=EVENTFD).contains(&s.kind)),
                    _ => self.slot(|_| true),
                };
                (opcode, slot)
            }
        };
        let r = &mut self.random;
        let number = if r.chance(odd) { BAD + r.below(4) } else { slot.number };
        let vectored = matches!(opcode, PREADV | PWRITEV);
        let (mut offset, mut length, mut start) = if slot.direct && r.chance(85) {
            (
                r.pick(&[0, 512, 4096, 8192, 12288, 32768, 61440, 65024, 65536, 69632, 131_072]),
                r.pick(&[512, 1024, 4096, 4096, 8192, 12288]),
                r.pick(&[0, 0, 0, 512, 1024]),
            )
        } else {
            (
                r.pick(&[
                    0, 0, 1, 100, 511, 512, 4096, 8192, 61440, 65436, 65530, 65536, 69632, 131_072,
                ]),
                r.pick(&[0, 1, 4, 7, 8, 100, 511, 512, 513, 1000, 4095, 4096, 4097, 8192, 12000]),
                r.pick(&[0, 0, 1, 8, 511, 512, 4000]),
            )
        };
        if slot.kind != FILE && r.chance(80) {
            offset = 0;
        }
        if r.chance(odd) {
            offset = r.pick(&[
                -1,
                -4096,
                i64::MIN,
                i64::MAX,
                i64::MAX - 5,
                i64::MAX - 4096 - 4095,
                1 << 40,
                1 << 20,
            ]);
        }
        if r.chance(odd) {
            length = r.pick(&[-1, i64::MIN, 1 << 62, 3 << 30, 0x7fff_f000, 0x8000_0000, 1 << 32, 20000]);
        }
        let mut memory = 0;
        if vectored {
            let odd = 1 + r.below(12);
            memory = r.weighted(&[(20, 0), (3, odd)]);
        } else if r.chance(2 * odd) {
            memory = 1 + r.below(6);
        }
        if opcode == POLL {
            length = r.weighted(&[
                (6, 1),
                (4, 4),
                (3, 5),
                (2, 0x2001),
                (1, 0x2000),
                (1, 0x40),
                (1, 0x100),
                (1, 0xffff),
                (1, 0),
                (1, 2),
                (1, 0x10),
                (1, 0x10001),
                (1, 1 << 31),
                (1, 0x41),
            ]);
            memory = if r.chance(odd) { 5 + r.below(3) } else { 0 };
        }
        if matches!(opcode, FSYNC | FDSYNC) {
            memory = if r.chance(3 * odd) { r.pick(&[3, 5, 6, 7]) } else { 0 };
        }
        let mut flags = 0;
        if r.chance(odd) {
            flags |= 2 | r.pick(&[0, 4 << 1, (2 << 13) | 4, 1 << 13, 7 << 13, 5, 3 << 13]) << 4;
        }
        if r.chance(odd) {
            flags |= r.pick(&[4, 4, 8]);
        }
        let mut rw_flags = 0;
        if !matches!(opcode, FSYNC | FDSYNC | POLL) && r.chance(4 * odd) {
            rw_flags = r.pick(&[1, 2, 4, 8, 8, 8, 16, 32, 64, 128, 256, 512, 48, 24, 1 << 31]);
        }
        let mut resfd = -1;
        if r.chance(35) {
            let of = self.slot(|s| s.kind == EVENTFD);
            let r = &mut self.random;
            flags |= 1;
            resfd = if r.chance(odd) {
                let none = BAD + r.below(4);
                r.pick(&[slot.number, none])
            } else if of.kind == EVENTFD {
                of.number
            } else {
                flags &= !1;
                -1
            };
        }
        let r = &mut self.random;
        let how = if r.chance(odd) { 1 + r.below(6) } else { 0 };
        start += if r.chance(odd) { r.below(64) } else { 0 };
        let parts = r.below(6);
        self.push(
            "+",
            &[
                block, opcode, number, offset, length, memory, start, flags, rw_flags, resfd, how, parts,
            ],
        );
    }
}
