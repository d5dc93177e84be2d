//! Choosing the ways of blocking: those that find most pairs of one thing for the fewest comparisons.
//!
//! Owns the choice. What a way is and how pairs come of it is `block`.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use super::block::{Blocking, Exploded, Facet, Faceted, Way, blocks, pairs_of, parts};
use super::thread;

/// Records in a block above which it is set aside.
pub const CAP: usize = 120;
/// Ways a model has at most.
const WAYS: usize = 64;
/// Ways of the first look.
const FIRST_WAYS: usize = 16;
/// Records a way's cost is measured on.
const SAMPLE: usize = 12_000;
/// Facets looked at, at most; more columns than that have their last facets left out.
const FACETS: usize = 64;
/// What looking up one record under one way costs, in comparisons.
const LOOKUP: f64 = 0.3;

/// A way and how many pairs it is expected to make.
#[derive(Debug, Clone, PartialEq)]
pub struct Priced {
    /// The way.
    pub way: Way,
    /// Expected pairs.
    pub pairs: f64,
    /// Keys whose blocks will be too large, sorted: what only they would find is not found.
    pub hot: Vec<u64>,
}

/// How many comparisons a set of this many records may cost.
pub fn budget(records: usize) -> f64 {
    let records = records as f64;
    records * (9e6 / records.max(1.0)).clamp(20.0, 600.0)
}

/// All ways with the pairs they are expected to make, cheapest first.
pub fn priced(faceted: &[Faceted], columns: usize, threads: NonZeroUsize) -> Vec<Priced> {
    let step = faceted.len().div_ceil(SAMPLE).max(1);
    let sample: Vec<&Faceted> = faceted.iter().step_by(step).collect();
    let facets: BTreeSet<Facet> = sample.iter().flat_map(|faceted| faceted.facets()).collect();
    let ways = ways(&facets.into_iter().take(FACETS).collect::<Vec<_>>(), columns);
    let mut priced: Vec<Priced> = thread::pieces(ways.len(), 4, threads, |range| {
        ways.get(range).unwrap_or_default().iter().map(|way| price(*way, &sample, step)).collect::<Vec<_>>()
    })
    .concat();
    priced.sort_by(|a, b| a.pairs.total_cmp(&b.pairs).then(a.way.cmp(&b.way)));
    priced
}

/// Prices a way by a sample of one record in `step`.
fn price(way: Way, sample: &[&Faceted], step: usize) -> Priced {
    let mut entries: Vec<u64> = sample.iter().flat_map(|faceted| faceted.under(way, way.number())).collect();
    entries.sort_unstable();
    let mut priced = Priced { way, pairs: 0.0, hot: Vec::new() };
    for block in entries.chunk_by(|a, b| a == b).filter(|block| block.len() > 1) {
        if block.len() * step > CAP.max(2 * step) {
            priced.hot.push(block[0]);
        } else {
            // Two records of the sample in one block stand for `step` times `step` pairs.
            priced.pairs += (block.len() * (block.len() - 1)) as f64 / 2.0 * (step * step) as f64;
        }
    }
    priced
}

fn ways(facets: &[Facet], columns: usize) -> Vec<Way> {
    let mut ways: Vec<Way> = facets.iter().map(|first| Way { first: *first, second: None }).collect();
    for (at, first) in facets.iter().enumerate() {
        let later = facets.iter().skip(at + 1);
        let single = |facet: &Facet| usize::from(facet.column) < columns;
        ways.extend(
            later
                .filter(|second| second.column != first.column && single(second) && single(first))
                .map(|second| Way { first: *first, second: Some(*second) }),
        );
    }
    ways
}

