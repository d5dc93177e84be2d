//! Records under a frozen model, one at a time: the same engine and the same result as a whole file at once.
//!
//! Owns the keys, the records and the links between them, in memory. Never learns: when its blocks have outgrown the
//! model, a new one is trained and a new index built.

use std::collections::BTreeSet;

use fnv::FnvHashMap;
use smallvec::SmallVec;

use super::batch;
use super::block::{Faceted, OUTGROWN, pair};
use super::cluster::{Groups, Link, cluster};
use super::count::Words;
use super::evidence::{Kind, Value, Verdict};
use super::model::Model;
use super::score::{Scorer, probability};
use super::speak::Profiled;
use super::table::{Row, Table};
use super::zh::owner;

/// A record that may be the same thing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match {
    /// Number of the record.
    pub record: u32,
    /// Logarithm of the odds that it is the same thing.
    pub odds: f64,
    /// What several columns say together.
    pub verdict: Verdict,
}

/// Odds below this (logarithm) are not kept: a probability of one in a thousand.
const KEPT: f64 = -7.0;
/// Entries added one by one before they are merged into the sorted ones.
const ADDED: usize = 1 << 20;

/// The index.
#[derive(Debug)]
pub struct Index {
    model: Model,
    scorer: Scorer,
    words: Vec<Words>,
    kinds: Vec<Kind>,
    table: Table,
    ids: Vec<Box<str>>,
    alive: Vec<bool>,
    sorted: Vec<(u64, u32)>,
    added: FnvHashMap<u64, SmallVec<[u32; 2]>>,
    fresh: usize,
    links: Vec<Vec<Match>>,
}

impl Index {
    /// No records yet.
    pub fn new(model: Model) -> Self {
        let kinds: Vec<Kind> = model.columns.iter().map(|column| column.kind).collect();
        Self {
            scorer: Scorer::new(&model),
            words: model.columns.iter().map(Words::of).collect(),
            table: Table::new(&kinds),
            kinds,
            model,
            ids: Vec::new(),
            alive: Vec::new(),
            sorted: Vec::new(),
            added: FnvHashMap::default(),
            fresh: 0,
            links: Vec::new(),
        }
    }

    /// The model it works under.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// How many records it has ever taken; numbers are below this.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether it has taken none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The id of a record.
    pub fn id(&self, record: u32) -> &str {
        self.ids.get(record as usize).map_or("", |id| id)
    }

    /// Which records may be the same thing as one of these values, the likeliest first. Nothing is kept.
    pub fn matches(&self, values: &[Option<Value>]) -> Vec<Match> {
        self.looked_up(&self.ready(values)).1
    }

    /// The keys of a record, and what it matches.
    fn looked_up(&self, values: &[Option<Value>]) -> (Vec<u64>, Vec<Match>) {
        let row: Row<'_> = values.iter().map(Option::as_ref).collect();
        let keys = self.model.blocking.keys(&Faceted::of(&self.kinds, &row));
        let matches = self.scored(&row, &keys);
        (keys, matches)
    }

    /// Takes a record in and returns its number and what it matches. Ids should differ: they break ties.
    pub fn insert(&mut self, id: &str, values: &[Option<Value>]) -> (u32, Vec<Match>) {
        let values = self.ready(values);
        let (keys, matches) = self.looked_up(&values);
        let record = self.table.push(0, values);
        for found in &matches {
            if let Some(links) = self.links.get_mut(found.record as usize) {
                links.push(Match { record, ..*found });
            }
        }
        self.links.push(matches.clone());
        self.ids.push(id.into());
        self.alive.push(true);
        self.fresh += keys.len();
        for key in keys {
            self.added.entry(key).or_default().push(record);
        }
        if self.fresh > ADDED {
            self.settle();
        }
        (record, matches)
    }

    /// Forgets a record. Its number is not used again.
    pub fn remove(&mut self, record: u32) {
        let Some(alive) = self.alive.get_mut(record as usize) else { return };
        *alive = false;
        let links = self.links.get_mut(record as usize).map(std::mem::take).unwrap_or_default();
        for link in links {
            if let Some(others) = self.links.get_mut(link.record as usize) {
                others.retain(|other| other.record != record);
            }
        }
    }

