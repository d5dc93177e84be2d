//! The few ways of blocking that find most, where each key of a record costs a row in a store, and each record under a key
//! a look at it.
//!
//! Owns the choice among a model's ways, by pairs taken for one thing. Never changes what a way is.

use std::num::NonZeroUsize;

use fnv::FnvHashSet;

use super::block::{Blocking, Faceted, Way, blocks, faceted, parts};
use super::table::Table;

/// Pairs looked at, at most.
const LOOKED_AT: usize = 5_000;
/// A way that finds less than this share of the pairs besides those before it is not worth its rows.
const WORTH: f64 = 0.002;
/// Another record under the same key costs as much as so many keys.
const MATE: f64 = 0.5;

/// What is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Few {
    /// Keys a record may have on average.
    pub keys: f64,
    /// The column whose value is taken to be missing in one record of each pair.
    pub without: usize,
    /// A block larger than this says nothing.
    pub largest: usize,
    /// How many times as many records there are as are seen here.
    pub scale: f64,
}

/// What one way finds, and costs.
struct Tried {
    way: Way,
    finds: Vec<bool>,
    keys: f64,
    mates: f64,
}

/// Those ways that find most of these pairs for what they cost, the best first; none where there is no pair.
pub fn ways(table: &Table, blocking: &Blocking, pairs: &[u64], few: Few, threads: NonZeroUsize) -> Vec<Way> {
    let looked_at = pairs.iter().step_by(pairs.len().div_ceil(LOOKED_AT).max(1));
    let sides: Vec<(Faceted, Faceted)> = looked_at.map(|pair| sides(table, *pair, few.without)).collect();
    let all = faceted(table, threads);
    let mut tried: Vec<Tried> = blocking.ways.iter().map(|way| Tried::of(*way, &all, &sides, few)).collect();
    let mut found = vec![false; sides.len()];
    let (mut chosen, mut left) = (Vec::new(), few.keys);
    loop {
        tried.retain(|one| one.keys <= left && one.gain(&found) as f64 > WORTH * sides.len() as f64);
        let paying = |one: &Tried| one.gain(&found) as f64 / (one.keys.max(1.0) + MATE * one.mates);
        let best = (0..tried.len()).max_by(|a, b| {
            let order = paying(&tried[*a]).total_cmp(&paying(&tried[*b]));
            order.then_with(|| tried[*b].way.cmp(&tried[*a].way))
        });
        let Some(best) = best.map(|at| tried.swap_remove(at)) else { return chosen };
        found.iter_mut().zip(&best.finds).for_each(|(found, finds)| *found |= finds);
        left -= best.keys;
        chosen.push(best.way);
    }
}

/// The facets of a pair, those of the first without what is missing.
fn sides(table: &Table, pair: u64, without: usize) -> (Faceted, Faceted) {
    let (one, other) = parts(pair);
    let mut row = table.row(one);
    if let Some(value) = row.get_mut(without) {
        *value = None;
    }
    (Faceted::of(table.kinds(), &row), Faceted::of(table.kinds(), &table.row(other)))
}

impl Tried {
    fn of(way: Way, all: &[Faceted], sides: &[(Faceted, Faceted)], few: Few) -> Self {
        let entries = blocks(all, way);
        let (mut mates, mut aside) = (0.0, FnvHashSet::default());
        for block in entries.chunk_by(|a, b| a.0 == b.0) {
            let size = block.len() as f64 * few.scale;
            if size > few.largest as f64 {
                aside.insert(block[0].0);
            } else {
                mates += block.len() as f64 * (size - 1.0).max(0.0);
            }
        }
        let number = way.number();
        let is_found = |(one, other): &(Faceted, Faceted)| {
            let (one, other) = (one.under(way, number), other.under(way, number));
            one.iter().any(|key| other.contains(key) && !aside.contains(key))
        };
        let records = all.len().max(1) as f64;
        Self {
            way,
            finds: sides.iter().map(is_found).collect(),
            keys: entries.len() as f64 / records,
            mates: mates / records,
        }
    }

    /// How many pairs it finds that are not found yet.
    fn gain(&self, found: &[bool]) -> usize {
        self.finds.iter().zip(found).filter(|(finds, found)| **finds && !**found).count()
    }
}
