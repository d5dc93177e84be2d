//! A whole set of records at once: train or take a frozen model, score, decide, group.
//!
//! Owns the order of these steps and their result. Never reads or writes a file.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use fnv::FnvHashSet;

use super::ahead::{Known, Strangers};
use super::block::{self, Exploded, parts};
use super::cluster::{Between, Called, Groups, Link, cluster};
use super::compared::Compared;
use super::decide::{self, Budget};
use super::evidence::{Ground, Kind, Verdict};
use super::listed::LISTED;
use super::model::Model;
use super::score::{Pattern, Scorer, probability};
use super::speak::Profiled;
use super::table::{Row, Table};
use super::train::{self, Step, Trained, Training};
use super::zh::joint;
use super::{listed, rival, single, telling};

/// What becomes of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// Joined automatically.
    Auto,
    /// Waits for a person.
    Review,
}

/// A pair that is joined, or waits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decided {
    /// The pair; see [`block::parts`].
    pub pair: u64,
    /// How likely it is one thing (0 to 1).
    pub probability: f64,
    /// What becomes of it.
    pub decision: Decision,
}

/// What came of linking a set of records.
#[derive(Debug)]
pub struct Linked {
    /// The model, frozen.
    pub model: Model,
    /// Pairs joined or waiting, sorted by pair. Automatic ones are all the pairs within groups (with two files: across), but
    /// for the largest groups where those were too many; see [`listed`].
    pub decided: Vec<Decided>,
    /// Which records are one thing.
    pub groups: Groups,
    /// Blocks set aside in training, the largest first.
    pub exploded: Vec<Exploded>,
    /// Pairs that were compared.
    pub compared: usize,
}

/// Trains on the records and links them.
pub fn link(table: &mut Table, names: &[String], training: Training<'_>, budget: &Budget) -> Linked {
    let Trained { mut model, compared, faceted, exploded } = train::train(table, names, training);
    (training.watch)(Step::Deciding);
    let scorer = Scorer::new(&model);
    model.single = single::detect(table, &scorer, (&compared, &faceted), &model, training.threads);
    // What relatives of one household share is known; what things of one maker share is seen from them only.
    let strangers = if telling::persons(table) {
        None
    } else {
        Strangers::of(table, &scorer, (&model, &faceted), training.threads)
    };
    drop(faceted);
    let known = Known::Strangers(strangers.as_ref());
    let (mut links, ahead) = decide::links(table, (&compared, &scorer), model.single, known);
    rival::weigh(table, &scorer, &compared, &mut links);
    model.ahead = ahead;
    let free = |at: usize| verdict(&compared, at) == Verdict::Free;
    // A resident's record under another's name shows one what is of the other; a thing's does not.
    let is_bold = !telling::residents(table.kinds());
    model.limits = decide::limits(&links, free, table.len(), (budget, is_bold));
    Linked { exploded, ..resolve(table, model, &compared, &scorer, (&links, budget)) }
}

/// Links records under a frozen model: nothing is learned and no limit moves.
pub fn link_frozen(table: &mut Table, model: Model, threads: NonZeroUsize, budget: &Budget) -> Linked {
    train::apply_to_values(table, &model);
    let faceted = block::faceted(table, threads);
    let mut pairs = block::candidates(&faceted, &model.blocking, threads);
    drop(faceted);
    train::keep_scored(table, &mut pairs);
    let scorer = Scorer::new(&model);
    let compared = Compared::new(table, &scorer, &pairs, threads, |pattern, rarity| {
        train::worth_keeping(&scorer, pattern, rarity)
    });
    let known = Known::Learned(model.ahead.as_ref());
    let (mut links, _) = decide::links(table, (&compared, &scorer), model.single, known);
    rival::weigh(table, &scorer, &compared, &mut links);
    resolve(table, model, &compared, &scorer, (&links, budget))
}

fn pattern(compared: &Compared, at: usize) -> Option<&Pattern> {
    compared.pattern_of.get(at).and_then(|number| compared.patterns.get(*number as usize))
}

/// What several columns say together of a pair.
pub fn verdict(compared: &Compared, at: usize) -> Verdict {
    pattern(compared, at).map_or(Verdict::Free, |pattern| pattern.verdict)
}

fn resolve(
    table: &Table,
    model: Model,
    compared: &Compared,
    scorer: &Scorer,
    (links, budget): (&[Link], &Budget),
) -> Linked {
    let likely = |at: usize| probability(links[at].odds);
    let sure: Vec<Link> = (0..links.len())
        .filter(|at| verdict(compared, *at) == Verdict::Free && likely(*at) >= model.limits.auto)
        .map(|at| links[at])
        .collect();
    let between = |a: u32, b: u32| between(table, scorer, a, b);
    let voices = Profiled::new(table.kinds(), between, |record| table.cell_numbers(record));
    let groups = cluster(table.len(), |record| table.file(record), &sure, model.single, voices);
    let mut decided = joined(table, &groups, links, model.limits.auto);
    let asked = |at: usize| question(table, scorer, compared, (at, links[at]));
    decided.extend(waiting(table, &groups, links, asked, (&model, budget)));
    decided.sort_by_key(|decided| (decided.pair, decided.decision));
    Linked { model, decided, groups, exploded: Vec::new(), compared: compared.pairs.len() }
}

/// What any two records say about each other.
pub fn between(table: &Table, scorer: &Scorer, a: u32, b: u32) -> Between {
    let (low, high) = (a.min(b), a.max(b));
    let (low, high) = (table.row(low), table.row(high));
    let pattern = scorer.compare(&low, &high);
    let odds = scorer.odds(&scorer.likelihood(&pattern), scorer.rarity(&low, &high, &pattern));
    said(scorer, (&low, &high), &pattern, odds)
}

