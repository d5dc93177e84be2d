//! Tune: learns a model of likeness from the city's own records, says what it would join and part, and makes it the active
//! one. Nothing moves before that is asked for.
//!
//! The new model's keys are made beside those of the old one, so that likeness goes on by the old until the new is whole.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::apply::rules;
use super::effect::{self, Effect};
use super::links::Touched;
use super::{golden, shift};
use crate::entity::RESIDENT;
use crate::error::{Error, Kind, Result};
use crate::hub::Hub;
use crate::linkage::batch::{self, Decision};
use crate::linkage::block::Exploded;
use crate::linkage::decide::Budget;
use crate::linkage::few::{self, Few};
use crate::linkage::prepare;
use crate::linkage::table::Table;
use crate::linkage::train::Training;
use crate::matching::{CAP, COLUMNS, Frozen, KEYS, Matcher, NUMBER, cells};
use crate::resolve;
use crate::store::contribution::{self, Row};
use crate::store::matching::{self, Changes};
use crate::store::{Lease, entity, job};

/// The kind of the job that does it.
pub const JOB: &str = "tune";
/// What a job is about that makes its model the active one.
pub const APPLY: &str = "apply";
/// What a job is about that only tells what its model would do.
pub const LOOK: &str = "look";
/// What it is about when no model is made and all loose records are placed again.
pub const AGAIN: &str = "again";

/// The code of the error where there is too little to learn from.
pub const TOO_FEW: &str = "too-few-records";

const PAGE: i64 = 1_000;
/// Records learned from, at most.
const LEARNED_FROM: u64 = 200_000;
/// Fewer teach nothing.
const LEAST: usize = 100;
/// Blocks named, at most.
const SHOWN: usize = 5;
/// The same records teach the same model.
const SEED: u64 = 1;

/// What a model came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Tuned {
    /// Its version.
    pub version: i64,
    /// Whether it was made the active one.
    pub active: bool,
    /// Records it was learned from.
    pub learned_from: u64,
    /// From this probability on a record is joined by itself.
    pub auto: f64,
    /// From this one on somebody is asked.
    pub review: f64,
    /// Blocks of candidates too large to mean anything.
    pub blocks_aside: usize,
    /// The largest of them.
    #[serde(default)]
    pub largest_blocks: Vec<Aside>,
    /// What it says of the records without a usable number.
    pub effect: Effect,
}

/// A block of candidates that too many records share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Aside {
    /// What they share: column and facet, or two of them.
    pub way: String,
    /// How many share it.
    pub records: u32,
}

/// Leaves it to the workers of a hub: a job about [`APPLY`], [`LOOK`] or [`AGAIN`].
pub fn enqueue(hub: &Hub, subject: &str) -> Result<()> {
    let now = hub.now();
    hub.db.write(|conn| job::enqueue(conn, JOB, subject, now, now))
}

/// What such a job does.
pub fn run(hub: &Hub, subject: &str) -> Result<()> {
    match subject {
        AGAIN => rematch(hub, &|_| ()).map(drop),
        _ => tune(hub, "job", subject == APPLY, &|_| ()).map(drop),
    }
}

/// Learns a model and tells its effect; with `activate` it becomes the active one.
pub fn tune(hub: &Hub, by: &str, activate: bool, progress: &dyn Fn(u64)) -> Result<Tuned> {
    let lease = hub.writer()?;
    let mut learned = learned(hub)?;
    let version = hub.db.apply(&lease, hub.now(), |change| {
        // What an earlier try left unfinished is over.
        matching::abandon(change.conn)?;
        matching::begin_model(change.conn, &learned.frozen, by, change.now)
    })?;
    let mut matcher = Matcher::new(version, learned.frozen.clone());
    fill(hub, &lease, &matcher, progress)?;
    let loose = effect::loose(hub)?;
    let (mut effect, auto) = effect::effect(hub, &matcher, &loose)?;
    if auto > learned.frozen.model.limits.auto {
        learned.frozen.model.limits.auto = auto;
        matcher = Matcher::new(version, learned.frozen.clone());
        effect = effect::effect(hub, &matcher, &loose)?.0;
    }
    let tuned = learned.tuned(version, activate, effect);
    hub.db.apply(&lease, hub.now(), |change| {
        matching::finish_model(change.conn, version, &learned.frozen)?;
        matching::note_effect(change.conn, version, &tuned)?;
        if activate { matching::activate(change.conn, version) } else { matching::abandon(change.conn) }
    })?;
    if activate {
        rematch(hub, progress)?;
    }
    forget(hub, &lease)?;
    Ok(tuned)
}

struct Learned {
    frozen: Frozen,
    exploded: Vec<Exploded>,
    records: u64,
}

impl Learned {
    fn tuned(&self, version: i64, active: bool, effect: Effect) -> Tuned {
        Tuned {
            version,
            active,
            learned_from: self.records,
            auto: self.frozen.model.limits.auto,
            review: self.frozen.model.limits.review,
            blocks_aside: self.exploded.len(),
            largest_blocks: self.exploded.iter().take(SHOWN).map(|block| self.aside(block)).collect(),
            effect,
        }
    }

    fn aside(&self, block: &Exploded) -> Aside {
        Aside { way: self.frozen.model.way_name(block.way), records: block.records }
    }
}

