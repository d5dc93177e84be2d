//! What a frozen model says about one pair.
//!
//! Owns comparison and probability, the same for a whole file and for one record. Never learns and never decides.

use std::ops::Add;

use fnv::FnvHashMap;
use smallvec::SmallVec;

use super::evidence::{Kind, Verdict};
use super::model::{ColumnModel, Model, RELATIONS, Relation};
use super::table::Row;
use super::zh;

/// Rungs by column; `None` where a value is missing or says nothing here.
pub type Levels = SmallVec<[Option<u8>; 12]>;

/// How a pair agrees, without how rare its values are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pattern {
    /// Rungs by column.
    pub levels: Levels,
    /// Which of the model's exchanges were made, by bit.
    pub exchanged: u16,
    /// What several columns say together.
    pub verdict: Verdict,
}

/// What a model says about one pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// Logarithm of the odds that it is one thing.
    pub odds: f64,
    /// What several columns say together.
    pub verdict: Verdict,
}

/// Logarithms of how likely a pattern is in each class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Likelihood {
    /// Among pairs of one thing.
    pub same: f64,
    /// Among pairs of one person who has moved.
    pub moved: f64,
    /// Among pairs of related things, by relation.
    pub related: [f64; RELATIONS],
    /// Among pairs that have nothing to do with each other, for values of average rarity.
    pub random: f64,
}

/// How much rarer than average the values are that a pair shares, as a logarithm: what chance is less likely by.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rarity {
    /// Over all columns.
    pub random: f32,
    /// Over those columns that agree by chance only in a relation.
    pub related: [f32; RELATIONS],
}

/// A model made ready for comparing.
#[derive(Debug)]
pub struct Scorer {
    kinds: Vec<Kind>,
    columns: Vec<Prepared>,
    exchanges: Vec<(usize, usize, f64)>,
    priors: Priors,
}

/// Logarithms of how common the classes are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Priors {
    /// One thing.
    pub same: f64,
    /// One person who has moved.
    pub moved: f64,
    /// Related things.
    pub related: [f64; RELATIONS],
    random: f64,
}

#[derive(Debug)]
struct Prepared {
    same: Vec<f64>,
    moved: Vec<f64>,
    related: Vec<[f64; RELATIONS]>,
    random: Vec<f64>,
    commonness: Vec<f64>,
    /// Rungs that speak for one thing: what an exchange of columns must reach.
    agreeing: u8,
    last: u8,
    counts: FnvHashMap<u64, u32>,
    valued: f64,
    once: f64,
    namesakes: f64,
    by_chance: [u8; RELATIONS],
}

/// Below this a rung is taken to speak for one thing: guesses of `m` this many times those of `u`.
const AGREES: f64 = 5.0;

impl Prepared {
    fn of(column: &ColumnModel) -> Self {
        let logs = |of: fn(&super::model::RungModel) -> f64| column.rungs.iter().map(|rung| of(rung).ln()).collect();
        let ladder = column.kind.ladder();
        let agreeing = ladder.iter().take_while(|rung| rung.m >= AGREES * rung.u).count();
        Self {
            same: logs(|rung| rung.same),
            related: column.rungs.iter().map(|rung| rung.related.map(f64::ln)).collect(),
            moved: logs(|rung| rung.moved),
            random: logs(|rung| rung.random),
            commonness: column.rungs.iter().map(|rung| rung.commonness).collect(),
            agreeing: u8::try_from(agreeing).unwrap_or(u8::MAX),
            last: u8::try_from(ladder.len().saturating_sub(1)).unwrap_or(u8::MAX),
            counts: column.counts.iter().copied().collect(),
            valued: f64::from(column.valued.max(1)),
            once: column.once,
            namesakes: column.namesakes,
            by_chance: Relation::ALL.map(|relation| u8::try_from(column.by_chance(relation)).unwrap_or(u8::MAX)),
        }
    }

