//! From records to a frozen model.
//!
//! Owns the order of the steps. Seeded, and the same for records in any order: callers sort them first.

use std::num::NonZeroUsize;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::block::{Blocking, Exploded, Faceted, Way, faceted, parts};
use super::compared::Compared;
use super::count::{self, Counted};
use super::evidence::{Kind, Verdict};
use super::learn::{self, Drawn};
use super::model::{ColumnModel, Exchange, FORMAT, Limits, Model, Priors, RELATIONS, RungModel};
use super::score::{Pattern, Rarity, Scorer};
use super::table::Table;
use super::zh::owner;
use super::{telling, thread, ways};

/// A trained model with what training has computed anyway.
#[derive(Debug)]
pub struct Trained {
    /// The model.
    pub model: Model,
    /// All candidate pairs under it, compared.
    pub compared: Compared,
    /// The facets of all records.
    pub faceted: Vec<Faceted>,
    /// Blocks set aside, the largest first.
    pub exploded: Vec<Exploded>,
}

/// How to train.
#[derive(Clone, Copy)]
pub struct Training<'a> {
    /// Chooses which random pairs are drawn.
    pub seed: u64,
    /// Threads to use; no result depends on it.
    pub threads: NonZeroUsize,
    /// Hears what begins.
    pub watch: &'a dyn Fn(Step),
}

/// The steps of linking, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Counting values and drawing random pairs.
    Counting,
    /// Choosing the ways of blocking.
    Blocking,
    /// Comparing candidate pairs.
    Comparing,
    /// Learning from them.
    Learning,
    /// Deciding and grouping.
    Deciding,
}

impl Training<'static> {
    /// Nobody watches.
    pub fn quiet(seed: u64, threads: NonZeroUsize) -> Self {
        Self { seed, threads, watch: &|_| {} }
    }
}

/// Rounds of learning and counting things anew.
const ROUNDS: usize = 2;
/// Random pairs drawn to see how strangers agree.
const DRAWN: usize = 1 << 18;
/// Pairs of one thing that the ways of blocking are chosen by.
const KNOWN: usize = 4_000;
/// Up to this many records the ways are chosen a second time, by what those chosen first find.
const LOOKED_TWICE: usize = 50_000;
/// Pairs compared in a look.
const FIRST_PAIRS: usize = 150_000;
/// Pairs less likely than this to be one thing, everything said, are not kept (logarithm of the odds).
const WORTH: f64 = -16.0;
/// From these odds on (logarithm) two records count as one thing in frequencies: what is likelier one than not. Were it more,
/// the pairs in doubt would make the very names common that they share.
const COUNTS_AS_ONE: f64 = 0.0;

/// Trains a model on the records of `table`. Values shared by far too many are forgotten in it.
pub fn train(table: &mut Table, names: &[String], training: Training<'_>) -> Trained {
    let (threads, watch) = (training.threads, training.watch);
    watch(Step::Counting);
    let mut model = blank(table, names);
    prepare(table, &mut model);
    let alone: Vec<u32> = (0..table.len() as u32).collect();
    recount(table, &mut model, &alone);
    // Whose records they are is not known yet.
    model.columns.iter_mut().for_each(|column| column.namesakes = count::RARE);
    let all_pairs = possible_pairs(table);
    guess(&mut model, table, all_pairs);
    let mut drawn = draw(table, &model, (training.seed, threads));
    first_chances(&mut model, &drawn);
    watch(Step::Blocking);
    let faceted = faceted(table, threads);
    let priced = ways::priced(&faceted, table.kinds().len(), threads);
    let first = ways::first_look(&priced, table.len());
    let known = look(table, &model, &faceted, first, (&drawn, all_pairs, threads));
    let mut chosen = ways::choose(&priced, &faceted, &known, threads);
    if table.len() <= LOOKED_TWICE {
        let known = look(table, &model, &faceted, chosen, (&drawn, all_pairs, threads));
        chosen = ways::choose(&priced, &faceted, &known, threads);
    }
    let (mut pairs, blocking, exploded) = ways::explore(&faceted, chosen, threads);
    model.blocking = blocking;
    if table.kinds().len() == 1 {
        strangers(table, &model, &pairs, (&mut drawn, threads));
    }
    keep_scored(table, &mut pairs);
    watch(Step::Comparing);
    let scorer = Scorer::new(&model);
    let mut compared = Compared::new(table, &scorer, &pairs, threads, |_, _| true);
    drop(pairs);
    if !telling::residents(table.kinds()) {
        count_rare(&mut drawn, &compared, all_pairs);
    }
    watch(Step::Learning);
    for round in 0..ROUNDS {
        if round == 0 {
            learn::learn_given_name(&mut model, &compared, &drawn, all_pairs);
        } else {
            learn::learn(&mut model, &compared, &drawn, all_pairs);
        }
        let scorer = Scorer::new(&model);
        let things = things(table.len(), &compared, &compared.odds(&scorer));
        for (drawn, counted) in drawn.iter_mut().zip(recount(table, &mut model, &things)) {
            drawn.chance = Some(counted.chances[0]);
        }
        compared.reweigh(table, &Scorer::new(&model), threads);
    }
    learn::learn(&mut model, &compared, &drawn, all_pairs);
    Trained { model, compared, faceted, exploded }
}

