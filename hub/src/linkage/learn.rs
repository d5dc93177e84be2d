//! Expectation-maximisation: how often pairs stand on each rung in each class, without one labelled pair.
//!
//! Owns the three classes and their parameters. All possible pairs are the population: pairs that are no candidates are
//! taken to be random, so `random` is what counting over all pairs shows, less what the other classes explain.

use super::compared::Compared;
use super::evidence::{Kind, Verdict};
use super::model::Model;
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

/// Whether a column tells persons of one household apart, so that related pairs agree there by chance only.
pub fn identifies(kind: Kind) -> bool {
    matches!(kind, Kind::BirthDate | Kind::CitizenId)
}

/// Learns like [`learn`], and which of several name columns tells persons of one household apart: the one that makes
/// the pairs likeliest.
pub fn learn_given_name(model: &mut Model, compared: &Compared, drawn: &[Drawn], all_pairs: f64) {
    let names: Vec<usize> = (0..model.columns.len()).filter(|at| model.columns[*at].kind == Kind::NameLatin).collect();
    if names.len() < 2 || model.priors.related <= 0.0 {
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
        let now: f64 = expected.iter().zip(&groups).map(|((same, _), group)| same * group.pairs).sum();
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

/// For each group: (probability of one thing, probability of related things); and the logarithm of how likely all are.
fn expect(scorer: &Scorer, compared: &Compared, groups: &[Group]) -> (Vec<(f64, f64)>, f64) {
    let mut sum = 0.0;
    let likelihoods: Vec<_> = compared.patterns.iter().map(|pattern| scorer.likelihood(pattern)).collect();
    let (prior_same, prior_related, prior_random) = scorer.priors();
    let one = |group: &Group| {
        let likelihood = &likelihoods[group.pattern];
        let related = likelihood.related + prior_related;
        let random = likelihood.random + prior_random - group.rarity;
        let free = matches!(compared.patterns[group.pattern].verdict, Verdict::Free);
        let same = if free { likelihood.same + prior_same } else { f64::NEG_INFINITY };
        let all = add(same, add(related, random));
        sum += group.pairs * all;
        ((same - all).exp(), (related - all).exp())
    };
    let expected = groups.iter().map(one).collect();
    (expected, sum)
}

fn maximise(model: &mut Model, compared: &Compared, groups: &[Group], expected: &[(f64, f64)], all_pairs: f64) {
    let total = |of: fn(&(f64, f64)) -> f64| -> f64 {
        expected.iter().zip(groups).map(|(expected, group)| of(expected) * group.pairs).sum()
    };
    let (same, related) = (total(|expected| expected.0), total(|expected| expected.1));
    for (at, column) in model.columns.iter_mut().enumerate() {
        let ladder = column.kind.ladder();
        let mut sums: Vec<(f64, f64)> =
            ladder.iter().map(|rung| (GUESS * rung.m, GUESS * 0.5 * (rung.m + rung.u))).collect();
        for (group, expected) in groups.iter().zip(expected) {
            if let Some(level) = compared.patterns[group.pattern].levels[at] {
                let sum = &mut sums[usize::from(level)];
                sum.0 += expected.0 * group.pairs;
                sum.1 += expected.1 * group.pairs;
            }
        }
        let (same, related) = sums.iter().fold((0.0, 0.0), |all, sum| (all.0 + sum.0, all.1 + sum.1));
        for (rung, sum) in column.rungs.iter_mut().zip(&sums) {
            rung.same = (sum.0 / same).max(LEAST);
            rung.related = if column.identifies { rung.random } else { (sum.1 / related).max(LEAST) };
        }
    }
    for (at, exchange) in model.exchanges.iter_mut().enumerate() {
        let made = |group: &Group| compared.patterns[group.pattern].exchanged >> at & 1 == 1;
        let sum: f64 = groups.iter().zip(expected).filter(|(group, _)| made(group)).map(|(g, e)| e.0 * g.pairs).sum();
        exchange.same = ((sum + 0.01 * GUESS) / (same + GUESS)).max(LEAST);
    }
    model.priors.same = ((same + 0.1) / all_pairs).min(0.5);
    if model.priors.related > 0.0 {
        model.priors.related = ((related + 0.1) / all_pairs).min(0.4);
    }
}

/// What is left for random pairs of the shares counted over all pairs.
fn chance(model: &mut Model, drawn: &[Drawn]) {
    let (same, related) = (model.priors.same, model.priors.related);
    for (column, drawn) in model.columns.iter_mut().zip(drawn) {
        let fixed = column.identifies;
        let least = 0.5 / drawn.pairs.max(1.0);
        for (at, (rung, share)) in column.rungs.iter_mut().zip(&drawn.shares).enumerate() {
            let explained = same * rung.same + if fixed { 0.0 } else { related * rung.related };
            let left = (share - explained).max(0.05 * share).max(least);
            rung.random = if at == 0 { drawn.chance.unwrap_or(left) } else { left };
        }
        let sum: f64 = column.rungs.iter().skip(1).map(|rung| rung.random).sum();
        let first = column.rungs.first().map_or(0.0, |rung| rung.random);
        for rung in column.rungs.iter_mut().skip(1) {
            rung.random *= (1.0 - first).max(1e-9) / sum;
        }
        if fixed {
            column.rungs.iter_mut().for_each(|rung| rung.related = rung.random);
        }
    }
}