    /// How likely somebody else has this token: those counted besides the one compared, never quite none. Where there is
    /// none, as many as the parts of the values that share it come together by chance.
    fn frequency(&self, token: u64, parts: [Option<[u64; 2]>; 2]) -> f64 {
        let others = |token: u64| self.counts.get(&token).map_or(0, |count| count.saturating_sub(1));
        let by_parts = |parts: [u64; 2]| {
            let both: f64 = parts.iter().map(|part| f64::from(others(*part)) + self.once).product();
            both / self.valued
        };
        let expected = match (others(token), parts.into_iter().flatten().map(by_parts).reduce(f64::add)) {
            (0, Some(expected)) => expected.clamp(self.namesakes, 1.0),
            (0, None) => self.once,
            (others, _) => f64::from(others),
        };
        expected / self.valued
    }
}

impl Scorer {
    /// Makes a model ready.
    pub fn new(model: &Model) -> Self {
        let related = model.priors.related;
        Self {
            kinds: model.columns.iter().map(|column| column.kind).collect(),
            columns: model.columns.iter().map(Prepared::of).collect(),
            exchanges: (model.exchanges.iter())
                .map(|exchange| (usize::from(exchange.first), usize::from(exchange.second), exchange.same.ln()))
                .collect(),
            priors: Priors {
                same: (model.priors.same * (1.0 - model.priors.moved)).ln(),
                moved: (model.priors.same * model.priors.moved).ln(),
                related: related.map(f64::ln),
                random: (1.0 - model.priors.same - related.iter().sum::<f64>()).max(f64::MIN_POSITIVE).ln(),
            },
        }
    }

    /// What the columns hold.
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// Compares two records.
    pub fn compare(&self, a: &Row<'_>, b: &Row<'_>) -> Pattern {
        let mut levels = self.straight(a, b);
        let mut exchanged = 0;
        for (at, (first, second, _)) in self.exchanges.iter().enumerate() {
            if let Some((x, y)) = self.crossed(a, b, &levels, (*first, *second)) {
                levels[*first] = x;
                levels[*second] = y;
                exchanged |= 1 << at;
            }
        }
        let verdict = zh::joint::judge(&self.kinds, a, b, &mut levels);
        Pattern { levels, exchanged, verdict }
    }

    /// Compares and weighs two records at once.
    pub fn score(&self, a: &Row<'_>, b: &Row<'_>) -> Scored {
        let pattern = self.compare(a, b);
        let odds = self.odds(&self.likelihood(&pattern), self.rarity(a, b, &pattern));
        Scored { odds, verdict: pattern.verdict }
    }

    /// The rungs of each column by itself.
    pub fn straight(&self, a: &Row<'_>, b: &Row<'_>) -> Levels {
        a.iter().zip(b).map(|(a, b)| a.as_ref()?.compare((*b)?)).collect()
    }

    /// The rungs of two columns with their values exchanged, where straight they say nothing and crossed they agree.
    fn crossed(
        &self,
        a: &Row<'_>,
        b: &Row<'_>,
        levels: &Levels,
        (first, second): (usize, usize),
    ) -> Option<(Option<u8>, Option<u8>)> {
        let (column, other) = (self.columns.get(first)?, self.columns.get(second)?);
        let poor = |level: Option<u8>, column: &Prepared| level.is_none_or(|level| level >= column.last);
        if !poor(*levels.get(first)?, column) || !poor(*levels.get(second)?, other) {
            return None;
        }
        let cross = |x: usize, y: usize| a.get(x)?.as_ref()?.compare(b.get(y).copied().flatten()?);
        let (x, y) = (cross(first, second), cross(second, first));
        let good = |level: Option<u8>| level.is_some_and(|level| level < column.agreeing);
        (good(x) && (good(y) || y.is_none()) || good(y) && x.is_none()).then_some((x, y))
    }