/// Applies to a table what a frozen model knows of single values, before anything is compared.
pub fn apply_to_values(table: &mut Table, model: &Model) {
    owner::forget_shared(table, model.shared_numbers());
    for (at, column) in model.columns.iter().enumerate() {
        table.forget(at, &column.aside);
        count::weigh(table, at, column);
    }
    owner::apply(table, &model.borrowed);
}

fn prepare(table: &mut Table, model: &mut Model) {
    for at in 0..model.columns.len() {
        model.columns[at].aside = count::shared_by_many(table, at);
        if model.columns[at].kind == Kind::Text {
            model.columns[at].texts = table.counted(at).iter().map(|(_, count)| count).sum();
            model.columns[at].words = count::words(table, at);
        }
    }
    apply_to_values(table, model);
    model.borrowed = owner::borrowed(table);
    owner::apply(table, &model.borrowed);
}

fn blank(table: &Table, names: &[String]) -> Model {
    let column = |((kind, name), (identifies, of_relative)): ((&Kind, &String), (bool, bool))| ColumnModel {
        name: name.clone(),
        kind: *kind,
        identifies,
        of_relative,
        whole: identifies && *kind == Kind::NameLatin,
        rungs: (kind.ladder().iter())
            .map(|rung| RungModel {
                name: rung.name.to_owned(),
                same: rung.m,
                moved: if identifies || kind.stays() { rung.m } else { 0.5 * (rung.m + rung.u) },
                related: [0.8 * rung.m + 0.2 * rung.u, 0.5 * (rung.m + rung.u)],
                random: rung.u,
                commonness: 0.0,
            })
            .collect(),
        valued: 0,
        counts: Vec::new(),
        once: 1.0,
        namesakes: count::RARE,
        words: Vec::new(),
        texts: 0,
        aside: Vec::new(),
    };
    let told = telling::telling(table).into_iter().zip(telling::of_relatives(table.kinds()));
    Model {
        format: FORMAT,
        columns: table.kinds().iter().zip(names).zip(told).map(column).collect(),
        exchanges: exchanges(table.kinds()),
        priors: Priors { same: 0.0, moved: 0.0, related: [0.0; RELATIONS] },
        borrowed: Vec::new(),
        blocking: Blocking::default(),
        single: [false; 2],
        ahead: None,
        limits: Limits { auto: 1.0, review: 1.0 },
    }
}

/// Columns of one wordy kind may have each other's values.
fn exchanges(kinds: &[Kind]) -> Vec<Exchange> {
    let mut exchanges = Vec::new();
    for (first, kind) in (0_u8..).zip(kinds) {
        if matches!(kind, Kind::NameLatin | Kind::AddressLatin | Kind::Text) {
            let later = (0_u8..).zip(kinds).skip(usize::from(first) + 1);
            exchanges.extend(later.filter(|(_, other)| *other == kind).map(|(second, _)| Exchange {
                first,
                second,
                same: 0.01,
            }));
        }
    }
    exchanges.truncate(10);
    exchanges
}

/// Pairs that could be one thing: of the two files, or of the one.
pub fn possible_pairs(table: &Table) -> f64 {
    let second = (0..table.len() as u32).filter(|record| table.file(*record) == 1).count() as f64;
    let first = table.len() as f64 - second;
    if second > 0.0 { first * second } else { (first * (first - 1.0) / 2.0).max(1.0) }
}

