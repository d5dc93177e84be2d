//! Apply: chunks of what changed become contributions, entities, versions, changes and a checkpoint in one transaction each;
//! endings last. The only stage that changes the dataset, and only under the writer's row.

use std::collections::HashMap;
use std::sync::mpsc;

use serde_json::{Map, Value};

use super::golden::{self, Rules};
use super::links::Touched;
use super::prepare::{Prepared, Writing, prepare};
use super::row::ChangedRow;
use super::spill::{self, SpillReader};
use super::{endings, fold, inspect, respill, thread};
use crate::error::{Error, Kind, Result};
use crate::feed::spec::Mode;
use crate::hub::Hub;
use crate::keyring::Token;
use crate::store::contribution::{self, Row};
use crate::store::delivery::{self, Delivery};
use crate::store::{Change, Lease, feed_state, staging};

/// What apply did with one changed row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// Its contributions were written.
    Written,
    /// It said what was stored.
    Unchanged,
    /// It was older than what was stored.
    Stale,
}

/// Applies a ready delivery from its checkpoint to its end. Safe to call again after any crash.
pub fn apply(hub: &Hub, id: &str, progress: &dyn Fn(u64)) -> Result<Delivery> {
    let feed = hub.db.read(|conn| delivery::get(conn, id))?.feed;
    hub.applying(&feed, || in_turn(hub, &feed, id, progress))
}

/// As [`apply`], for somebody who waits for the answer: fails with `feed-busy` where the feed is long at work.
pub fn apply_soon(hub: &Hub, id: &str) -> Result<Delivery> {
    let feed = hub.db.read(|conn| delivery::get(conn, id))?.feed;
    hub.applying_soon(&feed, || in_turn(hub, &feed, id, &|_| ()))
}

/// What a hub left half applied comes first.
fn in_turn(hub: &Hub, feed: &str, id: &str, progress: &dyn Fn(u64)) -> Result<Delivery> {
    let lease = hub.writer()?;
    if let Some(other) = hub.db.read(|conn| delivery::half_applied(conn, feed, id))? {
        applied_whole(hub, &lease, &other, &|_| ())?;
    }
    applied_whole(hub, &lease, id, progress)
}

fn applied_whole(hub: &Hub, lease: &Lease, id: &str, progress: &dyn Fn(u64)) -> Result<Delivery> {
    let found = up_to_date(hub, id)?;
    if found.state != "ready" {
        return Ok(found);
    }
    let feed = hub.feed(&found.feed)?;
    let as_of = found.as_of()?.ok_or_else(|| Error::new(Kind::Internal, "a ready delivery without as-of"))?;
    let newest = hub.db.read(|conn| feed_state::get(conn, &found.feed))?;
    let newest = newest.map(|state| state.as_of()).transpose()?;
    if feed.spec.mode == Mode::Snapshot && newest.is_some_and(|newest| newest > as_of) {
        return fold::older_snapshot(hub, lease, &found);
    }
    let is_first = !hub.db.read(|conn| contribution::is_any_of(conn, &found.feed))?;
    let model = hub.db.read(|conn| hub.models.standing(conn))?.active;
    let writing = Writing { hub, feed: &feed, as_of, delivery: id, is_first, model };
    chunks(&writing, lease, &found, progress)?;
    if feed.spec.mode == Mode::Snapshot {
        endings::end_absent(&writing, lease)?;
    }
    fold::finish(&writing, lease)
}

/// Inspects again until the verdicts fit the feed's apply counter and rules; a half-applied delivery keeps its own.
fn up_to_date(hub: &Hub, id: &str) -> Result<Delivery> {
    let mut found = hub.db.read(|conn| delivery::get(conn, id))?;
    while found.state == "ready" && !found.is_begun() {
        let feed = hub.feed(&found.feed)?;
        let counter =
            hub.db.read(|conn| Ok(feed_state::get(conn, &found.feed)?.map_or(0, |state| state.apply_counter)))?;
        let fits = found.inspected_counter == Some(counter) && found.fingerprint.as_deref() == Some(&feed.fingerprint);
        if fits {
            break;
        }
        tracing::info!(delivery.id = id, "what is stored or the rules have moved on; comparing again");
        // A release says that its reasons were weighed; they may not hold the delivery a second time.
        let released = found.decided_by.is_some();
        found = inspect::inspect_again(hub, id, released)?;
    }
    Ok(found)
}

/// Applies the spilled rows after the checkpoint, chunk by chunk. A spill is disposable: one that is gone, cut or unreadable
/// is made again, once.
fn chunks(writing: &Writing, lease: &Lease, of: &Delivery, progress: &dyn Fn(u64)) -> Result<()> {
    let hub = writing.hub;
    let mut checkpoint = of.checkpoint;
    if SpillReader::open(&hub.landing.spill(&of.id)).is_ok_and(|spill| spill.is_some()) {
        match spilled(writing, lease, &mut checkpoint, progress) {
            Ok(()) if hub.db.read(|conn| staging::changed_after(conn, &of.id, checkpoint, 1))?.is_empty() => {
                return Ok(());
            }
            Err(error) if error.code != Some(spill::UNREADABLE) => return Err(error),
            _ => tracing::warn!(delivery.id = of.id, "the spill does not hold all rows; it is made again"),
        }
    }
    respill::respill(hub, of, checkpoint)?;
    spilled(writing, lease, &mut checkpoint, progress)
}

