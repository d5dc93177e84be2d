//! Pairs that compete for a record: what may as well be somebody else's is not yet one person's.
//!
//! Owns the odds that follow where the records are of residents. A record whose name is hidden or missing may agree with
//! each of two twins; who they are is seen from what they say of each other. Never joins.

use super::batch::verdict;
use super::block::parts;
use super::cluster::{Called, Link};
use super::compared::Compared;
use super::evidence::Verdict;
use super::score::{Scorer, add};
use super::table::Table;
use super::telling;
use super::zh::joint;

/// Odds (logarithm) from which on a pair has a say.
const SAY: f64 = -3.0;
/// A record in more pairs than this competes with none: those are of one thing.
const PAIRS: usize = 64;

/// Lowers the odds of pairs to those of being right about the person, where a record of a resident may be of one of two.
pub fn weigh(table: &Table, scorer: &Scorer, compared: &Compared, links: &mut [Link]) {
    if !telling::residents(table.kinds()) {
        return;
    }
    let has_say = |at: &usize| links[*at].odds > SAY && verdict(compared, *at) == Verdict::Free;
    let ends = |at: usize| {
        let (a, b) = parts(links[at].pair);
        [(a, b, at), (b, a, at)]
    };
    let mut seen: Vec<(u32, u32, usize)> = (0..links.len()).filter(has_say).flat_map(ends).collect();
    seen.sort_unstable();
    let competing = |pairs: &&[(u32, u32, usize)]| {
        (2..=PAIRS).contains(&pairs.len()) && !joint::is_named(scorer.kinds(), &table.row(pairs[0].0))
    };
    let mut most: Vec<(usize, f64)> = Vec::new();
    for pairs in seen.chunk_by(|one, other| one.0 == other.0).filter(competing) {
        for (_, one, at) in pairs {
            // The likeliest of whom the pair's other record may be, and of those who are somebody else.
            let (mut own, mut rival) = (links[*at].odds, f64::NEG_INFINITY);
            for (_, other, of) in pairs {
                let side = if are_two(table, scorer, *one, *other) { &mut rival } else { &mut own };
                *side = side.max(links[*of].odds);
            }
            most.push((*at, own - add(0.0, rival)));
        }
    }
    most.iter().for_each(|(at, most)| links[*at].odds = links[*at].odds.min(*most));
}

/// Whether two records are of two people, who are called otherwise.
fn are_two(table: &Table, scorer: &Scorer, a: u32, b: u32) -> bool {
    let (low, high) = (table.row(a.min(b)), table.row(a.max(b)));
    let pattern = scorer.compare(&low, &high);
    pattern.verdict != Verdict::Free
        && joint::alike(scorer.kinds(), (&low, &high), &pattern.levels).called < Called::Alike
}
