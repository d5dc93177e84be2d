//! Changes by cursor, by long-poll and as server-sent events: each at least once, under an id that stays.
//!
//! A cursor is an event's id: the epoch of the store and a `seq`. One of another epoch, or ahead of the store, is
//! answered 410 with the way to begin again: never with silence.

use std::time::Duration;

use actix_web::http::header;
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use utoipa::{IntoParams, ToSchema};

use super::auth::Caller;
use super::export::{self, Export};
use super::extract::{blocking, cursor_fault, limit, query_fault};
use super::problem::{Answer, Failure};
use crate::access::Standing;
use crate::error::{Error, Kind, Result};
use crate::hub::Hub;
use crate::leaving::{self, Event, Record, Scope};
use crate::store::{entity, foundation};
use crate::time;

/// How often somebody who waits is looked after, for what another process has written.
const LOOK: Duration = Duration::from_millis(250);
/// Longest wait of a long-poll, in seconds.
const LONGEST_WAIT: u64 = 60;
/// A stream says at least so often that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// A stream ends after this; its reader comes again with `Last-Event-ID`.
const STREAM: Duration = Duration::from_secs(600);
/// Pages looked through for one answer, where most of it is out of scope.
const PAGES: usize = 20;

/// The changes after a cursor are not all kept.
const PRUNED: (&str, &str, &str) = (
    "cursor-pruned",
    "the changes after this cursor are older than keep.versions_days and are not all kept",
    "该游标之后的变更已超过 keep.versions_days 保留期。",
);

/// One change as the caller is told it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Change {
    /// Stable: who gets it twice knows by it. It is a cursor too.
    id: String,
    /// Its place among all changes.
    seq: i64,
    /// When it was made.
    at: String,
    /// `resident` or `household`.
    kind: String,
    /// The entity's id.
    entity: String,
    /// The entity's version.
    version: i64,
    /// `added` (it came into sight), `changed`, or `removed` (it ended or went out of sight).
    operation: &'static str,
    /// The full record the caller may see; absent where it was removed.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Record>,
    /// Of a resident who was removed because they are the same person as another: the other's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    merged_into: Option<String>,
}

/// Changes of events, in their order.
pub(super) fn told(events: Vec<Event>) -> impl Iterator<Item = Change> {
    // All changes of a transaction have one moment.
    let mut moment = (i64::MIN, String::new());
    events.into_iter().map(move |event| {
        if moment.0 != event.at {
            moment = (event.at, time::text(event.at));
        }
        Change {
            id: event.id,
            seq: event.seq,
            at: moment.1.clone(),
            kind: event.kind,
            entity: event.entity.to_string(),
            version: event.version,
            operation: event.operation.text(),
            data: event.data,
            merged_into: event.merged_into.map(|id| id.to_string()),
        }
    })
}

/// A page of changes.
#[derive(Debug, Serialize, ToSchema)]
pub struct Changes {
    /// In their order.
    items: Vec<Change>,
    /// Where to go on, also when there is nothing now.
    next: String,
    /// Whether more is there already.
    more: bool,
}

/// Which changes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// `next` of the answer before, or the id of a change; from the beginning without it; `now` for what comes from now on.
    after: Option<String>,
    /// 1 to 1,000; 100 without it.
    limit: Option<i64>,
    /// Seconds to wait, at most 60, while there is nothing.
    wait: Option<u64>,
}

/// Changes after a cursor. With `Accept: text/event-stream` they come as server-sent events for as long as the reader
/// stays; with `Accept: application/x-ndjson` all there are come at once, one a line, without `limit` and `wait`, and the
/// header `Hub-Cursor` says where to go on.
#[utoipa::path(get, path = "/v1/changes", tag = "out", params(Wanted, ("Last-Event-ID" = Option<String>, Header)),
    responses((status = 200, content((Changes = "application/json"), (Change = "application/x-ndjson"), (Change = "text/event-stream"))),
        (status = 410, body = super::problem::Problem,
        description = "The cursor is of another epoch, ahead of the store or older than what is kept: read all residents and households anew and go on with `cursor`")))]
