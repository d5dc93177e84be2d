//! The six feeds: who stands in which delivery, and how a row is filled. One file per feed; formats are next door.

pub(super) mod health;
pub(super) mod insured;
pub(super) mod marriage;
pub(super) mod population;
pub(super) mod registered;
mod row;
pub(super) mod unemployment;

use std::io;

pub(super) use row::{Cells, Row};

use super::City;
use super::dice::Topic;
use super::household::Household;
use super::person::Person;
use super::troupe::Performance;
use super::wrong::{Take, Wrong};
use marriage::Wedlock;

/// The feeds in the order departments send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Feed {
    Registered,
    Population,
    Insured,
    Unemployment,
    Marriage,
    Health,
}

impl Feed {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Registered, Self::Population, Self::Insured, Self::Unemployment, Self::Marriage, Self::Health];

    /// `department/feed`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Registered => "public-security/registered-residents",
            Self::Population => "family-planning/population",
            Self::Insured => "social-security/insured-persons",
            Self::Unemployment => "social-security/unemployment-insurance",
            Self::Marriage => "civil-affairs/marriage-registrations",
            Self::Health => "health/resident-health-records",
        }
    }

    /// Its bit in a set of feeds.
    pub fn bit(self) -> u8 {
        1 << self as u8
    }

    /// Whether a delivery holds all, so that what is absent has ended.
    pub fn is_snapshot(self) -> bool {
        !matches!(self, Self::Marriage | Self::Health)
    }

    /// Columns and what they are for.
    pub fn shape(self) -> &'static Shape {
        match self {
            Self::Registered => &registered::SHAPE,
            Self::Population => &population::SHAPE,
            Self::Insured => &insured::SHAPE,
            Self::Unemployment => &unemployment::SHAPE,
            Self::Marriage => &marriage::SHAPE,
            Self::Health => &health::SHAPE,
        }
    }

    /// Fills a row with what the entry says when all is well.
    pub fn fill(self, row: &mut Row, city: &City, entry: &Entry<'_>) {
        row.clear();
        match self {
            Self::Registered => registered::fill(row, city, entry),
            Self::Population => population::fill(row, city, entry),
            Self::Insured => insured::fill(row, city, entry),
            Self::Unemployment => unemployment::fill(row, city, entry),
            Self::Marriage => marriage::fill(row, city, entry),
            Self::Health => health::fill(row, city, entry),
        }
    }
}

/// No such column in the feed.
pub(super) const NONE: usize = usize::MAX;

/// The columns of a feed, and the places of those that special cases touch.
#[derive(Debug)]
pub(super) struct Shape {
    pub columns: &'static [&'static str],
    pub key: usize,
    pub name: usize,
    pub number: usize,
    pub birth: usize,
    /// A column with a code of a table.
    pub code: usize,
    /// The column with the label of the community.
    pub division: usize,
    pub id_type: usize,
    pub nationality: usize,
    /// Number of a document that is no citizen card.
    pub other_number: usize,
    /// The code in an item of the repeated group.
    pub group_code: usize,
    /// Dates as `1990-01-31`; otherwise `19900131`.
    pub dashes: bool,
}

impl Shape {
    /// A shape without any special place.
    pub const fn of(columns: &'static [&'static str]) -> Self {
        Self {
            columns,
            key: NONE,
            name: NONE,
            number: NONE,
            birth: NONE,
            code: NONE,
            division: NONE,
            id_type: NONE,
            nationality: NONE,
            other_number: NONE,
            group_code: NONE,
            dashes: false,
        }
    }

    /// A date of eight digits as the feed writes dates.
    pub fn date_text(&self, digits: &str) -> String {
        match (self.dashes, digits.len()) {
            (true, 8) => format!("{}-{}-{}", &digits[..4], &digits[4..6], &digits[6..]),
            _ => digits.to_owned(),
        }
    }
}

/// One row to be sent (two, when it is sent twice).
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub day: u32,
    pub household: &'a Household,
    pub person: &'a Person,
    pub take: Take,
    /// What a marriage row registers.
    pub wedlock: Option<Wedlock>,
}

/// Who receives entries.
pub(super) type Visit<'a> = &'a mut dyn FnMut(&Entry<'_>) -> io::Result<()>;

/// The rows a household has in a delivery of the day.
pub(super) fn entries(feed: Feed, city: &City, household: &Household, day: u32, visit: Visit<'_>) -> io::Result<()> {
    if feed == Feed::Marriage {
        return marriage::entries(city, household, day, visit);
    }
    for person in household.members.iter().filter(|person| person.is_in(feed)) {
        let take = if feed == Feed::Health { health::take(city, person, day) } else { snapshot_take(feed, person) };
        if take != Take::Absent {
            visit(&Entry { day, household, person, take, wedlock: None })?;
        }
    }
    Ok(())
}

fn snapshot_take(feed: Feed, person: &Person) -> Take {
    if person.is_present() { usual_take(feed, person) } else { Take::Absent }
}

/// How a feed sends a resident on ordinary days: some numbers are missing or mistyped for years.
pub(super) fn usual_take(feed: Feed, person: &Person) -> Take {
    let throw = person.dice.on(Topic::Noise).at(u64::from(feed.bit()));
    match feed {
        Feed::Population if throw.chance(500) => Take::Wrong(Wrong::NoNumber),
        Feed::Unemployment if throw.chance(2_000) => Take::Wrong(Wrong::NoNumber),
        Feed::Health if throw.chance(300) => Take::Wrong(Wrong::CheckDigit),
        _ => Take::Good,
    }
}

/// The rows a special case has in a delivery of the day.
pub(super) fn performed(feed: Feed, performance: &Performance, day: u32, visit: Visit<'_>) -> io::Result<()> {
    let household = &performance.household;
    for part in performance.play.parts.iter().filter(|part| part.feed == feed) {
        let take = part.take(day);
        if take != Take::Absent {
            let person = &household.members[usize::from(part.who)];
            visit(&Entry { day, household, person, take, wedlock: None })?;
        }
    }
    Ok(())
}
