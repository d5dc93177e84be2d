//! Deliveries: taken, followed, released and refused.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::Caller;
use super::extract::{Page, after, blocking, limit, query_unknown};
use super::problem::{Answer, Failure};
use super::upload;
use crate::error::{Error, Kind};
use crate::feed::spec::Mode;
use crate::hub::Hub;
use crate::pipeline::decide;
use crate::pipeline::dry_run::{DryRun, dry_run};
use crate::pipeline::land::{Arrival, Landed, land};
use crate::pipeline::records::{RecordOutcome, records};
use crate::store::delivery::{self, Counts, Delivery as Row, HoldReason};
use crate::time;

/// Most bytes of a request with records.
const RECORDS: usize = 16 << 20;

/// One arrival of a feed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Delivery {
    /// Where it is followed.
    id: String,
    /// `department/feed`.
    feed: String,
    /// `http`, `records`, `drop` or `cli`.
    channel: String,
    /// `landed`, `ready`, `held`, `refused` or `applied`.
    state: String,
    /// Why it is held or refused.
    reasons: Vec<HoldReason>,
    /// Which state of the world it tells, once known.
    as_of: Option<String>,
    /// The sender's number within that moment.
    sequence: i64,
    /// When it arrived.
    received_at: String,
    /// Who sent it.
    sender: String,
    /// As the sender gave it.
    idempotency_key: Option<String>,
    /// As the sender named the file.
    file_name: Option<String>,
    /// Decompressed bytes.
    bytes: i64,
    /// Whether the bytes are still there.
    landed: bool,
    /// How many rows the sender says there are.
    declared_total: Option<i64>,
    /// What became of its rows.
    #[serde(flatten)]
    counts: Counts,
    /// Rows not decided yet.
    waiting: i64,
    /// `none`, `waiting` (for rows without a key) or `done`.
    endings: String,
    /// Under which rules it was inspected.
    rules: Option<String>,
    /// Who released or refused it.
    decided_by: Option<String>,
    /// When.
    decided_at: Option<String>,
    /// When its last row was applied.
    applied_at: Option<String>,
}

impl From<Row> for Delivery {
    fn from(row: Row) -> Self {
        Self {
            reasons: row.hold_reasons(),
            counts: row.counts(),
            waiting: row.waiting(),
            as_of: row.as_of_instant.map(time::text),
            sequence: row.as_of_sequence,
            received_at: time::text(row.received_at),
            decided_at: row.decided_at.map(time::text),
            applied_at: row.applied_at.map(time::text),
            landed: row.landed.is_some(),
            id: row.id,
            feed: row.feed,
            channel: row.channel,
            state: row.state,
            sender: row.sender,
            idempotency_key: row.idempotency_key,
            file_name: row.file_name,
            bytes: row.bytes,
            declared_total: row.declared_total,
            endings: row.endings,
            rules: row.fingerprint,
            decided_by: row.decided_by,
        }
    }
}

/// How a delivery is sent.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Sending {
    /// `1`: say what would happen, and keep nothing.
    dry_run: Option<String>,
}

impl Sending {
    fn is_dry(&self) -> bool {
        matches!(self.dry_run.as_deref(), Some("1" | "true" | ""))
    }
}

/// The feed a request is about, if the caller may send to it.
pub fn feed_of(hub: &Hub, caller: &Caller, (department, feed): &(String, String)) -> Answer<String> {
    let name = format!("{department}/{feed}");
    let missing = || Error::new(Kind::NotFound, "there is no such feed").coded("feed-unknown", "没有这个数据源。");
    caller.feed(&name, missing)?;
    hub.feed(&name)?;
    Ok(name)
}

/// Sends a delivery. The body streams and may be of any size; 202 means that its bytes survive a power cut.
#[utoipa::path(post, path = "/v1/feeds/{department}/{feed}/deliveries", tag = "in",
    params(("department" = String, Path), ("feed" = String, Path), Sending,
        ("Idempotency-Key" = Option<String>, Header, description = "The same key with the same body answers with the first delivery, with another body 422"),
        ("Content-Digest" = Option<String>, Header, description = "RFC 9530, `sha-256=:...:` over the bytes as sent"),
        ("Content-Encoding" = Option<String>, Header, description = "`gzip` or `zstd`"),
        ("Hub-As-Of" = Option<String>, Header, description = "Which state of the world the delivery tells, for feeds that want it here: RFC 3339 or a date"),
        ("Hub-Sequence" = Option<i64>, Header, description = "The sender's number within that moment"),
        ("Hub-Total" = Option<i64>, Header, description = "How many rows there are; text and JSON lines need it where they hold none themselves"),
        ("Hub-File-Name" = Option<String>, Header, description = "The file's name, percent-encoded UTF-8")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 202, body = Delivery, description = "Accepted; follow it at `Location`"),
        (status = 200, body = Delivery, description = "The same thing came before: the first delivery. With `dry_run`, what would happen (`DryRun`)"),
        (status = 422, body = super::problem::Problem, description = "The Idempotency-Key came before with another body"),
        (status = 507, body = super::problem::Problem, description = "Storage is full; nothing was accepted")))]
