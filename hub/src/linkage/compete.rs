//! Pairs that compete for their records, where a file holds each thing once: a record has one partner there, or none.
//!
//! Owns the odds that follow. A pair counts by how far it is ahead of the others of both its records, and those count the
//! less the surer each is somebody else's (messages along the pairs, exact where they make no rings). Never compares.

use super::block::parts;
use super::score::{add, probability};
use super::table::{File, Table};

/// Rounds of telling each record how sure its rivals' partners are, and of estimating how many have a partner.
const ROUNDS: usize = 40;
/// Where this share of the smaller file has partners, a pair with odds (logarithm) below `HOPELESS` has no part in it.
const MANY: f64 = 0.9;
const HOPELESS: f64 = -12.0;
/// At least so many records of a file are taken to have no partner, and so many to have one.
const LEAST: f64 = 0.5;
/// The odds of partners (logarithm) move by this much in a round, at most.
const MOVE: f64 = 0.5;

/// Pairs as each of their records sees them.
#[derive(Debug)]
pub struct Contest {
    /// For each pair, its record of one side and that of the other.
    sides: [Vec<u32>; 2],
    /// On which side a record has one partner at most.
    once: [bool; 2],
    /// How many records each side has.
    records: [f64; 2],
    /// Records have numbers below this.
    all: usize,
}

/// What is known of how many records have a partner.
#[derive(Debug, Clone, Copy)]
pub enum Partnered {
    /// Nothing: it is learned from the pairs.
    Unknown,
    /// How many have one.
    Known(f64),
    /// The logarithm of the odds that two records are partners rather than both without one.
    Prior(f64),
}

impl Contest {
    /// Pairs of two files; `single` says which holds each thing once.
    pub fn across(table: &Table, pairs: &[u64], single: [bool; 2]) -> Self {
        let side = |file: File| {
            let record = |pair: &u64| {
                let (a, b) = parts(*pair);
                if table.file(a) == file { a } else { b }
            };
            pairs.iter().map(record).collect()
        };
        let second = (0..table.len() as u32).filter(|record| table.file(*record) == 1).count() as f64;
        Self {
            sides: [side(0), side(1)],
            // Where the second file holds each thing once, a record of the first has one partner at most.
            once: [single[1], single[0]],
            records: [(table.len() as f64 - second).max(1.0), second.max(1.0)],
            all: table.len(),
        }
    }

    /// Pairs within one file, each seen from both ends, as if it were two.
    pub fn within(pairs: &[u64], (records, all): (f64, usize), once: [bool; 2]) -> Self {
        let ends = |turned: bool| {
            let end = move |pair: &u64| if turned { parts(*pair).1 } else { parts(*pair).0 };
            pairs.iter().map(end)
        };
        let sides = [ends(false).chain(ends(true)).collect(), ends(true).chain(ends(false)).collect()];
        Self { sides, once, records: [records; 2], all }
    }

    /// Records of the smaller side.
    fn fewer(&self) -> f64 {
        self.records[0].min(self.records[1])
    }

    /// Which pairs can be partners at all, by their ratios.
    pub fn contenders(&self, ratios: &[f64]) -> Vec<usize> {
        let prior = self.prior(MANY * self.fewer());
        (0..ratios.len()).filter(|at| ratios[*at] + prior > HOPELESS).collect()
    }

    /// Logarithms of the odds of all pairs that have these ratios, and those of partners of which nothing is known.
    pub fn odds(&self, ratios: &[f64], partnered: Partnered) -> (Vec<f64>, f64) {
        let mut prior = match partnered {
            Partnered::Unknown => self.prior(0.5 * self.fewer()),
            Partnered::Known(records) => self.prior(records),
            Partnered::Prior(prior) => prior,
        };
        // What each side of a pair says: how free its record is of rivals.
        let mut free = [vec![0.0; ratios.len()], vec![0.0; ratios.len()]];
        let mut odds = vec![f64::NEG_INFINITY; ratios.len()];
        for round in 0..ROUNDS {
            let expected: f64 = odds.iter().map(|odds| probability(*odds)).sum();
            match partnered {
                Partnered::Unknown if round > 0 => prior = self.prior(expected),
                Partnered::Known(records) if round > 0 => {
                    prior += (records.max(LEAST) / expected.max(LEAST)).ln().clamp(-MOVE, MOVE);
                }
                _ => {}
            }
            free = [self.freedom(0, ratios, &free[1], prior), self.freedom(1, ratios, &free[0], prior)];
            for (at, odds) in odds.iter_mut().enumerate() {
                *odds = ratios[at] + prior + free[0][at] + free[1][at];
            }
        }
        (odds, prior)
    }

