//! A synthetic city: residents and households who do not exist, and the files six departments send about them.
//!
//! Everything is a function of the seed and of what it is about, so that a city of millions needs no more memory than a
//! village, and the same options give the same bytes. Owns what the files hold and what the hub must come to; never
//! runs the hub. On the second day rows are wrong in a dozen ways; from the third on the city merely lives on.

mod cast;
mod delivery;
mod dice;
mod expected;
mod feed;
mod folder;
mod format;
mod household;
pub mod linkage;
mod name;
mod noise;
mod number;
mod person;
mod place;
#[cfg(test)]
mod tests;
mod troupe;
mod wrong;

use std::cell::RefCell;
use std::io;
use std::sync::Arc;

use chrono::{Days, NaiveDate};

pub use delivery::{CityDelivery, Occasion};
pub use expected::Expected;
pub use folder::write_all;
pub use wrong::Fate;

use cast::PLAYS;
use dice::{Dice, Topic};
use feed::Feed;
use household::{Ground, Household, MAX_RESIDENTS};
use place::Community;
use troupe::Performance;

// Nobody's index is beyond the numbers there are, even if every company plays on a city's last stage.
const _: () = assert!(household::CAST + 1_000_000 < number::CAPACITY);

/// How many households stand between two special cases in a file.
const SPACING: u64 = 5;

/// What a city is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CityOptions {
    /// Residents on the first day, without the people of the special cases; at most seven million are made.
    pub residents: u64,
    /// Another seed, another city.
    pub seed: u64,
    /// Day 1.
    pub start: NaiveDate,
}

/// A synthetic city; cheap to clone.
#[derive(Debug, Clone)]
pub struct City {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    residents: u64,
    ground: Ground,
    communities: Vec<Community>,
}

impl City {
    /// A city. With fewer than 400 residents the wrong rows of day 2 are more than a hub lets pass.
    pub fn new(options: CityOptions) -> Self {
        let residents = options.residents.min(MAX_RESIDENTS);
        let communities = place::communities();
        let dice = Dice::new(options.seed);
        let ground = Ground {
            dice,
            start: options.start,
            communities: communities.len(),
            // A sheet ends at row 1,048,576: a big city sends fewer of its insured in that feed.
            unemployment_share: (90_000 * 2_000_000 / residents.max(2_000_000)).min(90_000),
            shift: dice.on(Topic::Shift).below(1 << 40),
        };
        Self { inner: Arc::new(Inner { residents, ground, communities }) }
    }

    /// What the special cases of day 2 are about, in the order of their rows.
    pub fn special_cases() -> impl Iterator<Item = &'static str> {
        PLAYS.iter().map(|play| play.title)
    }

    /// The date of a day, counted from 1.
    pub fn date(&self, day: u32) -> NaiveDate {
        self.start() + Days::new(u64::from(day.max(1) - 1))
    }

    /// The date of day 1.
    pub fn start(&self) -> NaiveDate {
        self.inner.ground.start
    }

    fn communities(&self) -> usize {
        self.inner.communities.len()
    }

    fn community(&self, index: usize) -> Community {
        self.inner.communities[index % self.inner.communities.len()]
    }

    fn employers(&self) -> u64 {
        40 + self.inner.residents / 60
    }

    /// Performances of special cases: each play once, in bigger cities oftener.
    fn performances(&self) -> u64 {
        PLAYS.len() as u64 * (self.inner.residents / 2_500).clamp(1, 40)
    }

    /// Share of old marriage rows sent again on a day, of 100,000: at least so many that some wrong rows are few.
    fn marriages_again(&self) -> u64 {
        (150 * 100_000 * 6 / self.inner.residents.max(1)).clamp(20_000, 100_000)
    }

    /// Share of old health records sent again on a day, of 100,000.
    fn records_again(&self) -> u64 {
        (150 * 100_000 * 2 / self.inner.residents.max(1)).clamp(10_000, 100_000)
    }

    /// Visits all households of a day, and the performances between them.
    fn visit(
        &self,
        day: u32,
        mut household: impl FnMut(&Household) -> io::Result<()>,
        mut performance: impl FnMut(&Performance) -> io::Result<()>,
    ) -> io::Result<()> {
        let ground = &self.inner.ground;
        let performances = self.performances();
        let (mut first, mut number, mut given) = (0, 0, 0);
        while first < self.inner.residents {
            let next = Household::new(ground, number, first, self.inner.residents - first, day);
            first += next.size;
            number += 1;
            household(&next)?;
            if number % SPACING == 0 && given < performances {
                performance(&troupe::performance(ground, given))?;
                given += 1;
            }
        }
        for number in given..performances {
            performance(&troupe::performance(ground, number))?;
        }
        Ok(())
    }

    /// Visits the rows of a feed on a day, in the order of the file.
    fn entries(&self, feed: Feed, day: u32, visit: feed::Visit<'_>) -> io::Result<()> {
        let visit = RefCell::new(visit);
        self.visit(
            day,
            |household| feed::entries(feed, self, household, day, &mut **visit.borrow_mut()),
            |performance| feed::performed(feed, performance, day, &mut **visit.borrow_mut()),
        )
    }
}
