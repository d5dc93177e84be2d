//! Many pairs compared at once, kept small: each distinct pattern once, a pair as the number of its pattern.
//!
//! Owns that form. What the patterns weigh is the scorer's, what follows the decision's.

use std::num::NonZeroUsize;

use fnv::FnvHashMap;

use super::block::parts;
use super::score::{Pattern, Rarity, Scorer};
use super::table::Table;
use super::thread;

/// Pairs and how they agree.
#[derive(Debug, Default)]
pub struct Compared {
    /// The pairs, sorted.
    pub pairs: Vec<u64>,
    /// Distinct patterns, in the order of the first pair that has them.
    pub patterns: Vec<Pattern>,
    /// The pattern of each pair.
    pub pattern_of: Vec<u32>,
    /// How much rarer than average its shared values are.
    pub rarity: Vec<Rarity>,
}

/// Pairs a thread takes at once.
const PIECE: usize = 16_384;

impl Compared {
    /// Compares pairs; those whose pattern `worth` refuses are dropped.
    pub fn new(
        table: &Table,
        scorer: &Scorer,
        pairs: &[u64],
        threads: NonZeroUsize,
        worth: impl Fn(&Pattern, Rarity) -> bool + Sync,
    ) -> Self {
        let pieces = thread::pieces(pairs.len(), PIECE, threads, |range| {
            let mut part = Self::default();
            let mut known = FnvHashMap::default();
            for pair in pairs.get(range).unwrap_or_default() {
                let (a, b) = parts(*pair);
                let (a, b) = (table.row(a), table.row(b));
                let pattern = scorer.compare(&a, &b);
                let rarity = scorer.rarity(&a, &b, &pattern);
                if worth(&pattern, rarity) {
                    part.push(*pair, pattern, rarity, &mut known);
                }
            }
            part
        });
        let mut all = Self::default();
        let mut known = FnvHashMap::default();
        for piece in pieces {
            all.append(piece, &mut known);
        }
        all
    }

    fn push(&mut self, pair: u64, pattern: Pattern, rarity: Rarity, known: &mut FnvHashMap<Pattern, u32>) {
        let number = self.number(pattern, known);
        self.pairs.push(pair);
        self.pattern_of.push(number);
        self.rarity.push(rarity);
    }

    fn number(&mut self, pattern: Pattern, known: &mut FnvHashMap<Pattern, u32>) -> u32 {
        if let Some(number) = known.get(&pattern) {
            return *number;
        }
        let number = self.patterns.len() as u32;
        self.patterns.push(pattern.clone());
        known.insert(pattern, number);
        number
    }

    fn append(&mut self, piece: Self, known: &mut FnvHashMap<Pattern, u32>) {
        let numbers: Vec<u32> = piece.patterns.into_iter().map(|pattern| self.number(pattern, known)).collect();
        self.pairs.extend(piece.pairs);
        self.rarity.extend(piece.rarity);
        self.pattern_of.extend(piece.pattern_of.iter().filter_map(|number| numbers.get(*number as usize)));
    }

    /// Weighs the rarity of shared values anew, after the counts have changed.
    pub fn reweigh(&mut self, table: &Table, scorer: &Scorer, threads: NonZeroUsize) {
        let rarity = thread::pieces(self.pairs.len(), PIECE, threads, |range| {
            let weigh = |at: usize| {
                let (a, b) = parts(self.pairs[at]);
                scorer.rarity(&table.row(a), &table.row(b), &self.patterns[self.pattern_of[at] as usize])
            };
            range.map(weigh).collect::<Vec<_>>()
        });
        self.rarity = rarity.concat();
    }

    /// Logarithms of the odds of all pairs.
    pub fn odds(&self, scorer: &Scorer) -> Vec<f64> {
        let likelihoods: Vec<_> = self.patterns.iter().map(|pattern| scorer.likelihood(pattern)).collect();
        let odds = |(number, rarity): (&u32, &Rarity)| scorer.odds(&likelihoods[*number as usize], *rarity);
        self.pattern_of.iter().zip(&self.rarity).map(odds).collect()
    }
}