/// Ways for a first look at the data: tolerant ones that cost little, over as many columns as there are.
pub fn first_look(priced: &[Priced], records: usize) -> Vec<Way> {
    let allowed = budget(records) / 8.0;
    let mut chosen: Vec<Way> = Vec::new();
    let mut uses = [0_usize; 256];
    let mut spent = 0.0;
    for most in 1..=FIRST_WAYS {
        for candidate in priced {
            let columns = [Some(candidate.way.first), candidate.way.second];
            let columns = || columns.iter().flatten().map(|facet| usize::from(facet.column));
            if chosen.len() >= FIRST_WAYS || spent + candidate.pairs > allowed {
                break;
            }
            if candidate.pairs > 0.0 && !chosen.contains(&candidate.way) && columns().all(|column| uses[column] < most)
            {
                columns().for_each(|column| uses[column] += 1);
                chosen.push(candidate.way);
                spent += candidate.pairs;
            }
        }
    }
    chosen
}

/// Chooses ways by what they find among pairs taken to be of one thing. A pair found once already counts half, found
/// twice a quarter: what is hard to find is found by few, so finding all several times leaves little unfound.
pub fn choose(priced: &[Priced], faceted: &[Faceted], known: &[u64], threads: NonZeroUsize) -> Vec<Way> {
    let found = thread::pieces(priced.len(), 4, threads, |range| {
        priced[range].iter().map(|priced| hits(priced, faceted, known)).collect::<Vec<_>>()
    })
    .concat();
    let mut value = vec![1.0; known.len()];
    let mut chosen: Vec<usize> = Vec::new();
    let mut left = budget(faceted.len());
    while chosen.len() < WAYS {
        let worth = |at: usize| -> (f64, f64) {
            let gain: f64 = found[at].iter().map(|pair| value[*pair as usize]).sum();
            let cost = priced[at].pairs + LOOKUP * faceted.len() as f64;
            (gain, gain / cost.sqrt())
        };
        let best = (0..priced.len())
            .filter(|at| priced[*at].pairs <= left && !chosen.contains(at))
            .map(|at| (at, worth(at)))
            .max_by(|a, b| a.1.1.total_cmp(&b.1.1).then(b.0.cmp(&a.0)));
        let Some((at, (gain, _))) = best else { break };
        if gain < 1e-5 * known.len() as f64 {
            break;
        }
        found[at].iter().for_each(|pair| value[*pair as usize] *= 0.65);
        left -= priced[at].pairs;
        chosen.push(at);
    }
    chosen.into_iter().map(|at| priced[at].way).collect()
}

/// Which of the known pairs a way finds, by position.
fn hits(priced: &Priced, faceted: &[Faceted], known: &[u64]) -> Vec<u32> {
    let number = priced.way.number();
    let share = |pair: u64| {
        let (a, b) = parts(pair);
        let (a, b) = (faceted[a as usize].under(priced.way, number), faceted[b as usize].under(priced.way, number));
        a.iter().any(|key| b.contains(key) && priced.hot.binary_search(key).is_err())
    };
    (0_u32..).zip(known).filter(|(_, pair)| share(**pair)).map(|(at, _)| at).collect()
}

/// The pairs of these ways, with the blocks that are too large set aside.
pub fn explore(faceted: &[Faceted], ways: Vec<Way>, threads: NonZeroUsize) -> (Vec<u64>, Blocking, Vec<Exploded>) {
    let found = thread::pieces(ways.len(), 1, threads, |range| {
        let (mut pairs, mut aside, mut exploded) = (Vec::new(), Vec::new(), Vec::new());
        for way in &ways[range] {
            let entries = blocks(faceted, *way);
            for block in entries.chunk_by(|a, b| a.0 == b.0).filter(|block| block.len() > 1) {
                if block.len() > CAP {
                    aside.push(block[0].0);
                    exploded.push(Exploded { way: *way, records: block.len() as u32 });
                } else {
                    pairs_of(block, |pair| pairs.push(pair));
                }
            }
        }
        (pairs, aside, exploded)
    });
    let (mut pairs, mut aside, mut exploded) = (Vec::new(), Vec::new(), Vec::new());
    for (some_pairs, some_aside, some_exploded) in found {
        pairs.extend(some_pairs);
        aside.extend(some_aside);
        exploded.extend(some_exploded);
    }
    thread::sort(&mut pairs, threads);
    pairs.dedup();
    aside.sort_unstable();
    exploded.sort_by_key(|exploded| std::cmp::Reverse(exploded.records));
    (pairs, Blocking { ways, aside }, exploded)
}