pub async fn changes(
    hub: web::Data<Hub>,
    caller: Caller,
    wanted: web::Query<Wanted>,
    request: HttpRequest,
) -> Answer<HttpResponse> {
    let scope = caller.scope(&hub)?;
    let headers = request.headers();
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let most = limit(wanted.limit)?;
    let sent = header("last-event-id").or(wanted.after.as_deref()).map(str::to_owned);
    let reach = blocking(&hub, |hub| {
        hub.db.read(|conn| Ok(Reach { first: foundation::get(conn)?.pruned_seq, last: entity::last_seq(conn)? }))
    });
    let reach = reach.await?;
    let (after, last) = (position(&hub, sent.as_deref(), &reach)?, reach.last);
    if header(header::ACCEPT.as_str()).is_some_and(|accept| accept.contains("text/event-stream")) {
        return Ok(streamed(hub, scope, caller.token, (after, most)));
    }
    if export::is_wanted(headers) {
        if wanted.limit.is_some() || wanted.wait.is_some() {
            return Err(export::of_pages_only("limit, wait"));
        }
        return export::answer(hub, &caller, Export::Changes { scope, after, until: last, ahead: None }).await;
    }
    let until = Instant::now() + Duration::from_secs(waiting(&wanted)?);
    let mut bell = hub.db.bell().listen();
    let mut page = page(&hub, &scope, after, most).await?;
    while page.is_empty && Instant::now() < until {
        heard(&mut bell).await;
        page = self::page(&hub, &scope, page.position, most).await?;
    }
    Ok(HttpResponse::Ok().content_type("application/json").body(page.text))
}

/// Waits until the dataset has changed, or for as long as it may have changed unheard.
async fn heard(bell: &mut watch::Receiver<()>) {
    let _unheard = timeout(LOOK, bell.changed()).await;
}

fn waiting(wanted: &Wanted) -> Answer<u64> {
    let wait = wanted.wait.unwrap_or(0);
    if wait > LONGEST_WAIT {
        let en = format!("wait is at most {LONGEST_WAIT} seconds");
        return Err(query_fault(en, format!("wait 最多 {LONGEST_WAIT} 秒。")));
    }
    Ok(wait)
}

/// A page as it is answered.
struct Page {
    text: Vec<u8>,
    is_empty: bool,
    position: i64,
}

async fn page(hub: &web::Data<Hub>, scope: &Scope, after: i64, most: i64) -> Answer<Page> {
    let scope = scope.clone();
    let written = blocking(hub, move |hub| {
        let batch = batch(hub, &scope, after, most)?;
        let items: Vec<Change> = told(batch.events).collect();
        let (is_empty, more) = (items.is_empty(), batch.position < batch.last);
        let mut text = Vec::with_capacity(256 + (items.len() << 10));
        serde_json::to_writer(&mut text, &Changes { items, next: cursor(hub, batch.position), more })
            .map_err(|error| Error::new(Kind::Internal, "writing a page").because(error))?;
        Ok(Page { text, is_empty, position: batch.position })
    });
    written.await
}

fn cursor(hub: &Hub, seq: i64) -> String {
    format!("{}-{seq}", hub.epoch)
}

/// Between which `seq`s a cursor is valid.
#[derive(Debug, Clone, Copy)]
struct Reach {
    /// What came up to here may have been pruned.
    first: i64,
    /// The last one of the store.
    last: i64,
}

/// The `seq` a cursor stands at.
fn position(hub: &Hub, sent: Option<&str>, &Reach { first, last }: &Reach) -> Answer<i64> {
    let (epoch, seq) = match sent {
        None | Some("" | "0") => (hub.epoch.as_str(), "0"),
        Some("now") => return Ok(last),
        Some(text) => text.rsplit_once('-').ok_or_else(cursor_fault)?,
    };
    let seq = seq.parse::<i64>().ok().filter(|seq| *seq >= 0).ok_or_else(cursor_fault)?;
    let (code, en, zh) = if epoch != hub.epoch {
        (
            "epoch-changed",
            "the cursor is of another epoch of the store",
            "游标属于数据库的另一个时期（可能已恢复备份）。",
        )
    } else if seq > last {
        ("cursor-ahead", "the cursor is ahead of the store", "游标超前于数据库。")
    } else if seq < first {
        PRUNED
    } else {
        return Ok(seq);
    };
    let failure = Failure::new(Kind::Gone, code, en, zh);
    let way =
        "read /v1/residents and /v1/households anew, page by page, then go on with /v1/changes?after= and this cursor";
    Err(failure.with("cursor", &cursor(hub, last)).with("resync", &way))
}

