//! Ways of blocking: which two records are worth comparing at all.
//!
//! Owns the keys of a record under a list of ways and the pairs they make. Never scores a pair.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::evidence::{Keys, combine};
use super::table::{Row, Table};
use super::{thread, zh};

/// One way of looking at one column: the whole value, its sound, its first letters. The column after the last is what
/// several columns say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Facet {
    /// Number of the column; one past the last: keys over several columns.
    pub column: u8,
    /// Facet of its kind; see [`Keys`].
    pub facet: u8,
}

/// Records that agree in this facet, or in both, are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Way {
    /// The first facet.
    pub first: Facet,
    /// A second one, of a later column.
    pub second: Option<Facet>,
}

/// The ways of a model, and the blocks that grew too large to mean anything when it was trained.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocking {
    /// The ways, in the order they were chosen.
    pub ways: Vec<Way>,
    /// Keys of blocks set aside, sorted.
    pub aside: Vec<u64>,
}

/// A block that is not compared, because too many records share it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exploded {
    /// Which way it belongs to.
    pub way: Way,
    /// How many records share the key.
    pub records: u32,
}

/// Keys one record may have under one way; a text of many words has its most telling ones first.
const KEYS_PER_WAY: usize = 24;

/// A block that has grown to more than this since the model was trained is set aside too: it is time for a new model.
pub const OUTGROWN: usize = 600;

/// The facets of one record, sorted.
#[derive(Debug, Default)]
pub struct Faceted(Vec<(Facet, u64)>);

impl Faceted {
    /// Reads the facets of a record.
    pub fn of(kinds: &[super::evidence::Kind], row: &Row<'_>) -> Self {
        let mut all = Vec::with_capacity(32);
        let mut keys = Keys::default();
        for (column, value) in (0_u8..).zip(row) {
            if let Some(value) = value {
                value.keys(&mut keys);
                all.extend(keys.0.drain(..).map(|(facet, key)| (Facet { column, facet }, key)));
            }
        }
        zh::joint::keys(kinds, row, &mut keys);
        let column = u8::try_from(kinds.len()).unwrap_or(u8::MAX);
        all.extend(keys.0.drain(..).map(|(facet, key)| (Facet { column, facet }, key)));
        all.sort_by_key(|(facet, _)| *facet);
        Self(all)
    }

    /// The facets it has, each once.
    pub fn facets(&self) -> impl Iterator<Item = Facet> {
        self.0.chunk_by(|a, b| a.0 == b.0).filter_map(|run| run.first()).map(|(facet, _)| *facet)
    }

    fn keys(&self, facet: Facet) -> &[(Facet, u64)] {
        let from = self.0.partition_point(|(known, _)| *known < facet);
        let length = self.0.get(from..).unwrap_or_default().iter().take_while(|(known, _)| *known == facet).count();
        self.0.get(from..from + length).unwrap_or_default()
    }

    /// The keys under one way.
    pub fn under(&self, way: Way, number: u64) -> SmallVec<[u64; 8]> {
        let first = self.keys(way.first);
        let salted = |key: u64| combine(number + 1, key);
        match way.second {
            None => first.iter().take(KEYS_PER_WAY).map(|(_, key)| salted(*key)).collect(),
            Some(second) => {
                let second = self.keys(second);
                let both = first.iter().flat_map(|(_, a)| second.iter().map(move |(_, b)| combine(*a, *b)));
                both.take(KEYS_PER_WAY).map(salted).collect()
            }
        }
    }
}

impl Way {
    /// A number of its own, the same whatever other ways a model has.
    pub fn number(self) -> u64 {
        let facet = |facet: Facet| u64::from(facet.column) << 8 | u64::from(facet.facet);
        facet(self.first) << 16 | self.second.map_or(0xffff, facet)
    }
}

impl Blocking {
    /// All keys of a record that are not set aside, sorted, each once.
    pub fn keys(&self, faceted: &Faceted) -> Vec<u64> {
        let mut keys: Vec<u64> = self
            .ways
            .iter()
            .flat_map(|way| faceted.under(*way, way.number()))
            .filter(|key| !self.is_aside(*key))
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    fn is_aside(&self, key: u64) -> bool {
        self.aside.binary_search(&key).is_ok()
    }
}

/// The facets of all records.
pub fn faceted(table: &Table, threads: NonZeroUsize) -> Vec<Faceted> {
    let all = thread::pieces(table.len(), 4_096, threads, |range| {
        range.map(|record| Faceted::of(table.kinds(), &table.row(record as u32))).collect::<Vec<_>>()
    });
    all.into_iter().flatten().collect()
}

/// The blocks of one way: (key, record), sorted.
pub fn blocks(faceted: &[Faceted], way: Way) -> Vec<(u64, u32)> {
    let number = way.number();
    let mut entries = Vec::with_capacity(faceted.len());
    for (record, faceted) in (0_u32..).zip(faceted) {
        entries.extend(faceted.under(way, number).into_iter().map(|key| (key, record)));
    }
    entries.sort_unstable();
    entries.dedup();
    entries
}

/// Two records as one number, the lower first.
pub fn pair(a: u32, b: u32) -> u64 {
    u64::from(a.min(b)) << 32 | u64::from(a.max(b))
}

/// The records of a pair.
pub fn parts(pair: u64) -> (u32, u32) {
    ((pair >> 32) as u32, pair as u32)
}

/// Calls `each` for the pairs within a block of sorted entries.
pub fn pairs_of(block: &[(u64, u32)], mut each: impl FnMut(u64)) {
    for (at, (_, a)) in block.iter().enumerate() {
        for (_, b) in block.get(at + 1..).unwrap_or_default() {
            each(pair(*a, *b));
        }
    }
}

/// All pairs that share a key under a model's ways, sorted, each once.
pub fn candidates(faceted: &[Faceted], blocking: &Blocking, threads: NonZeroUsize) -> Vec<u64> {
    let found = thread::pieces(blocking.ways.len(), 1, threads, |range| {
        let mut pairs = Vec::new();
        for way in blocking.ways.get(range).unwrap_or_default() {
            let entries = blocks(faceted, *way);
            for block in entries.chunk_by(|a, b| a.0 == b.0).filter(|block| block.len() > 1) {
                if block.len() <= OUTGROWN && !blocking.is_aside(block[0].0) {
                    pairs_of(block, |pair| pairs.push(pair));
                }
            }
        }
        pairs
    });
    let mut pairs = found.concat();
    thread::sort(&mut pairs, threads);
    pairs.dedup();
    pairs
}
