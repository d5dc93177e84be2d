//! Expectation-maximisation: how often pairs stand on each rung in each class, without one labelled pair.
//!
//! Owns the three classes and their parameters. All possible pairs are the population: pairs that are no candidates are
//! taken to be random, so `random` is what counting over all pairs shows, less what the other classes explain.

use super::compared::Compared;
use super::evidence::{Kind, Verdict};
use super::model::{ColumnModel, Family, Model, RELATIONS, Relation, RungModel, WHOLE};
use super::plain::name;
use super::score::{Rarity, Scorer, add};

/// How random pairs stand on the rungs of one column, as counted.
#[derive(Debug, Clone, Default)]
pub struct Drawn {
    /// Share of random pairs on each rung.
    pub shares: Vec<f64>,
    /// Pairs counted.
    pub pairs: f64,
    /// The share of the first rung as counted among things; replaces what the pairs show.
    pub chance: Option<f64>,
    /// The shares among pairs known to be of different things; replace what is left of all pairs.
    pub strangers: Option<Vec<f64>>,
}

/// Rounds at most; it settles long before.
const ROUNDS: usize = 40;
/// Settled when the expected number of pairs of one thing moves by less than this share.
const SETTLED: f64 = 1e-5;
/// Pairs that are learned from, at most.
const LEARNED_FROM: usize = 250_000;
/// The guesses of a ladder weigh as much as this many pairs.
const GUESS: f64 = 10.0;
/// No class is ever certain of a rung.
const LEAST: f64 = 1e-5;

/// One pattern and how many pairs of one rarity have it.
struct Group {
    pattern: usize,
    rarity: Rarity,
    pairs: f64,
}

/// At least this part of what was guessed of a rung of names.
const SELDOM: f64 = 0.1;

/// At most this share of the pairs of one person contradict each other in what identifies a person, and in a name.
/// Without that bound a household, which agrees in all else, can pass for one person.
const CONTRADICTED: f64 = 0.15;
const RENAMED: f64 = 0.35;
/// At least this share of them agree in what identifies a person, and in a name.
const AGREED: f64 = 0.6;
const ALIKE: f64 = 0.5;
/// The same for a name in one column, all its words taken together.
const CALLED: f64 = 0.85;
/// The same for the text that names a thing: hardly any pair shares nothing of it, most share half and more.
const RETITLED: f64 = 0.01;
const TITLED: f64 = 0.8;

