//! Whether a file holds each thing once: seen from the data, without labels.
//!
//! Owns that judgement for two files. Of one file nobody assumes it.

use std::num::NonZeroUsize;

use super::block::{Faceted, candidates, parts};
use super::compared::Compared;
use super::model::Model;
use super::score::{Scorer, probability};
use super::table::{File, Table};
use super::telling;

/// A file of persons counts as free of duplicates when fewer of its records than this are expected to have one.
const DUPLICATED: f64 = 0.01;
/// So does one of things, which have siblings (editions, branches) that look like duplicates.
const DUPLICATED_THINGS: f64 = 0.03;
/// Pairs within a file that are looked at.
const PAIRS: usize = 400_000;
/// Rounds of estimating how common duplicates within the file are.
const ROUNDS: usize = 20;

/// For each of two files, whether it holds each thing once. Of one file: no.
pub fn detect(table: &Table, scorer: &Scorer, faceted: &[Faceted], model: &Model, threads: NonZeroUsize) -> [bool; 2] {
    if !(0..table.len() as u32).any(|record| table.file(record) == 1) {
        return [false; 2];
    }
    let pairs = candidates(faceted, &model.blocking, threads);
    [0, 1].map(|file| is_single(table, scorer, &pairs, file, threads))
}

fn is_single(table: &Table, scorer: &Scorer, pairs: &[u64], file: File, threads: NonZeroUsize) -> bool {
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
    let few = if telling::persons(table.kinds()) { DUPLICATED } else { DUPLICATED_THINGS };
    expected < few * records
}
