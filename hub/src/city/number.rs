//! Citizen numbers that no two generated people share: a number is a one-to-one function of who has it.
//!
//! Day of the year, sequence and prefix come from the person's index; the year and the sex from the person. People who
//! were not born as plain residents (newcomers of the special cases) have prefixes of their own.

use chrono::{Datelike, NaiveDate};

use super::person::Sex;
use crate::identity::CitizenNumber;

const DAYS: u64 = 365;
const SEQUENCES: u64 = 500;
const COUNTIES: [u32; 12] = [2, 4, 5, 7, 9, 10, 21, 23, 25, 26, 27, 29];
const CITIES: u64 = 11;
/// Numbers of the counties of one city; people with near indexes stay within it.
const CITY: u64 = DAYS * SEQUENCES * COUNTIES.len() as u64;
/// A step through one city's numbers that meets each once: it shares no factor with `CITY`.
const STEP: u64 = 1_299_709;

/// How many indexes have numbers of their own.
pub(super) const CAPACITY: u64 = CITY * CITIES;

/// Whose prefixes a number uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// Counties of the province.
    Local,
    /// Counties of another province: the floating population.
    Elsewhere,
    /// The special cases.
    Cast,
    /// Mistakes of clerks: right in themselves, but nobody's.
    Nobody,
}

/// The parts of a number that follow from the index.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    day: u32,
    sequence: u16,
    prefix: u32,
}

impl Slot {
    /// The slot of an index below [`CAPACITY`]; `shift` turns it differently for each seed.
    pub fn new(origin: Origin, index: u64, shift: u64) -> Self {
        let city = ((index / CITY) % CITIES) as u32;
        let slot = ((index % CITY) * STEP + shift % CITY) % CITY;
        let county = COUNTIES[(slot / (DAYS * SEQUENCES)) as usize];
        let city = match origin {
            Origin::Local => 1_301 + city,
            Origin::Elsewhere => 4_101 + city,
            Origin::Cast => 1_399,
            Origin::Nobody => 1_398,
        };
        let prefix = 100 * city + county;
        Self { day: (slot % DAYS) as u32, sequence: ((slot / DAYS) % SEQUENCES) as u16, prefix }
    }

    /// Code of the county in the number.
    pub fn county(&self) -> u32 {
        self.prefix
    }

    /// The birth date of somebody born in `year`.
    pub fn birth_date(&self, year: i32) -> NaiveDate {
        NaiveDate::from_yo_opt(year, self.day + 1).unwrap_or_default()
    }

    /// The latest birth date that is not after `today`.
    pub fn recent_birth_date(&self, today: NaiveDate) -> NaiveDate {
        let birth = self.birth_date(today.year());
        if birth <= today { birth } else { self.birth_date(today.year() - 1) }
    }

    /// The number of somebody with that birth date.
    pub fn number(&self, birth: NaiveDate, sex: Sex) -> String {
        let sequence = 2 * self.sequence + u16::from(sex == Sex::Male);
        // Prefix, date and sequence are right by construction, so that there always is a number; the tests read all back.
        CitizenNumber::build(&self.prefix.to_string(), birth, sequence)
            .map(|number| number.as_str().to_owned())
            .unwrap_or_default()
    }
}

/// The same number with a check digit that is wrong.
pub(super) fn with_wrong_check_digit(number: &str) -> String {
    let (body, check) = number.split_at(number.len().saturating_sub(1));
    let other = match check.as_bytes() {
        [digit @ b'0'..=b'8'] => char::from(digit + 1),
        _ => '0',
    };
    format!("{body}{other}")
}

/// The number, or what stood on cards before 1999 if `old`: 15 digits, which only people born before 2000 ever had.
pub(super) fn with_age(number: String, old: bool) -> String {
    match number.get(6..8) {
        Some("19") if old => format!("{}{}", &number[..6], &number[8..17]),
        _ => number,
    }
}
