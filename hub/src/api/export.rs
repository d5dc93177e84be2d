//! Whole scopes as NDJSON, one object a line: all residents or households as of one `seq`, or all changes up to one.
//!
//! Read page by page, one page ahead of who reads the answer: memory does not grow with it, and between two pages no
//! connection to the store is held. An answer that breaks off is cut, never ended: the client sees that it is not whole.
//! What leaves is asked of `leaving`, as everywhere.

use std::thread;

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::{self, Bytes};
use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use tokio::task::{JoinHandle, spawn_blocking};

use super::auth::Caller;
use super::changes;
use super::extract::query_fault;
use super::problem::{Answer, Failure};
use super::residents::Entity;
use crate::access::Standing;
use crate::error::{Error, Kind, Result};
use crate::hub::Hub;
use crate::leaving::{self, Scope};
use crate::store::Conn;
use crate::store::entity::{self, Version};

/// The media type.
pub const NDJSON: &str = "application/x-ndjson";
/// Names the `seq` an export is as of: `/v1/changes?after=` goes on from there.
pub const CURSOR: &str = "Hub-Cursor";
/// Entities or changes that are read at once.
const PAGE: i64 = 1_000;

/// Whether NDJSON is asked for.
pub fn is_wanted(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.split(',').any(|media| media.split(';').next().is_some_and(|media| media.trim() == NDJSON))
}

/// A parameter that only pages have.
pub fn of_pages_only(names: &str) -> Failure {
    query_fault(
        format!("{names}: only pages have that, NDJSON is whole"),
        format!("NDJSON 为整体输出，不支持 {names}。"),
    )
}

/// What is exported, and how far it is.
pub enum Export {
    /// Residents or households as of a `seq`.
    Entities {
        /// Whose eyes.
        scope: Scope,
        /// Which of them; `after` moves on.
        filter: entity::Filter,
        /// As of when.
        seq: i64,
    },
    /// Changes.
    Changes {
        /// Whose eyes.
        scope: Scope,
        /// After this `seq`; moves on.
        after: i64,
        /// Up to this one.
        until: i64,
        /// The versions after it, if they have been read already.
        ahead: Option<Vec<Version>>,
    },
}

impl Export {
    /// Lines of the next page, and whether there is another.
    fn page(&mut self, hub: &Hub) -> Result<(Vec<u8>, bool)> {
        let mut lines = Vec::new();
        match self {
            Self::Entities { scope, filter, seq } => {
                if filter.communities.as_ref().is_some_and(Vec::is_empty) {
                    return Ok((lines, false));
                }
                filter.limit = PAGE;
                let read = hub.db.read(|conn| leaving::as_of(conn, &hub.keyring, scope, (*seq, filter)));
                let (page, next) = read?;
                for (version, record) in page {
                    line(&mut lines, &Entity::of(&version, record)?)?;
                }
                let more = next.is_some();
                filter.after = next.unwrap_or_default();
                Ok((lines, more))
            }
            Self::Changes { scope, after, until, ahead } => {
                let versions = match ahead.take() {
                    Some(versions) => versions,
                    None => between(hub, *after, *until)?,
                };
                *after = versions.last().map_or(*until, |version| version.seq);
                // What a change says does not depend on when it is read: the next ones are fetched while these are written.
                thread::scope(|threads| {
                    let next = (*after < *until).then(|| threads.spawn(|| between(hub, *after, *until)));
                    let read = |conn: &mut Conn| leaving::events(conn, &hub.keyring, &hub.epoch, scope, &versions);
                    let events = hub.db.read(read)?;
                    lines.reserve(events.len() * 1_280);
                    for change in changes::told(events) {
                        line(&mut lines, &change)?;
                    }
                    // What could not be read ahead is read when its turn comes, and its fault told then.
                    *ahead = next.and_then(|next| next.join().ok()).and_then(Result::ok);
                    Ok((lines, *after < *until))
                })
            }
        }
    }
}

/// The next versions after a `seq`, up to another.
fn between(hub: &Hub, after: i64, until: i64) -> Result<Vec<Version>> {
    let mut versions = hub.db.read(|conn| entity::changes(conn, after, PAGE))?;
    versions.retain(|version| version.seq <= until);
    Ok(versions)
}

fn line<T: Serialize>(lines: &mut Vec<u8>, value: &T) -> Result<()> {
    let failed = |error| Error::new(Kind::Internal, "writing a line").because(error);
    serde_json::to_writer(&mut *lines, value).map_err(failed)?;
    lines.push(b'\n');
    Ok(())
}

/// An export under way.
struct Reading {
    hub: web::Data<Hub>,
    token: Standing,
    export: Export,
}

type Page = Result<(Reading, Vec<u8>, bool)>;

impl Reading {
    /// Reads the next page where it may block. Somebody whose token has been revoked meanwhile gets no more.
    fn go_on(mut self) -> JoinHandle<Page> {
        spawn_blocking(move || {
            if !self.token.holds(&self.hub)? {
                return Err(Error::new(Kind::Unauthorized, "the token has been revoked"));
            }
            let (lines, more) = self.export.page(&self.hub)?;
            Ok((self, lines, more))
        })
    }
}

/// Answers with the export; a fault on its first page is told as a problem.
pub async fn answer(hub: web::Data<Hub>, caller: &Caller, export: Export) -> Answer<HttpResponse> {
    let seq = match &export {
        Export::Entities { seq, .. } | Export::Changes { until: seq, .. } => *seq,
    };
    let cursor = format!("{}-{seq}", hub.epoch);
    let reading = Reading { hub, token: Standing::of(caller.token.clone()), export };
    let (first, next) = followed(reading.go_on().await)?;
    let rest = stream::unfold(next, |next| async move {
        match followed(next?.await) {
            Ok((lines, next)) => Some((Ok(lines), next)),
            Err(failure) => Some((Err(std::io::Error::other(failure.to_string())), None)),
        }
    });
    let pieces = stream::once(std::future::ready(Ok(first))).chain(rest);
    Ok(HttpResponse::Ok()
        .content_type(NDJSON)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((CURSOR, cursor))
        .streaming(pieces))
}

/// A page that was read, with the one after it already under way.
fn followed(read: std::result::Result<Page, tokio::task::JoinError>) -> Answer<(Bytes, Option<JoinHandle<Page>>)> {
    let broken = |error| Error::new(Kind::Internal, "the work of a request broke off").because(error);
    let (reading, lines, more) = read.map_err(broken)??;
    Ok((lines.into(), more.then(|| reading.go_on())))
}
