//! From odds to decisions: what is joined automatically, what a person is asked, what stays apart.
//!
//! Owns the error budget. Never scores.

use super::ahead::{self, Ahead, Known};
use super::cluster::Link;
use super::compared::Compared;
use super::model::Limits;
use super::score::{Scorer, probability};
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

/// Odds of all pairs as decisions need them, those no one may join automatically among them, and what those of pairs that
/// compete were found to mean.
pub fn links(
    table: &Table,
    (compared, scorer): (&Compared, &Scorer),
    single: [bool; 2],
    known: Known<'_>,
) -> (Vec<Link>, Option<Ahead>) {
    let (odds, ahead) = match single {
        [false, false] => (compared.odds(scorer), None),
        _ => ahead::odds(table, (compared, scorer), single, known),
    };
    (compared.pairs.iter().zip(odds).map(|(pair, odds)| Link { pair: *pair, odds }).collect(), ahead)
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
