//! Dry run: what a delivery would do, by the same inspection and judgement as a real one. Nothing of it is kept: its
//! bytes lie in a file without a name, its staging list is forgotten with it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::land::{self, Arrival};
use super::row::{ChangedRow, Inspected, Verdict};
use super::stage::{listed, repeated_key, staged_row};
use super::walk::{self, Walked};
use super::{as_of, judge};
use crate::error::Result;
use crate::feed::Feed;
use crate::feed::spec::Mode;
use crate::hub::Hub;
use crate::id;
use crate::landing::io_error;
use crate::reason::Reason;
use crate::store::delivery::{self, Counts, Delivery, HoldReason};
use crate::store::staging::{self, Mark, sets};
use crate::store::{contribution, feed_state, live_keys};
use crate::time;

/// What staging lists of dry runs begin with; no delivery's id does.
const NAME: &str = "dry-run-";
/// A staging list older than this was left by a hub that died, in microseconds.
const FORGOTTEN: i64 = time::DAY;
const CHANGES: usize = 20;
const REJECTIONS: usize = 100;

/// What a delivery would do.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct DryRun {
    /// `department/feed`.
    pub feed: String,
    /// `ready` (it would be applied), `held` or `refused`.
    pub state: String,
    /// Why it would be held or refused.
    pub reasons: Vec<HoldReason>,
    /// Which state of the world it tells, where that can be read.
    pub as_of: Option<String>,
    /// The delivery that was the same thing; the hub would answer with that.
    pub same_as: Option<String>,
    /// Decompressed bytes.
    pub bytes: i64,
    /// What would become of its rows; none waits.
    #[serde(flatten)]
    pub counts: Counts,
    /// Some of what would change.
    pub changes: Vec<SampleChange>,
    /// The first rejected rows.
    pub rejections: Vec<SampleRejection>,
}

/// A row that would change what is stored.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SampleChange {
    /// Position of the row, from 1.
    pub position: i64,
    /// Line, where the format has lines.
    pub line: Option<i64>,
    /// Its source key.
    pub key: Option<String>,
    /// Whether it would end what is stored under its key.
    pub ends: bool,
    /// By part, the attributes that change: `{"person": {"name": {"before": ..., "after": ...}}}`.
    #[schema(value_type = Object)]
    pub parts: Map<String, Value>,
}

/// A row that would be rejected.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SampleRejection {
    /// Position of the row, from 1.
    pub position: i64,
    /// Line, where the format has lines.
    pub line: Option<i64>,
    /// Its source key, where it can be read.
    pub key: Option<String>,
    /// What is wrong with it.
    pub reasons: Vec<Reason>,
}

/// Samples and sums of one walk.
#[derive(Default)]
struct Seen {
    changes: Vec<(Option<i64>, Option<String>, ChangedRow)>,
    rejections: Vec<SampleRejection>,
    issues: i64,
    /// Rows with issues, and how many: those of a row whose key comes again do not count.
    with_issues: BTreeMap<i64, i64>,
}

/// Says what the body would do as a delivery of the feed.
pub fn dry_run(hub: &Hub, arrival: &Arrival, body: Box<dyn Read + Send>) -> Result<DryRun> {
    let feed = hub.feed(&arrival.feed)?;
    let as_of = as_of::beside(&feed.spec.as_of, arrival, hub.now())?;
    let id = format!("{NAME}{}", id::of_moment(hub.now())?);
    let mut file = unnamed_file(hub)?;
    let read = land::copy(hub, arrival, body, &mut file)?;
    file.rewind().map_err(|error| io_error(&error))?;
    let of = land::arrived(hub, arrival, id.clone(), as_of, read);
    hub.db.write(|conn| staging::forget(conn, NAME, &list_at(hub.now() - FORGOTTEN)))?;
    let done = walked(hub, &feed, &of, file);
    hub.db.write(|conn| staging::clear(conn, &id))?;
    done
}

/// A file that is gone with the process, however that ends, on the disk of the landing store.
fn unnamed_file(hub: &Hub) -> Result<File> {
    let spill = hub.landing.spill(NAME);
    tempfile::tempfile_in(spill.parent().unwrap_or(Path::new("."))).map_err(|error| io_error(&error))
}

/// Where the lists of dry runs of a moment begin in the order of ids.
fn list_at(moment: i64) -> String {
    let millis = u64::try_from(moment / 1_000).unwrap_or_default();
    format!("{NAME}{}", uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid())
}

fn walked(hub: &Hub, feed: &std::sync::Arc<Feed>, of: &Delivery, file: File) -> Result<DryRun> {
    let mut seen = Seen::default();
    let walked = walk::walk(hub, feed, of, Box::new(BufReader::new(file)), &mut |batch| {
        let staged: Vec<_> = batch.iter().map(staged_row).collect();
        listed(hub, &of.id, &staged, (&[], &[]))?;
        batch.into_iter().for_each(|row| seen.take(row));
        Ok(())
    })?;
    let snapshot = feed.spec.mode == Mode::Snapshot;
    let mark = if snapshot { Mark::Rejected } else { Mark::Stale };
    let repeated = hub.db.write(|conn| sets::earlier_of_same_key(conn, &of.id, mark))?;
    seen.repeated(&repeated, snapshot);
    let judged = judge::judge(hub, feed, of, &walked)?;
    let mut run = counted(hub, feed, of, &walked)?;
    run.state = judged.state.to_owned();
    run.reasons = judged.reasons;
    run.counts.issues = seen.issues;
    run.rejections = seen.rejections;
    if !judged.erase {
        run.changes = samples(hub, feed, seen.changes)?;
    }
    Ok(run)
}

