//! What is stored of where loose records stand: what it was, what it comes to, and which rows that changes.

use std::collections::BTreeMap;

use super::groups::Grouped;
use super::working::Working;
use crate::error::Result;
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

    /// Says what became of a record.
    pub fn say(&mut self, working: &Working, place: usize, one: Grouped) -> Result<()> {
        let state = if one.resident.is_some() { JOINED } else { REVIEW };
        let stands = Matching::of(&working.at(place).row.id, (state, one.like), (self.model, self.now))?;
        self.held.entry(place).or_default().stands = stands;
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

fn same(one: Option<&Matching>, other: Option<&Matching>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.says(other),
        (None, None) => true,
        _ => false,
    }
}
