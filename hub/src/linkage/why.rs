//! Why two records of a file are one thing or not: what each column says, what it weighs, and what became of them.
//!
//! Owns the explanation of a single pair. Never decides anything.

use serde::Serialize;

use super::batch::Linked;
use super::evidence::Verdict;
use super::file::Records;
use super::score::{Scorer, probability};

/// What one column says of two records.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Said {
    /// Its name in the file.
    pub column: String,
    /// How the two agree; nothing where one of them has no value, or another column has said it already.
    pub agreement: Option<&'static str>,
    /// How much that speaks for one thing, in bits; against, where it is negative.
    pub bits: f64,
}

/// Why two records are one thing or not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Why {
    /// The record of the first file, or the first one named.
    pub left_id: String,
    /// The other.
    pub right_id: String,
    /// What the columns say, in the order of the configuration.
    pub columns: Vec<Said>,
    /// How much rarer than usual the values are that they share, in bits.
    pub rarity_bits: f64,
    /// Logarithms (natural) of how likely two such records are: one thing, one that has moved, a household, neighbours,
    /// strangers.
    pub classes: [f64; 5],
    /// How likely they are one thing (0 to 1), other records and rivals unheard.
    pub probability: f64,
    /// Whether the weights may decide, or why not.
    pub verdict: Verdict,
    /// Whether they came into one cluster.
    pub is_joined: bool,
}

/// Explains a pair; nothing if an id names no record. With two files the left one is looked for in the first.
pub fn why(records: &Records, linked: &Linked, (left, right): (&str, &str)) -> Option<Why> {
    let a = records.ids.iter().position(|id| **id == *left)?;
    let b = records.ids.iter().rposition(|id| **id == *right)?;
    let (low, high) = (a.min(b) as u32, a.max(b) as u32);
    let scorer = Scorer::new(&linked.model);
    let (one, other) = (records.table.row(low), records.table.row(high));
    let pattern = scorer.compare(&one, &other);
    let rarity = scorer.rarity(&one, &other, &pattern);
    let likelihood = scorer.likelihood(&pattern);
    let columns = linked.model.columns.iter().zip(&pattern.levels).map(|(column, level)| {
        let level = level.map(usize::from);
        let learned = level.and_then(|level| column.rungs.get(level));
        let bits = learned.map_or(0.0, |rung| (rung.same / rung.random).log2());
        let agreement = level.and_then(|level| column.kind.ladder().get(level)).map(|rung| rung.en);
        Said { column: column.name.clone(), agreement, bits: tenths(bits) }
    });
    Some(Why {
        left_id: left.to_owned(),
        right_id: right.to_owned(),
        columns: columns.collect(),
        rarity_bits: tenths(f64::from(rarity.random) / std::f64::consts::LN_2),
        classes: scorer.weigh(&likelihood, rarity).map(tenths),
        probability: probability(scorer.odds(&likelihood, rarity)),
        verdict: pattern.verdict,
        is_joined: linked.groups.of(low) == linked.groups.of(high),
    })
}

fn tenths(bits: f64) -> f64 {
    (bits * 10.0).round() / 10.0
}
