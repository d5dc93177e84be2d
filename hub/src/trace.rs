//! The trace of one source record: in which deliveries it was seen, what was wrong with it, and which entity and version
//! it stands behind. Reads only.

use std::collections::HashMap;

use adapters::Row as DecodedRow;
use serde::Serialize;

use crate::error::{Error, Kind, Result};
use crate::hub::Hub;
use crate::keyring::Token;
use crate::pipeline::{key_token, row, walk};
use crate::store::delivery::{self, Delivery};
use crate::store::{Conn, contribution, entity, rejection, staging};
use crate::time;

/// Deliveries looked through for what was wrong with the record.
const DELIVERIES: i64 = 50;

/// What became of a source record.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Trace {
    /// `department/feed`.
    pub feed: String,
    /// Its source key; absent where the line has none that can be read.
    pub key: Option<String>,
    /// Where it was read, if it was looked for by line.
    pub read_at: Option<Place>,
    /// What deliveries said of it, newest first; one that it came through unharmed and unchanged leaves no row here.
    pub deliveries: Vec<Seen>,
    /// Rejections of it, newest first.
    pub rejections: Vec<Rejected>,
    /// What it says now: one for each part of the feed.
    pub contributions: Vec<Said>,
}

/// A row of a delivery.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Place {
    /// The delivery.
    pub delivery: String,
    /// Position of the row, from 1.
    pub position: i64,
    /// Line, where the format has lines.
    pub line: Option<i64>,
}

/// What one delivery said of the record.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Seen {
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// `rejected`, `changed`, `unchanged`, `stale`, or `written` for the delivery its contribution is from.
    pub outcome: String,
    /// What was wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<String>,
}

/// A rejection of the record.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Rejected {
    /// The rejection.
    pub id: String,
    /// `open`, `replayed`, `superseded` or `waived`.
    pub state: String,
    /// What was wrong.
    pub codes: Vec<String>,
    /// Where it was seen last.
    pub delivery: String,
    /// Position of the row there.
    pub position: i64,
    /// Line there.
    pub line: Option<i64>,
    /// In how many deliveries it was seen.
    pub seen: i64,
}

/// What the record says about one entity.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Said {
    /// Name of the part.
    pub part: String,
    /// `live` or `ended`.
    pub state: String,
    /// The newest row of this key was rejected; what stands is from an older one.
    pub marked: bool,
    /// The delivery and row that wrote it last.
    #[serde(flatten)]
    pub from: Place,
    /// As-of of the delivery that confirmed or wrote it last.
    pub as_of: String,
    /// `key`, `alias`, or why it belongs to no entity.
    pub link: String,
    /// Kind of the entity it is about.
    pub kind: String,
    /// The entity it belongs to.
    pub entity: Option<String>,
    /// The entity's version that stands.
    pub version: Option<i64>,
}

/// Traces the record with this source key (columns joined by U+001F, where there are several).
pub fn of_key(hub: &Hub, feed: &str, key: &str) -> Result<Trace> {
    hub.feed(feed)?;
    let token = key_token(&hub.keyring, feed, key.trim())?;
    let mut trace = hub.db.read(|conn| traced(conn, feed, token))?;
    trace.key = Some(key.to_owned());
    Ok(trace)
}

/// Traces the record at a line (a row's position, where the format has no lines) of a delivery, or of the newest one of
/// the feed. Reads the landed bytes up to there.
pub fn of_line(hub: &Hub, feed: &str, delivery: Option<&str>, line: i64) -> Result<Trace> {
    let compiled = hub.feed(feed)?;
    let of = hub.db.read(|conn| delivery_of(conn, feed, delivery))?;
    let unreadable = || {
        Error::new(Kind::Invalid, "the delivery cannot be read up to this line")
            .coded("line-unreadable", "该批次无法读取到此行。")
    };
    let decoded = walk::decoder(&compiled, &of.channel, walk::landed(hub, &of)?);
    let mut decoder = decoded.map_err(|fault| unreadable().because(fault))?;
    while let Some(next) = decoder.next_row().map_err(|fault| unreadable().because(fault))? {
        let (position, at) = match &next {
            DecodedRow::Record(record) => (record.position, record.line),
            DecodedRow::Bad(bad) => (bad.position, bad.line),
        };
        let (position, at) = (number(position), at.map(number));
        if at.unwrap_or(position) < line {
            continue;
        }
        if at.unwrap_or(position) > line {
            break;
        }
        let keyed = row::keyed(&hub.keyring, &compiled, next, &mut HashMap::new())?;
        let mut trace = match keyed.key_text() {
            Some(key) => of_key(hub, feed, key)?,
            None => Trace::of(feed),
        };
        trace.read_at = Some(Place { delivery: of.id, position, line: at });
        return Ok(trace);
    }
    Err(Error::new(Kind::NotFound, "no record begins at this line").coded("line-unknown", "该行没有记录。"))
}

