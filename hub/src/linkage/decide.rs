//! From odds to decisions: what is joined automatically, what a person is asked, what stays apart.
//!
//! Owns the error budget and the competition between pairs where a thing occurs once in a file. Never scores.

use super::block::parts;
use super::cluster::Link;
use super::compared::Compared;
use super::evidence::Verdict;
use super::model::Limits;
use super::score::{Scorer, add, probability};
use super::table::Table;

/// How many wrong decisions are allowed, and how much work for people.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// Share of automatic joins that may be wrong.
    pub wrong: f64,
    /// Share of records that may wait for a person.
    pub waiting: f64,
    /// No pair less likely than this is joined automatically, whatever the budget allows.
    pub least: f64,
    /// No pair less likely than this is shown to a person.
    pub least_review: f64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { wrong: 0.0015, waiting: 0.015, least: 0.6, least_review: 0.05 }
    }
}

/// Odds of all pairs as decisions need them, those no one may join automatically among them.
pub fn links(table: &Table, compared: &Compared, scorer: &Scorer, single: [bool; 2]) -> Vec<Link> {
    let odds = if single == [false; 2] { compared.odds(scorer) } else { competing(table, compared, scorer, single) };
    compared.pairs.iter().zip(odds).map(|(pair, odds)| Link { pair: *pair, odds }).collect()
}

/// Rounds of estimating how many records have a partner.
const ROUNDS: usize = 30;

/// Odds where each thing occurs once in a file: a pair has to beat the other pairs of its records, and how likely a
/// record has a partner at all is learned.
fn competing(table: &Table, compared: &Compared, scorer: &Scorer, single: [bool; 2]) -> Vec<f64> {
    let likelihoods: Vec<_> = compared.patterns.iter().map(|pattern| scorer.likelihood(pattern)).collect();
    let ratios: Vec<f64> = (compared.pattern_of.iter().zip(&compared.rarity))
        .map(|(pattern, rarity)| match compared.patterns[*pattern as usize].verdict {
            Verdict::Veto(_) => f64::NEG_INFINITY,
            _ => scorer.ratio(&likelihoods[*pattern as usize], *rarity),
        })
        .collect();
    // Where the second file holds each thing once, a record of the first has one partner at most.
    let sides: Vec<usize> = (0..2).filter(|side| single[1 - side]).collect();
    let each: Vec<Vec<f64>> = sides.iter().map(|side| against_rivals(table, compared, &ratios, *side)).collect();
    (0..ratios.len()).map(|at| each.iter().map(|odds| odds[at]).fold(f64::INFINITY, f64::min)).collect()
}

fn against_rivals(table: &Table, compared: &Compared, ratios: &[f64], side: usize) -> Vec<f64> {
    let mine = |pair: u64| {
        let (a, b) = parts(pair);
        if usize::from(table.file(a)) == side { a } else { b }
    };
    let records =
        (0..table.len() as u32).filter(|record| usize::from(table.file(*record)) == side).count().max(1) as f64;
    let others = (table.len() as f64 - records).max(1.0);
    let mut all = vec![f64::NEG_INFINITY; table.len()];
    for (pair, ratio) in compared.pairs.iter().zip(ratios) {
        let sum = &mut all[mine(*pair) as usize];
        *sum = add(*sum, *ratio);
    }
    let mut partnered: f64 = 0.5;
    for _ in 0..ROUNDS {
        // One partner among `others`, or none.
        let prior = (partnered / others / (1.0 - partnered)).ln();
        let expected: f64 = all.iter().map(|sum| probability(sum + prior)).sum();
        partnered = (expected / records).clamp(0.1 / records, 1.0 - 0.5 / records);
    }
    let prior = (partnered / others / (1.0 - partnered)).ln();
    (compared.pairs.iter().zip(ratios))
        .map(|(pair, ratio)| {
            let rivals = all[mine(*pair) as usize];
            let without =
                if rivals - ratio > 1e-12 { rivals + (-(ratio - rivals).exp()).ln_1p() } else { f64::NEG_INFINITY };
            (ratio + prior) - add(0.0, without + prior)
        })
        .collect()
}

/// Where more than this share of the pairs expected to be one thing would stay unjoined, more may be wrong.
const MUCH: f64 = 0.1;
/// This much more, of what stays unjoined beyond that.
const BOLDER: f64 = 0.1;
/// But not where fewer pairs than this share of the records are expected at all.
const FEW: f64 = 0.01;

/// How many of these probabilities, the highest first and none below `least`, may be joined so that the expected share of
/// wrong joins stays within what is allowed where so many are expected to be right.
pub fn within(sure: &[f64], least: f64, allowed: impl Fn(f64) -> f64) -> usize {
    let (mut wrong, mut right) = (0.0, 0.0);
    let is_within = |(joined, likely): (usize, &f64)| {
        wrong += 1.0 - likely;
        right += likely;
        wrong <= allowed(right) * (joined + 1) as f64 && *likely >= least
    };
    sure.iter().enumerate().map(is_within).take_while(|is_within| *is_within).count()
}

/// The limits that keep within the budget, from how likely the pairs themselves say they are wrong; bolder ones, where that
/// is wanted, if much would stay unjoined.
pub fn limits(
    links: &[Link],
    free: impl Fn(usize) -> bool,
    records: usize,
    (budget, is_bold): (&Budget, bool),
) -> Limits {
    let mut sure: Vec<f64> = (0..links.len())
        .filter(|at| free(*at))
        .map(|at| probability(links[at].odds))
        .filter(|p| *p >= budget.least_review)
        .collect();
    sure.sort_by(|a, b| b.total_cmp(a));
    let all: f64 = (0..links.len()).filter(|at| free(*at)).map(|at| probability(links[at].odds)).sum();
    let allowed = within(&sure, budget.least, |right| {
        let unjoined = if is_bold && all >= FEW * records as f64 { 1.0 - right / all } else { 0.0 };
        budget.wrong + BOLDER * (unjoined - MUCH).max(0.0)
    });
    // Where the budget is not used up the limit is as low as it may be: the next record may lie there.
    let auto = match sure.get(allowed) {
        Some(next) if *next >= budget.least => allowed.checked_sub(1).map_or(1.0, |last| sure[last]),
        _ => budget.least,
    };
    // Two records wait for each pair.
    let waiting = (budget.waiting * records as f64 / 2.0) as usize;
    let joined = sure.iter().take_while(|likely| **likely >= auto).count();
    let review = sure.get(joined + waiting).or(sure.last()).copied().unwrap_or(budget.least_review);
    Limits { auto, review: review.clamp(budget.least_review, auto) }
}
