//! Expectation-maximisation: how often pairs stand on each rung in each class, without one labelled pair.
//!
//! Owns the three classes and their parameters. All possible pairs are the population: pairs that are no candidates are
//! taken to be random, so `random` is what counting over all pairs shows, less what the other classes explain.

use super::compared::Compared;
use super::evidence::{Kind, Verdict};
use super::model::{ColumnModel, Model, RELATIONS, Relation};
use super::score::{Scorer, add};

/// How random pairs stand on the rungs of one column, as counted.
#[derive(Debug, Clone, Default)]
pub struct Drawn {
    /// Share of random pairs on each rung.
    pub shares: Vec<f64>,
    /// Pairs counted.
    pub pairs: f64,
    /// The share of the first rung as counted among things; replaces what the pairs show.
    pub chance: Option<f64>,
}

/// Rounds at most; it settles long before.
const ROUNDS: usize = 60;
/// Settled when the expected number of pairs of one thing moves by less than this share.
const SETTLED: f64 = 1e-6;
/// The guesses of a ladder weigh as much as this many pairs.
const GUESS: f64 = 10.0;
/// No class is ever certain of a rung.
const LEAST: f64 = 1e-5;

/// One pattern and how many pairs of one rarity have it.
struct Group {
    pattern: usize,
    rarity: f64,
    pairs: f64,
}

/// At most this share of the pairs of one person contradict each other in what identifies a person, and in a name.
/// Without that bound a household, which agrees in all else, can pass for one person.
const CONTRADICTED: f64 = 0.15;
const RENAMED: f64 = 0.35;

/// Whether a column tells persons of one household apart, so that related pairs agree there by chance only.
pub fn identifies(kind: Kind) -> bool {
    matches!(kind, Kind::BirthDate | Kind::CitizenId)
}

fn names(kind: Kind) -> bool {
    matches!(kind, Kind::NameLatin | Kind::NameZh)
}

/// Whether columns of these kinds can tell a household from a person at all.
pub fn can_tell_households(kinds: &[Kind]) -> bool {
    kinds.iter().any(|kind| identifies(*kind) || *kind == Kind::NameZh)
        || kinds.iter().filter(|kind| **kind == Kind::NameLatin).count() > 1
}

/// Which rungs of a column agree by chance only in a relation.
fn by_chance(column: &ColumnModel, relation: usize) -> usize {
    let all = column.rungs.len();
    if column.identifies || relation == Relation::Neighbours as usize && names(column.kind) {
        return all;
    }
    if column.kind == Kind::NameZh {
        // Members of a family share the surname, never the whole name.
        return column.kind.ladder().iter().take_while(|rung| rung.m >= WHOLE * rung.u).count();
    }
    0
}

/// A rung this much likelier for one person than for two speaks for a whole name.
const WHOLE: f64 = 5.0;

/// Learns like [`learn`], and which of several name columns tells persons of one household apart: the one that makes
/// the pairs likeliest.
pub fn learn_given_name(model: &mut Model, compared: &Compared, drawn: &[Drawn], all_pairs: f64) {
    let names: Vec<usize> = (0..model.columns.len()).filter(|at| model.columns[*at].kind == Kind::NameLatin).collect();
    if names.len() < 2 || model.priors.related[0] <= 0.0 {
        learn(model, compared, drawn, all_pairs);
        return;
    }
    let tried = names.into_iter().map(|at| {
        let mut model = model.clone();
        model.columns[at].identifies = true;
        (learn(&mut model, compared, drawn, all_pairs), model)
    });
    if let Some((_, best)) = tried.max_by(|a, b| a.0.total_cmp(&b.0)) {
        *model = best;
    }
}

/// Learns the shares of all rungs, the priors and the exchanges into `model`. Returns the logarithm of how likely the
/// pairs are under it.
pub fn learn(model: &mut Model, compared: &Compared, drawn: &[Drawn], all_pairs: f64) -> f64 {
    let groups = groups(compared);
    let mut likelihood = f64::NEG_INFINITY;
    let mut before = 0.0;
    for _ in 0..ROUNDS {
        let scorer = Scorer::new(model);
        let (expected, sum) = expect(&scorer, compared, &groups);
        likelihood = sum;
        maximise(model, compared, &groups, &expected, all_pairs);
        chance(model, drawn);
        let now: f64 = expected.iter().zip(&groups).map(|(expected, group)| expected.same * group.pairs).sum();
        if (now - before).abs() <= SETTLED * now.max(1.0) {
            break;
        }
        before = now;
    }
    likelihood
}

/// Pairs by pattern and rarity in whole bits, in an order that depends on nothing else.
fn groups(compared: &Compared) -> Vec<Group> {
    let mut keyed: Vec<(u32, i32)> = (compared.pattern_of.iter().zip(&compared.rarity))
        .map(|(pattern, rarity)| (*pattern, (rarity / std::f32::consts::LN_2).round() as i32))
        .collect();
    keyed.sort_unstable();
    (keyed.chunk_by(|a, b| a == b))
        .map(|run| Group {
            pattern: run[0].0 as usize,
            rarity: f64::from(run[0].1) * std::f64::consts::LN_2,
            pairs: run.len() as f64,
        })
        .collect()
}

/// What one group is expected to be: probabilities of one thing and of each relation.
struct Expected {
    same: f64,
    related: [f64; RELATIONS],
}