    /// The records that are one thing with this one, itself among them, in the order of their ids.
    pub fn group(&self, record: u32) -> Vec<u32> {
        let members = self.connected(record);
        let place: FnvHashMap<u32, u32> = members.iter().zip(0_u32..).map(|(record, at)| (*record, at)).collect();
        let mut links = Vec::new();
        for (at, member) in (0_u32..).zip(&members) {
            for link in self.links.get(*member as usize).into_iter().flatten().filter(|link| self.joins(link)) {
                if let Some(other) = place.get(&link.record).filter(|other| at < **other) {
                    links.push(Link { pair: pair(at, *other), odds: link.odds });
                }
            }
        }
        let between =
            |a: u32, b: u32| batch::between(&self.table, &self.scorer, members[a as usize], members[b as usize]);
        let voices = Profiled::new(&self.kinds, between, |at| self.table.cell_numbers(members[at as usize]));
        let groups: Groups = cluster(members.len(), |_| 0, &links, [false; 2], voices);
        let local = place.get(&record).copied().unwrap_or_default();
        groups.members(local).iter().filter_map(|at| members.get(*at as usize).copied()).collect()
    }

    /// All records reached over links that may join, in the order of their ids.
    fn connected(&self, record: u32) -> Vec<u32> {
        let mut seen = BTreeSet::from([record]);
        let mut next = vec![record];
        while let Some(record) = next.pop() {
            for link in self.links.get(record as usize).into_iter().flatten().filter(|link| self.joins(link)) {
                if seen.insert(link.record) {
                    next.push(link.record);
                }
            }
        }
        let mut members: Vec<u32> = seen.into_iter().collect();
        members.sort_by(|a, b| self.id(*a).cmp(self.id(*b)).then(a.cmp(b)));
        members
    }

    fn joins(&self, link: &Match) -> bool {
        link.verdict == Verdict::Free && probability(link.odds) >= self.model.limits.auto
    }

    /// Values as the model reads them: those shared by too many are missing, words are weighed.
    fn ready(&self, values: &[Option<Value>]) -> Vec<Option<Value>> {
        let mut values = values.to_vec();
        values.resize(self.model.columns.len(), None);
        self.model.forget_shared(&self.kinds, &mut values);
        for (words, value) in self.words.iter().zip(&mut values) {
            if let Some(value) = value {
                words.weigh(value);
            }
        }
        owner::mark(&self.kinds, &mut values, &self.model.borrowed);
        values
    }

    fn scored(&self, row: &Row<'_>, keys: &[u64]) -> Vec<Match> {
        let mut found: Vec<u32> = Vec::new();
        for key in keys {
            let from = self.sorted.partition_point(|(known, _)| known < key);
            let old = self.sorted.get(from..).unwrap_or_default().iter().take_while(|(known, _)| known == key);
            let old = old.map(|(_, record)| *record);
            let new = self.added.get(key).into_iter().flatten().copied();
            let block: SmallVec<[u32; 64]> =
                old.chain(new).filter(|record| self.is_alive(*record)).take(OUTGROWN + 1).collect();
            if block.len() <= OUTGROWN {
                found.extend(block);
            }
        }
        found.sort_unstable();
        found.dedup();
        let score = |record: u32| {
            let scored = self.scorer.score(row, &self.table.row(record));
            Match { record, odds: scored.odds, verdict: scored.verdict }
        };
        let mut matches: Vec<Match> = found.into_iter().map(score).filter(|found| found.odds > KEPT).collect();
        matches.sort_by(|a, b| b.odds.total_cmp(&a.odds).then_with(|| self.id(a.record).cmp(self.id(b.record))));
        matches
    }

    fn is_alive(&self, record: u32) -> bool {
        self.alive.get(record as usize).copied().unwrap_or_default()
    }

    /// Merges what was added into the sorted entries, without what is forgotten.
    fn settle(&mut self) {
        let added = std::mem::take(&mut self.added);
        self.sorted
            .extend(added.into_iter().flat_map(|(key, records)| records.into_iter().map(move |record| (key, record))));
        let alive = &self.alive;
        self.sorted.retain(|(_, record)| alive.get(*record as usize).copied().unwrap_or_default());
        // Nearly sorted: the standard sort finds the long run.
        self.sorted.sort();
        self.fresh = 0;
    }
}
