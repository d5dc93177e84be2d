//! What the hub must come to after a day: known from how the city is made, not from running anything.
//!
//! A plain resident exists while any department says something under the right number, or under a person number that is
//! known; a household while a member is registered; special cases come to what is written beside them.

use std::cell::RefCell;
use std::io;

use super::City;
use super::cast;
use super::feed::{Feed, health, marriage, usual_take};
use super::household::Household;
use super::person::Person;
use super::troupe::Performance;
use super::wrong::Fate;

/// The dataset after a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Expected {
    /// Residents that are there.
    pub residents: u64,
    /// Households with a registered member.
    pub households: u64,
    /// Communities in which a resident lives.
    pub communities: u64,
    /// What departments said last about residents nobody could tell who they are.
    pub unresolved: u64,
}

impl City {
    /// What the hub holds after all deliveries up to and including those of `day`.
    pub fn expected(&self, day: u32) -> Expected {
        let mut expected = Expected::default();
        let mut lived_in = vec![false; self.communities()];
        let sums = RefCell::new((&mut expected, &mut lived_in));
        let walked = self.visit(
            day,
            |household| {
                let (expected, lived_in) = &mut *sums.borrow_mut();
                self.add_household(household, day, expected, lived_in);
                Ok(())
            },
            |performance| {
                let (expected, lived_in) = &mut *sums.borrow_mut();
                self.add_performance(performance, day, expected, lived_in);
                io::Result::Ok(())
            },
        );
        // Counting does not write, so there is nothing to fail.
        debug_assert!(walked.is_ok());
        expected.communities = lived_in.iter().filter(|&&lived_in| lived_in).count() as u64;
        expected
    }

    fn add_household(&self, household: &Household, day: u32, expected: &mut Expected, lived_in: &mut [bool]) {
        let registered = |person: &Person| person.is_present() && person.is_in(Feed::Registered);
        expected.households += u64::from(household.members.iter().any(registered));
        let married = marriage::events(self, household, day).iter().any(Option::is_some);
        for (place, person) in household.members.iter().enumerate() {
            let live = |feed: Feed| feed != Feed::Marriage && person.is_present() && person.is_in(feed);
            let unresolved = |feed: Feed| live(feed) && usual_take(feed, person).has_no_key();
            // The person number of the unemployment feed is known: those people are insured under a good number.
            expected.unresolved +=
                [Feed::Population, Feed::Health].into_iter().map(|feed| u64::from(unresolved(feed))).sum::<u64>();
            let joined = |feed: Feed| live(feed) && (feed == Feed::Unemployment || !unresolved(feed));
            let known = Feed::ALL.into_iter().any(joined) || (married && place < 2);
            expected.residents += u64::from(known);
            if let Some(community) = community(household, person, joined) {
                lived_in[community] = true;
            }
        }
    }

    fn add_performance(&self, performance: &Performance, day: u32, expected: &mut Expected, lived_in: &mut [bool]) {
        let cast::Known(residents, households, unresolved) = performance.play.known[cast::act(day)];
        expected.residents += residents;
        expected.households += households;
        expected.unresolved += unresolved;
        lived_in[performance.household.registered.community % lived_in.len()] = true;
    }
}

/// The community of a resident: where somebody says the person lives, else where the person is registered.
fn community(household: &Household, person: &Person, joined: impl Fn(Feed) -> bool) -> Option<usize> {
    let current = joined(Feed::Insured) || (joined(Feed::Health) && health::tells_current(person, household.floating));
    let registered = [Feed::Registered, Feed::Population, Feed::Insured, Feed::Health].into_iter().any(&joined);
    match (household.apart && current, registered && !household.floating) {
        (true, _) => Some(household.current.community),
        (false, true) => Some(household.registered.community),
        (false, false) => None,
    }
}

impl Fate {
    /// Adds what another row counts.
    pub(super) fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.rejected += other.rejected;
        self.stale += other.stale;
        self.issues += other.issues;
    }
}
