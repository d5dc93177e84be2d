//! Replay: a rejected row, as a clerk edited it, under the as-of of the delivery it came in. The edit stands for the same
//! row bytes on later nights.

use serde_json::{Map, Value};

use super::apply;
use super::decide::resume_endings;
use super::prepare::{Prepared, Writing};
use super::row::{self, ChangedRow};
use crate::error::{Error, Kind, Result};
use crate::feed::{Feed, Outcome};
use crate::hub::Hub;
use crate::keyring::Token;
use crate::mapping::date;
use crate::reason::Reason;
use crate::store::delivery::{self, Delivery};
use crate::store::rejection::{self, Edit, Rejection};
use crate::store::{Change, codec, contribution, feed_state, staging};

/// What an edit came to.
pub enum Replayed {
    /// The row was applied (or said what was stored).
    Done(Rejection),
    /// The key has something newer; the edit is kept nowhere.
    Superseded(Rejection),
    /// The row is still wrong; nothing was written.
    StillWrong(Vec<Reason>),
}

/// Replays an open rejection with the columns as edited.
pub fn edit(hub: &Hub, id: &str, fields: Map<String, Value>, by: &str) -> Result<Replayed> {
    let found = hub.db.read(|conn| rejection::get(conn, id))?;
    if found.state != "open" {
        return Err(Error::new(
            Kind::Conflict,
            format!("only an open rejection can be edited, this one is {}", found.state),
        )
        .coded("not-open", "只有未处理的拒收记录可以修改。"));
    }
    let feed = hub.feed(&found.feed)?;
    let changed = match mapped(hub, &feed, &found, fields)? {
        Ok(changed) => changed,
        Err(reasons) => return Ok(Replayed::StillWrong(reasons)),
    };
    hub.applying_soon(&found.feed, || {
        let lease = hub.writer()?;
        hub.db.apply(&lease, hub.now(), |change| {
            replayed(hub, &feed, change, &Asked { rejection: id, changed: &changed, by })
        })
    })
}

/// Validates and maps the edited columns.
fn mapped(
    hub: &Hub,
    feed: &Feed,
    of: &Rejection,
    fields: Map<String, Value>,
) -> Result<std::result::Result<ChangedRow, Vec<Reason>>> {
    let key = match feed.source_key(&fields) {
        Ok(key) => row::key_token(&hub.keyring, &of.feed, &key)?,
        Err(reason) => return Ok(Err(vec![*reason])),
    };
    let of_delivery = hub.db.read(|conn| delivery::get(conn, &of.last_delivery))?;
    let told_on = of_delivery.as_of_instant.and_then(date::day_of);
    Ok(match feed.process_on(&fields, told_on) {
        Outcome::Rejected(reasons) => Err(reasons),
        Outcome::Accepted { parts, issues, updated_at, ends } => Ok(ChangedRow {
            position: of.position.unsigned_abs(),
            key,
            hash: Token::from_slice(&of.hash)?,
            fields: row::canonical(&fields)?,
            parts,
            issues,
            updated_at,
            ends,
            fingerprint: feed.fingerprint.clone(),
        }),
    })
}

/// What a clerk asks for.
struct Asked<'a> {
    rejection: &'a str,
    changed: &'a ChangedRow,
    by: &'a str,
}

fn replayed(hub: &Hub, feed: &Feed, change: &mut Change<'_>, asked: &Asked<'_>) -> Result<Replayed> {
    let Asked { rejection: id, changed, by } = *asked;
    let mut row = rejection::get(change.conn, id)?;
    let of: Delivery = delivery::get(change.conn, &row.last_delivery)?;
    let as_of = of.as_of()?.ok_or_else(|| Error::new(Kind::Internal, "a rejection of a delivery without as-of"))?;
    row.decided_by = Some(by.to_owned());
    row.decided_at = Some(change.now);
    let there = contribution::of_keys(change.conn, &row.feed, &[changed.key.to_vec()])?;
    for part in &there {
        if part.as_of()? > as_of {
            row.state = "superseded".to_owned();
            rejection::update(change.conn, &row, "open")?;
            return Ok(Replayed::Superseded(row));
        }
    }
    let writing = Writing { hub, feed, as_of, delivery: &of.id, is_first: false, model: None };
    apply::rows_applied(&writing, change, &[Prepared::of(&writing, changed.clone())?])?;
    rejection::put_edit(
        change.conn,
        &Edit {
            feed: row.feed.clone(),
            hash: row.hash.clone(),
            rejection: row.id.clone(),
            document: codec::encode(&changed.fields)?,
            edited_by: by.to_owned(),
            edited_at: change.now,
        },
    )?;
    row.state = "replayed".to_owned();
    rejection::update(change.conn, &row, "open")?;
    for waiting in delivery::endings_waiting(change.conn, &row.feed)? {
        staging::set_key(change.conn, &waiting.id, changed.hash, changed.key)?;
    }
    resume_endings(change.conn, &row.feed, change.now)?;
    // What inspect compared with has moved on.
    let newest = feed_state::get(change.conn, &row.feed)?;
    if let Some(newest) = newest {
        feed_state::advance(change.conn, &row.feed, newest.as_of()?, &newest.delivery, &newest.fingerprint)?;
    }
    Ok(Replayed::Done(row))
}
