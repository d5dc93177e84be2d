//! Fold: the last transaction of an applied delivery. Unchanged rows are counted, rejections are folded into the open ones,
//! and the feed's state moves on. Nothing here touches an entity.

use std::collections::{HashMap, HashSet};

use super::prepare::Writing;
use crate::contribution::AsOf;
use crate::error::{Error, Kind, Result};
use crate::feed::spec::Mode;
use crate::hub::Hub;
use crate::id;
use crate::keyring::Token;
use crate::store::delivery::{self, Delivery};
use crate::store::rejection::{self, RejectedRow, Rejection};
use crate::store::staging::{Mark, Which, sets};
use crate::store::{Change, Lease, contribution, feed_state, staging};

const PAGE: i64 = 1_000;
/// Keys confirmed at once.
const KEYS: usize = 4_000;

/// Ends the apply of a delivery.
pub fn finish(writing: &Writing, lease: &Lease) -> Result<Delivery> {
    let hub = writing.hub;
    let applied = hub.db.apply(lease, hub.now(), |change| {
        let mut row = delivery::get(change.conn, writing.delivery)?;
        if row.state == "applied" {
            return Ok(row);
        }
        let checkpoint = row.checkpoint;
        let marked = staging::totals(change.conn, &row.id)?;
        row.unchanged += marked.unchanged;
        row.stale += marked.stale;
        fold(change, &row, &writing.as_of, writing.feed.spec.mode == Mode::Snapshot)?;
        confirm(writing, change)?;
        feed_state::advance(
            change.conn,
            &row.feed,
            writing.as_of,
            &row.id,
            row.fingerprint.as_deref().unwrap_or_default(),
        )?;
        if row.waiting() != 0 {
            return Err(Error::new(
                Kind::Internal,
                format!("{} rows of a delivery are unaccounted for", row.waiting()),
            ));
        }
        overtake_endings(change, &row)?;
        row.state = "applied".to_owned();
        row.applied_at = Some(change.now);
        delivery::update(change.conn, &row, "ready", checkpoint)?;
        Ok(row)
    })?;
    if applied.endings != "waiting" && applied.channel != "records" {
        forget_staging(hub, &applied.id)?;
    }
    Ok(applied)
}

/// Endings of older snapshots that still wait are those of this one now.
fn overtake_endings(change: &mut Change<'_>, by: &Delivery) -> Result<()> {
    for mut older in delivery::endings_waiting(change.conn, &by.feed)? {
        if older.id != by.id {
            older.endings = "none".to_owned();
            delivery::update(change.conn, &older, "applied", older.checkpoint)?;
            staging::clear(change.conn, &older.id)?;
        }
    }
    Ok(())
}

/// A snapshot older than the feed's newest says nothing any more: all its rows are stale.
pub fn older_snapshot(hub: &Hub, lease: &Lease, of: &Delivery) -> Result<Delivery> {
    let applied = hub.db.apply(lease, hub.now(), |change| {
        let mut row = delivery::get(change.conn, &of.id)?;
        if row.state == "applied" {
            return Ok(row);
        }
        row.stale = row.received - row.rejected;
        row.state = "applied".to_owned();
        row.applied_at = Some(change.now);
        delivery::update(change.conn, &row, "ready", row.checkpoint)?;
        Ok(row)
    })?;
    forget_staging(hub, &applied.id)?;
    Ok(applied)
}

/// Deletes what only inspection and apply needed.
pub fn forget_staging(hub: &Hub, id: &str) -> Result<()> {
    hub.db.write(|conn| staging::clear(conn, id))?;
    match std::fs::remove_file(hub.landing.spill(id)) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::new(Kind::Unavailable, "removing a spill").because(error)),
    }
}

/// Good rows clear the mark and supersede open rejections of their keys; in a delta they take over the newer as-of.
fn confirm(writing: &Writing, change: &mut Change<'_>) -> Result<()> {
    let feed = &writing.feed.spec.feed;
    let marked = contribution::marked_keys(change.conn, feed)?;
    let open = rejection::open_keys(change.conn, feed)?;
    let wanted = marked.iter().chain(&open).map(|key| Token::from_slice(key)).collect::<Result<HashSet<Token>>>()?;
    let good = sets::good_among(change.conn, writing.delivery, &wanted)?;
    if writing.feed.spec.mode == Mode::Delta {
        confirm_unchanged(writing, change)?;
    }
    contribution::unmark(change.conn, feed, &good)?;
    let repaired = repaired(writing, change, &good)?;
    rejection::supersede(change.conn, &repaired, change.now)
}

/// Gives what the unchanged rows of a delta confirm its newer as-of.
fn confirm_unchanged(writing: &Writing, change: &mut Change<'_>) -> Result<()> {
    let mut after = 0;
    loop {
        let (from, mut keys) = (after, Vec::new());
        staging::each(change.conn, writing.delivery, (Which::All, from), &mut |row| {
            if row.position > from {
                keys.extend(row.key.filter(|_| row.mark == Mark::Unchanged).map(Token::to_vec));
                after = row.position;
            }
            Ok(keys.len() < KEYS)
        })?;
        if after == from {
            return Ok(());
        }
        contribution::confirm(change.conn, &writing.feed.spec.feed, &keys, &writing.as_of)?;
    }
}

