//! How far ahead of its rivals a pair of two files has to be, where a file holds each thing once: so far as no two records
//! within that file are.
//!
//! Owns what the pairs within the larger such file tell of those across: all of them are of different things, and show how
//! well a record without a partner still does. Never compares records of residents, whose families are known.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::block::{Faceted, candidates, parts};
use super::compared::Compared;
use super::compete::{Contest, Partnered};
use super::evidence::Verdict;
use super::model::Model;
use super::score::{Scorer, probability};
use super::table::{File, Table};

/// Records of the larger file that are looked at.
const LOOKED_AT: usize = 6_000;
/// Not worth learning from with fewer.
const FEWEST: usize = 30;
/// A record that has no rival at all still may have a stranger for a partner, one in so many.
const NEVER_SURE: f64 = 0.5;

/// How much strangers say where several columns can contradict each other; one alone cannot, and they say all.
const AMONG_OTHERS: f64 = 0.5;

/// The pairs of one file that show how strangers agree, and which of its records were looked at.
#[derive(Debug)]
pub struct Strangers {
    pairs: Vec<u64>,
    ratios: Vec<f64>,
    looked_at: Vec<u32>,
    records: f64,
    share: f64,
    /// The file they are of; the records of the other look for partners in it.
    pool: File,
}

/// What the odds of pairs that compete mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ahead {
    /// Logarithm of the odds that two records are partners rather than both without one.
    pub prior: f64,
    /// From the logarithm of the odds by weights and rivals to that by what strangers reach, ascending.
    pub steps: Vec<(f64, f64)>,
    /// How much of the odds these are (0 to 1), the weights having the rest.
    pub share: f64,
}