impl Seen {
    fn take(&mut self, row: Inspected) {
        let (position, line) = (position(row.position), row.line.map(position));
        match row.verdict {
            Verdict::Rejected(reasons) if self.rejections.len() < REJECTIONS => {
                self.rejections.push(SampleRejection { position, line, key: row.key_text, reasons });
            }
            Verdict::Changed(changed) => {
                if !changed.issues.is_empty() {
                    self.issues += changed.issues.len() as i64;
                    self.with_issues.insert(position, changed.issues.len() as i64);
                }
                if self.changes.len() < CHANGES {
                    self.changes.push((line, row.key_text, *changed));
                }
            }
            _ => {}
        }
    }

    /// Rows whose key comes again later: the last position wins, as at a real delivery.
    fn repeated(&mut self, positions: &[i64], snapshot: bool) {
        self.changes.retain(|(_, _, changed)| !positions.contains(&position(changed.position)));
        self.issues -= positions.iter().filter_map(|position| self.with_issues.get(position)).sum::<i64>();
        if !snapshot {
            // Stale and nothing else.
            self.rejections.retain(|row| !positions.contains(&row.position));
            return;
        }
        let known: Vec<i64> = self.rejections.iter().map(|row| row.position).collect();
        let fresh = positions.iter().filter(|position| !known.contains(position));
        for position in fresh.take(REJECTIONS - known.len()) {
            let reasons = vec![repeated_key()];
            self.rejections.push(SampleRejection { position: *position, line: None, key: None, reasons });
        }
        self.rejections.sort_by_key(|row| row.position);
    }
}

fn position(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The counts as apply would leave them.
fn counted(hub: &Hub, feed: &Feed, of: &Delivery, walked: &Walked) -> Result<DryRun> {
    let snapshot = feed.spec.mode == Mode::Snapshot;
    let as_of = walked.as_of;
    hub.db.read(|conn| {
        let same_as = match as_of.filter(|_| of.channel != "records") {
            Some(as_of) => {
                let told =
                    Delivery { as_of_instant: Some(as_of.instant), as_of_sequence: as_of.sequence, ..of.clone() };
                delivery::same(conn, &told, false, &feed.fingerprint)?.map(|row| row.id)
            }
            None => None,
        };
        let newest = feed_state::get(conn, &of.feed)?.map(|state| state.as_of()).transpose()?;
        let outdated = snapshot && newest.zip(as_of).is_some_and(|(newest, as_of)| newest > as_of);
        let marked = staging::totals(conn, &of.id)?;
        let (rejected, received) = (marked.rejected, position(walked.received));
        let counts = if outdated {
            // Older than what is applied: all its rows are stale, and nothing ends.
            Counts { received, rejected, stale: received - rejected, ..Counts::default() }
        } else {
            let stored = if snapshot { live_keys::count(conn, &of.feed)? } else { 0 };
            let ended = if snapshot { sets::absent_count(conn, &of.feed, &of.id, stored)? } else { 0 };
            let (applied, unchanged, stale) = (marked.changed, marked.unchanged, marked.stale);
            Counts { received, applied, unchanged, stale, rejected, issues: 0, ended }
        };
        Ok(DryRun {
            feed: of.feed.clone(),
            state: String::new(),
            reasons: Vec::new(),
            as_of: as_of.map(|as_of| time::text(as_of.instant)),
            same_as,
            bytes: of.bytes,
            counts,
            changes: Vec::new(),
            rejections: Vec::new(),
        })
    })
}

/// What the sampled rows would change, attribute by attribute.
fn samples(
    hub: &Hub,
    feed: &Feed,
    changes: Vec<(Option<i64>, Option<String>, ChangedRow)>,
) -> Result<Vec<SampleChange>> {
    let keys: Vec<Vec<u8>> = changes.iter().map(|(_, _, row)| row.key.to_vec()).collect();
    let stored = hub.db.read(|conn| contribution::of_keys(conn, &feed.spec.feed, &keys))?;
    let mut samples = Vec::new();
    for (line, key, row) in changes {
        let mut parts = Map::new();
        for part in &row.parts {
            let before = stored
                .iter()
                .find(|stored| stored.source_key == row.key.0 && stored.part == part.name && stored.is_live());
            let before = before.map(|before| before.document()).transpose()?.unwrap_or_default().attributes;
            let after = if row.ends { &Map::new() } else { &part.attributes };
            parts.insert(part.name.clone(), Value::Object(difference(&before, after)));
        }
        samples.push(SampleChange { position: position(row.position), line, key, ends: row.ends, parts });
    }
    Ok(samples)
}

fn difference(before: &Map<String, Value>, after: &Map<String, Value>) -> Map<String, Value> {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let differs = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    differs.map(|name| (name.clone(), json!({"before": before.get(name), "after": after.get(name)}))).collect()
}