/// The open rejections that good rows of the delivery supersede: those last seen in an older delivery.
fn repaired(writing: &Writing, change: &mut Change<'_>, good: &[Vec<u8>]) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut seen: HashMap<String, bool> = HashMap::new();
    for (id, last) in rejection::open_of_keys(change.conn, &writing.feed.spec.feed, good)? {
        let older = match seen.get(&last) {
            Some(older) => *older,
            None => {
                let as_of = delivery::get(change.conn, &last)?.as_of()?;
                let older = last != writing.delivery && as_of.is_none_or(|as_of| as_of <= writing.as_of);
                seen.insert(last, older);
                older
            }
        };
        found.extend(older.then_some(id));
    }
    Ok(found)
}

/// Folds the delivery's rejections into the open ones, each once.
fn fold(change: &mut Change<'_>, of: &Delivery, as_of: &AsOf, snapshot: bool) -> Result<()> {
    let mut after = 0;
    loop {
        let rows = rejection::rows_after(change.conn, &of.id, after, PAGE)?;
        let Some(last) = rows.last() else { break };
        after = last.position;
        let hashes: Vec<Vec<u8>> = rows.iter().map(|row| row.hash.clone()).collect();
        let mut standing: HashMap<Vec<u8>, Rejection> = HashMap::new();
        for found in rejection::standing(change.conn, &of.feed, &hashes)? {
            standing.insert(found.hash.clone(), found);
        }
        let overtaken = overtaken(change, &of.feed, &rows, as_of)?;
        for row in &rows {
            match standing.get_mut(&row.hash) {
                Some(found) => seen_again(change, of, as_of, row, found)?,
                None => {
                    let late = row.source_key.as_ref().is_some_and(|key| overtaken.contains(key));
                    let fresh = opened(of, row, late, change.now)?;
                    rejection::insert(change.conn, &fresh)?;
                    if !late {
                        standing.insert(row.hash.clone(), fresh);
                    }
                }
            }
        }
        // The old contribution of a bad row stays, and says so; that of a repeated key has its good row.
        let bad = rows.into_iter().filter(|row| row.codes.trim() != "duplicate-key");
        let keys: Vec<Vec<u8>> = bad.filter_map(|row| row.source_key).collect();
        contribution::mark_older(change.conn, &of.feed, &keys, as_of)?;
    }
    if snapshot {
        rejection::supersede_unseen(change.conn, &of.feed, &of.id, change.now)?;
    }
    Ok(())
}

fn seen_again(
    change: &mut Change<'_>,
    of: &Delivery,
    as_of: &AsOf,
    row: &RejectedRow,
    found: &mut Rejection,
) -> Result<()> {
    let state = found.state.clone();
    if found.last_delivery != of.id {
        found.seen += 1;
        if delivery::get(change.conn, &found.last_delivery)?.as_of()?.is_some_and(|newer| newer > *as_of) {
            // A late delivery: a replay still carries the newest as-of under which the row was seen.
            return rejection::update(change.conn, found, &state);
        }
    }
    found.last_delivery.clone_from(&of.id);
    found.last_at = change.now;
    found.position = row.position;
    found.line = row.line;
    found.codes.clone_from(&row.codes);
    found.document.clone_from(&row.document);
    rejection::update(change.conn, found, &state)
}

/// Keys of these rows that something newer is stored under: nothing is to be repaired there.
fn overtaken(change: &mut Change<'_>, feed: &str, rows: &[RejectedRow], as_of: &AsOf) -> Result<HashSet<Vec<u8>>> {
    let keys: Vec<Vec<u8>> = rows.iter().filter_map(|row| row.source_key.clone()).collect();
    let mut overtaken = HashSet::new();
    for (key, _, _, _, _, instant, sequence, digest) in contribution::hints(change.conn, feed, &keys)? {
        if (AsOf { instant, sequence, digest: Token::from_slice(&digest)? }) > *as_of {
            overtaken.insert(key);
        }
    }
    Ok(overtaken)
}

fn opened(of: &Delivery, row: &RejectedRow, late: bool, now: i64) -> Result<Rejection> {
    Ok(Rejection {
        id: id::of_moment(now)?,
        feed: of.feed.clone(),
        source_key: row.source_key.clone(),
        hash: row.hash.clone(),
        state: if late { "superseded" } else { "open" }.to_owned(),
        codes: row.codes.clone(),
        first_delivery: of.id.clone(),
        last_delivery: of.id.clone(),
        position: row.position,
        line: row.line,
        seen: 1,
        first_at: now,
        last_at: now,
        document: row.document.clone(),
        decided_by: None,
        decided_at: late.then_some(now),
    })
}