/// What is known of strangers.
#[derive(Debug, Clone, Copy)]
pub enum Known<'a> {
    /// How pairs of one file look, if there are enough.
    Strangers(Option<&'a Strangers>),
    /// What was learned of such pairs, if it was.
    Learned(Option<&'a Ahead>),
}

/// Logarithms of how much likelier each pair is when it is one thing.
pub fn ratios(compared: &Compared, scorer: &Scorer) -> Vec<f64> {
    let likelihoods: Vec<_> = compared.patterns.iter().map(|pattern| scorer.likelihood(pattern)).collect();
    (compared.pattern_of.iter().zip(&compared.rarity))
        .map(|(pattern, rarity)| match compared.patterns[*pattern as usize].verdict {
            Verdict::Veto(_) => f64::NEG_INFINITY,
            _ => scorer.ratio(&likelihoods[*pattern as usize], *rarity),
        })
        .collect()
}

impl Strangers {
    /// The pairs within the larger of the files that hold each thing once; none where it is too small to tell.
    pub fn of(
        table: &Table,
        scorer: &Scorer,
        (model, faceted): (&Model, &[Faceted]),
        threads: NonZeroUsize,
    ) -> Option<Self> {
        let of_file = |file: File| (0..table.len() as u32).filter(move |record| table.file(*record) == file);
        let pool = [0, 1].into_iter().filter(|file| model.single[usize::from(*file)]);
        let pool = pool.max_by_key(|file| (of_file(*file).count(), 1 - *file))?;
        let records = of_file(pool).count();
        let looked_at: Vec<u32> = of_file(pool).step_by(records.div_ceil(LOOKED_AT).max(1)).collect();
        if looked_at.len() < FEWEST || of_file(1 - pool).count() < FEWEST {
            return None;
        }
        let is_within = |pair: &u64| {
            let (a, b) = parts(*pair);
            let looked = |record: u32| looked_at.binary_search(&record).is_ok();
            table.file(a) == pool && table.file(b) == pool && (looked(a) || looked(b))
        };
        let mut pairs = candidates(faceted, &model.blocking, threads);
        pairs.retain(is_within);
        let compared = Compared::new(table, scorer, &pairs, threads, |_, _| true);
        let share = if table.kinds().len() == 1 { 1.0 } else { AMONG_OTHERS };
        Some(Self { ratios: ratios(&compared, scorer), pairs, looked_at, records: records as f64, share, pool })
    }

    /// What odds across mean, and how many records have a partner.
    fn tell(&self, across: &Contest, ratios: &[f64], seekers: &[u32], single: [bool; 2]) -> (Vec<f64>, Option<Ahead>) {
        let once = [single[1], single[0]];
        // Seen from the side of the records that look for partners in the pool.
        let side = usize::from(1 - self.pool);
        let all = seekers.iter().chain(&self.looked_at).max().map_or(0, |last| *last as usize + 1);
        let within = Contest::within(&self.pairs, (self.records, all), once);
        let twice = [self.ratios.clone(), self.ratios.clone()].concat();
        let of = |best: Vec<f64>, records: &[u32]| -> Vec<f64> {
            let mut of: Vec<f64> = records.iter().filter_map(|record| best.get(*record as usize).copied()).collect();
            of.sort_by(|a, b| b.total_cmp(a));
            of
        };
        let alone = alone(&of(across.best(side, ratios), seekers), &of(within.best(side, &twice), &self.looked_at));
        let all_seekers = seekers.len() as f64;
        let partnered =
            if self.share < 1.0 { Partnered::Unknown } else { Partnered::Known((1.0 - alone) * all_seekers) };
        let (odds, prior) = across.odds(ratios, partnered);
        let expected: f64 = odds.iter().map(|odds| probability(*odds)).sum();
        let alone = alone.min(1.0 - expected / all_seekers).max(1.0 / all_seekers);
        let (strange, _) = within.odds(&twice, Partnered::Prior(prior));
        let mut ahead = Ahead::learn(
            &of(across.best(side, &odds), seekers),
            &of(within.best(side, &strange), &self.looked_at),
            (alone, prior),
        );
        ahead.share = self.share;
        (odds, Some(ahead))
    }
}

/// Where strangers are looked at: so many in a hundred do no better.
const LOOKS: [usize; 6] = [50, 60, 70, 80, 90, 95];

/// Share of records without a partner: those that do no better than most of the strangers do, to those of these, where
/// that is least. Both lists descend.
fn alone(across: &[f64], strangers: &[f64]) -> f64 {
    let least = 1.0 / across.len().max(1) as f64;
    let below = |of: &[f64], most: f64| (of.len() - of.partition_point(|value| *value > most)) as f64 / of.len() as f64;
    let look = |percent: &usize| {
        let most = strangers.get(strangers.len() * (100 - percent) / 100)?;
        Some(below(across, *most) / below(strangers, *most))
    };
    LOOKS.iter().filter_map(look).fold(1.0, f64::min).max(least)
}

impl Ahead {
    /// From the best odds of records and of strangers, both descending.
    fn learn(across: &[f64], strangers: &[f64], (alone, prior): (f64, f64)) -> Self {
        let each = alone * across.len() as f64 / strangers.len().max(1) as f64;
        let mut blocks: Vec<Block> = Vec::new();
        let mut strange = strangers.iter().peekable();
        for run in across.chunk_by(|a, b| a == b) {
            let mut wrong = 0.0;
            while strange.next_if(|value| **value >= run[0]).is_some() {
                wrong += each;
            }
            let sum = if run[0].is_finite() { run.iter().sum() } else { break };
            blocks.push(Block { records: run.len() as f64, wrong, sum });
            // Higher odds are never the likelier to be wrong.
            while let [.., before, last] = &blocks[..] {
                if before.share() < last.share() {
                    break;
                }
                let merged = before.and(last);
                blocks.truncate(blocks.len() - 2);
                blocks.push(merged);
            }
        }
        // What few records show is held to be less sure, but not less than what is below it.
        let mut least = f64::NEG_INFINITY;
        let step = |block: &Block| {
            least = least.max(block.odds());
            (block.sum / block.records, least)
        };
        Self { prior, steps: blocks.iter().rev().map(step).collect(), share: 1.0 }
    }

    /// What these odds mean.
    pub fn read(&self, odds: f64) -> f64 {
        let at = self.steps.partition_point(|(from, _)| *from < odds);
        // Beyond what was seen the order stays.
        let beyond = |(from, to): (f64, f64)| to + BEYOND * (odds - from);
        let read = match (at.checked_sub(1).and_then(|at| self.steps.get(at)), self.steps.get(at)) {
            (Some(low), Some(high)) => low.1 + (high.1 - low.1) * (odds - low.0) / (high.0 - low.0),
            (Some(known), None) => beyond(*known),
            (None, Some(known)) => beyond(*known).min(known.1 + odds - known.0),
            (None, None) => odds,
        };
        if odds.is_finite() { self.share * read + (1.0 - self.share) * odds } else { odds }
    }
}

/// How much odds grow beyond the highest seen.
const BEYOND: f64 = 1e-3;

/// Records of neighbouring odds, and how many of them have a stranger for a partner.
#[derive(Debug, Clone, Copy)]
struct Block {
    records: f64,
    wrong: f64,
    sum: f64,
}

impl Block {
    fn share(&self) -> f64 {
        self.wrong / self.records
    }

    fn and(&self, other: &Self) -> Self {
        Self { records: self.records + other.records, wrong: self.wrong + other.wrong, sum: self.sum + other.sum }
    }

    fn odds(&self) -> f64 {
        let wrong = (self.wrong + NEVER_SURE) / (self.records + 2.0 * NEVER_SURE);
        let right = (1.0 - wrong).max(NEVER_SURE / (self.records + 2.0 * NEVER_SURE));
        (right / wrong).ln()
    }
}

/// Logarithms of the odds of all pairs across, and what they were found to mean.
pub fn odds(
    table: &Table,
    (compared, scorer): (&Compared, &Scorer),
    single: [bool; 2],
    known: Known<'_>,
) -> (Vec<f64>, Option<Ahead>) {
    let ratios = ratios(compared, scorer);
    let contest = Contest::across(table, &compared.pairs, single);
    let contenders = contest.contenders(&ratios);
    let pairs: Vec<u64> = contenders.iter().map(|at| compared.pairs[*at]).collect();
    let contested: Vec<f64> = contenders.iter().map(|at| ratios[*at]).collect();
    let contest = Contest::across(table, &pairs, single);
    let (decided, ahead) = match known {
        Known::Strangers(Some(strangers)) => {
            let seekers: Vec<u32> =
                (0..table.len() as u32).filter(|record| table.file(*record) != strangers.pool).collect();
            strangers.tell(&contest, &contested, &seekers, single)
        }
        Known::Learned(Some(ahead)) => (contest.odds(&contested, Partnered::Prior(ahead.prior)).0, Some(ahead.clone())),
        Known::Strangers(None) | Known::Learned(None) => (contest.odds(&contested, Partnered::Unknown).0, None),
    };
    let mut odds = vec![f64::NEG_INFINITY; ratios.len()];
    for (at, decided) in contenders.into_iter().zip(decided) {
        odds[at] = ahead.as_ref().map_or(decided, |ahead| ahead.read(decided));
    }
    (odds, ahead)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn descending(mut values: Vec<f64>) -> Vec<f64> {
        values.sort_by(|a, b| b.total_cmp(a));
        values
    }

    #[test]
    fn what_strangers_do_not_reach_is_right() {
        let across = descending((0..100).map(|at| if at < 60 { 10.0 } else { f64::from(at % 7) / 7.0 }).collect());
        let strangers = descending((0..200).map(|at| f64::from(at % 7) / 7.0).collect());
        let alone = alone(&across, &strangers);
        assert!((alone - 0.4).abs() < 0.03, "{alone}");
        let ahead = Ahead::learn(&across, &strangers, (alone, 0.0));
        assert!(ahead.read(10.0) > 4.0 && ahead.read(0.5) < -1.0, "{ahead:?}");
    }

    proptest! {
        #[test]
        fn higher_odds_never_mean_less(
            across in prop::collection::vec(-9.0..9.0, 1..60),
            strangers in prop::collection::vec(-9.0..9.0, 1..60),
            (low, more) in (-12.0..12.0, 0.0..5.0),
        ) {
            let (across, strangers) = (descending(across), descending(strangers));
            let ahead = Ahead::learn(&across, &strangers, (alone(&across, &strangers), 0.0));
            prop_assert!(ahead.read(low) <= ahead.read(low + more) + 1e-9);
        }
    }
}
