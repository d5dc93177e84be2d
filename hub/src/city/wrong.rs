//! The ways in which rows are wrong, by name: what each does to a row, and what the hub should answer.

use super::feed::{Feed, Row, Shape};
use super::household::Household;
use super::number;
use super::person::Person;

/// How a special case sends a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Take {
    /// Not at all.
    Absent,
    /// As it is.
    Good,
    /// A marriage event (only in the marriage feed).
    Event(Operation),
    /// The health record is cancelled.
    Cancelled,
    /// In one of the ways below.
    Wrong(Wrong),
}

/// What a marriage row registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Marriage,
    Divorce,
    Reissue,
    Annulment,
}

/// A way to be wrong or unusual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Born on 1900-02-30.
    BadDate,
    /// A code that is in no table.
    UnknownCode,
    /// A residents committee nobody knows.
    UnknownCommittee,
    /// A kind of insurance nobody knows, in one item of the repeated group.
    UnknownInsurance,
    /// No name.
    MissingName,
    /// A name longer than a column of any register.
    OverlongName,
    /// No source key.
    MissingKey,
    /// One column too few.
    ColumnCount,
    /// The number as a spreadsheet shows it: `1.30108E+17`.
    NumberAsFloat,
    /// A check digit that does not belong to the number.
    CheckDigit,
    /// The key twice in the file; the last row is right.
    Twice,
    /// No number.
    NoNumber,
    /// The number of somebody else in the household.
    ParentsNumber,
    /// One number that many names share, born on the day it says.
    Placeholder,
    /// A number that is right in itself and nobody's; it is corrected later.
    EarlierNumber,
    /// Another name under the same number and birth date.
    Renamed,
    /// A passport instead of a citizen number.
    Passport,
}

/// The number clerks type where they have none, and the birth date in it.
pub(super) const PLACEHOLDER: (&str, &str) = ("130108190001010012", "19000101");

const BAD_DATE: &str = "19000230";

/// What the hub should count for one entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fate {
    /// Rows sent.
    pub rows: u64,
    /// Rows that cannot be used.
    pub rejected: u64,
    /// Rows that a later row of the same delta supersedes.
    pub stale: u64,
    /// Attributes dropped, or kept with a doubt, of all rows that can be used; a hub that passes over unchanged rows
    /// counts those of changed rows alone.
    pub issues: u64,
}

impl Take {
    /// What the hub should count.
    pub fn fate(self, feed: Feed) -> Fate {
        let sent = Fate { rows: 1, ..Fate::default() };
        match self {
            Self::Absent => Fate::default(),
            Self::Good | Self::Event(_) | Self::Cancelled => sent,
            Self::Wrong(wrong) => wrong.fate(feed),
        }
    }

    /// Whether a row of that kind, once applied, stands without a person key of its own.
    pub fn has_no_key(self) -> bool {
        matches!(self, Self::Wrong(Wrong::NoNumber | Wrong::CheckDigit))
    }
}

impl Wrong {
    fn fate(self, feed: Feed) -> Fate {
        let sent = Fate { rows: 1, ..Fate::default() };
        match self {
            Self::BadDate
            | Self::UnknownCode
            | Self::UnknownCommittee
            | Self::UnknownInsurance
            | Self::CheckDigit
            | Self::NoNumber => Fate { issues: 1, ..sent },
            Self::MissingName | Self::OverlongName | Self::MissingKey | Self::ColumnCount | Self::NumberAsFloat => {
                Fate { rejected: 1, ..sent }
            }
            Self::Twice if feed.is_snapshot() => Fate { rows: 2, rejected: 1, ..Fate::default() },
            Self::Twice => Fate { rows: 2, stale: 1, ..Fate::default() },
            Self::ParentsNumber | Self::Placeholder | Self::EarlierNumber | Self::Renamed | Self::Passport => sent,
        }
    }

    /// Makes a good row wrong.
    pub fn spoil(self, shape: &Shape, row: &mut Row, household: &Household, person: &Person) {
        let cells = &mut row.cells;
        match self {
            Self::BadDate => cells.set(shape.birth, &shape.date_text(BAD_DATE)),
            Self::UnknownCode => cells.set(shape.code, "火星"),
            Self::UnknownCommittee => cells.set(shape.division, "云上社区居委会"),
            Self::UnknownInsurance => {
                if let Some(group) = row.groups.first_mut() {
                    group.set(shape.group_code, "999");
                }
            }
            Self::MissingName => cells.set(shape.name, ""),
            Self::OverlongName => cells.set(shape.name, &"超长姓名".repeat(60)),
            Self::MissingKey => cells.set(shape.key, ""),
            Self::ColumnCount => cells.truncate(shape.columns.len() - 1),
            Self::NumberAsFloat => cells.set(shape.number, "1.30108E+17"),
            Self::CheckDigit => {
                let number = number::with_wrong_check_digit(&person.number());
                cells.set(shape.number, &number);
            }
            Self::NoNumber => cells.set(shape.number, ""),
            Self::ParentsNumber => cells.set(shape.number, &household.members[0].number()),
            Self::Placeholder => {
                cells.set(shape.number, PLACEHOLDER.0);
                cells.set(shape.birth, &shape.date_text(PLACEHOLDER.1));
            }
            Self::EarlierNumber => cells.set(shape.number, &earlier_number(person)),
            Self::Renamed => {
                let renamed = format!("{}新", cells.get(shape.name));
                cells.set(shape.name, &renamed);
            }
            Self::Passport => {
                let passport = format!("E{:08}", person.index % 100_000_000);
                cells.set(shape.id_type, "03");
                cells.set(shape.nationality, "USA");
                cells.set(shape.number, "");
                cells.set(shape.other_number, &passport);
            }
            Self::Twice => {}
        }
    }
}

/// A number that is right, says the same birth date and belongs to nobody.
fn earlier_number(person: &Person) -> String {
    number::Slot::new(number::Origin::Nobody, person.index, 0).number(person.birth, person.sex)
}