    /// The highest of these values of pairs for each record of a side, by its number.
    pub fn best(&self, side: usize, values: &[f64]) -> Vec<f64> {
        let mut best = vec![f64::NEG_INFINITY; self.all];
        for (record, value) in self.sides[side].iter().zip(values) {
            let known = &mut best[*record as usize];
            *known = known.max(*value);
        }
        best
    }

    /// Logarithm of the odds that two records are partners rather than both without one, if nothing is known of them.
    fn prior(&self, partnered: f64) -> f64 {
        let most = (0..2).filter(|side| self.once[*side]).map(|side| self.records[side] - LEAST);
        let partnered = partnered.clamp(LEAST, most.fold(f64::INFINITY, f64::min).max(LEAST));
        let alone = |side: usize| if self.once[side] { (1.0 - partnered / self.records[side]).ln() } else { 0.0 };
        (partnered / self.records[0] / self.records[1]).ln() - alone(0) - alone(1)
    }

    /// For each pair, the logarithm of how likely its record of one side has no partner but this.
    fn freedom(&self, side: usize, ratios: &[f64], other: &[f64], prior: f64) -> Vec<f64> {
        if !self.once[side] {
            return vec![0.0; ratios.len()];
        }
        // The likeliest pair of a record is set apart: taking it out of a sum of logarithms would leave noise.
        let mut sums = vec![(f64::NEG_INFINITY, f64::NEG_INFINITY, usize::MAX); self.all];
        let told = |at: usize| ratios[at] + prior + other[at];
        for (at, record) in self.sides[side].iter().enumerate() {
            let (best, rest, first) = &mut sums[*record as usize];
            let told = told(at);
            if told > *best {
                *rest = add(*rest, *best);
                (*best, *first) = (told, at);
            } else {
                *rest = add(*rest, told);
            }
        }
        let without = |(at, record): (usize, &u32)| {
            let (best, rest, first) = sums[*record as usize];
            if first == at {
                return -add(0.0, rest);
            }
            let gone = told(at);
            let others = if rest - gone > 1e-9 { rest + (-(gone - rest).exp()).ln_1p() } else { f64::NEG_INFINITY };
            -add(0.0, add(best, others))
        };
        self.sides[side].iter().enumerate().map(without).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contest(pairs: &[(u32, u32)]) -> Contest {
        let sides = [pairs.iter().map(|pair| pair.0).collect(), pairs.iter().map(|pair| pair.1).collect()];
        Contest { sides, once: [true; 2], records: [10.0; 2], all: 20 }
    }

    #[test]
    fn who_has_a_partner_leaves_the_other_to_the_next() {
        let prior = Partnered::Prior(-4.0);
        let (torn, _) = contest(&[(0, 10), (0, 11)]).odds(&[8.0, 8.0], prior);
        assert!(torn.iter().all(|odds| *odds < 0.1), "{torn:?}");
        let (freed, _) = contest(&[(0, 10), (0, 11), (1, 11)]).odds(&[8.0, 8.0, 16.0], prior);
        assert!(freed[0] > 3.0 && freed[1] < -3.0 && freed[2] > 7.0, "{freed:?}");
    }

    #[test]
    fn where_one_side_has_many_partners_they_do_not_compete() {
        let mut many = contest(&[(0, 10), (0, 11)]);
        many.once = [false, true];
        let (odds, _) = many.odds(&[8.0, 8.0], Partnered::Prior(-4.0));
        assert!(odds.iter().all(|odds| (*odds - 4.0).abs() < 1e-9), "{odds:?}");
    }

    #[test]
    fn as_many_have_partners_as_are_known_to() {
        let pairs: Vec<(u32, u32)> = (0..10).map(|record| (record, record + 10)).collect();
        let ratios: Vec<f64> = (0..10).map(f64::from).collect();
        for known in [3.0, 7.0] {
            let (odds, _) = contest(&pairs).odds(&ratios, Partnered::Known(known));
            let expected: f64 = odds.into_iter().map(probability).sum();
            assert!((expected - known).abs() < 0.1, "{expected} of {known}");
        }
    }
}
