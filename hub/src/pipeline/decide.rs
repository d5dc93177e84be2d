//! What administrators decide of deliveries and rejections: release, refuse, waive. Each is one short transaction and a job.

use super::fold::forget_staging;
use crate::error::{Error, Kind, Result};
use crate::hub::Hub;
use crate::store::delivery::{self, Delivery};
use crate::store::rejection::{self, Rejection};
use crate::store::{Conn, job};

/// Lets a held delivery be applied all the same. What nobody may overrule (a cut file) stays held.
pub fn release(hub: &Hub, id: &str, by: &str) -> Result<Delivery> {
    decided(hub, id, by, |row| {
        if let Some(reason) = row.hold_reasons().into_iter().find(|reason| !reason.releasable) {
            return Err(Error::new(Kind::Conflict, format!("it cannot be released: {}", reason.en))
                .coded("not-releasable", format!("不能放行：{}", reason.zh)));
        }
        row.state = "ready".to_owned();
        Ok(())
    })
}

/// Ends a held delivery: nothing of it is ever applied.
pub fn refuse(hub: &Hub, id: &str, by: &str) -> Result<Delivery> {
    let refused = decided(hub, id, by, |row| {
        row.state = "refused".to_owned();
        Ok(())
    })?;
    forget_staging(hub, id)?;
    Ok(refused)
}

fn decided(hub: &Hub, id: &str, by: &str, decide: impl Fn(&mut Delivery) -> Result<()>) -> Result<Delivery> {
    hub.db.write(|conn| {
        let mut row = delivery::get(conn, id)?;
        if row.state != "held" {
            return Err(Error::new(
                Kind::Conflict,
                format!("only a held delivery can be decided, this one is {}", row.state),
            )
            .coded("not-held", "只有挂起的批次可以放行或退回。"));
        }
        decide(&mut row)?;
        row.decided_by = Some(by.to_owned());
        row.decided_at = Some(hub.now());
        delivery::update(conn, &row, "held", row.checkpoint)?;
        if row.state == "ready" {
            job::enqueue(conn, "apply", id, hub.now(), hub.now())?;
        }
        Ok(row)
    })
}

/// Says that a rejected row need not be repaired. It stands for the same row bytes on later nights.
pub fn waive(hub: &Hub, id: &str, by: &str) -> Result<Rejection> {
    hub.db.write(|conn| {
        let mut row = rejection::get(conn, id)?;
        if row.state != "open" {
            return Err(Error::new(
                Kind::Conflict,
                format!("only an open rejection can be waived, this one is {}", row.state),
            )
            .coded("not-open", "只有未处理的拒收记录可以豁免。"));
        }
        row.state = "waived".to_owned();
        row.decided_by = Some(by.to_owned());
        row.decided_at = Some(hub.now());
        rejection::update(conn, &row, "open")?;
        resume_endings(conn, &row.feed, hub.now())?;
        Ok(row)
    })
}

/// Queues the endings that wait in a feed; they look for themselves whether anything still holds them up.
pub(super) fn resume_endings(conn: &mut Conn, feed: &str, now: i64) -> Result<()> {
    for waiting in delivery::endings_waiting(conn, feed)? {
        job::enqueue(conn, "endings", &waiting.id, now, now)?;
    }
    Ok(())
}
