//! Birth dates as evidence, in any writing: what is known of the day, and how two of them differ.
//!
//! Owns the comparison; the reading is `birth_text`'s. A date that cannot be is kept as it was written, for its digits
//! still say something; a date that stands for "unknown" is no value.

use super::birth_text;
use super::lunar;
use super::typo::slips;
use crate::linkage::evidence::{Evidence, Keys, Rung, Tokens, combine, stable_hash};

/// A date of birth as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BirthDate {
    /// `yyyymmdd`; month and day 0 when unknown, and no real date when `is_real` is false.
    digits: u32,
    /// The same day in the traditional calendar, `yyyymmdd`; 0 when there is none.
    lunar: u32,
    /// The century was not written.
    open_century: bool,
    is_real: bool,
    /// Taken from a document number, not from a cell of its own.
    implied: bool,
    /// A cell says it, and so does the number beside it.
    confirmed: bool,
}

/// The rungs of [`BirthDate`], by their place on its ladder.
pub mod rung {
    /// The same day.
    pub const SAME: u8 = 0;
    /// One slip of the keyboard apart.
    pub const TYPO: u8 = 1;
    /// Month and day swapped.
    pub const SWAPPED: u8 = 2;
    /// One is the lunar date of the other.
    pub const LUNAR: u8 = 3;
    /// One knows less (year, or year and month, or stands on a first of January), and what both know agrees.
    pub const COARSE: u8 = 4;
    /// Month and day agree, the year does not.
    pub const SAME_DAY: u8 = 5;
    /// Year and month agree, the day does not.
    pub const SAME_MONTH: u8 = 6;
    /// The year agrees.
    pub const SAME_YEAR: u8 = 7;
    /// Nothing agrees.
    pub const DIFFERENT: u8 = 8;
}

impl BirthDate {
    /// A real day, as `yyyymmdd`.
    pub fn of_day(digits: u32) -> Self {
        Self {
            digits,
            lunar: lunar::of_day(digits),
            open_century: false,
            is_real: true,
            implied: false,
            confirmed: false,
        }
    }

    /// The day a document number tells: the same evidence as the number, not further evidence.
    pub fn implied(digits: u32) -> Self {
        Self { implied: true, ..Self::of_day(digits) }
    }

    /// Marks a day that the number beside it tells, too: a first of January is then no filler.
    pub fn confirm(&mut self) {
        self.confirmed = true;
    }

    /// Whether a cell said so, and not a document number.
    pub fn is_written(&self) -> bool {
        !self.implied
    }

    /// Digits that are no date, or one of which parts are unknown (0).
    pub(super) fn odd(digits: u32, is_real: bool, open_century: bool) -> Self {
        let lunar = if is_real && !digits.is_multiple_of(100) { lunar::of_day(digits) } else { 0 };
        Self { digits, lunar, open_century, is_real, implied: false, confirmed: false }
    }

    /// The year, if it was written in full and the date can be.
    pub fn year(&self) -> Option<u32> {
        (self.is_real && !self.open_century).then_some(self.digits / 10_000)
    }

    /// The digits `yyyymmdd`, parts that are unknown 0.
    pub fn digits(&self) -> u32 {
        self.digits
    }

    fn month(&self) -> u32 {
        self.digits / 100 % 100
    }

    fn day(&self) -> u32 {
        self.digits % 100
    }

    /// Whether only the year may be meant: departments fill up what they do not know with January the first.
    fn is_vague(&self) -> bool {
        self.day() == 0 || self.is_filled_up()
    }

    fn is_filled_up(&self) -> bool {
        self.digits % 10_000 == 101 && !self.implied && !self.confirmed
    }

    fn same_year(&self, other: &Self) -> bool {
        let modulus = if self.open_century || other.open_century { 100 } else { 10_000 };
        (self.digits / 10_000) % modulus == (other.digits / 10_000) % modulus
    }

    fn is_coarsely(&self, other: &Self) -> bool {
        let months = self.month() == 0 || other.month() == 0 || self.month() == other.month();
        (self.day() == 0 || other.day() == 0) && months || self.is_filled_up() || other.is_filled_up()
    }

    /// Whether one is the day after the other, across the end of a month; within a month it is seen by the digits.
    fn is_next_to(&self, other: &Self) -> bool {
        let turns = self.day() == 1 && other.day() >= 28 || other.day() == 1 && self.day() >= 28;
        let days = || birth_text::day(self.digits).zip(birth_text::day(other.digits));
        turns && days().is_some_and(|(one, other)| (one - other).num_days().abs() == 1)
    }