fn guess(model: &mut Model, table: &Table, all_pairs: f64) {
    let same = (0.3 * table.len() as f64 / all_pairs).min(0.2);
    let related = if telling::has_households(table) { same } else { 0.0 };
    let neighbours = if telling::persons(table) { related } else { 0.0 };
    model.priors = Priors { same, moved: if neighbours > 0.0 { 0.05 } else { 0.0 }, related: [related, neighbours] };
}

/// Counts again, each thing once, into the model.
fn recount(table: &Table, model: &mut Model, things: &[u32]) -> Vec<Counted> {
    let counted: Vec<Counted> = (0..model.columns.len()).map(|at| count::count(table, at, things)).collect();
    for (column, counted) in model.columns.iter_mut().zip(&counted) {
        column.valued = counted.valued;
        column.counts.clone_from(&counted.counts);
        column.once = counted.once;
        column.namesakes = counted.namesakes;
        for (rung, place) in column.rungs.iter_mut().zip(column.kind.shared_places()) {
            rung.commonness = counted.chances[*place];
        }
    }
    counted
}

/// Draws random pairs and sees how they agree.
fn draw(table: &Table, model: &Model, (seed, threads): (u64, NonZeroUsize)) -> Vec<Drawn> {
    let scorer = Scorer::new(model);
    let records = table.len() as u32;
    let split = (0..records).find(|record| table.file(*record) == 1).filter(|split| *split > 0);
    let pairs = if records < 2 { 0 } else { DRAWN };
    let pieces = thread::pieces(pairs, 1 << 14, threads, |range| {
        let mut random = StdRng::seed_from_u64(seed ^ range.start as u64);
        let mut hits: Vec<Vec<f64>> = model.columns.iter().map(|column| vec![0.0; column.rungs.len()]).collect();
        for _ in range {
            let (a, b) = match split {
                Some(split) => (random.random_range(0..split), random.random_range(split..records)),
                None => (random.random_range(0..records), random.random_range(0..records)),
            };
            if a == b {
                continue;
            }
            for (hits, level) in hits.iter_mut().zip(scorer.straight(&table.row(a), &table.row(b))) {
                if let Some(level) = level {
                    hits[usize::from(level)] += 1.0;
                }
            }
        }
        hits
    });
    let column = |at: usize| {
        let rungs = model.columns[at].rungs.len();
        let sums: Vec<f64> = (0..rungs).map(|rung| pieces.iter().map(|piece| piece[at][rung]).sum()).collect();
        let pairs: f64 = sums.iter().sum();
        let ladder = model.columns[at].kind.ladder();
        // One pair spread by the ladder's guesses, so that nothing is impossible.
        let shares = sums.iter().zip(ladder).map(|(sum, rung)| (sum + rung.u) / (pairs + 1.0)).collect();
        Drawn { shares, pairs, chance: None, strangers: None }
    };
    (0..model.columns.len()).map(column).collect()
}

/// Random pairs seen on a rung below which the candidates say more of it.
const SEEN: f64 = 20.0;

/// What hardly a random pair showed is counted among the candidates, which hold most of the pairs that agree so well.
/// Of residents it is mostly what one person's records show, and must not pass for chance.
fn count_rare(drawn: &mut [Drawn], compared: &Compared, all_pairs: f64) {
    let mut times = vec![0_u32; compared.patterns.len()];
    compared.pattern_of.iter().for_each(|pattern| times[*pattern as usize] += 1);
    for (at, drawn) in drawn.iter_mut().enumerate() {
        let mut counted = vec![0.0; drawn.shares.len()];
        for (pattern, times) in compared.patterns.iter().zip(&times) {
            if let Some(level) = pattern.levels[at] {
                counted[usize::from(level)] += f64::from(*times);
            }
        }
        for (share, counted) in drawn.shares.iter_mut().zip(counted) {
            if *share * drawn.pairs < SEEN {
                *share = share.max(counted / all_pairs);
            }
        }
    }
}

