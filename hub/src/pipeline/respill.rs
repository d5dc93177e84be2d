//! Respill: a lost or cut spill made again from the landed bytes, for the rows that are still to be applied.
//!
//! Decides nothing anew: which rows changed stands in staging.

use std::collections::{HashMap, HashSet};

use adapters::Row;

use super::row::{self, Verdict};
use super::spill::SpillWriter;
use super::stage::rejected_row;
use super::walk::{decoder, edits_of, landed};
use crate::error::{Error, Kind, Result};
use crate::hub::Hub;
use crate::store::delivery::{self, Delivery};
use crate::store::rejection::{self, RejectedRow};
use crate::store::staging::{self, Mark};

const BATCH: usize = 1_000;

/// Decodes a delivery again only to make its lost spill: rows after the checkpoint that staging calls
/// changed, mapped under the rules of now.
pub fn respill(hub: &Hub, of: &Delivery, checkpoint: i64) -> Result<()> {
    let feed = hub.feed(&of.feed)?;
    let mut spill = SpillWriter::create(&hub.landing.spill(&of.id))?;
    let mut decoder = decoder(&feed, &of.channel, landed(hub, of)?).map_err(|fault| {
        Error::new(Kind::Internal, "a delivery that was inspected cannot be decoded").because(fault)
    })?;
    let mut occurrences = HashMap::new();
    let mut after = checkpoint;
    loop {
        let wanted = hub.db.read(|conn| staging::changed_after(conn, &of.id, after, BATCH))?;
        let Some(last) = wanted.last().copied() else { break };
        after = last;
        let wanted: HashSet<i64> = wanted.into_iter().collect();
        let (mut batch, mut rejected) = (Vec::new(), Vec::new());
        while let Ok(Some(row)) = decoder.next_row() {
            let position = match &row {
                Row::Record(record) => record.position,
                Row::Bad(bad) => bad.position,
            } as i64;
            let keyed = row::keyed(&hub.keyring, &feed, row, &mut occurrences)?;
            if wanted.contains(&position) {
                batch.push(keyed);
            }
            if position >= last {
                break;
            }
        }
        let edits = edits_of(hub, &of.feed, &batch)?;
        for mut keyed in batch {
            if let Some(edited) = edits.get(&keyed.hash()) {
                keyed.edit(&hub.keyring, &feed, edited.clone())?;
            }
            let row = keyed.inspected(&feed, of.as_of()?.as_ref(), &[])?;
            match &row.verdict {
                Verdict::Changed(changed) => spill.push(changed)?,
                Verdict::Rejected(reasons) => rejected.push(rejected_row(&of.id, &row, reasons)?),
                Verdict::Unchanged | Verdict::Stale => {}
            }
        }
        refused_now(hub, &of.id, &rejected)?;
    }
    spill.finish()
}

/// Rows that the rules took at inspection and take no more: a half-applied delivery lost its spill and the rules changed.
fn refused_now(hub: &Hub, id: &str, rejected: &[RejectedRow]) -> Result<()> {
    if rejected.is_empty() {
        return Ok(());
    }
    let positions: Vec<i64> = rejected.iter().map(|row| row.position).collect();
    hub.db.write(|conn| {
        staging::mark_at(conn, id, &positions, Mark::Rejected)?;
        rejection::insert_rows(conn, rejected, &[])?;
        rejection::clear_issues_at(conn, id, &positions)?;
        let mut row = delivery::get(conn, id)?;
        row.rejected += positions.len() as i64;
        delivery::update(conn, &row, "ready", row.checkpoint)
    })
}
