//! What is stored of where loose records stand: what it was, what it comes to, and which rows that changes.

use std::collections::BTreeMap;

use super::working::Working;
use crate::error::Result;
use crate::matching::{Candidate, Outcome};
use crate::store::Conn;
use crate::store::matching::{self, Changes, Matching};

/// A record was joined by itself.
pub const JOINED: &str = "joined";
/// Somebody is asked.
pub const REVIEW: &str = "review";

/// The standings a transaction looks at, by place.
pub struct Standings {
    model: i64,
    now: i64,
    held: BTreeMap<usize, Held>,
}

#[derive(Default)]
struct Held {
    stood: Option<Matching>,
    stands: Option<Matching>,
}

impl Standings {
    /// Those of some records as they are stored. What changes is said under a model and moment.
    pub fn of<'a>(
        conn: &mut Conn,
        working: &Working,
        places: impl IntoIterator<Item = &'a usize>,
        (model, now): (i64, i64),
    ) -> Result<Self> {
        let mut standings = Self { model, now, held: BTreeMap::new() };
        standings.more(conn, working, places)?;
        Ok(standings)
    }

    /// Looks at more of them.
    pub fn more<'a>(
        &mut self,
        conn: &mut Conn,
        working: &Working,
        places: impl IntoIterator<Item = &'a usize>,
    ) -> Result<()> {
        let fresh: Vec<usize> = places.into_iter().filter(|place| !self.held.contains_key(place)).copied().collect();
        let ids: Vec<Vec<u8>> = fresh.iter().map(|place| working.at(*place).row.id.clone()).collect();
        let mut found: BTreeMap<Vec<u8>, Matching> = BTreeMap::new();
        for one in matching::standing(conn, &ids)? {
            found.insert(one.contribution.clone(), one);
        }
        for (place, id) in fresh.into_iter().zip(ids) {
            let stood = found.remove(&id);
            self.held.insert(place, Held { stands: stood.clone(), stood });
        }
        Ok(())
    }

    /// Says what becomes of a record among the people known by their numbers. Whether that is news.
    pub fn by_person(&mut self, working: &Working, place: usize, outcome: &Outcome) -> Result<bool> {
        let said = match outcome {
            Outcome::Joined(candidates) => (JOINED, candidates.clone()),
            Outcome::Review(candidates) => (REVIEW, candidates.clone()),
            Outcome::Apart => (REVIEW, Vec::new()),
        };
        let held = self.held.entry(place).or_default();
        let stands = Matching::of(&working.at(place).row.id, said, (self.model, self.now))?;
        let stood = held.stood.as_ref().filter(|stood| is_of_person(stood));
        let is_news = !same(stood, stands.as_ref());
        // What other records say is said again where that is asked.
        if is_news || stands.is_some() {
            held.stands = stands;
        }
        Ok(is_news)
    }

    /// Says which other records are like a record, and whether it is of one resident with them.
    pub fn by_records(&mut self, working: &Working, place: usize, is_joined: bool, like: Vec<Candidate>) -> Result<()> {
        let held = self.held.entry(place).or_default();
        // Whom it may be about that is known by a number comes first.
        if held.stands.as_ref().is_some_and(is_of_person) {
            return Ok(());
        }
        let state = if is_joined { JOINED } else { REVIEW };
        held.stands = Matching::of(&working.at(place).row.id, (state, like), (self.model, self.now))?;
        Ok(())
    }

    /// Adds what is to be stored.
    pub fn write(self, changes: &mut Changes) {
        for Held { stood, stands } in self.held.into_values() {
            if !same(stood.as_ref(), stands.as_ref()) {
                changes.moved.extend(stood.map(|stood| stood.contribution));
                changes.standing.extend(stands);
            }
        }
    }
}

/// Whether it is people known by their numbers whom a record is like.
fn is_of_person(of: &Matching) -> bool {
    of.candidates().is_ok_and(|found| found.first().is_some_and(|best| best.record.is_none()))
}

fn same(one: Option<&Matching>, other: Option<&Matching>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.says(other),
        (None, None) => true,
        _ => false,
    }
}
