//! Seeded throws: every fact of the city is a function of the seed and of what the fact is about, so nothing is stored.
//!
//! SplitMix64 as a hash. Never a source of secrets.

/// A throw that further tags narrow down: city, then resident, then topic, then day.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dice(u64);

/// What a throw decides; the numbers are part of the city, so a new topic gets a new number.
#[derive(Debug, Clone, Copy)]
#[repr(u64)]
pub(super) enum Topic {
    Household = 1,
    Person = 2,
    Size = 3,
    Age = 4,
    Name = 5,
    Ethnic = 6,
    Registered = 7,
    Current = 8,
    Move = 9,
    Change = 10,
    Leave = 11,
    Birth = 12,
    Phone = 13,
    Job = 14,
    Education = 15,
    Membership = 16,
    Form = 17,
    Marriage = 18,
    Divorce = 19,
    Resend = 20,
    Noise = 21,
    WrongFile = 22,
    Blood = 23,
    Insurance = 24,
    Floating = 25,
    Shift = 26,
    Cast = 27,
}

impl Dice {
    /// The throw of a whole city.
    pub fn new(seed: u64) -> Self {
        Self(mix(seed ^ 0x5eed_c17f_0000_0001))
    }

    /// The throw about a topic.
    pub fn on(self, topic: Topic) -> Self {
        self.at(topic as u64)
    }

    /// The throw about the item of that number.
    pub fn at(self, number: u64) -> Self {
        Self(mix(self.0 ^ mix(number.wrapping_add(0x9e37_79b9_7f4a_7c15))))
    }

    /// A whole number below `end`, which is above 0.
    pub fn below(self, end: u64) -> u64 {
        ((u128::from(self.0) * u128::from(end)) >> 64) as u64
    }

    /// True in so many cases of 100,000.
    pub fn chance(self, per_100_000: u64) -> bool {
        self.below(100_000) < per_100_000
    }

    /// One of the items; `items` is not empty.
    pub fn pick<T: Copy>(self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize]
    }
}

fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