    /// How much rarer than average the values are that two records share.
    pub fn rarity(&self, a: &Row<'_>, b: &Row<'_>, pattern: &Pattern) -> Rarity {
        let mut rarity = Rarity::default();
        for (((column, level), a), b) in self.columns.iter().zip(&pattern.levels).zip(a).zip(b) {
            let (Some(level), Some(a), Some(b)) = (level, a, b) else { continue };
            let commonness = column.commonness.get(usize::from(*level)).copied().unwrap_or_default();
            if commonness > 0.0
                && let Some(token) = a.shared(b, *level)
            {
                // What is written alike has the same parts; what sounds alike has those of either.
                let parts = [a.parts(), b.parts().filter(|_| *level > 0)];
                let rarer = (commonness / column.frequency(token, parts)).ln() as f32;
                rarity.random += rarer;
                let by_chance = column.by_chance.iter().map(|fixed| level < fixed);
                rarity
                    .related
                    .iter_mut()
                    .zip(by_chance)
                    .filter(|(_, by_chance)| *by_chance)
                    .for_each(|(sum, _)| *sum += rarer);
            }
        }
        rarity
    }

    /// How likely a pattern is in each class.
    pub fn likelihood(&self, pattern: &Pattern) -> Likelihood {
        let mut sum = Likelihood { same: 0.0, moved: 0.0, related: [0.0; RELATIONS], random: 0.0 };
        for (column, level) in self.columns.iter().zip(&pattern.levels) {
            let Some(level) = level.map(usize::from) else { continue };
            sum.same += column.same.get(level).copied().unwrap_or_default();
            let related = column.related.get(level).copied().unwrap_or_default();
            sum.related.iter_mut().zip(related).for_each(|(sum, related)| *sum += related);
            sum.moved += column.moved.get(level).copied().unwrap_or_default();
            sum.random += column.random.get(level).copied().unwrap_or_default();
        }
        for (at, (_, _, exchanged)) in self.exchanges.iter().enumerate() {
            if pattern.exchanged >> at & 1 == 1 {
                sum.same += exchanged;
                sum.moved += exchanged;
                sum.related.iter_mut().for_each(|sum| *sum += exchanged);
            }
        }
        sum
    }

    /// How much what two records say contradicts that they are one (logarithm, 0 and more): what they say nothing of, or
    /// agree in too little to be joined for, does not.
    pub fn against(&self, pattern: &Pattern) -> f64 {
        let columns = self.columns.iter().zip(&pattern.levels);
        let against = |(column, level): (&Prepared, &Option<u8>)| {
            let level = usize::from((*level)?);
            let other = column.related.get(level)?.iter().fold(*column.random.get(level)?, |most, one| most.max(*one));
            Some((other - column.same.get(level)?.max(*column.moved.get(level)?)).max(0.0))
        };
        columns.filter_map(against).sum()
    }

    /// How common the classes are.
    pub fn priors(&self) -> &Priors {
        &self.priors
    }

    /// Logarithm of the odds that a pair is one thing, everything else being related or random.
    pub fn odds(&self, likelihood: &Likelihood, rarity: Rarity) -> f64 {
        let [same, moved, household, neighbours, random] = self.weigh(likelihood, rarity);
        add(same, moved) - add(random, add(household, neighbours))
    }

    /// Logarithms of how likely a pair is to be in each class and to look as it does.
    pub fn weigh(&self, likelihood: &Likelihood, rarity: Rarity) -> [f64; 5] {
        let priors = &self.priors;
        let related = |at: usize| likelihood.related[at] + priors.related[at] - f64::from(rarity.related[at]);
        [
            likelihood.same + priors.same,
            likelihood.moved + priors.moved,
            related(0),
            related(1),
            likelihood.random + priors.random - f64::from(rarity.random),
        ]
    }

    /// Logarithm of how much likelier a pair is when it is one thing than when it is not.
    pub fn ratio(&self, likelihood: &Likelihood, rarity: Rarity) -> f64 {
        let priors = &self.priors;
        let other = priors.related.iter().fold(priors.random, |sum, related| add(sum, *related));
        self.odds(likelihood, rarity) - add(priors.same, priors.moved) + other
    }
}

/// Logarithm of the sum of two numbers given as logarithms.
pub fn add(a: f64, b: f64) -> f64 {
    let (high, low) = if a >= b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

/// Odds as a logarithm to a probability.
pub fn probability(odds: f64) -> f64 {
    1.0 / (1.0 + (-odds).exp())
}
