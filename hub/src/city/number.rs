//! Citizen numbers that no two generated people share: a number is a one-to-one function of who has it.
//!
//! Day of the year, sequence and prefix come from the person's index; the year and the sex from the person. People who
//! were not born as plain residents (newcomers of the special cases) have prefixes of their own.

use chrono::{Datelike, NaiveDate};

use super::person::Sex;
use crate::identity::CitizenNumber;

const DAYS: u64 = 365;
const SEQUENCES: u64 = 500;
const COUNTIES: [&str; 12] = ["02", "04", "05", "07", "09", "10", "21", "23", "25", "26", "27", "29"];
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
    prefix: [u8; 6],
}

impl Slot {
    /// The slot of an index below [`CAPACITY`]; `shift` turns it differently for each seed.
    pub fn new(origin: Origin, index: u64, shift: u64) -> Self {
        let city = (index / CITY) % CITIES;
        let slot = ((index % CITY) * STEP + shift % CITY) % CITY;
        let county = COUNTIES[(slot / (DAYS * SEQUENCES)) as usize];
        let city = match origin {
            Origin::Local => format!("13{:02}{county}", city + 1),
            Origin::Elsewhere => format!("41{:02}{county}", city + 1),
            Origin::Cast => format!("1399{county}"),
            Origin::Nobody => format!("1398{county}"),
        };
        let mut prefix = *b"000000";
        prefix.copy_from_slice(city.as_bytes());
        Self { day: (slot % DAYS) as u32, sequence: ((slot / DAYS) % SEQUENCES) as u16, prefix }
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
        let prefix = std::str::from_utf8(&self.prefix).unwrap_or_default();
        // Prefix, date and sequence are right by construction, so that there always is a number; the tests read all back.
        CitizenNumber::build(prefix, birth, sequence).map(|number| number.as_str().to_owned()).unwrap_or_default()
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

/// The number as cards before 1999 bore it, 15 digits; only of people born before 2000.
pub(super) fn fifteen_digits(number: &str) -> Option<String> {
    (number.get(6..8)? == "19").then(|| format!("{}{}", &number[..6], &number[8..17]))
}