/// Two records that say nothing of each other speak so much against joining their groups.
const UNTOLD: f64 = 2.0;

/// What two records say about joining their groups that compare like this and have these odds. Those that are too little
/// alike to be joined have a voice against it only by what contradicts it.
pub fn said(scorer: &Scorer, (low, high): (&Row<'_>, &Row<'_>), pattern: &Pattern, odds: f64) -> Between {
    let odds = if odds < 0.0 { odds.max(-UNTOLD - scorer.against(pattern)) } else { odds };
    let agreed = || joint::alike(scorer.kinds(), (low, high), &pattern.levels);
    match pattern.verdict {
        Verdict::Veto(Ground::Twins | Ground::Household) => Between::Doubted(odds, agreed().born),
        Verdict::Review(ground) if ground != Ground::NearNumbers => Between::Doubted(odds, agreed().born),
        Verdict::Veto(_) | Verdict::Review(_) => Between::Barred,
        Verdict::Free => Between::Odds(odds, agreed()),
    }
}

/// How two records compare for a person who is asked. Two valid numbers are a question, and weigh nothing, where the name
/// is one: somebody may have been given both.
pub fn but_for_number(scorer: &Scorer, (low, high): (&Row<'_>, &Row<'_>), mut pattern: Pattern) -> Pattern {
    let number = scorer.kinds().iter().position(|kind| *kind == Kind::CitizenId);
    if let (Verdict::Veto(Ground::TwoNumbers), Some(number)) = (pattern.verdict, number)
        && joint::alike(scorer.kinds(), (low, high), &pattern.levels).called >= Called::One
    {
        pattern.levels[number] = None;
        pattern.verdict = Verdict::Review(Ground::TwoNumbers);
    }
    pattern
}

/// The pairs within groups that are listed; one that is joined through others only is at least as likely as the limit.
fn joined(table: &Table, groups: &Groups, links: &[Link], auto: f64) -> Vec<Decided> {
    let decide = |pair: u64| {
        let own = links.binary_search_by_key(&pair, |link| link.pair).ok().map(|at| probability(links[at].odds));
        Decided { pair, probability: own.unwrap_or(auto).max(auto), decision: Decision::Auto }
    };
    let mut decided = Vec::new();
    listed::pairs(table, groups, LISTED, |pair| decided.push(decide(pair)));
    decided
}

/// From this probability on, two groups of several records each are worth a question.
const ASKED: f64 = 0.9;

/// Before two of two valid numbers are looked at: how likely somebody was given both.
const GIVEN_TWO: f64 = 0.01;

/// What a person would be asked about a pair: whether it is one thing, by what odds, and what stands in the way.
fn question(table: &Table, scorer: &Scorer, compared: &Compared, (at, link): (usize, Link)) -> (Verdict, f64) {
    let pattern = pattern(compared, at);
    let verdict = pattern.map_or(Verdict::Free, |pattern| pattern.verdict);
    let Some(pattern) = pattern.filter(|_| verdict == Verdict::Veto(Ground::TwoNumbers)) else {
        return (verdict, link.odds);
    };
    let (a, b) = parts(link.pair);
    let (a, b) = (table.row(a), table.row(b));
    let pattern = but_for_number(scorer, (&a, &b), pattern.clone());
    let odds = scorer.odds(&scorer.likelihood(&pattern), scorer.rarity(&a, &b, &pattern));
    (pattern.verdict, odds + GIVEN_TWO.ln())
}

/// Whether a pair is still a question when both its records have found others: twins that each found themselves are none.
fn is_open(verdict: Verdict, likely: f64) -> bool {
    match verdict {
        Verdict::Review(Ground::Twins | Ground::ParentAndChild | Ground::Household) => false,
        _ => likely >= ASKED,
    }
}

/// The pairs a person is asked about: the likeliest between any two groups, until the budget of waiting records is used.
fn waiting(
    table: &Table,
    groups: &Groups,
    links: &[Link],
    question: impl Fn(usize) -> (Verdict, f64),
    (model, budget): (&Model, &Budget),
) -> Vec<Decided> {
    let mut best: BTreeMap<u64, (f64, u64)> = BTreeMap::new();
    for (at, link) in links.iter().enumerate() {
        let (a, b) = parts(link.pair);
        let (a, b) = (groups.of(a), groups.of(b));
        if a == b {
            continue;
        }
        let (verdict, odds) = question(at);
        let likely = probability(odds);
        let settled = groups.members(a).len() > 1 && groups.members(b).len() > 1 && !is_open(verdict, likely);
        if settled || likely < model.limits.review || matches!(verdict, Verdict::Veto(_)) {
            continue;
        }
        let known = best.entry(block::pair(a, b)).or_insert((likely, link.pair));
        if likely > known.0 {
            *known = (likely, link.pair);
        }
    }
    let mut order: Vec<(f64, u64)> = best.into_values().collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let allowed = (budget.waiting * table.len() as f64) as usize;
    let mut records = FnvHashSet::default();
    let mut decided = Vec::new();
    for (probability, pair) in order {
        let (a, b) = parts(pair);
        let more = usize::from(!records.contains(&a)) + usize::from(!records.contains(&b));
        if records.len() + more <= allowed {
            records.extend([a, b]);
            decided.push(Decided { pair, probability, decision: Decision::Review });
        }
    }
    decided
}
