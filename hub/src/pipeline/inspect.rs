//! Inspect: decode, validate, map, key and hash a whole delivery, and say of each row what it would do.
//!
//! Takes no lock and changes nothing of the dataset: it writes staging, rejections and issues under its own delivery, and
//! spills what changed. Its verdicts are hints for one value of the feed's apply counter.

use std::collections::HashSet;
use std::sync::Arc;

use super::fold;
use super::judge::{self, Judgement};
use super::row::Verdict;
use super::spill::SpillWriter;
use super::stage::{rejected_row, repeated_key, stage};
use super::walk::{Walked, landed, walk};
use crate::error::{Error, Kind, Result};
use crate::feed::Feed;
use crate::feed::spec::Mode;
use crate::hub::Hub;
use crate::store::delivery::{self, Delivery};
use crate::store::staging::{Mark, sets};
use crate::store::{feed_state, job, rejection, staging};

/// Inspects a landed delivery and judges it. Writes its state and next job.
pub fn inspect(hub: &Hub, id: &str, progress: &dyn Fn(u64)) -> Result<Delivery> {
    let found = hub.db.read(|conn| delivery::get(conn, id))?;
    match found.state.as_str() {
        "landed" => inspected_whole(hub, found, false, progress),
        // The hub died between the refusal and the erasing.
        "refused" if found.hold_reasons().iter().any(|reason| reason.code == judge::FORBIDDEN) => erased(hub, found),
        _ => Ok(found),
    }
}

/// Erases what a refused delivery left: its bytes, wherever they lie.
fn erased(hub: &Hub, mut refused: Delivery) -> Result<Delivery> {
    if let Some(name) = &refused.landed {
        hub.landing.erase(name)?;
        fold::forget_staging(hub, &refused.id)?;
        hub.db.write(|conn| delivery::erased(conn, &refused.id))?;
        refused.landed = None;
    }
    Ok(refused)
}

/// Compares a ready delivery anew with what is stored now, under the rules of now. Where a person `released` it, limits
/// that were weighed then do not hold it again.
pub fn inspect_again(hub: &Hub, id: &str, released: bool) -> Result<Delivery> {
    let found = hub.db.read(|conn| delivery::get(conn, id))?;
    if found.state != "ready" || found.is_begun() { Ok(found) } else { inspected_whole(hub, found, released, &|_| ()) }
}

fn inspected_whole(hub: &Hub, found: Delivery, released: bool, progress: &dyn Fn(u64)) -> Result<Delivery> {
    let id = found.id.as_str();
    let feed = hub.feed(&found.feed)?;
    let counter = hub.db.read(|conn| Ok(feed_state::get(conn, &found.feed)?.map_or(0, |state| state.apply_counter)))?;
    hub.db.write(|conn| {
        staging::clear(conn, id)?;
        rejection::clear(conn, id)
    })?;
    let mut spill = SpillWriter::create(&hub.landing.spill(id))?;
    let walked = walk(hub, &feed, &found, landed(hub, &found)?, &mut |batch| {
        for row in &batch {
            if let Verdict::Changed(changed) = &row.verdict {
                spill.push(changed)?;
            }
        }
        progress(batch.len() as u64);
        stage(hub, id, &batch)
    })?;
    spill.finish()?;
    repeated_keys(hub, &feed, &found)?;
    let mut judged = judge::judge(hub, &feed, &found, &walked)?;
    if released && judged.reasons.iter().all(|reason| reason.releasable) {
        judged.state = "ready";
    }
    conclude(hub, found.clone(), &walked, (feed.fingerprint.clone(), counter), judged)
}

/// Keys are unique in a delivery: the last position wins; earlier ones are rejections in a snapshot, stale in a delta.
fn repeated_keys(hub: &Hub, feed: &Arc<Feed>, of: &Delivery) -> Result<()> {
    let snapshot = feed.spec.mode == Mode::Snapshot;
    let mark = if snapshot { Mark::Rejected } else { Mark::Stale };
    let positions = hub.db.write(|conn| {
        let positions = sets::earlier_of_same_key(conn, &of.id, mark)?;
        rejection::clear_issues_at(conn, &of.id, &positions)?;
        if !snapshot {
            rejection::clear_rows_at(conn, &of.id, &positions)?;
        }
        Ok(positions)
    })?;
    if positions.is_empty() || !snapshot {
        return Ok(());
    }
    let wanted: HashSet<i64> = positions.into_iter().collect();
    let reason = repeated_key();
    // A second reading finds the columns of those few rows; keeping all rows in memory for them would not be flat.
    walk(hub, feed, of, landed(hub, of)?, &mut |batch| {
        let mut rows = Vec::new();
        for row in batch.iter().filter(|row| wanted.contains(&(row.position as i64))) {
            if !matches!(row.verdict, Verdict::Rejected(_)) {
                rows.push(rejected_row(&of.id, row, std::slice::from_ref(&reason))?);
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        let positions: Vec<i64> = rows.iter().map(|row| row.position).collect();
        hub.db.write(|conn| {
            // The commit of an earlier try may have gone through after all.
            rejection::clear_rows_at(conn, &of.id, &positions)?;
            rejection::insert_rows(conn, &rows, &[])
        })
    })?;
    Ok(())
}

/// Writes what inspection and judgement came to, and the next job.
fn conclude(hub: &Hub, found: Delivery, walked: &Walked, rules: (String, i64), judged: Judgement) -> Result<Delivery> {
    let now = hub.now();
    let (fingerprint, counter) = rules;
    let mut row = found.clone();
    if let Some(as_of) = walked.as_of {
        (row.as_of_instant, row.as_of_sequence) = (Some(as_of.instant), as_of.sequence);
    }
    row.fingerprint = Some(fingerprint);
    row.inspected_counter = Some(counter);
    row.received = walked.received as i64;
    row.state = judged.state.to_owned();
    row.reasons = match judged.reasons.as_slice() {
        [] => None,
        reasons => {
            Some(serde_json::to_string(reasons).map_err(|error| Error::new(Kind::Internal, "reasons").because(error))?)
        }
    };
    let written = hub.db.write(|conn| {
        let there = delivery::get(conn, &row.id)?;
        if there.state != found.state && there.inspected_counter == row.inspected_counter {
            // The commit of an earlier try went through after all.
            return Ok(there);
        }
        let mut row = row.clone();
        if judged.erase {
            staging::clear(conn, &row.id)?;
            rejection::clear(conn, &row.id)?;
        }
        (row.rejected, row.issues) = (staging::totals(conn, &row.id)?.rejected, rejection::counts(conn, &row.id)?.1);
        delivery::update(conn, &row, &found.state, 0)?;
        if row.state == "ready" && row.channel != "records" && found.state != "ready" {
            job::enqueue(conn, "apply", &row.id, now, now)?;
        }
        Ok(row)
    })?;
    if judged.erase { erased(hub, written) } else { Ok(written) }
}