fn number(of: u64) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

fn delivery_of(conn: &mut Conn, feed: &str, id: Option<&str>) -> Result<Delivery> {
    let unknown = || {
        Error::new(Kind::NotFound, "there is no such delivery of this feed")
            .coded("delivery-unknown", "该数据源没有这个交付批次。")
    };
    let found = match id {
        Some(id) => Some(delivery::get(conn, id)?),
        None => delivery::newest(conn)?.into_iter().find(|row| row.feed == feed),
    };
    found.filter(|row| row.feed == feed).ok_or_else(unknown)
}

impl Trace {
    fn of(feed: &str) -> Self {
        Self {
            feed: feed.to_owned(),
            key: None,
            read_at: None,
            deliveries: Vec::new(),
            rejections: Vec::new(),
            contributions: Vec::new(),
        }
    }
}

fn traced(conn: &mut Conn, feed: &str, key: Token) -> Result<Trace> {
    let mut trace = Trace::of(feed);
    let rows = contribution::of_keys(conn, feed, &[key.to_vec()])?;
    let ids: Vec<Vec<u8>> = rows.iter().filter_map(|row| row.entity.clone()).collect();
    let entities: HashMap<Vec<u8>, entity::Entity> =
        entity::rows(conn, &ids)?.into_iter().map(|row| (row.id.clone(), row)).collect();
    for row in rows {
        let version = row.entity.as_ref().and_then(|id| entities.get(id)).map(|entity| entity.version);
        let from = Place { delivery: row.delivery.clone(), position: row.position, line: None };
        trace.contributions.push(Said {
            part: row.part,
            state: row.state,
            marked: row.marked,
            from,
            as_of: time::text(row.as_of_instant),
            link: row.link,
            kind: row.kind,
            entity: row.entity.as_deref().map(Token::from_slice).transpose()?.map(|token| token.to_string()),
            version,
        });
    }
    for row in rejection::of_key(conn, feed, &key.0)? {
        trace.rejections.push(Rejected {
            id: row.id,
            state: row.state,
            codes: words(&row.codes),
            delivery: row.last_delivery,
            position: row.position,
            line: row.line,
            seen: row.seen,
        });
    }
    trace.deliveries = seen(conn, feed, key, &trace.contributions)?;
    Ok(trace)
}

fn words(codes: &str) -> Vec<String> {
    codes.split_whitespace().map(str::to_owned).collect()
}

fn seen(conn: &mut Conn, feed: &str, key: Token, contributions: &[Said]) -> Result<Vec<Seen>> {
    let recent = delivery::Filter { feed: Some(feed.to_owned()), limit: DELIVERIES, ..Default::default() };
    let ids: Vec<String> = delivery::list(conn, &recent)?.into_iter().map(|row| row.id).collect();
    let mut seen = Vec::new();
    for row in rejection::rows_of_key(conn, &ids, &key.0)? {
        let place = Place { delivery: row.delivery, position: row.position, line: row.line };
        seen.push(Seen { place, outcome: "rejected".to_owned(), codes: words(&row.codes) });
    }
    for (delivery, row) in staging::of_key(conn, &ids, key)? {
        let place = Place { delivery, position: row.position, line: None };
        seen.push(Seen { place, outcome: row.mark.word().to_owned(), codes: Vec::new() });
    }
    for said in contributions {
        seen.push(Seen { place: said.from.clone(), outcome: "written".to_owned(), codes: Vec::new() });
    }
    seen.sort_by(|a, b| b.place.delivery.cmp(&a.place.delivery).then(a.place.position.cmp(&b.place.position)));
    // The parts of a row, and what staging and the report both know of it, are one sight.
    seen.dedup_by(|a, b| a.place.delivery == b.place.delivery && a.place.position == b.place.position);
    Ok(seen)
}
