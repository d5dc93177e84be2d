//! Endings of a snapshot: what is stored and absent has ended. They wait while a row whose key cannot be read is undecided,
//! for it might be any of the absent.

use std::collections::{BTreeSet, HashSet};

use super::apply::rules;
use super::golden;
use super::links::Touched;
use super::prepare::{Writing, ending};
use crate::error::Result;
use crate::hub::Hub;
use crate::keyring::Token;
use crate::store::delivery::{self, Delivery};
use crate::store::staging::{self, Totals, sets};
use crate::store::{Change, Lease, contribution, feed_state, live_keys, rejection};

/// Ends the contributions that the delivery does not hold, chunk by chunk; or notes that the endings wait. Says whether
/// they are done.
pub fn end_absent(writing: &Writing, lease: &Lease) -> Result<bool> {
    let hub = writing.hub;
    if undecided(hub, writing)? {
        set(writing, lease, "waiting")?;
        return Ok(false);
    }
    let feed = &writing.feed.spec.feed;
    let (held, live) =
        hub.db.read(|conn| Ok((staging::totals(conn, writing.delivery)?, live_keys::count(conn, feed)?)))?;
    if nothing_is_absent(writing, &held, live) {
        set(writing, lease, "done")?;
        return Ok(true);
    }
    for share in sets::shares(held.rows().max(live)) {
        // Nothing else changes the feed meanwhile; a hub that dies in between looks again.
        let absent = hub.db.read(|conn| sets::absent(conn, feed, writing.delivery, share))?;
        for keys in absent.chunks(hub.config.work.chunk) {
            ended(writing, lease, keys)?;
        }
    }
    set(writing, lease, "done")?;
    Ok(true)
}

/// Whether what is live now is exactly what the applied rows keep alive, so that no key need be looked for. Only where
/// each row speaks for the key it was inspected with, and none ends anything by itself; else it is not known.
fn nothing_is_absent(writing: &Writing, held: &Totals, live: i64) -> bool {
    !writing.feed.ends_by_row() && held.keyless == 0 && live == held.present + held.fresh
}

/// Ends what is live under these keys.
fn ended(writing: &Writing, lease: &Lease, keys: &[Token]) -> Result<()> {
    let (hub, feed) = (writing.hub, &writing.feed.spec.feed);
    let keys: Vec<Vec<u8>> = keys.iter().map(|key| key.to_vec()).collect();
    hub.db.apply(lease, hub.now(), |change| {
        let (mut fresh, mut ended) = (Vec::new(), BTreeSet::new());
        for row in contribution::of_keys(change.conn, feed, &keys)? {
            if row.is_live() {
                ended.insert(row.source_key.clone());
                fresh.push(ending(row, &writing.as_of)?);
            }
        }
        golden::settle(&rules(hub), change, fresh, Touched::default(), writing.delivery)?;
        let mut row = delivery::get(change.conn, writing.delivery)?;
        // An earlier try that went through after all has left nothing live.
        row.ended += ended.len() as i64;
        let (state, checkpoint) = (row.state.clone(), row.checkpoint);
        delivery::update(change.conn, &row, &state, checkpoint)?;
        if state == "applied" { moved_on(change, &row.feed) } else { Ok(()) }
    })
}

/// Raises the feed's apply counter: a later delivery may have compared its rows with what has just ended.
fn moved_on(change: &mut Change<'_>, feed: &str) -> Result<()> {
    match feed_state::get(change.conn, feed)? {
        Some(newest) => feed_state::advance(change.conn, feed, newest.as_of()?, &newest.delivery, &newest.fingerprint),
        None => Ok(()),
    }
}

/// Whether the delivery holds a row without a readable key that nobody has edited or waived.
fn undecided(hub: &Hub, writing: &Writing) -> Result<bool> {
    hub.db.read(|conn| {
        let keyless = staging::keyless(conn, writing.delivery)?;
        let decided: HashSet<Vec<u8>> =
            rejection::decided(conn, &writing.feed.spec.feed, &keyless)?.into_iter().collect();
        Ok(keyless.iter().any(|hash| !decided.contains(hash)))
    })
}

fn set(writing: &Writing, lease: &Lease, endings: &str) -> Result<()> {
    writing.hub.db.apply(lease, writing.hub.now(), |change| {
        let mut row = delivery::get(change.conn, writing.delivery)?;
        row.endings = endings.to_owned();
        let (state, checkpoint) = (row.state.clone(), row.checkpoint);
        delivery::update(change.conn, &row, &state, checkpoint)
    })
}

/// Goes on with the endings of an applied delivery once its last keyless row is decided. A newer snapshot has its own.
pub fn resume(hub: &Hub, id: &str) -> Result<()> {
    let found = hub.db.read(|conn| delivery::get(conn, id))?;
    hub.applying(&found.feed, || {
        let found: Delivery = hub.db.read(|conn| delivery::get(conn, id))?;
        let newest = hub.db.read(|conn| feed_state::get(conn, &found.feed))?;
        let (Some(as_of), "waiting", "applied") = (found.as_of()?, found.endings.as_str(), found.state.as_str()) else {
            return Ok(());
        };
        let feed = hub.feed(&found.feed)?;
        let writing = Writing { hub, feed: &feed, as_of, delivery: id, is_first: false, model: None };
        let lease = hub.writer()?;
        if newest.is_some_and(|state| state.delivery != found.id) {
            return set(&writing, &lease, "none");
        }
        // While another keyless row is undecided the list of what is present is still needed.
        if end_absent(&writing, &lease)? { super::fold::forget_staging(hub, id) } else { Ok(()) }
    })
}
