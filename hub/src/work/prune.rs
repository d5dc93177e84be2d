//! Prune: what grows with every night and has served its time. Reports of decided deliveries, superseded rejections, finished
//! jobs, and where it is configured versions that were followed by others and
//! places that records have left. Never what stands: a contribution, a tombstone, an
//! entity, its standing version, an edit, a waive, an open rejection, a delivery.

use crate::error::Result;
use crate::hub::Hub;
use crate::store::{entity, foundation, job, past_link, prune, rejection, relay};
use crate::time::DAY;

/// Positions of a report, and `seq`s, that are looked at in one transaction.
const WINDOW: i64 = 5_000;

/// Removes what has been kept for as long as it is configured.
pub fn prune_all(hub: &Hub) -> Result<()> {
    let keep = &hub.config.keep;
    let before = |days: u32| hub.now() - i64::from(days) * DAY;
    reports(hub, before(keep.reports_days))?;
    while hub.db.write(|conn| prune::superseded(conn, before(keep.rejections_days)))? > 0 {}
    while hub.db.write(|conn| job::prune(conn, &["inspect", "apply", "endings"], before(keep.jobs_days)))? > 0 {}
    match keep.versions_days {
        Some(days) => versions(hub, before(days)),
        None => Ok(()),
    }
}

fn reports(hub: &Hub, before: i64) -> Result<()> {
    loop {
        let old = hub.db.read(|conn| prune::reported_before(conn, before))?;
        if old.is_empty() {
            return Ok(());
        }
        for id in old {
            let last = hub.db.read(|conn| prune::last_reported(conn, &id))?;
            for first in (0..=last).step_by(usize::try_from(WINDOW).unwrap_or(1)) {
                hub.db.write(|conn| rejection::clear_between(conn, &id, first, first + WINDOW - 1))?;
            }
        }
    }
}

/// Forgets versions up to the last `seq` before a moment, but none that a relay has still to send.
fn versions(hub: &Hub, before: i64) -> Result<()> {
    let (mut from, last) = hub.db.read(|conn| {
        let relayed = relay::list(conn)?.into_iter().map(|relay| relay.seq).min();
        let last = entity::seq_at(conn, before - 1)?;
        Ok((foundation::get(conn)?.pruned_seq, relayed.map_or(last, |relayed| relayed.min(last))))
    })?;
    while from < last {
        let to = last.min(from + WINDOW);
        hub.db.write(|conn| prune::versions(conn, from, to))?;
        from = to;
    }
    match hub.db.read(|conn| entity::moment_of(conn, from))? {
        Some(moment) => places(hub, moment),
        None => Ok(()),
    }
}

/// Forgets the places that records had left by a moment: from then on all is kept, as it is of versions.
fn places(hub: &Hub, by: i64) -> Result<()> {
    while hub.db.write(|conn| past_link::prune(conn, by))? > 0 {}
    Ok(())
}
