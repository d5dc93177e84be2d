//! Whether a file holds each thing once: seen from the data, without labels.
//!
//! Owns that judgement for two files. Of one file nobody assumes it.

use std::num::NonZeroUsize;

use super::block::{Faceted, candidates, parts};
use super::compared::Compared;
use super::evidence::Verdict;
use super::model::Model;
use super::score::{Scorer, probability};
use super::table::{File, Table};
use super::telling;

/// A file of persons counts as free of duplicates when fewer of its records than this are expected to have one.
const DUPLICATED: f64 = 0.01;
/// So does one of things, which have siblings (editions, branches) that look like duplicates.
const DUPLICATED_THINGS: f64 = 0.05;
/// A file of persons does not where several, and this share of its records, are all but certain to have one: rows that were
/// entered twice.
const SEVERAL: f64 = 2.0;
const REPEATED: f64 = 0.001;
/// From these odds on (logarithm) two records of a file are all but certain to be one.
const CERTAIN: f64 = 7.0;
/// Where one column is all there is, pairs within a file were taken for strangers when it was learned: this much is noise.
const DUPLICATED_ALONE: f64 = 0.12;
/// Pairs within a file that are looked at.
const PAIRS: usize = 400_000;
/// Rounds of estimating how common duplicates within the file are.
const ROUNDS: usize = 20;

/// Two columns show how duplicates look when at least this share of the pairs across stand on the first rung of both.
const USUAL: f64 = 0.2;

/// For each of two files, whether it holds each thing once. Of one file: no. `across` are the pairs of both files.
pub fn detect(
    table: &Table,
    scorer: &Scorer,
    (across, faceted): (&Compared, &[Faceted]),
    model: &Model,
    threads: NonZeroUsize,
) -> [bool; 2] {
    if !(0..table.len() as u32).any(|record| table.file(record) == 1) {
        return [false; 2];
    }
    let pairs = candidates(faceted, &model.blocking, threads);
    let likely: Vec<f64> = across.odds(scorer).into_iter().map(probability).collect();
    let usual = full(across, &likely);
    [0, 1].map(|file| is_single(table, scorer, (&pairs, &usual), file, threads))
}

/// For each two columns, and each alone, the share of these pairs that stand on the first rung of both, each pair counted
/// by how likely it is one thing.
fn full(compared: &Compared, likely: &[f64]) -> Vec<f64> {
    let mut weights = vec![0.0; compared.patterns.len()];
    compared.pattern_of.iter().zip(likely).for_each(|(pattern, likely)| weights[*pattern as usize] += likely);
    let columns = compared.patterns.first().map_or(0, |pattern| pattern.levels.len());
    let share = |(one, other): (usize, usize)| {
        let (mut first, mut all) = (0.0, 0.0);
        for (pattern, weight) in compared.patterns.iter().zip(&weights) {
            if let (Some(one), Some(other)) = (pattern.levels[one], pattern.levels[other]) {
                all += weight;
                first += if one.max(other) == 0 { *weight } else { 0.0 };
            }
        }
        if all > 0.0 { first / all } else { 0.0 }
    };
    (0..columns).flat_map(|one| (one..columns).map(move |other| (one, other))).map(share).collect()
}

/// How much of what looks like duplicates can be such: those are written alike as often as pairs across are. What seldom
/// is, in some two columns, are siblings: a second edition, another branch.
fn credible(usual: &[f64], seen: &[f64]) -> f64 {
    let shown = usual.iter().zip(seen).filter(|(usual, _)| **usual >= USUAL);
    shown.map(|(usual, seen)| seen / usual).fold(1.0, f64::min)
}

fn is_single(
    table: &Table,
    scorer: &Scorer,
    (pairs, usual): (&[u64], &[f64]),
    file: File,
    threads: NonZeroUsize,
) -> bool {
    let records = (0..table.len() as u32).filter(|record| table.file(*record) == file).count() as f64;
    let within: Vec<u64> = (pairs.iter().copied())
        .filter(|pair| {
            let (a, b) = parts(*pair);
            table.file(a) == file && table.file(b) == file
        })
        .collect();
    let step = within.len().div_ceil(PAIRS).max(1);
    let sample: Vec<u64> = within.into_iter().step_by(step).collect();
    let compared = Compared::new(table, scorer, &sample, threads, |_, _| true);
    let likelihoods: Vec<_> = compared.patterns.iter().map(|pattern| scorer.likelihood(pattern)).collect();
    let ratios: Vec<f64> = (compared.pattern_of.iter().zip(&compared.rarity))
        .map(|(pattern, rarity)| scorer.ratio(&likelihoods[*pattern as usize], *rarity))
        .collect();
    let all = (records * (records - 1.0) / 2.0).max(1.0);
    let mut expected = 0.1 * records;
    for _ in 0..ROUNDS {
        let prior = (expected / all).ln();
        expected = (ratios.iter().map(|ratio| probability(ratio + prior)).sum::<f64>() * step as f64).max(1e-3);
    }
    if telling::persons(table) {
        let certain = certain(&compared, &ratios, (expected / all).ln()) * step as f64;
        return expected < DUPLICATED * records && certain < SEVERAL.max(REPEATED * records);
    }
    let prior = (expected / all).ln();
    let likely: Vec<f64> = ratios.iter().map(|ratio| probability(ratio + prior)).collect();
    let seen = full(&compared, &likely);
    let least = if table.kinds().len() == 1 { DUPLICATED_ALONE } else { DUPLICATED_THINGS };
    credible(usual, &seen) * expected < least * records
}

/// How many pairs are all but certain to be one thing.
fn certain(compared: &Compared, ratios: &[f64], prior: f64) -> f64 {
    let is_certain = |(pattern, ratio): (&u32, &f64)| {
        compared.patterns[*pattern as usize].verdict == Verdict::Free && ratio + prior > CERTAIN
    };
    compared.pattern_of.iter().zip(ratios).filter(|pair| is_certain(*pair)).count() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicates_are_written_as_pairs_across_are_and_siblings_are_not() {
        // Of two columns: the first alone, both, the second alone.
        let usual = [0.7, 0.6, 0.8];
        assert!((credible(&usual, &[0.7, 0.65, 0.9]) - 1.0).abs() < 1e-9);
        assert!((credible(&usual, &[0.6, 0.06, 0.5]) - 0.1).abs() < 1e-9, "each agrees, both seldom do");
        assert!((credible(&[0.1, 0.05, 0.1], &[0.0; 3]) - 1.0).abs() < 1e-9, "pairs across agree as seldom");
    }
}