pub async fn deliver(
    hub: web::Data<Hub>,
    caller: Caller,
    path: web::Path<(String, String)>,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer<HttpResponse> {
    let feed = feed_of(&hub, &caller, &path)?;
    let sending = web::Query::<Sending>::from_query(request.query_string()).map_err(|_| query_unknown())?;
    let arrival = upload::arrival(request.headers(), Arrival::new(&feed, "http", &caller.name))?;
    if sending.is_dry() {
        let run: DryRun = upload::received(payload, move |body| dry_run(&hub, &arrival, Box::new(body))).await?;
        return Ok(HttpResponse::Ok().json(run));
    }
    let landed = upload::received(payload, move |body| land(&hub, &arrival, Box::new(body))).await?;
    let (mut answer, row) = match landed {
        Landed::New(row) => (HttpResponse::Accepted(), row),
        Landed::Same(row) => (HttpResponse::Ok(), row),
    };
    Ok(answer.insert_header((header::LOCATION, format!("/v1/deliveries/{}", row.id))).json(Delivery::from(row)))
}

/// What records sent one by one came to.
#[derive(Debug, Serialize, ToSchema)]
pub struct Recorded {
    /// The delivery they became.
    delivery: Delivery,
    /// One outcome for each record, in their order.
    records: Vec<RecordOutcome>,
}

/// Sends up to 1,000 records of a delta feed and waits for what becomes of each.
#[utoipa::path(post, path = "/v1/feeds/{department}/{feed}/records", tag = "in",
    params(("department" = String, Path), ("feed" = String, Path),
        ("Idempotency-Key" = Option<String>, Header), ("Content-Digest" = Option<String>, Header),
        ("Hub-As-Of" = Option<String>, Header, description = "Now, where it is not given")),
    request_body(content = Vec<Object>, description = "The feed's columns by name, at most 16 MiB"),
    responses((status = 200, body = Recorded), (status = 409, body = super::problem::Problem, description = "The feed sends snapshots")))]
pub async fn record(
    hub: web::Data<Hub>,
    caller: Caller,
    path: web::Path<(String, String)>,
    request: HttpRequest,
    payload: web::Payload,
) -> Answer<web::Json<Recorded>> {
    let feed = feed_of(&hub, &caller, &path)?;
    if hub.feed(&feed)?.spec.mode == Mode::Snapshot {
        let (en, zh) = (
            "this feed sends snapshots; records one by one would not say what has ended",
            "该数据源为全量模式，不接受逐条提交。",
        );
        return Err(Failure::new(Kind::Conflict, "snapshot-feed", en, zh));
    }
    let arrival = upload::arrival(request.headers(), Arrival::new(&feed, "records", &caller.name))?;
    let sent = upload::whole(payload, RECORDS).await?;
    let (row, records) = blocking(&hub, move |hub| {
        let (arrival, body) = upload::unpacked(arrival, sent, RECORDS)?;
        records(hub, &arrival, body)
    })
    .await?;
    Ok(web::Json(Recorded { delivery: row.into(), records }))
}

/// Which deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Only of this feed.
    feed: Option<String>,
    /// Only in this state: `landed`, `ready`, `held`, `refused`, `applied`.
    state: Option<String>,
    /// 1 to 1,000; 100 without it.
    limit: Option<i64>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Deliveries, newest first.
#[utoipa::path(get, path = "/v1/deliveries", tag = "deliveries", params(Wanted), responses((status = 200, body = Page<Delivery>)))]
pub async fn list(
    hub: web::Data<Hub>,
    caller: Caller,
    wanted: web::Query<Wanted>,
) -> Answer<web::Json<Page<Delivery>>> {
    let department = caller.department()?.map(str::to_owned);
    let wanted = wanted.into_inner();
    let most = limit(wanted.limit)?;
    let before = after(wanted.cursor.as_deref())?;
    let filter = delivery::Filter { feed: wanted.feed, state: wanted.state, department, before, limit: most + 1 };
    let rows = blocking(&hub, move |hub| hub.db.read(|conn| delivery::list(conn, &filter))).await?;
    Ok(web::Json(Page::cut(rows, most, |row| row.id.clone()).map(Delivery::from)))
}

/// A delivery the caller may see.
pub async fn found(hub: &web::Data<Hub>, caller: &Caller, id: String) -> Answer<Row> {
    caller.department()?;
    let row = blocking(hub, move |hub| hub.db.read(|conn| delivery::get(conn, &id))).await?;
    let missing =
        || Error::new(Kind::NotFound, "there is no such delivery").coded("delivery-unknown", "没有这个交付批次。");
    caller.feed(&row.feed, missing)?;
    Ok(row)
}

/// One delivery: its state, its counts and why it is held or refused.
#[utoipa::path(get, path = "/v1/deliveries/{id}", tag = "deliveries", params(("id" = String, Path)),
    responses((status = 200, body = Delivery), (status = 404, body = super::problem::Problem)))]
pub async fn get(hub: web::Data<Hub>, caller: Caller, id: web::Path<String>) -> Answer<web::Json<Delivery>> {
    Ok(web::Json(found(&hub, &caller, id.into_inner()).await?.into()))
}

/// Lets a held delivery be applied all the same.
#[utoipa::path(post, path = "/v1/deliveries/{id}/release", tag = "deliveries", params(("id" = String, Path)),
    responses((status = 200, body = Delivery), (status = 409, body = super::problem::Problem, description = "It is not held, or nobody may release it")))]
pub async fn release(hub: web::Data<Hub>, caller: Caller, id: web::Path<String>) -> Answer<web::Json<Delivery>> {
    caller.administrator()?;
    let row = blocking(&hub, move |hub| decide::release(hub, &id, &caller.name)).await?;
    Ok(web::Json(row.into()))
}

/// Ends a held delivery: nothing of it is ever applied.
#[utoipa::path(post, path = "/v1/deliveries/{id}/refuse", tag = "deliveries", params(("id" = String, Path)),
    responses((status = 200, body = Delivery), (status = 409, body = super::problem::Problem, description = "It is not held")))]
pub async fn refuse(hub: web::Data<Hub>, caller: Caller, id: web::Path<String>) -> Answer<web::Json<Delivery>> {
    caller.administrator()?;
    let row = blocking(&hub, move |hub| decide::refuse(hub, &id, &caller.name)).await?;
    Ok(web::Json(row.into()))
}