/// What was read after a position.
struct Batch {
    events: Vec<Event>,
    /// Up to where.
    position: i64,
    /// The last `seq` of the store.
    last: i64,
}

async fn read(hub: &web::Data<Hub>, scope: &Scope, after: i64, most: i64) -> Answer<Batch> {
    let scope = scope.clone();
    blocking(hub, move |hub| batch(hub, &scope, after, most)).await
}

/// The next events after a position; goes on over what is out of scope until there is one, the end, or enough was read.
fn batch(hub: &Hub, scope: &Scope, after: i64, most: i64) -> Result<Batch> {
    hub.db.read(|conn| {
        if after < foundation::get(conn)?.pruned_seq {
            let (code, en, zh) = PRUNED;
            return Err(Error::new(Kind::Gone, en).coded(code, zh));
        }
        let mut batch = Batch { events: Vec::new(), position: after, last: entity::last_seq(conn)? };
        for _ in 0..PAGES {
            let versions = entity::changes(conn, batch.position, most)?;
            let Some(last) = versions.last() else { break };
            batch.position = last.seq;
            batch.events = leaving::events(conn, &hub.keyring, &hub.epoch, scope, &versions)?;
            if !batch.events.is_empty() {
                break;
            }
        }
        Ok(batch)
    })
}

struct Reader {
    hub: web::Data<Hub>,
    scope: Scope,
    token: Standing,
    after: i64,
    most: i64,
    ends: Instant,
    bell: watch::Receiver<()>,
}

fn streamed(hub: web::Data<Hub>, scope: Scope, token: String, (after, most): (i64, i64)) -> HttpResponse {
    let (token, ends) = (Standing::of(token), Instant::now() + STREAM);
    let bell = hub.db.bell().listen();
    let reader = Reader { hub, scope, token, after, most, ends, bell };
    let pieces = stream::unfold(reader, |mut reader| async move {
        let piece = reader.next_piece().await?;
        Some((piece, reader))
    });
    HttpResponse::Ok()
        .content_type("text/event-stream; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // Compression would keep an event back until more of them fill a block.
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .streaming(pieces)
}

impl Reader {
    /// A stream is longer than a revocation may take: it ends when its reader's token has ended.
    async fn may_go_on(&mut self) -> bool {
        if self.token.is_fresh() {
            return true;
        }
        let mut token = self.token.clone();
        let looked = blocking(&self.hub, move |hub| Ok((token.holds(hub)?, token))).await;
        let Ok((holds, token)) = looked else { return false };
        self.token = token;
        holds
    }

    /// Events as soon as there are some, else a sign of life; nothing more after the stream's time.
    async fn next_piece(&mut self) -> Option<Result<Bytes, std::io::Error>> {
        let heartbeat = Instant::now() + HEARTBEAT;
        while Instant::now() < self.ends && self.may_go_on().await {
            let batch = match read(&self.hub, &self.scope, self.after, self.most).await {
                Ok(batch) => batch,
                Err(failure) => return Some(Err(std::io::Error::other(failure.to_string()))),
            };
            let moved = batch.position > self.after;
            self.after = batch.position;
            if !batch.events.is_empty() {
                return Some(Ok(told(batch.events).map(sent).collect::<String>().into()));
            }
            if moved {
                // An id without data moves the reader's Last-Event-ID and wakes nobody.
                return Some(Ok(format!("id: {}\n\n", cursor(&self.hub, self.after)).into()));
            }
            if Instant::now() >= heartbeat {
                return Some(Ok(Bytes::from_static(b":\n\n")));
            }
            heard(&mut self.bell).await;
        }
        None
    }
}

fn sent(change: Change) -> String {
    let data = serde_json::to_string(&change).unwrap_or_default();
    format!("id: {}\nevent: {}\ndata: {data}\n\n", change.id, change.operation)
}