/// What each group is expected to be; and the logarithm of how likely all are.
fn expect(scorer: &Scorer, compared: &Compared, groups: &[Group]) -> (Vec<Expected>, f64) {
    let mut sum = 0.0;
    let likelihoods: Vec<_> = compared.patterns.iter().map(|pattern| scorer.likelihood(pattern)).collect();
    let (prior_same, prior_related, prior_random) = scorer.priors();
    let one = |group: &Group| {
        let likelihood = &likelihoods[group.pattern];
        let mut related = likelihood.related;
        related.iter_mut().zip(prior_related).for_each(|(related, prior)| *related += prior);
        let random = likelihood.random + prior_random - group.rarity;
        let free = matches!(compared.patterns[group.pattern].verdict, Verdict::Free);
        let same = if free { likelihood.same + prior_same } else { f64::NEG_INFINITY };
        let all = related.iter().fold(add(same, random), |sum, related| add(sum, *related));
        sum += group.pairs * all;
        Expected { same: (same - all).exp(), related: related.map(|related| (related - all).exp()) }
    };
    let expected = groups.iter().map(one).collect();
    (expected, sum)
}

fn maximise(model: &mut Model, compared: &Compared, groups: &[Group], expected: &[Expected], all_pairs: f64) {
    for (at, column) in model.columns.iter_mut().enumerate() {
        maximise_column(column, at, compared, groups, expected);
    }
    let total = |of: &dyn Fn(&Expected) -> f64| -> f64 {
        expected.iter().zip(groups).map(|(expected, group)| of(expected) * group.pairs).sum()
    };
    let same = total(&|expected| expected.same);
    for (at, exchange) in model.exchanges.iter_mut().enumerate() {
        let made = |group: &Group| compared.patterns[group.pattern].exchanged >> at & 1 == 1;
        let sum: f64 = groups.iter().zip(expected).filter(|(group, _)| made(group)).map(|(g, e)| e.same * g.pairs).sum();
        exchange.same = ((sum + 0.01 * GUESS) / (same + GUESS)).max(LEAST);
    }
    model.priors.same = ((same + 0.1) / all_pairs).min(0.5);
    for relation in 0..RELATIONS {
        if model.priors.related[relation] > 0.0 {
            let related = total(&|expected| expected.related[relation]);
            model.priors.related[relation] = ((related + 0.1) / all_pairs).min(0.2);
        }
    }
}

fn maximise_column(column: &mut ColumnModel, at: usize, compared: &Compared, groups: &[Group], expected: &[Expected]) {
    let ladder = column.kind.ladder();
    let mut same: Vec<f64> = ladder.iter().map(|rung| GUESS * rung.m).collect();
    let mut related: Vec<[f64; RELATIONS]> = ladder.iter().map(|rung| [GUESS * 0.5 * (rung.m + rung.u); RELATIONS]).collect();
    for (group, expected) in groups.iter().zip(expected) {
        if let Some(level) = compared.patterns[group.pattern].levels[at].map(usize::from) {
            same[level] += expected.same * group.pairs;
            related[level].iter_mut().zip(expected.related).for_each(|(sum, one)| *sum += one * group.pairs);
        }
    }
    bound(&mut same, column.kind);
    let all: f64 = same.iter().sum();
    column.rungs.iter_mut().zip(&same).for_each(|(rung, sum)| rung.same = (sum / all).max(LEAST));
    for relation in 0..RELATIONS {
        let fixed = by_chance(column, relation);
        let free: f64 = related.iter().skip(fixed).map(|sum| sum[relation]).sum();
        let left = 1.0 - column.rungs.iter().take(fixed).map(|rung| rung.random).sum::<f64>();
        for (rung, sum) in column.rungs.iter_mut().zip(&related).skip(fixed) {
            rung.related[relation] = (sum[relation] / free * left).max(LEAST);
        }
    }
}

/// Keeps the share of contradictions in what identifies a person below what can be one person.
fn bound(same: &mut [f64], kind: Kind) {
    let most = match kind {
        kind if identifies(kind) => CONTRADICTED,
        kind if names(kind) => RENAMED,
        _ => return,
    };
    if let Some((last, others)) = same.split_last_mut() {
        let others: f64 = others.iter().sum();
        *last = last.min(others * most / (1.0 - most));
    }
}

/// What is left for random pairs of the shares counted over all pairs.
fn chance(model: &mut Model, drawn: &[Drawn]) {
    let priors = model.priors;
    for (column, drawn) in model.columns.iter_mut().zip(drawn) {
        let fixed: [usize; RELATIONS] = std::array::from_fn(|relation| by_chance(column, relation));
        let least = 0.5 / drawn.pairs.max(1.0);
        for (at, (rung, share)) in column.rungs.iter_mut().zip(&drawn.shares).enumerate() {
            let related = (0..RELATIONS).filter(|relation| at >= fixed[*relation]);
            let explained = priors.same * rung.same
                + related.map(|relation| priors.related[relation] * rung.related[relation]).sum::<f64>();
            let left = (share - explained).max(0.05 * share).max(least);
            rung.random = if at == 0 { drawn.chance.unwrap_or(left) } else { left };
        }
        let sum: f64 = column.rungs.iter().skip(1).map(|rung| rung.random).sum();
        let first = column.rungs.first().map_or(0.0, |rung| rung.random);
        for rung in column.rungs.iter_mut().skip(1) {
            rung.random *= (1.0 - first).max(1e-9) / sum;
        }
        for relation in 0..RELATIONS {
            column.rungs.iter_mut().take(fixed[relation]).for_each(|rung| rung.related[relation] = rung.random);
        }
    }
}