/// Learns like [`learn`], and which of several name columns tells persons of one household apart: the one that makes
/// the pairs likeliest.
pub fn learn_given_name(model: &mut Model, compared: &Compared, drawn: &[Drawn], all_pairs: f64) {
    let titles = |column: &ColumnModel| column.identifies && column.kind == Kind::Text;
    let things = model.columns.iter().any(titles);
    let names: Vec<usize> = (0..model.columns.len())
        .filter(|at| if things { titles(&model.columns[*at]) } else { model.columns[*at].kind == Kind::NameLatin })
        .collect();
    if names.len() < 2 || model.priors.related[0] <= 0.0 {
        learn(model, compared, drawn, all_pairs);
        return;
    }
    let tried = names.iter().map(|at| {
        let (at, mut model) = (*at, model.clone());
        if things {
            names.iter().for_each(|other| model.columns[*other].identifies = false);
        }
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
        let now: f64 =
            expected.iter().zip(&groups).map(|(expected, group)| (expected.same + expected.moved) * group.pairs).sum();
        if (now - before).abs() <= SETTLED * now.max(1.0) {
            break;
        }
        before = now;
    }
    likelihood
}

/// Pairs by pattern and rarity in whole bits, in an order that depends on nothing else.
fn groups(compared: &Compared) -> Vec<Group> {
    let bits = |rarity: f32| (rarity / std::f32::consts::LN_2).round() as i8;
    let nats = |bits: i8| f32::from(bits) * std::f32::consts::LN_2;
    let step = compared.pairs.len().div_ceil(LEARNED_FROM).max(1);
    let mut keyed: Vec<(u32, i8, [i8; RELATIONS])> = (compared.pattern_of.iter().zip(&compared.rarity).step_by(step))
        .map(|(pattern, rarity)| (*pattern, bits(rarity.random), rarity.related.map(bits)))
        .collect();
    keyed.sort_unstable();
    (keyed.chunk_by(|a, b| a == b))
        .map(|run| Group {
            pattern: run[0].0 as usize,
            rarity: Rarity { random: nats(run[0].1), related: run[0].2.map(nats) },
            pairs: (run.len() * step) as f64,
        })
        .collect()
}

/// What one group is expected to be: probabilities of one thing, of one that has moved, of each relation.
struct Expected {
    same: f64,
    moved: f64,
    related: [f64; RELATIONS],
}

/// What each group is expected to be; and the logarithm of how likely all are.
fn expect(scorer: &Scorer, compared: &Compared, groups: &[Group]) -> (Vec<Expected>, f64) {
    let mut sum = 0.0;
    let likelihoods: Vec<_> = compared.patterns.iter().map(|pattern| scorer.likelihood(pattern)).collect();
    let one = |group: &Group| {
        let mut weights = scorer.weigh(&likelihoods[group.pattern], group.rarity);
        if compared.patterns[group.pattern].verdict != Verdict::Free {
            weights[0] = f64::NEG_INFINITY;
            weights[1] = f64::NEG_INFINITY;
        }
        let all = weights.into_iter().fold(f64::NEG_INFINITY, add);
        sum += group.pairs * all;
        let [same, moved, household, neighbours, _] = weights.map(|weight| (weight - all).exp());
        Expected { same, moved, related: [household, neighbours] }
    };
    let expected = groups.iter().map(one).collect();
    (expected, sum)
}

fn maximise(model: &mut Model, compared: &Compared, groups: &[Group], expected: &[Expected], all_pairs: f64) {
    let things = model.columns.iter().any(|column| column.identifies && column.kind == Kind::Text);
    for (at, column) in model.columns.iter_mut().enumerate() {
        maximise_column(column, at, compared, (groups, expected), things);
    }
    let total = |of: &dyn Fn(&Expected) -> f64| -> f64 {
        expected.iter().zip(groups).map(|(expected, group)| of(expected) * group.pairs).sum()
    };
    let (stayed, moved) = (total(&|expected| expected.same), total(&|expected| expected.moved));
    let same = stayed + moved;
    for (at, exchange) in model.exchanges.iter_mut().enumerate() {
        let made = |group: &Group| compared.patterns[group.pattern].exchanged >> at & 1 == 1;
        let sum: f64 = groups
            .iter()
            .zip(expected)
            .filter(|(group, _)| made(group))
            .map(|(g, e)| (e.same + e.moved) * g.pairs)
            .sum();
        exchange.same = ((sum + 0.01 * GUESS) / (same + GUESS)).max(LEAST);
    }
    model.priors.same = ((same + 0.1) / all_pairs).min(0.5);
    if model.priors.moved > 0.0 {
        model.priors.moved = ((moved + 0.1) / (same + 1.0)).clamp(1e-4, 0.5);
    }
    for relation in 0..RELATIONS {
        if model.priors.related[relation] > 0.0 {
            let related = total(&|expected| expected.related[relation]);
            model.priors.related[relation] = ((related + 0.1) / all_pairs).min(0.2);
        }
    }
}

fn maximise_column(
    column: &mut ColumnModel,
    at: usize,
    compared: &Compared,
    (groups, expected): (&[Group], &[Expected]),
    things: bool,
) {
    let ladder = column.kind.ladder();
    let mut same: Vec<f64> = ladder.iter().map(|rung| GUESS * rung.m).collect();
    let lost = if column.stays() { 0.0 } else { GUESS * 0.5 };
    let mut moved: Vec<f64> = ladder.iter().map(|rung| lost * (rung.m + rung.u)).collect();
    let mut related: Vec<[f64; RELATIONS]> =
        ladder.iter().map(|rung| [GUESS * 0.5 * (rung.m + rung.u); RELATIONS]).collect();
    for (group, expected) in groups.iter().zip(expected) {
        if let Some(level) = compared.patterns[group.pattern].levels[at].map(usize::from) {
            same[level] += expected.same * group.pairs;
            moved[level] += expected.moved * group.pairs;
            related[level].iter_mut().zip(expected.related).for_each(|(sum, one)| *sum += one * group.pairs);
        }
    }
    if column.stays() {
        // Whoever moves keeps these: one distribution for both.
        same.iter_mut().zip(&moved).for_each(|(same, moved)| *same += moved);
        bound(&mut same, column);
        moved.clone_from(&same);
    }
    let (all_same, all_moved): (f64, f64) = (same.iter().sum(), moved.iter().sum());
    for (((rung, guess), same), moved) in column.rungs.iter_mut().zip(ladder).zip(&same).zip(&moved) {
        // What is seldom seen may be what nobody joins without a person: it is not impossible.
        let least = if column.kind == Kind::NameZh { LEAST.max(SELDOM * guess.m) } else { LEAST };
        rung.same = (same / all_same).max(least);
        rung.moved = (moved / all_moved).max(least);
    }
    for (relation, kind) in Relation::ALL.into_iter().enumerate() {
        let fixed = column.by_chance(kind);
        if kind == Relation::Household && (shared_at_home(column) || things && shared_by_siblings(column)) {
            let mut shared: Vec<f64> = related.iter().map(|sum| sum[relation]).collect();
            if column.whole {
                last_word(&mut shared);
            } else {
                bound_by(&mut shared, column.kind, (0.5, ALIKE));
            }
            related.iter_mut().zip(shared).for_each(|(sum, shared)| sum[relation] = shared);
        }
        if let Some(family) = column.in_family().filter(|_| kind == Relation::Household) {
            let share = in_family(&family, at, compared, groups, expected);
            column.rungs[family.rung].related[relation] = share.unwrap_or(column.rungs[family.rung].random);
        }
        let free: f64 = related.iter().skip(fixed).map(|sum| sum[relation]).sum();
        let left = 1.0 - column.rungs.iter().take(fixed).map(|rung| rung.random).sum::<f64>();
        for (rung, sum) in column.rungs.iter_mut().zip(&related).skip(fixed) {
            rung.related[relation] = (sum[relation] / free * left).max(LEAST);
        }
    }
}

/// How often members of a household stand on a rung, by those pairs that cannot be one person; nothing where no pair is
/// known to be such.
fn in_family(family: &Family, at: usize, compared: &Compared, groups: &[Group], expected: &[Expected]) -> Option<f64> {
    let (mut there, mut all) = (0.0, 1.0);
    for (group, expected) in groups.iter().zip(expected) {
        let pattern = &compared.patterns[group.pattern];
        let Some(level) = pattern.levels[at].map(usize::from) else { continue };
        let pairs = expected.related[Relation::Household as usize] * group.pairs;
        all += pairs;
        there += if level == family.rung && pattern.verdict != Verdict::Free { pairs } else { 0.0 };
    }
    (there > 0.0).then(|| (there / all).clamp(family.least, family.most))
}

/// What the members of a household have in common: the surname, whether it is a column of its own or the end of a name,
/// and the home.
fn shared_at_home(column: &ColumnModel) -> bool {
    match column.kind {
        Kind::NameLatin => !column.identifies || column.whole,
        Kind::AddressLatin | Kind::AddressZh => true,
        _ => false,
    }
}

/// What different things of one origin have in common: a rare text besides the one that names each.
fn shared_by_siblings(column: &ColumnModel) -> bool {
    let rare = column.rungs.first().is_some_and(|rung| rung.commonness < 0.01);
    !column.identifies && column.kind == Kind::Text && rare
}

/// Keeps the class of one person to what can be one person: those who contradict each other in what identifies a
/// person, or in a name, are few, and those who agree are many.
fn bound(same: &mut [f64], column: &ColumnModel) {
    match column.kind {
        // A child has two parents, and its forms name either.
        _ if column.of_relative => {}
        Kind::Text if column.identifies => bound_by(same, Kind::Text, (RETITLED, TITLED)),
        Kind::NameLatin if column.whole => bound_by(same, Kind::NameLatin, (CONTRADICTED, CALLED)),
        kind if column.identifies && !kind.names() => bound_by(same, kind, (CONTRADICTED, AGREED)),
        kind if kind.names() => bound_by(same, kind, (RENAMED, ALIKE)),
        _ => {}
    }
}

/// At least half of the relatives whose names differ share the last word of them.
fn last_word(related: &mut [f64]) {
    let [last, first, other] = [name::LAST, name::FIRST, name::OTHER].map(usize::from);
    if related[last] > 0.0 {
        related[last] = related[last].max(related[first] + related[other]);
    }
}

/// At most `contradict` on the last rung, at least `agree` on those that speak for one thing.
fn bound_by(same: &mut [f64], kind: Kind, (contradict, agree): (f64, f64)) {
    let ladder = kind.ladder();
    let agreeing = ladder.iter().take_while(|rung| rung.m >= WHOLE * rung.u).count();
    let all: f64 = same.iter().sum();
    let (high, low) = same.split_at_mut(agreeing);
    let (agreed, rest): (f64, f64) = (high.iter().sum(), low.iter().sum());
    if agreed < agree * all && agreed > 0.0 && rest > 0.0 {
        high.iter_mut().for_each(|sum| *sum *= agree * all / agreed);
        low.iter_mut().for_each(|sum| *sum *= (1.0 - agree) * all / rest);
    }
    if let Some((last, others)) = same.split_last_mut() {
        let others: f64 = others.iter().sum();
        *last = last.min(others * contradict / (1.0 - contradict));
    }
}

/// More of what names a thing never says less: each rung speaks for one thing at least as much as the one below it.
fn descend(rungs: &mut [RungModel]) {
    for at in (1..rungs.len()).rev() {
        let most = rungs[at].random / rungs[at].same * rungs[at - 1].same;
        rungs[at - 1].random = rungs[at - 1].random.min(most);
    }
}

/// What is left for random pairs of the shares counted over all pairs.
fn chance(model: &mut Model, drawn: &[Drawn]) {
    let priors = model.priors;
    for (column, drawn) in model.columns.iter_mut().zip(drawn) {
        let fixed: [usize; RELATIONS] = Relation::ALL.map(|relation| column.by_chance(relation));
        let least = 0.5 / drawn.pairs.max(1.0);
        for (at, (rung, share)) in column.rungs.iter_mut().zip(&drawn.shares).enumerate() {
            let related = (0..RELATIONS).filter(|relation| at >= fixed[*relation]);
            let explained = priors.same * ((1.0 - priors.moved) * rung.same + priors.moved * rung.moved)
                + related.map(|relation| priors.related[relation] * rung.related[relation]).sum::<f64>();
            let left = (share - explained).max(0.05 * share).max(least);
            rung.random = match at {
                0 => drawn.chance.unwrap_or(left).max(column.kind.least_by_chance(&drawn.shares)),
                _ => left,
            };
        }
        for (rung, share) in column.rungs.iter_mut().zip(drawn.strangers.iter().flatten()) {
            rung.random = *share;
        }
        let sum: f64 = column.rungs.iter().skip(1).map(|rung| rung.random).sum();
        let first = column.rungs.first().map_or(0.0, |rung| rung.random);
        for rung in column.rungs.iter_mut().skip(1) {
            rung.random *= (1.0 - first).max(1e-9) / sum;
        }
        if column.identifies && column.kind == Kind::Text {
            descend(&mut column.rungs);
        }
        for (relation, fixed) in fixed.into_iter().enumerate() {
            let family = column.in_family().filter(|_| relation == Relation::Household as usize);
            for (at, rung) in column.rungs.iter_mut().enumerate().take(fixed) {
                if family.is_none_or(|family| family.rung != at) {
                    rung.related[relation] = rung.random;
                }
            }
        }
    }
}