/// One column alone cannot show which of the pairs that agree do so by chance: those within a file do, where there are two.
fn strangers(table: &Table, model: &Model, pairs: &[u64], (drawn, threads): (&mut [Drawn], NonZeroUsize)) {
    let second = (0..table.len() as u32).filter(|record| table.file(*record) == 1).count() as f64;
    let first = table.len() as f64 - second;
    let all = (first * (first - 1.0) + second * (second - 1.0)) / 2.0;
    if second == 0.0 || all < 1.0 {
        return;
    }
    let is_within = |pair: &&u64| {
        let (a, b) = parts(**pair);
        table.file(a) == table.file(b)
    };
    let within: Vec<u64> = pairs.iter().filter(is_within).copied().collect();
    let compared = Compared::new(table, &Scorer::new(model), &within, threads, |_, _| true);
    for (at, (drawn, column)) in drawn.iter_mut().zip(&model.columns).enumerate() {
        let mut counts: Vec<f64> = column.kind.ladder().iter().map(|rung| rung.u).collect();
        for pattern in &compared.pattern_of {
            if let Some(level) = compared.patterns[*pattern as usize].levels[at] {
                counts[usize::from(level)] += 1.0;
            }
        }
        // What hardly a pair within a file is compared for is seen among the random ones.
        let share = |(counted, random): (f64, &f64)| if *random * drawn.pairs < SEEN { counted / all } else { *random };
        drawn.strangers = Some(counts.into_iter().zip(&drawn.shares).map(share).collect());
    }
}

fn first_chances(model: &mut Model, drawn: &[Drawn]) {
    for (column, drawn) in model.columns.iter_mut().zip(drawn) {
        for (rung, share) in column.rungs.iter_mut().zip(&drawn.shares) {
            rung.random = *share;
        }
    }
}

/// Only pairs across, where there are two files.
pub fn keep_scored(table: &Table, pairs: &mut Vec<u64>) {
    if (0..table.len() as u32).any(|record| table.file(record) == 1) {
        pairs.retain(|pair| {
            let (a, b) = parts(*pair);
            table.file(a) != table.file(b)
        });
    }
}

/// Pairs that a cheap look takes to be one thing; they show which ways of blocking find such pairs.
fn look(
    table: &Table,
    model: &Model,
    faceted: &[Faceted],
    ways: Vec<Way>,
    (drawn, all_pairs, threads): (&[Drawn], f64, NonZeroUsize),
) -> Vec<u64> {
    let (mut pairs, ..) = ways::explore(faceted, ways, threads);
    keep_scored(table, &mut pairs);
    let step = pairs.len().div_ceil(FIRST_PAIRS).max(1);
    let pairs: Vec<u64> = pairs.into_iter().step_by(step).collect();
    let compared = Compared::new(table, &Scorer::new(model), &pairs, threads, |_, _| true);
    let mut first = model.clone();
    learn::learn(&mut first, &compared, drawn, all_pairs / step as f64);
    let odds = compared.odds(&Scorer::new(&first));
    let mut known: Vec<u64> =
        (compared.pairs.iter().zip(odds)).filter(|(_, odds)| *odds > 0.0).map(|(pair, _)| *pair).collect();
    let step = known.len().div_ceil(KNOWN).max(1);
    known = known.into_iter().step_by(step).collect();
    known
}

/// Which thing each record is, for counting only: records joined by pairs that are all but certain.
fn things(records: usize, compared: &Compared, odds: &[f64]) -> Vec<u32> {
    let mut root: Vec<u32> = (0..records as u32).collect();
    for ((pair, pattern), odds) in compared.pairs.iter().zip(&compared.pattern_of).zip(odds) {
        if *odds >= COUNTS_AS_ONE && compared.patterns[*pattern as usize].verdict == Verdict::Free {
            let (a, b) = parts(*pair);
            let (a, b) = (find(&mut root, a), find(&mut root, b));
            root[a.max(b) as usize] = a.min(b);
        }
    }
    (0..records as u32).map(|record| find(&mut root, record)).collect()
}

/// The root of a record in a forest, shortening the way there.
pub fn find(root: &mut [u32], mut at: u32) -> u32 {
    while root[at as usize] != at {
        root[at as usize] = root[root[at as usize] as usize];
        at = root[at as usize];
    }
    at
}

/// Whether a pair is likely enough to be kept.
pub fn worth_keeping(scorer: &Scorer, pattern: &Pattern, rarity: Rarity) -> bool {
    scorer.odds(&scorer.likelihood(pattern), rarity) > WORTH
}
