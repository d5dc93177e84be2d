//! Records one by one: a delivery of up to 1,000 rows that is landed, inspected and applied before the answer, row by row.

use std::collections::HashMap;
use std::io::Cursor;

use serde::Serialize;
use serde::de::IgnoredAny;

use super::land::{self, Arrival, Landed};
use super::{apply, inspect};
use crate::error::{Error, Kind, Result};
use crate::feed::spec::Mode;
use crate::hub::Hub;
use crate::reason::Reason;
use crate::store::codec;
use crate::store::delivery::{self, Delivery};
use crate::store::rejection::{self, RowDocument};
use crate::store::staging::{self, Mark};

/// Most records in one request.
pub const MOST: usize = 1_000;

/// What one record came to.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct RecordOutcome {
    /// Position in the request, from 1.
    pub position: i64,
    /// `applied`, `unchanged`, `stale` or `rejected`.
    pub outcome: String,
    /// What is wrong with a rejected one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
}

/// Takes a JSON array of records of a delta feed to its end.
pub fn records(hub: &Hub, arrival: &Arrival, body: Vec<u8>) -> Result<(Delivery, Vec<RecordOutcome>)> {
    let feed = hub.feed(&arrival.feed)?;
    if feed.spec.mode == Mode::Snapshot {
        return Err(Error::new(
            Kind::Conflict,
            "this feed sends snapshots; records one by one would not say what has ended",
        )
        .coded("snapshot-feed", "该数据源为全量模式，不接受逐条提交。"));
    }
    let rows: Vec<IgnoredAny> = serde_json::from_slice(&body).map_err(|_| {
        Error::new(Kind::Invalid, "the body is not a JSON array").coded("body-unreadable", "请求体不是 JSON 数组。")
    })?;
    if rows.is_empty() {
        return Err(Error::new(Kind::Invalid, "the request holds no record").coded("no-records", "请求中没有记录。"));
    }
    if rows.len() > MOST {
        return Err(Error::new(
            Kind::TooLarge,
            format!("a request holds 1 to {MOST} records, this one {}", rows.len()),
        )
        .coded("too-many-records", format!("每次请求应为 1 至 {MOST} 条记录。")));
    }
    // Before anything is accepted: only the writer can answer what became of each record.
    hub.writer()?;
    let first = match land::land(hub, arrival, Box::new(Cursor::new(body)))? {
        Landed::New(row) | Landed::Same(row) => row,
    };
    let inspected = inspect::inspect(hub, &first.id, &|_| ())?;
    let done = if inspected.state == "ready" { apply::apply_soon(hub, &first.id)? } else { inspected };
    if done.state != "applied" {
        let reason = done.hold_reasons().into_iter().next();
        let (zh, en) =
            reason.map_or_else(|| ("未能处理。".to_owned(), "could not be applied".to_owned()), |r| (r.zh, r.en));
        return Err(
            Error::new(Kind::Unprocessable, format!("the records are {}: {en}", done.state)).coded("records-held", zh)
        );
    }
    let outcomes = outcomes(hub, &done)?;
    Ok((done, outcomes))
}

/// What each record of an applied request came to.
fn outcomes(hub: &Hub, of: &Delivery) -> Result<Vec<RecordOutcome>> {
    let (marks, rejected) = hub
        .db
        .read(|conn| Ok((staging::marks(conn, &of.id)?, rejection::rows_after(conn, &of.id, 0, MOST as i64)?)))?;
    let mut reasons: HashMap<i64, Vec<Reason>> = HashMap::new();
    for row in rejected {
        reasons.insert(row.position, codec::decode::<RowDocument>(&row.document)?.reasons);
    }
    let outcome = |(position, mark): (i64, Mark)| RecordOutcome {
        position,
        outcome: if mark == Mark::Changed { "applied" } else { mark.word() }.to_owned(),
        reasons: reasons.remove(&position).unwrap_or_default(),
    };
    Ok(marks.into_iter().map(outcome).collect())
}

/// One delivery of a request that came before, with its outcomes; for repeated requests.
pub fn earlier(hub: &Hub, id: &str) -> Result<(Delivery, Vec<RecordOutcome>)> {
    let found = hub.db.read(|conn| delivery::get(conn, id))?;
    let outcomes = outcomes(hub, &found)?;
    Ok((found, outcomes))
}
