//! Stage: what inspection says of a row, as its delivery keeps it: the staging list, rejections and issues.

use std::cell::Cell;
use std::collections::BTreeSet;

use super::row::{Inspected, Verdict};
use crate::error::Result;
use crate::hub::Hub;
use crate::keyring::Token;
use crate::reason::Reason;
use crate::store::codec;
use crate::store::rejection::{self, IssueDocument, IssueRow, RejectedRow, RowDocument};
use crate::store::staging::{self, Mark, Staged};

/// Writes what a batch came to under its delivery.
pub(super) fn stage(hub: &Hub, delivery: &str, batch: &[Inspected]) -> Result<()> {
    let mut staged = Vec::with_capacity(batch.len());
    let (mut rejected, mut issues) = (Vec::new(), Vec::new());
    for row in batch {
        staged.push(staged_row(row));
        match &row.verdict {
            Verdict::Rejected(reasons) => rejected.push(rejected_row(delivery, row, reasons)?),
            Verdict::Changed(changed) => issue_rows(delivery, row, &changed.issues, &mut issues)?,
            Verdict::Unchanged | Verdict::Stale => {}
        }
    }
    listed(hub, delivery, &staged, (&rejected, &issues))
}

/// Appends rows to the staging list of a delivery, with what is noted of them.
pub(super) fn listed(
    hub: &Hub,
    delivery: &str,
    staged: &[Staged],
    (rejected, issues): (&[RejectedRow], &[IssueRow]),
) -> Result<()> {
    let (Some(first), Some(last)) = (staged.first(), staged.last()) else { return Ok(()) };
    let tried = Cell::new(false);
    hub.db.write_disposable(|conn| {
        // The commit of an earlier try may have gone through after all.
        if tried.replace(true) {
            staging::clear_page(conn, delivery, first.position)?;
            rejection::clear_between(conn, delivery, first.position, last.position)?;
        }
        staging::put(conn, delivery, staged)?;
        rejection::insert_rows(conn, rejected, issues)
    })
}

/// A row as the staging list keeps it.
pub(super) fn staged_row(row: &Inspected) -> Staged {
    let mark = match row.verdict {
        Verdict::Changed(_) => Mark::Changed,
        Verdict::Unchanged => Mark::Unchanged,
        Verdict::Stale => Mark::Stale,
        Verdict::Rejected(_) => Mark::Rejected,
    };
    // A clerk's decision finds a bad row by its bytes.
    let hash = (mark == Mark::Rejected || row.key.is_none()).then_some(row.hash);
    Staged { position: row.position as i64, key: row.key, hash, mark, present: row.present }
}

/// A rejected row as its delivery keeps it.
pub(super) fn rejected_row(delivery: &str, row: &Inspected, reasons: &[Reason]) -> Result<RejectedRow> {
    let document = RowDocument { fields: row.fields.clone(), key: row.key_text.clone(), reasons: reasons.to_vec() };
    let codes: BTreeSet<&str> = reasons.iter().map(|reason| reason.code.as_str()).collect();
    Ok(RejectedRow {
        delivery: delivery.to_owned(),
        position: row.position as i64,
        line: row.line.map(|line| line as i64),
        source_key: row.key.map(Token::to_vec),
        hash: row.hash.to_vec(),
        codes: format!(" {} ", codes.into_iter().collect::<Vec<_>>().join(" ")),
        document: codec::encode(&document)?,
    })
}

fn issue_rows(delivery: &str, row: &Inspected, issues: &[Reason], into: &mut Vec<IssueRow>) -> Result<()> {
    for (ordinal, reason) in issues.iter().enumerate() {
        let document = IssueDocument { key: row.key_text.clone().unwrap_or_default(), reason: reason.clone() };
        into.push(IssueRow {
            delivery: delivery.to_owned(),
            position: row.position as i64,
            ordinal: ordinal as i64,
            line: row.line.map(|line| line as i64),
            code: reason.code.clone(),
            document: codec::encode(&document)?,
        });
    }
    Ok(())
}

/// Why an earlier row of a key that comes again is not used.
pub(super) fn repeated_key() -> Reason {
    let (zh, en) = (
        "同一批次中该主键再次出现，以最后一行为准。",
        "The key comes again later in the same delivery; the last row counts.",
    );
    Reason::new("duplicate-key", "", zh, en)
}