/// Applies what the spill holds after the checkpoint. One thread reads and prepares the next chunk while the calling one
/// writes.
fn spilled(writing: &Writing, lease: &Lease, checkpoint: &mut i64, progress: &dyn Fn(u64)) -> Result<()> {
    let (full, chunks) = mpsc::sync_channel(1);
    let from = *checkpoint;
    std::thread::scope(|scope| {
        let preparing = thread::start(scope, "prepare", move || prepare(writing, from, &full))?;
        let mut outcome = Ok(());
        for chunk in chunks {
            outcome = written(writing, lease, chunk, checkpoint, progress);
            if outcome.is_err() {
                break;
            }
        }
        // The channel is closed by now: a preparer that would go on finds nobody to take a chunk, and ends.
        let prepared = preparing.join().map_err(|_| Error::new(Kind::Internal, "preparing a chunk"))?;
        outcome.and(prepared)
    })
}

fn written(
    writing: &Writing,
    lease: &Lease,
    chunk: Vec<Prepared>,
    checkpoint: &mut i64,
    progress: &dyn Fn(u64),
) -> Result<()> {
    let Some(last) = chunk.last().map(|prepared| prepared.row.position as i64) else { return Ok(()) };
    chunk_applied(writing, lease, &chunk, *checkpoint, last)?;
    *checkpoint = last;
    progress(chunk.len() as u64);
    Ok(())
}

fn chunk_applied(writing: &Writing, lease: &Lease, chunk: &[Prepared], from: i64, to: i64) -> Result<()> {
    let hub = writing.hub;
    hub.db.apply(lease, hub.now(), |change| {
        let mut row = delivery::get(change.conn, writing.delivery)?;
        if row.checkpoint != from {
            // The commit before this try went through after all.
            return if row.checkpoint == to {
                Ok(())
            } else {
                Err(Error::new(Kind::Conflict, "the delivery has moved on"))
            };
        }
        for outcome in rows_applied(writing, change, chunk)? {
            match outcome {
                Applied::Written => row.applied += 1,
                Applied::Unchanged => row.unchanged += 1,
                Applied::Stale => row.stale += 1,
            }
        }
        row.checkpoint = to;
        delivery::update(change.conn, &row, "ready", from)
    })
}

/// Writes the contributions of changed rows and settles all they touch. One outcome a row, in their order.
pub fn rows_applied(writing: &Writing, change: &mut Change<'_>, rows: &[Prepared]) -> Result<Vec<Applied>> {
    let rules = rules(writing.hub);
    let may_be_there = |key: &Token| !writing.is_first && rules.may_hold(&key.0);
    let keys = rows.iter().map(|prepared| prepared.row.key).filter(may_be_there);
    let keys: Vec<Vec<u8>> = keys.map(Token::to_vec).collect();
    let mut stored: HashMap<Vec<u8>, Vec<Row>> = HashMap::new();
    for row in contribution::of_keys(change.conn, &writing.feed.spec.feed, &keys)? {
        stored.entry(row.source_key.clone()).or_default().push(row);
    }
    let (mut outcomes, mut fresh, mut confirmed) = (Vec::with_capacity(rows.len()), Vec::new(), Vec::new());
    for prepared in rows {
        let row = &prepared.row;
        let there = stored.remove(row.key.0.as_slice()).unwrap_or_default();
        let outcome = compared(writing, row, &there)?;
        match outcome {
            Applied::Written => fresh.extend(prepared.fresh(writing, there)?),
            Applied::Unchanged => confirmed.push(row.key.to_vec()),
            Applied::Stale => {}
        }
        outcomes.push(outcome);
    }
    if writing.feed.spec.mode == Mode::Delta {
        contribution::confirm(change.conn, &writing.feed.spec.feed, &confirmed, &writing.as_of)?;
    }
    golden::settle(&rules, change, fresh, Touched::default(), writing.delivery)?;
    Ok(outcomes)
}

/// The rules golden records are made with.
pub fn rules(hub: &Hub) -> Rules<'_> {
    Rules {
        keyring: &hub.keyring,
        resident: &hub.resident,
        household: &hub.household,
        known: hub.known(),
        models: &hub.models,
    }
}

/// The final word on a row, in the transaction that writes it.
fn compared(writing: &Writing, row: &ChangedRow, there: &[Row]) -> Result<Applied> {
    let Some(newest) = there.iter().map(Row::as_of).collect::<Result<Vec<_>>>()?.into_iter().max() else {
        return Ok(Applied::Written);
    };
    let delta = writing.feed.spec.mode == Mode::Delta;
    if delta && newest > writing.as_of {
        return Ok(Applied::Stale);
    }
    // A part may have ended by new rules while its record lives.
    let same = there.iter().all(|part| part.hash == row.hash.0 && part.fingerprint == row.fingerprint)
        && (delta || there.iter().any(Row::is_live));
    // An edit changes what a row says without changing its bytes.
    Ok(if same && !edited(row, there)? { Applied::Unchanged } else { Applied::Written })
}

fn edited(row: &ChangedRow, there: &[Row]) -> Result<bool> {
    match there.iter().find(|part| part.is_live()) {
        Some(part) => {
            let fields: Map<String, Value> = serde_json::from_str(row.fields.get())
                .map_err(|error| Error::new(Kind::Internal, "a changed row").because(error))?;
            Ok(part.document()?.source != fields)
        }
        None => Ok(false),
    }
}