fn learned(hub: &Hub) -> Result<Learned> {
    let (sample, share) = sample(hub)?;
    if sample.len() < LEAST {
        let en = format!("a model is learned from {LEAST} records at least; there are {}", sample.len());
        let zh = format!("建立比对模型至少需要 {LEAST} 条记录，现有 {} 条。", sample.len());
        return Err(Error::new(Kind::Conflict, en).coded(TOO_FEW, zh));
    }
    let kinds = COLUMNS.map(|(_, kind)| kind);
    let mut table = Table::new(&kinds);
    for cells in &sample {
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        table.push(0, prepare::record(&kinds, &cells));
    }
    let names = COLUMNS.map(|(name, _)| name.to_owned());
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mut linked = batch::link(&mut table, &names, Training::quiet(SEED, threads), &Budget::default());
    let pairs: Vec<u64> =
        linked.decided.iter().filter(|one| one.decision == Decision::Auto).map(|one| one.pair).collect();
    let few = Few { keys: KEYS, without: NUMBER, largest: CAP, scale: share as f64 };
    let ways = few::ways(&table, &linked.model.blocking, &pairs, few, threads);
    let blocking = &mut linked.model.blocking;
    if ways.is_empty() {
        blocking.ways.truncate(KEYS as usize)
    } else {
        blocking.ways = ways
    }
    let people = hub.db.read(|conn| entity::count(conn, RESIDENT, None))?;
    Ok(Learned {
        frozen: Frozen { model: linked.model, people: people.unsigned_abs() },
        exploded: linked.exploded,
        records: sample.len() as u64,
    })
}

/// The cells of the records that are learned from, sorted, and of how many each is one. Of a large city those born on some
/// days, so that the records of one person come together.
fn sample(hub: &Hub) -> Result<(Vec<Vec<String>>, u64)> {
    let total = hub.db.read(contribution::total)?.unsigned_abs();
    let share = total.div_ceil(LEARNED_FROM).max(1);
    let mut sample = Vec::new();
    each_page(hub, |page| {
        for row in page {
            let cells = cells(&row.contribution()?);
            let birth = cells.get(2).map(String::as_str).unwrap_or_default();
            if crate::linkage::evidence::stable_hash(birth.as_bytes()).is_multiple_of(share) {
                sample.push(cells);
            }
        }
        Ok(())
    })?;
    sample.sort_unstable();
    Ok((sample, share))
}

/// Goes through all live contributions about residents.
pub(super) fn each_page(hub: &Hub, mut each: impl FnMut(Vec<Row>) -> Result<()>) -> Result<()> {
    let mut after = Vec::new();
    loop {
        let mut page = hub.db.read(|conn| contribution::page(conn, &after, PAGE))?;
        let Some(last) = page.last() else { return Ok(()) };
        after.clone_from(&last.id);
        page.retain(|row| row.kind == RESIDENT);
        each(page)?;
    }
}

/// Makes the keys of a model. What changes meanwhile makes its own.
fn fill(hub: &Hub, lease: &Lease, matcher: &Matcher, progress: &dyn Fn(u64)) -> Result<()> {
    let mut after = Vec::new();
    loop {
        let (last, count) = hub.db.apply(lease, hub.now(), |change| {
            let rules = rules(hub);
            let page = contribution::page(change.conn, &after, PAGE)?;
            let mut changes = Changes::default();
            for row in page.iter().filter(|row| row.kind == RESIDENT) {
                changes.keys.extend(shift::keys_of(&rules, matcher, row)?);
            }
            // Whoever changed meanwhile has made them.
            let there = matching::there(change.conn, &changes.keys)?;
            changes.keys.retain(|key| !there.contains(key));
            if let Some(known) = hub.known() {
                matching::loose_tags(&changes).for_each(|tag| known.note_tag(tag));
            }
            matching::write(change.conn, changes)?;
            Ok((page.last().map(|row| row.id.clone()), page.len() as u64))
        })?;
        progress(count);
        match last {
            Some(last) => after = last,
            None => return Ok(()),
        }
    }
}

/// Places all loose records anew under the active model. Safe to call again after any crash.
pub fn rematch(hub: &Hub, progress: &dyn Fn(u64)) -> Result<u64> {
    let lease = hub.writer()?;
    let (mut after, mut versions) = (Vec::new(), 0);
    loop {
        let (last, count, appended) = hub.db.apply(&lease, hub.now(), |change| {
            let active = rules(hub).models.standing(change.conn)?.active;
            let version = active.map_or(0, |active| active.version);
            let page = contribution::page(change.conn, &after, PAGE)?;
            let mut touched = Touched::default();
            for row in page.iter().filter(|row| row.kind == RESIDENT && resolve::is_loose(&row.link)) {
                touched.add_contribution(row.token()?);
            }
            let cause = format!("model:{version}");
            let appended = golden::settle(&rules(hub), change, Vec::new(), touched, &cause)?;
            Ok((page.last().map(|row| row.id.clone()), page.len() as u64, appended))
        })?;
        progress(count);
        versions += appended;
        match last {
            Some(last) => after = last,
            None => return Ok(versions),
        }
    }
}

/// Takes away the keys of models that are over.
fn forget(hub: &Hub, lease: &Lease) -> Result<()> {
    loop {
        let gone = hub.db.apply(lease, hub.now(), |change| {
            let standing = matching::models(change.conn)?;
            let keep: Vec<i64> =
                standing.iter().filter(|model| model.state != "retired").map(|model| model.version).collect();
            matching::forget_other_keys(change.conn, &keep)
        })?;
        if gone == 0 {
            return Ok(());
        }
    }
}