    /// Whether the other is this day by the lunar calendar; who reckons it in his head is a day off at times.
    fn is_lunar_of(&self, other: &Self) -> bool {
        self.lunar != 0 && other.day() != 0 && self.lunar.abs_diff(other.digits) <= 1
    }
}

impl Evidence for BirthDate {
    const LADDER: &'static [Rung] = &[
        Rung { name: "same", zh: "出生日期相同", en: "same birth date", m: 0.89, u: 4e-5 },
        Rung { name: "typo", zh: "出生日期差一处", en: "birth date one slip apart", m: 0.04, u: 1.5e-3 },
        Rung { name: "swapped", zh: "出生月日互换", en: "month and day swapped", m: 0.01, u: 3e-5 },
        Rung { name: "lunar", zh: "农历与公历同一天", en: "lunar date of the same day", m: 0.01, u: 5e-5 },
        Rung {
            name: "coarse", zh: "只知出生年份且相符", en: "only the year is known, and agrees", m: 0.02, u: 4e-4
        },
        Rung { name: "same_day", zh: "月日相同年份不同", en: "month and day agree", m: 0.008, u: 2e-3 },
        Rung { name: "same_month", zh: "年月相同日不同", en: "year and month agree", m: 0.005, u: 6e-4 },
        Rung { name: "same_year", zh: "年份相同", en: "year agrees", m: 0.008, u: 0.012 },
        Rung { name: "different", zh: "出生日期不同", en: "different birth dates", m: 0.009, u: 0.984 },
    ];

    fn prepare(text: &str) -> Option<Self> {
        birth_text::read(text)
    }

    fn compare(&self, other: &Self) -> u8 {
        let year = self.same_year(other);
        let (month, day) = (self.month() == other.month(), self.day() == other.day());
        if year && month && day {
            return rung::SAME;
        }
        if year && self.is_coarsely(other) {
            return rung::COARSE;
        }
        if self.is_lunar_of(other) || other.is_lunar_of(self) {
            return rung::LUNAR;
        }
        if year && self.month() == other.day() && self.day() == other.month() {
            return rung::SWAPPED;
        }
        let known = self.day() != 0 && other.day() != 0;
        if known && (slips(&spelled(self.digits), &spelled(other.digits)) == Some(1) || self.is_next_to(other)) {
            return rung::TYPO;
        }
        match (year, month && self.month() != 0, day && self.day() != 0) {
            (false, true, true) if !self.is_vague() => rung::SAME_DAY,
            (true, true, _) => rung::SAME_MONTH,
            (true, ..) => rung::SAME_YEAR,
            _ => rung::DIFFERENT,
        }
    }

    fn keys(&self, keys: &mut Keys) {
        let hash = |part: u32| stable_hash(&part.to_le_bytes());
        if self.day() != 0 && !self.open_century {
            keys.add(0, hash(self.digits));
        }
        if self.day() != 0 {
            keys.add(1, hash(self.digits % 10_000));
            keys.add(1, hash(self.month() + 100 * self.day()));
        }
        if self.lunar != 0 {
            keys.add(1, hash(self.lunar % 10_000));
        }
        if self.month() != 0 && !self.open_century {
            keys.add(1, combine(hash(self.digits / 100), 1));
        }
        keys.add(2, hash(self.digits / 10_000 % 100));
    }

    fn tokens(&self, tokens: &mut Tokens) {
        let flags = [self.open_century, self.is_real, self.implied, self.confirmed && self.digits % 10_000 == 101];
        let writing = flags.into_iter().rev().fold(0, |bits, flag| 2 * bits + u64::from(flag));
        tokens.push(combine(self.day_token(), writing));
        tokens.push(self.day_token());
        tokens.push(self.year_token());
    }

    fn shared(&self, other: &Self, rung: u8) -> Option<u64> {
        match rung {
            rung::SAME if self.digits == other.digits => Some(self.day_token()),
            rung::COARSE | rung::SAME_YEAR => Some(self.year_token()),
            _ => None,
        }
    }
}

impl BirthDate {
    fn day_token(&self) -> u64 {
        stable_hash(&self.digits.to_le_bytes())
    }

    fn year_token(&self) -> u64 {
        combine(stable_hash(&(self.digits / 10_000 % 100).to_le_bytes()), 2)
    }
}

fn spelled(digits: u32) -> [u8; 8] {
    let mut spelled = [b'0'; 8];
    let mut rest = digits;
    for place in spelled.iter_mut().rev() {
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    spelled
}
